//! What `docs/invariants.md` promises holds in every schedule of faults. `cargo run --release -p faults -- 100000`
//! runs more of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use faults::{Run, Tally, run};

/// Enough to catch every deliberate fault of `mutations.py`.
const SCHEDULES: u64 = 2_500;

#[test]
fn no_schedule_breaks_an_invariant() {
    let next = AtomicU64::new(0);
    let one = || {
        let (mut tally, mut broken) = (Tally::default(), Vec::new());
        while let seed @ 0..SCHEDULES = next.fetch_add(1, Relaxed) {
            let run = run(seed);
            tally += run.tally;
            if !run.violations.is_empty() {
                broken.push(run);
            }
        }
        (tally, broken)
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (mut tally, mut broken) = (Tally::default(), Vec::<Run>::new());
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        for thread in all {
            let (its_tally, its_broken) = thread.join().expect("panics are caught");
            tally += its_tally;
            broken.extend(its_broken);
        }
    });
    assert!(broken.is_empty(), "{} of {SCHEDULES} schedules: {broken:#?}", broken.len());
    // Otherwise the schedules would prove little.
    let Tally { ended, killed, frozen, deleted, lost, .. } = tally;
    assert!(ended > 10 * SCHEDULES && killed > SCHEDULES && frozen > SCHEDULES, "{tally:?}");
    assert!(deleted > 2 * SCHEDULES && lost > 0, "{tally:?}");
}

#[test]
fn a_schedule_replays_exactly() {
    for seed in 0..20 {
        let (first, again) = (run(seed), run(seed));
        assert_eq!((first.digest, first.tally), (again.digest, again.tally), "seed {seed}");
    }
}
