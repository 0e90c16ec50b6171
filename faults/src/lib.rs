//! Randomised fault schedules: poll and drain on their real code paths against the simulated tenant, on one
//! thread and in simulated time. Everything that goes wrong follows from one seed: processes that die at any
//! I/O or stand still, a tenant that throttles, fails and loses answers, a ledger that does the same, clocks
//! that differ, messages lost, repeated and reordered, people who change things in the middle. Each DELETE is
//! checked against the invariants when it is sent, and everything again once it has come to rest.

mod about;
mod ambush;
mod change;
mod deeds;
mod end;
mod judge;
mod ledger;
mod machine;
mod network;
mod panics;
mod person;
mod plans;
mod rest;
mod review;
mod runs;
mod steps;
mod watch;
mod world;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use mfa_rollback::sqlite::Database;
use shared::{clock::Clock, ledger::Store};

pub use world::Tally;
use world::World;

/// Returns the kind of a violation: its text without time, person and method.
pub fn kind(violation: &str) -> &str {
    let what = violation.split_once("Z: ").map_or(violation, |(_, what)| what);
    what.split_once(": ").map_or(what, |(kind, _)| kind)
}

/// What became of one schedule.
#[derive(Debug)]
pub struct Run {
    /// The seed that it was run with.
    pub seed: u64,
    /// The invariants that did not hold; empty if all went well.
    pub violations: Vec<String>,
    /// A digest of every request that the tenant saw: the same seed has the same one.
    pub digest: u64,
    /// What happened, to be summed over many runs.
    pub tally: Tally,
}

/// Runs the schedule of `seed` with ledger and queue in `SQLite`.
pub fn run(seed: u64) -> Run {
    run_on(seed, |_, database| -> Arc<dyn Store> { database.clone() })
}

/// Does the same with another store, which must answer without waiting.
pub fn run_on(seed: u64, store: impl FnOnce(&Clock, &Arc<Database>) -> Arc<dyn Store>) -> Run {
    panics::notice();
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let local = tokio::task::LocalSet::new();
    let played = catch_unwind(AssertUnwindSafe(|| {
        local.block_on(&runtime, async {
            let world = Rc::new(World::new(seed, store));
            play(&world).await;
            Run { seed, violations: world.watch.violations(), digest: digest(&world), tally: world.tally() }
        })
    }));
    let nothing = |_| Run { seed, violations: Vec::new(), digest: 0, tally: Tally::default() };
    let mut run = played.unwrap_or_else(nothing);
    run.violations.extend(panics::noticed());
    run
}

async fn play(world: &Rc<World>) {
    // The ledger exists before the first process starts.
    world.ledger().await;
    let deeds = world.rng.borrow_mut().usize(8..40);
    for _ in 0..deeds {
        world.deed().await;
        world.review().await;
        tokio::time::sleep(world.gap()).await;
    }
    world.calm_down().await;
    // Everything in progress ends: the longest lease, and the longest freeze.
    tokio::time::sleep(Duration::from_hours(3)).await;
    world.come_to_rest().await;
    world.check_the_end().await;
}

fn digest(world: &World) -> u64 {
    let mut digest = DefaultHasher::new();
    for entry in world.tenant.journal() {
        (entry.at, entry.method, entry.path, entry.status).hash(&mut digest);
    }
    digest.finish()
}
