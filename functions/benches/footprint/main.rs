//! Measures a function next to a hello-world on the same runtime: the size of its zip, the time from its start to its
//! first request for work, a warm invocation with nothing to do, and its peak memory with a page of 1,000 events or a
//! batch of ten users; and what a user costs in requests to AWS. `bash benches/functions.sh`.

#![expect(clippy::unwrap_used, reason = "a benchmark ends where something is missing")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

mod requests;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    io::Read,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use requests::Bill;
use serde_json::{Value, json};
use support::{
    doubles::{Double, Service},
    lambda::Function,
    python::python,
    world::World,
};

const STARTS: usize = 51;
const WARM: usize = 25;
const BATCHES: usize = 10;
const POLL: &str = env!("CARGO_BIN_EXE_poll");
const DRAIN: &str = env!("CARGO_BIN_EXE_drain");

#[tokio::main]
async fn main() {
    // `cargo test --benches` and the like only check that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let hello = PathBuf::from(POLL).with_file_name("examples").join("hello");
    assert!(hello.exists(), "build it first: cargo build --release -p functions --example hello");
    let hello = hello.to_str().unwrap();
    let world = World::new(Service::shared(Double::Ministack), 1200, 1).await;
    let poll = world.function("poll", POLL, &[]);
    let drain = world.function("drain", DRAIN, &[("MODE", "enforce")]);
    let greeter = world.function("hello", hello, &[]);
    let bills = work(&world, &poll, &drain).await;

    let binaries = [("hello-world", hello), ("poll", POLL), ("drain", DRAIN)];
    // In turn, so that the machine's other work hits all of them alike.
    let mut starts: [Vec<Duration>; 3] = Default::default();
    for _ in 0..STARTS {
        for (times, (_, binary)) in starts.iter_mut().zip(binaries) {
            times.push(start(binary, &world.env));
        }
    }
    let mut warm: [Vec<Duration>; 3] = Default::default();
    for _ in 0..WARM {
        for (times, (function, event)) in warm.iter_mut().zip([
            (&greeter, json!({})),
            (&poll, json!({})),
            (&drain, json!({ "Records": [] })),
        ]) {
            times.push(invoke(function, &event).await);
        }
    }
    let [first_start, first_warm] = [&mut starts[0], &mut warm[0]].map(|times| median(times));
    println!("| Function | Zip | Start to first request | Warm, nothing to do | Resident |");
    println!("|---|---|---|---|---|");
    for (n, ((name, binary), function)) in binaries.into_iter().zip([&greeter, &poll, &drain]).enumerate() {
        let (cold, idle) = (median(&mut starts[n]), median(&mut warm[n]));
        println!(
            "| {name} | {:.2} MB | {:.1} ms, {:.2} x | {:.1} ms, {:.1} x | {:.1} MB |",
            zipped(binary) / 1e6,
            cold * 1e3,
            cold / first_start,
            idle * 1e3,
            idle / first_warm,
            function.peak_resident_bytes() as f64 / 1e6,
        );
    }
    println!(
        "\nMedians of {STARTS} starts and {WARM} invocations. Requests to AWS without the event source mapping's:\n"
    );
    println!(
        "| Work | how many | DynamoDB requests each | write units | read units | SQS requests each | in all |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (what, each, bill) in bills {
        bill.print(what, each);
    }
}

/// Polls, drains some batches, and polls again. Returns the bill of each, with how many there were.
async fn work(world: &World, poll: &Function, drain: &Function) -> [(&'static str, usize, Bill); 4] {
    let answer = poll.invoke(&json!({})).await.unwrap();
    let [events, candidates] =
        ["events_read", "candidates"].map(|it| usize::try_from(answer[it].as_u64().unwrap()).unwrap());
    let polled = world.proxy.calls();
    let mut users = 0;
    for _ in 0..BATCHES {
        let batch = world.mapping().receive().await;
        world.mapping().deliver(&batch, drain).await;
        users += batch.len();
    }
    let drained = world.proxy.calls();
    poll.invoke(&json!({})).await.unwrap();
    let again = world.proxy.calls();
    [
        ("poll, each event read", events, Bill::of(&polled, 0)),
        ("poll, each candidate", candidates, Bill::of(&polled, 0)),
        ("drain, each user", users, Bill::of(&drained, polled.len())),
        ("poll, nothing new", 1, Bill::of(&again, drained.len())),
    ]
}

/// The time of an invocation, through the runtime API's double.
async fn invoke(function: &Function, event: &Value) -> Duration {
    let began = Instant::now();
    function.invoke(event).await.unwrap();
    began.elapsed()
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
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
