//! How fast requests are sent: a fixed pace for the audit log and the reports and one for Conditional Access, an adaptive
//! one for the rest.
//! Both use the wall clock: the monotonic clock stops in a frozen sandbox, and a pause would never end there.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::domain::window::until;

/// How much longer a period is than Graph's, so that the network's own jitter cannot squeeze one request more in.
const MARGIN: Duration = Duration::from_millis(250);

/// The fastest pace: one process needs no more, and Graph would not allow it.
const MAX_RATE: f64 = 1000.0;
/// The slowest pace: below this, what was read about a user would be stale before the first DELETE.
const MIN_RATE: f64 = 1.0;

/// No turn is further away than this, unless the clock was set back.
const FARTHEST: Duration = Duration::from_mins(10);

/// The next turn would come after the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLate {
    /// How far away it is.
    pub wait: Duration,
}

/// At most so many requests in any period; a plain token bucket would let through up to twice as many.
#[derive(Debug)]
pub struct FixedPace {
    per_period: usize,
    period: Duration,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    sent: VecDeque<Timestamp>,
    not_before: Option<Timestamp>,
}

impl FixedPace {
    /// Reports: Graph grants 5 requests per 10 s per app per tenant (service-specific throttling limits, identity and
    /// access reports). Half a request in 10 s means one in 20 s.
    pub fn of_reports(per_10_seconds: f64) -> Self {
        Self::new(per_10_seconds, Duration::from_secs(10))
    }

    /// Conditional Access: Graph grants 1 request a second per tenant, all apps together.
    pub fn of_conditional_access(per_second: f64) -> Self {
        Self::new(per_second, Duration::from_secs(1))
    }

    fn new(requests: f64, period: Duration) -> Self {
        // A part of a request cannot be sent, so the period is longer by as much.
        let per_period = requests.floor().max(1.0);
        let period = (period + MARGIN).mul_f64(per_period / requests.max(0.01));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
        let per_period = per_period as usize;
        Self { per_period, period, window: Mutex::default() }
    }

    /// Reserves the next turn, which nobody else gets.
    pub fn reserve(&self, now: Timestamp, deadline: Option<Timestamp>) -> Result<Timestamp, TooLate> {
        let mut window = lock(&self.window);
        let full = window.sent.len() == self.per_period;
        let freed = window.sent.front().filter(|_| full).map(|oldest| after(*oldest, self.period));
        let at = in_time(now, freed.max(window.not_before), deadline)?;
        if full {
            window.sent.pop_front();
        }
        window.sent.push_back(at);
        Ok(at)
    }

    /// Makes everybody wait until `wait` is over.
    pub fn pause(&self, now: Timestamp, wait: Duration) {
        let mut window = lock(&self.window);
        window.not_before = window.not_before.max(Some(after(now, wait)));
    }
}

/// Doubles until the first 429, then grows slowly. Each 429 halves it.
#[derive(Debug)]
pub struct AdaptivePace(Mutex<Rate>);

#[derive(Debug)]
struct Rate {
    per_second: f64,
    slow_start: bool,
    next: Option<Timestamp>,
    changed: Option<Timestamp>,
    successes: u32,
}

impl AdaptivePace {
    /// Starts at this many requests per second.
    pub fn new(per_second: f64) -> Self {
        Self(Mutex::new(Rate {
            per_second: per_second.clamp(MIN_RATE, MAX_RATE),
            slow_start: true,
            next: None,
            changed: None,
            successes: 0,
        }))
    }

    /// Reserves the next turn, which nobody else gets.
    pub fn reserve(&self, now: Timestamp, deadline: Option<Timestamp>) -> Result<Timestamp, TooLate> {
        let mut rate = lock(&self.0);
        let at = in_time(now, rate.next, deadline)?;
        rate.next = Some(after(at, Duration::from_secs_f64(1.0 / rate.per_second)));
        Ok(at)
    }

    /// Records that a request succeeded. A second's worth of these raises the pace.
    pub fn succeeded(&self) {
        let mut rate = lock(&self.0);
        rate.successes += 1;
        if f64::from(rate.successes) >= rate.per_second.max(1.0) {
            rate.successes = 0;
            let raised = if rate.slow_start { rate.per_second * 2.0 } else { rate.per_second + 0.5 };
            rate.per_second = raised.min(MAX_RATE);
        }
    }

