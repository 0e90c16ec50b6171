//! The binary is killed (SIGKILL) at many points of a run and started again: the end is the same.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    process::{Child, Stdio},
    sync::{Arc, Mutex},
};

use crate::support::World;

/// Requests that every start makes before it handles anybody, about.
const START: usize = 10;

/// Kills the child once so many requests have been made since it was started.
#[derive(Default)]
struct Trap {
    child: Option<Child>,
    at: usize,
}

fn killed_all_the_time(seed: u64) {
    let world = World::new(40, seed);
    let trap: Arc<Mutex<Trap>> = Arc::default();
    let sprung = Arc::clone(&trap);
    world.tenant.on_request(move |entry| {
        let mut trap = sprung.lock().unwrap();
        if entry.seq >= trap.at
            && let Some(child) = &mut trap.child
        {
            let _ = child.kill();
        }
    });
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut kills = 0;
    for round in 0..200 {
        // Every third life is short, so that the start itself is cut, too.
        let life = if round % 3 == 0 { rng.usize(1..START + 6) } else { START + rng.usize(2..30) };
        let mut guard = trap.lock().unwrap();
        guard.at = world.tenant.journal().len() + life;
        let mut command = world.command(&["run", "--mode", "enforce", "--yes", "--format", "json"]);
        guard.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        drop(guard);
        // The child is waited for without holding the lock that its killer needs.
        let status = loop {
            std::thread::sleep(std::time::Duration::from_millis(5));
            if let Some(status) = trap.lock().unwrap().child.as_mut().unwrap().try_wait().unwrap() {
                break status;
            }
        };
        if status.code().is_some() {
            break;
        }
        kills += 1;
    }
    trap.lock().unwrap().at = usize::MAX;
    world.run(&["run", "--mode", "enforce", "--yes"]);
    assert!(kills >= 15, "only {kills} kills");
    world.assert_safe();
    world.assert_as_expected();
}

#[test]
fn a_run_that_is_killed_all_the_time_loses_nobody_and_rolls_nobody_back_twice() {
    killed_all_the_time(21);
}

#[test]
fn and_so_does_another() {
    killed_all_the_time(22);
}
