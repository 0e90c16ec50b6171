//! Runs many fault schedules on all cores: `cargo run --release -p faults -- 100000`.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use faults::{Run, Tally, kind, run};

/// Run fault schedules, and say which of them break an invariant.
#[derive(Parser)]
struct Args {
    /// How many schedules to run.
    #[arg(default_value_t = 5_000)]
    schedules: u64,
    /// The seed of the first schedule; the others count up from it.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Stop at the first schedule that breaks an invariant.
    #[arg(long)]
    first: bool,
    /// Print only how many violations there are of each kind.
    #[arg(long)]
    kinds: bool,
    /// Print what poll and drain log, for looking at one schedule.
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.trace {
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).init();
    }
    let begun = Instant::now();
    let (next, broken) = (AtomicU64::new(args.from), AtomicU64::new(0));
    let end = args.from + args.schedules;
    let kinds = Mutex::new(BTreeMap::<String, u64>::new());
    let one = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= end || args.first && broken.load(Relaxed) > 0 {
                return tally;
            }
            let begun = Instant::now();
            let run = run(seed);
            if begun.elapsed() > Duration::from_secs(10) {
                eprintln!("seed {seed} took {} s", begun.elapsed().as_secs());
            }
            tally += run.tally;
            if !run.violations.is_empty() {
                broken.fetch_add(1, Relaxed);
                let mut kinds = kinds.lock().expect("counting does not panic");
                for violation in &run.violations {
                    *kinds.entry(kind(violation).to_owned()).or_default() += 1;
                }
                report(&run, args.kinds);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let watch = scope.spawn(|| {
            while next.load(Relaxed) < end && !(args.first && broken.load(Relaxed) > 0) {
                std::thread::park_timeout(Duration::from_secs(10));
                let done = next.load(Relaxed).min(end) - args.from;
                eprintln!("{done} of {} after {} s", args.schedules, begun.elapsed().as_secs());
            }
        });
        for thread in all {
            tally += thread.join().expect("a schedule does not panic");
        }
        watch.thread().unpark();
    });
    let broken = broken.into_inner();
    let done = next.into_inner().min(end) - args.from;
    for (kind, count) in kinds.into_inner().expect("counting does not panic") {
        println!("{count:>8}  {kind}");
    }
    println!("{done} schedules in {:.0} s, {broken} broken; {tally:?}", begun.elapsed().as_secs_f64());
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(run: &Run, kinds_only: bool) {
    if kinds_only {
        return;
    }
    println!("seed {}:", run.seed);
    for violation in &run.violations {
        println!("  {violation}");
    }
}
