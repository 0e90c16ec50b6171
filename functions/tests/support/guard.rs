//! Processes that never outlive whoever started them.

use std::{
    fs::File,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::python::python;

/// A program that is killed, with all that it started, when this is dropped, and also when this
/// process ends in any other way.
#[derive(Debug)]
pub struct Guarded {
    guard: Child,
}

impl Guarded {
    /// Starts it with the environment of `command`; what it writes goes to `log`.
    pub fn start(command: &Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut guard = Command::new(python());
        guard.args(["-I", "-S", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/guard.py")]);
        guard.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => guard.env(name, value),
                None => guard.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            guard.current_dir(folder);
        }
        let guard = guard
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("Python starts");
        Self { guard }
    }

    pub fn is_running(&mut self) -> bool {
        self.guard.try_wait().unwrap().is_none()
    }

    /// Waits until it takes connections; `false` where it ended instead, or took too long.
    pub fn listens(&mut self, address: SocketAddr, greeting: &[u8]) -> bool {
        let end = Instant::now() + Duration::from_mins(1);
        while self.is_running() && Instant::now() < end {
            if answers(address, greeting).unwrap_or(false) {
                return self.is_running();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Whether it connects and, where something is said, answers.
fn answers(address: SocketAddr, greeting: &[u8]) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(500))?;
    if greeting.is_empty() {
        return Ok(true);
    }
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(greeting)?;
    Ok(stream.read(&mut [0; 16])? > 0)
}

/// An address on loopback that nobody listens on.
pub fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
