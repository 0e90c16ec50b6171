//! Python programs, in virtual environments that are made once for each version of what is in them, and
//! shared by all test processes of this user.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use sha2::{Digest, Sha256};

/// A virtual environment: its name, and what is in it.
struct Environment {
    name: &'static str,
    requirements: &'static str,
    folder: OnceLock<PathBuf>,
}

/// The doubles of AWS.
static DOUBLES: Environment = Environment::new("doubles", "requirements.txt");

/// What makes up requests.
static SCHEMATHESIS: Environment = Environment::new("schemathesis", "requirements-schemathesis.txt");

/// The interpreter of the doubles.
pub fn python() -> PathBuf {
    program("python")
}

/// A program of the doubles.
pub fn program(name: &str) -> PathBuf {
    DOUBLES.program(name)
}

/// The program that makes up requests from a description.
pub fn schemathesis() -> PathBuf {
    SCHEMATHESIS.program("schemathesis")
}

impl Environment {
    const fn new(name: &'static str, requirements: &'static str) -> Self {
        Self { name, requirements, folder: OnceLock::new() }
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.get_or_init(|| self.made()).join("bin").join(name)
    }

    fn made(&self) -> PathBuf {
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(self.requirements);
        let cache = cache().join("mfa-rollback");
        fs::create_dir_all(&cache).unwrap();
        let hash = Sha256::digest(fs::read(&requirements).unwrap());
        let hash = format!("{:016x}", u64::from_be_bytes(hash[..8].try_into().unwrap()));
        let folder = cache.join(format!("{}-{hash}", self.name));
        let complete = folder.join("complete");
        if !complete.exists() {
            // Several test processes may get here at once. The lock goes with its process.
            let lock = File::create(cache.join(format!("{}-{hash}.lock", self.name))).unwrap();
            lock.lock().unwrap();
            if !complete.exists() {
                make(&folder, &requirements);
                File::create(complete).unwrap();
            }
        }
        folder
    }
}

fn make(folder: &Path, requirements: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(folder));
    run(Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--no-deps", "--requirement"])
        .arg(requirements));
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
         and, once, a connection to PyPI for what tests/requirements*.txt name.\n{command:?} failed:\n{said}"
    );
}

fn cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("XDG_CACHE_HOME")
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .expect("HOME or XDG_CACHE_HOME is set")
}
