//! The Lambda runtime API: cargo-lambda's emulator, and before it a proxy that does what the
//! emulator leaves out. It gives every invocation the deadline 1970-01-01T00:10 and the ARN
//! `function-arn`.

use std::{
    fs,
    net::SocketAddr,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use super::{
    REGION,
    guard::{Guarded, free_address},
    loopback::{Forward, Lost, Server, serve},
    now,
    python::program,
};

/// The emulator looks at the manifest of the folder that it is started in.
const MANIFEST: &str = "[package]\nname = \"function\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";

/// The runtime API for one function.
#[derive(Debug)]
pub struct RuntimeApi {
    emulator: SocketAddr,
    proxy: Server,
    /// Invocations that were asked for, and those that a process has taken.
    asked: AtomicUsize,
    taken: Arc<AtomicUsize>,
    _process: Guarded,
    _folder: TempDir,
}

impl RuntimeApi {
    /// Every invocation may take `timeout`.
    pub async fn start(name: &str, timeout: Arc<Mutex<Duration>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("Cargo.toml"), MANIFEST).unwrap();
        fs::write(folder.path().join("src/main.rs"), "fn main() {}\n").unwrap();
        let (emulator, process) = emulator(&folder);
        let taken = Arc::<AtomicUsize>::default();
        let proxy = proxy(emulator, name, timeout, Arc::clone(&taken)).await;
        Self { emulator, proxy, asked: AtomicUsize::new(0), taken, _process: process, _folder: folder }
    }

    /// `AWS_LAMBDA_RUNTIME_API`
    pub fn address(&self) -> SocketAddr {
        self.proxy.address
    }

    /// Whether an invocation stands in it that nobody waits for any more: the next process would get
    /// it.
    pub fn is_stale(&self) -> bool {
        self.asked.load(Ordering::SeqCst) != self.taken.load(Ordering::SeqCst)
    }

    /// The status and body that the function answers with; waits for ever where there is none.
    pub async fn invoke(&self, event: &Value) -> Result<(StatusCode, Bytes), Lost> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let request = Request::post("/2015-03-31/functions/_/invocations")
            .body(Bytes::from(event.to_string()))
            .unwrap();
        let answer = Forward::to(format!("http://{}", self.emulator)).send(request).await?;
        Ok((answer.status(), answer.into_body()))
    }
}

fn emulator(folder: &TempDir) -> (SocketAddr, Guarded) {
    let log = folder.path().join("log");
    for _ in 0..3 {
        let address = free_address();
        let mut command = Command::new(program("cargo-lambda"));
        command.args(["lambda", "watch", "--only-lambda-apis", "--ignore-changes", "-A", "127.0.0.1", "-P"]);
        command.arg(address.port().to_string()).current_dir(folder);
        let mut process = Guarded::start(&command, &log);
        // Saying anything would be an invocation.
        if process.listens(address, b"") {
            return (address, process);
        }
    }
    panic!("cargo-lambda does not start: {}", fs::read_to_string(log).unwrap_or_default());
}

async fn proxy(
    emulator: SocketAddr,
    name: &str,
    timeout: Arc<Mutex<Duration>>,
    taken: Arc<AtomicUsize>,
) -> Server {
    let emulator = Forward::to(format!("http://{emulator}/.rt"));
    let arn =
        HeaderValue::from_str(&format!("arn:aws:lambda:{REGION}:000000000000:function:{name}")).unwrap();
    serve(move |request: Request<Bytes>| {
        let (emulator, arn) = (emulator.clone(), arn.clone());
        let (timeout, taken) = (Arc::clone(&timeout), Arc::clone(&taken));
        async move {
            let is_next = request.uri().path().ends_with("/invocation/next");
            let mut answer = emulator.send(request).await?;
            if is_next && answer.status() == StatusCode::OK {
                taken.fetch_add(1, Ordering::SeqCst);
                let deadline = now() + *timeout.lock().unwrap();
                let headers = answer.headers_mut();
                headers.insert("lambda-runtime-deadline-ms", deadline.as_millisecond().into());
                headers.insert("lambda-runtime-invoked-function-arn", arn);
            }
            Ok(answer)
        }
    })
    .await
}
