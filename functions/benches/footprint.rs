//! Measures a function: the size of its zip, the time from its start to its first request for work, and its
//! peak memory with a page of 1,000 events or a batch of ten users. `cargo bench -p functions`.

#![expect(clippy::unwrap_used, reason = "a benchmark ends where something is missing")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    io::Read,
    net::TcpListener,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use support::{
    doubles::{Double, Service},
    python::python,
    world::World,
};

const STARTS: usize = 25;
const FUNCTIONS: [(&str, &str); 2] =
    [("poll", env!("CARGO_BIN_EXE_poll")), ("drain", env!("CARGO_BIN_EXE_drain"))];

#[tokio::main]
async fn main() {
    // `cargo test --benches` and the like only check that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let world = World::new(Service::shared(Double::Ministack), 1200, 1).await;
    let poll = world.function("poll", FUNCTIONS[0].1, &[]);
    let drain = world.function("drain", FUNCTIONS[1].1, &[("MODE", "enforce")]);
    let answer = poll.invoke(&json!({})).await.unwrap();
    let batch = world.mapping().receive().await;
    world.mapping().deliver(&batch, &drain).await;

    println!("| Function | Zip | Start to first request | Resident | Work done |");
    println!("|---|---|---|---|---|");
    for ((name, binary), (function, work)) in FUNCTIONS.into_iter().zip([
        (&poll, format!("{} events", answer["events_read"])),
        (&drain, format!("{} users", batch.len())),
    ]) {
        let mut starts: Vec<Duration> = (0..STARTS).map(|_| start(binary, &world.env)).collect();
        starts.sort();
        println!(
            "| {name} | {:.2} MB | {:.1} ms (median of {STARTS}, from {:.1} to {:.1}) | {:.1} MB | {work} |",
            zipped(binary) / 1e6,
            starts[STARTS / 2].as_secs_f64() * 1e3,
            starts[0].as_secs_f64() * 1e3,
            starts[STARTS - 1].as_secs_f64() * 1e3,
            function.peak_resident_bytes() as f64 / 1e6,
        );
    }
}

/// The time from the process's start to its first request to the runtime API.
fn start(binary: &str, env: &BTreeMap<String, String>) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = Command::new(binary);
    command.env_clear().envs(env).stdout(Stdio::null()).envs([
        ("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string().as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "footprint"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ]);
    let began = Instant::now();
    let mut process = command.spawn().unwrap();
    let mut request = [0; 64];
    let (mut connection, _) = listener.accept().unwrap();
    let read = connection.read(&mut request).unwrap();
    let took = began.elapsed();
    assert!(String::from_utf8_lossy(&request[..read]).contains("/invocation/next"));
    process.kill().unwrap();
    process.wait().unwrap();
    took
}

/// Returns the size of the zip that Lambda is given, in bytes.
fn zipped(binary: &str) -> f64 {
    let script = "import io, sys, zipfile; out = io.BytesIO(); \
                  archive = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED); \
                  archive.write(sys.argv[1], 'bootstrap'); archive.close(); print(len(out.getvalue()))";
    let output = Command::new(python()).args(["-c", script, binary]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}