    /// Records a 429 for a request sent at `sent`: everybody waits, and the pace is halved, once for all
    /// requests that were under way together.
    pub fn throttled(&self, sent: Timestamp, now: Timestamp, wait: Duration) {
        let mut rate = lock(&self.0);
        rate.slow_start = false;
        rate.successes = 0;
        if rate.changed.is_none_or(|changed| sent > changed) {
            rate.per_second = (rate.per_second / 2.0).max(MIN_RATE);
            rate.changed = Some(now);
        }
        rate.next = rate.next.max(Some(after(now, wait)));
    }

    /// The current pace, in requests per second.
    pub fn per_second(&self) -> f64 {
        lock(&self.0).per_second
    }
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait).ok().and_then(|wait| at.checked_add(wait).ok()).unwrap_or(Timestamp::MAX)
}

fn in_time(
    now: Timestamp,
    earliest: Option<Timestamp>,
    deadline: Option<Timestamp>,
) -> Result<Timestamp, TooLate> {
    let earliest = earliest.filter(|at| until(now, *at) <= FARTHEST);
    let at = earliest.map_or(now, |at| at.max(now));
    if deadline.is_some_and(|deadline| at >= deadline) {
        return Err(TooLate { wait: until(now, at) });
    }
    Ok(at)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_772_323_200_000 + milliseconds).unwrap()
    }

    #[test]
    fn never_more_than_five_reports_in_any_ten_seconds() {
        let pace = FixedPace::of_reports(5.0);
        let mut turns = Vec::new();
        let mut now = at(0);
        for _ in 0..23 {
            now = pace.reserve(now, None).unwrap();
            turns.push(now);
        }
        for six in turns.windows(6) {
            assert!(until(six[0], six[5]) > Duration::from_secs(10));
        }
        assert!(until(turns[0], turns[22]) < Duration::from_secs(45), "no slower than the budget allows");
    }

    #[test]
    fn a_share_of_the_reports_that_is_no_whole_number_is_kept() {
        for (share, requests) in [(1.5, 15), (0.5, 5), (3.0, 30)] {
            let pace = FixedPace::of_reports(share);
            let mut turns = Vec::new();
            let mut now = at(0);
            for _ in 0..=requests {
                now = pace.reserve(now, None).unwrap();
                turns.push(now);
            }
            let took = until(turns[0], turns[requests]);
            assert!((100.0..106.0).contains(&took.as_secs_f64()), "{share}: {took:?}");
        }
    }

    #[test]
    fn the_pace_doubles_until_the_first_429_then_creeps() {
        let pace = AdaptivePace::new(5.0);
        for _ in 0..5 {
            pace.succeeded();
        }
        assert!((pace.per_second() - 10.0).abs() < 1e-9);
        let sent = pace.reserve(at(0), None).unwrap();
        pace.throttled(sent, at(10), Duration::from_secs(2));
        pace.throttled(sent, at(10), Duration::from_secs(2));
        assert!((pace.per_second() - 5.0).abs() < 1e-9, "one halving for one burst");
        assert_eq!(pace.reserve(at(10), None), Ok(at(2010)));
        for _ in 0..5 {
            pace.succeeded();
        }
        assert!((pace.per_second() - 5.5).abs() < 1e-9);
    }

    #[test]
    fn turns_are_spaced_by_the_pace() {
        let pace = AdaptivePace::new(4.0);
        let turns: Vec<_> = (0..9).map(|_| pace.reserve(at(0), None).unwrap()).collect();
        assert_eq!((turns[0], turns[8]), (at(0), at(2000)));
    }

    #[test]
    fn a_turn_after_the_deadline_is_not_taken() {
        let pace = AdaptivePace::new(1.0);
        pace.throttled(at(0), at(0), Duration::from_secs(30));
        for _ in 0..50 {
            assert_eq!(pace.reserve(at(0), Some(at(20_000))), Err(TooLate { wait: Duration::from_secs(30) }));
        }
        assert_eq!(pace.reserve(at(29_000), None), Ok(at(30_000)), "nobody waits for turns that nobody took");
        let reports = FixedPace::of_reports(5.0);
        reports.pause(at(0), Duration::from_secs(30));
        assert!(reports.reserve(at(0), Some(at(20_000))).is_err());
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nobody() {
        let pace = AdaptivePace::new(1.0);
        pace.throttled(at(0), at(0), Duration::from_secs(30));
        assert_eq!(pace.reserve(at(-3_600_000), None), Ok(at(-3_600_000)));
    }
}
