//! Which processes are alive: each holds a locked file beside the ledger, and the system releases the lock
//! however the process ends.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

/// The processes that use one ledger.
pub(super) struct Owners {
    folder: PathBuf,
    own: String,
    _lock: File,
}

impl Owners {
    /// Registers this process under a new name, in a folder beside the ledger.
    pub(super) fn of(ledger: &Path) -> io::Result<Self> {
        let mut folder = ledger.as_os_str().to_owned();
        folder.push("-processes");
        let folder = PathBuf::from(folder);
        std::fs::create_dir_all(&folder)?;
        let own = Uuid::new_v4().to_string();
        // The file must be locked before it appears under its name.
        let unlocked = folder.join(format!("new-{own}"));
        let lock = File::create(&unlocked)?;
        lock.lock()?;
        std::fs::rename(&unlocked, folder.join(&own))?;
        Ok(Self { folder, own, _lock: lock })
    }

    /// The name of this process.
    pub(super) fn own(&self) -> &str {
        &self.own
    }

    /// Whether the process of that name is known to be dead. Returns `false` for a name that is not one of
    /// ours, such as a function's lease in a copied ledger.
    pub(super) fn is_dead(&self, name: &str) -> bool {
        if name == self.own || Uuid::try_parse(name).is_err() {
            return false;
        }
        let path = self.folder.join(name);
        match File::open(&path) {
            Ok(file) => match file.try_lock() {
                Ok(()) => {
                    // A dead process never comes back.
                    let _ = std::fs::remove_file(&path);
                    true
                }
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
            },
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}

impl Drop for Owners {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.folder.join(&self.own));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_dead_once_it_let_go_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("x.ledger");
        let first = Owners::of(&ledger).unwrap();
        let second = Owners::of(&ledger).unwrap();
        let name = first.own().to_owned();
        assert!(!second.is_dead(&name), "alive");
        assert!(!second.is_dead(second.own()));
        drop(first);
        assert!(second.is_dead(&name));
        assert!(!second.is_dead("2026/function/[1]abc"), "not a process of this machine");
    }
}
