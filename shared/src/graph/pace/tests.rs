//! What the control loop must reach against the model of a budget.

use std::time::Duration;

use super::model::{Budget, Load, Sent, play};

/// What 80 users need from authentication methods.
const EIGHTY_USERS: usize = 370;

const TWENTY: Budget = Budget::of(&[(0, 20)]);
const SIXTY: Budget = Budget::of(&[(0, 60)]);
const MANY: Budget = Budget::of(&[(0, 240)]);
const NONE: Budget = Budget::of(&[(0, usize::MAX)]);

fn load(requests: usize, seconds: u64, seed: u64) -> Load {
    let latency = (Duration::from_millis(20), Duration::from_millis(300));
    Load { begin: vec![0], requests, latency, ends: Duration::from_secs(seconds), seed }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// The requests sent from a moment on, and which part of them was refused.
fn from(sent: &[Sent], seconds: u64) -> (Vec<Sent>, f64) {
    let late: Vec<Sent> = sent.iter().filter(|s| s.at >= Duration::from_secs(seconds)).copied().collect();
    let refused = late.iter().filter(|s| !s.granted).count();
    let part = number(refused) / number(late.len());
    (late, part)
}

fn granted(sent: &[Sent], process: usize) -> f64 {
    number(sent.iter().filter(|s| s.granted && s.process == process).count())
}

#[test]
fn a_settled_pace_uses_nine_tenths_and_is_hardly_refused() {
    for (budget, most) in [(TWENTY, 20.0), (SIXTY, 60.0), (MANY, 240.0)] {
        for says_when in [true, false] {
            for seed in 0..4 {
                let (late, refused) =
                    from(&play(Budget { says_when, ..budget }, &load(usize::MAX / 2, 660, seed)), 60);
                let used = granted(&late, 0) / (60.0 * most);
                assert!(used >= 0.9, "{most} {says_when} {seed}: used {used}");
                assert!(refused < 0.01, "{most} {says_when} {seed}: refused {refused}");
            }
        }
    }
}

#[test]
fn a_cold_run_of_eighty_users_comes_near_the_floor() {
    for (budget, most) in [(TWENTY, 20.0), (SIXTY, 60.0)] {
        for says_when in [true, false] {
            for seed in 0..8 {
                let (sent, refused) =
                    from(&play(Budget { says_when, ..budget }, &load(EIGHTY_USERS, 900, seed)), 0);
                let took = sent.iter().map(|s| s.at).max().unwrap().as_secs_f64();
                let floor = number(EIGHTY_USERS) / most * 10.0;
                assert!(took <= 1.3 * floor, "{most} {says_when} {seed}: {took} s, floor {floor} s");
                assert!(refused < 0.03, "{most} {says_when} {seed}: refused {refused}");
            }
        }
    }
}

#[test]
fn without_a_budget_the_start_is_no_crawl() {
    let latency = Duration::from_millis(80);
    for (requests, times) in [(EIGHTY_USERS, 10.0), (10 * EIGHTY_USERS, 40.0)] {
        let sent = play(NONE, &Load { latency: (latency, latency), ..load(requests, 600, 1) });
        let took = sent.iter().map(|s| s.at).max().unwrap() + latency;
        let one_by_one = latency.as_secs_f64() * number(requests);
        assert!(one_by_one / took.as_secs_f64() >= times, "{requests}: {took:?} against {one_by_one} s");
    }
}

#[test]
fn a_budget_that_changes_is_found_again() {
    let changes = Budget::of(&[(0, 60), (150, 20), (300, 60)]);
    for seed in 0..4 {
        let sent = play(changes, &load(usize::MAX / 2, 600, seed));
        let (late, _) = from(&sent, 200);
        let low = granted(&late.iter().filter(|s| s.at.as_secs() < 300).copied().collect::<Vec<_>>(), 0);
        assert!(low / 200.0 >= 0.85, "{seed}: {low} of 200");
        let high = granted(&from(&sent, 480).0, 0);
        assert!(high / 720.0 >= 0.85, "{seed}: {high} of 720");
    }
}

#[test]
fn a_budget_that_says_how_much_is_used_refuses_nothing_once_settled() {
    for budget in [TWENTY, SIXTY, MANY] {
        let budget = Budget { says_part_used: true, ..budget };
        let (late, refused) = from(&play(budget, &load(usize::MAX / 2, 400, 1)), 60);
        assert!(refused < 0.002 && !late.is_empty(), "{budget:?}: {refused}");
    }
}

#[test]
fn two_processes_come_to_a_fair_share() {
    for begin in [vec![0, 0], vec![0, 60]] {
        let mut least: f64 = 0.0;
        for seed in 0..8 {
            let load = Load { begin: begin.clone(), ..load(usize::MAX / 2, 600, seed) };
            let (late, _) = from(&play(SIXTY, &load), 180);
            let (first, second) = (granted(&late, 0), granted(&late, 1));
            let together = (first + second) / (42.0 * 60.0);
            assert!(together >= 0.85, "{begin:?} {seed}: together {together}");
            least += first.min(second) / (first + second) / 8.0;
            assert!(first.min(second) / (first + second) > 0.25, "{begin:?} {seed}: {first} and {second}");
        }
        assert!(least >= 0.35, "{begin:?}: the smaller share is {least}");
    }
}
