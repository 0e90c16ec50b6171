//! The services that stand in for AWS's. Two, because they err in different places.

use std::{net::SocketAddr, process::Command, sync::OnceLock};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::Credentials;
use tempfile::TempDir;

use super::{
    REGION,
    guard::{Guarded, free_address},
    python::python,
};

const MINISTACK_IN_QUEUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/ministack_in_queue.py");
const MOTO_IN_TURN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/moto_in_turn.py");

/// Whose double.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Double {
    /// Right in what is known of `DynamoDB`; has `GetWebIdentityToken`.
    Ministack,
    /// Has Secrets Manager and SQS that err elsewhere.
    Moto,
}

/// A double that listens on loopback until this is dropped, or this process ends.
#[derive(Debug)]
pub struct Service {
    pub double: Double,
    address: SocketAddr,
    _process: Guarded,
    _folder: TempDir,
}

impl Service {
    pub fn start(double: Double) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        // Between choosing a port and listening on it somebody else may take it.
        for _ in 0..3 {
            let address = free_address();
            let mut process = Guarded::start(&command(double, address, &folder), &log);
            if process.listens(address, b"GET / HTTP/1.0\r\n\r\n") {
                return Self { double, address, _process: process, _folder: folder };
            }
        }
        panic!("{double:?} does not start: {}", std::fs::read_to_string(log).unwrap_or_default());
    }

    /// One for all tests of a process; they keep apart by the names of what they create.
    pub fn shared(double: Double) -> &'static Self {
        static MINISTACK: OnceLock<Service> = OnceLock::new();
        static MOTO: OnceLock<Service> = OnceLock::new();
        match double {
            Double::Ministack => &MINISTACK,
            Double::Moto => &MOTO,
        }
        .get_or_init(|| Self::start(double))
    }

    /// `http://127.0.0.1:port`
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn command(double: Double, address: SocketAddr, folder: &TempDir) -> Command {
    let port = address.port().to_string();
    let mut command;
    match double {
        Double::Ministack => {
            command = Command::new(python());
            command.env_clear().arg(MINISTACK_IN_QUEUE).envs([
                ("GATEWAY_PORT", port.as_str()),
                ("MINISTACK_HOST", "127.0.0.1"),
                ("BIND_HOST", "127.0.0.1"),
                ("MINISTACK_REGION", REGION),
                // Listeners on fixed ports.
                ("IOT_MTLS_ENABLED", "0"),
                ("SFTP_ENABLED", "0"),
                ("LOG_LEVEL", "WARNING"),
            ]);
        }
        Double::Moto => {
            command = Command::new(python());
            command.env_clear().args([MOTO_IN_TURN, "-H", "127.0.0.1", "-p", &port]);
        }
    }
    command.current_dir(folder).env("HOME", folder.path()).env("TMPDIR", folder.path());
    command
}

/// The environment of AWS's clients that are to speak to this endpoint.
pub fn aws_env(endpoint: &str) -> [(String, String); 4] {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// A configuration for the tests' own clients: `aws_sdk_sqs::Client::new(&config(endpoint).await)`.
pub async fn config(endpoint: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .load()
        .await
}
