//! The Python programs of `tests/requirements.txt`, in a virtual environment that is made once for
//! each version of that file and shared by all test processes of this user.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use sha2::{Digest, Sha256};

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/requirements.txt");

/// The interpreter of the environment.
pub fn python() -> PathBuf {
    program("python")
}

/// A program of the environment.
pub fn program(name: &str) -> PathBuf {
    static ENVIRONMENT: OnceLock<PathBuf> = OnceLock::new();
    ENVIRONMENT.get_or_init(environment).join("bin").join(name)
}

fn environment() -> PathBuf {
    let cache = cache().join("mfa-rollback");
    fs::create_dir_all(&cache).unwrap();
    let hash = Sha256::digest(fs::read(REQUIREMENTS).unwrap());
    let hash = format!("{:016x}", u64::from_be_bytes(hash[..8].try_into().unwrap()));
    let folder = cache.join(format!("doubles-{hash}"));
    let complete = folder.join("complete");
    if !complete.exists() {
        // Several test processes may get here at once. The lock goes with its process.
        let lock = File::create(cache.join(format!("doubles-{hash}.lock"))).unwrap();
        lock.lock().unwrap();
        if !complete.exists() {
            make(&folder);
            File::create(complete).unwrap();
        }
    }
    folder
}

fn make(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(folder));
    run(Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--no-deps", "--requirement", REQUIREMENTS]));
}

fn run(command: &mut Command) {
    let said = match command.output() {
        Ok(output) if output.status.success() => return,
        Ok(output) => {
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
        }
        Err(error) => error.to_string(),
    };
    panic!(
        "The tests of the functions need Python 3.11 or later with venv (Debian: python3 and python3-venv) \
         and, once, a connection to PyPI for tests/requirements.txt.\n{command:?} failed:\n{said}"
    );
}

fn cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("XDG_CACHE_HOME")
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .expect("HOME or XDG_CACHE_HOME is set")
}
