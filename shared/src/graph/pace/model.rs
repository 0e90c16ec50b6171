//! A model of Graph's budgets, by which the control loop is judged and plotted: so many requests in any period, of all
//! processes together.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;

use super::limit::{Limit, Next, after};

/// A budget, and how it says no.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// From when on, how many requests pass in 10 s.
    pub(super) most: &'static [(u64, usize)],
    pub(super) says_when: bool,
    pub(super) says_part_used: bool,
}

impl Budget {
    pub(super) const fn of(most: &'static [(u64, usize)]) -> Self {
        Self { most, says_when: true, says_part_used: false }
    }

    fn most(&self, at: Duration) -> usize {
        self.most.iter().rev().find(|(from, _)| Duration::from_secs(*from) <= at).map_or(0, |(_, most)| *most)
    }
}

/// Who sends, and how long an answer takes.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// When each process begins, in seconds.
    pub(super) begin: Vec<u64>,
    /// How many requests each wants to be granted.
    pub(super) requests: usize,
    pub(super) latency: (Duration, Duration),
    pub(super) ends: Duration,
    pub(super) seed: u64,
}

/// One request that was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) process: usize,
    pub(super) at: Duration,
    pub(super) granted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Look,
    Arrives(Duration),
    Answered { sent: Duration, granted: bool, wait: Option<Duration>, thousandths: Option<usize> },
}

const PERIOD: Duration = Duration::from_secs(10);
/// No process has more requests under way.
const AT_ONCE: usize = 160;

fn clock(at: Duration) -> Timestamp {
    after(Timestamp::UNIX_EPOCH, at)
}

/// Plays a load against a budget. Requests that are refused are sent again.
pub(super) fn play(budget: Budget, load: &Load) -> Vec<Sent> {
    let mut chance = fastrand::Rng::with_seed(load.seed);
    let mut on_the_way = || {
        let (least, most) = load.latency;
        (least + most.saturating_sub(least).mul_f64(chance.f64())) / 2
    };
    let mut limits: Vec<Limit> = load.begin.iter().map(|_| Limit::new(5.0)).collect();
    let mut left = vec![load.requests; limits.len()];
    let mut under_way = vec![0; limits.len()];
    let (mut passed, mut all) = (VecDeque::new(), Vec::new());
    let mut events = BinaryHeap::new();
    let mut count = 0;
    let mut add = |events: &mut BinaryHeap<_>, at: Duration, process: usize, what: Happens| {
        count += 1;
        events.push(Reverse((at, count, process, what)));
    };
    for (process, begin) in load.begin.iter().enumerate() {
        add(&mut events, Duration::from_secs(*begin), process, Happens::Look);
    }
    let mut looks = BTreeSet::new();
    while let Some(Reverse((now, _, process, what))) = events.pop() {
        if now > load.ends {
            break;
        }
        match what {
            Happens::Look => {
                looks.remove(&(process, now));
            }
            Happens::Arrives(sent) => {
                while passed.front().is_some_and(|at| *at + PERIOD <= now) {
                    passed.pop_front();
                }
                let most = budget.most(now);
                let granted = passed.len() < most;
                if granted {
                    passed.push_back(now);
                }
                let frees = (!granted).then(|| (passed[passed.len() - most] + PERIOD).saturating_sub(now));
                let wait =
                    frees.filter(|_| budget.says_when).map(|wait| Duration::from_secs(wait.as_secs() + 1));
                let thousandths = budget.says_part_used.then(|| passed.len() * 1000 / most);
                let answered = Happens::Answered { sent, granted, wait, thousandths };
                add(&mut events, now + on_the_way(), process, answered);
                continue;
            }
            Happens::Answered { sent, granted, wait, thousandths } => {
                all.push(Sent { process, at: sent, granted });
                under_way[process] -= 1;
                if granted {
                    let used = thousandths
                        .and_then(|part| u32::try_from(part).ok())
                        .map(|part| f64::from(part) / 1000.0);
                    limits[process].granted(clock(sent), clock(now), used);
                } else {
                    left[process] += 1;
                    limits[process].refused(clock(sent), clock(now), wait);
                }
            }
        }
        while left[process] > 0 && under_way[process] < AT_ONCE {
            let Next::At(at) = limits[process].next(clock(now)) else { break };
            if at > clock(now) {
                let at = now + crate::domain::window::until(clock(now), at);
                if looks.insert((process, at)) {
                    add(&mut events, at, process, Happens::Look);
                }
                break;
            }
            limits[process].send(clock(now));
            under_way[process] += 1;
            left[process] -= 1;
            add(&mut events, now + on_the_way(), process, Happens::Arrives(now));
        }
    }
    all
}
