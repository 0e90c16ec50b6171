//! How fast requests are sent: a fixed pace for the audit log and the reports, an adaptive one for
//! the rest.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use tokio::time::Instant;

/// Reports: 5 requests per 10 s per app per tenant (Microsoft Graph service-specific throttling
/// limits, identity and access reports).
const REPORTS_PER_PERIOD: usize = 5;
/// A little over 10 s, so that the network's own jitter cannot squeeze a sixth request in.
const REPORTS_PERIOD: Duration = Duration::from_millis(10_250);

/// No pace above this: one process needs no more, and Graph would not give it.
const MAX_RATE: f64 = 1000.0;
/// Slower than this, what was read about a user would be stale before the first DELETE.
const MIN_RATE: f64 = 1.0;

/// At most [`REPORTS_PER_PERIOD`] requests in any [`REPORTS_PERIOD`]; a plain token bucket would let
/// through up to twice as many.
#[derive(Debug, Default)]
pub struct ReportPace(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    sent: VecDeque<Instant>,
    not_before: Option<Instant>,
}

impl ReportPace {
    /// Waits for a turn.
    pub async fn turn(&self) {
        let at = {
            let mut window = lock(&self.0);
            let mut at = Instant::now().max(window.not_before.unwrap_or_else(Instant::now));
            if window.sent.len() == REPORTS_PER_PERIOD
                && let Some(oldest) = window.sent.pop_front()
            {
                at = at.max(oldest + REPORTS_PERIOD);
            }
            window.sent.push_back(at);
            at
        };
        tokio::time::sleep_until(at).await;
    }

    /// Nobody goes before `wait` is over.
    pub fn pause(&self, wait: Duration) {
        let mut window = lock(&self.0);
        let until = Instant::now() + wait;
        window.not_before = Some(window.not_before.map_or(until, |at| at.max(until)));
    }
}

/// Doubles until the first 429, then adds slowly and halves at each further one.
#[derive(Debug)]
pub struct AdaptivePace(Mutex<Rate>);

#[derive(Debug)]
struct Rate {
    per_second: f64,
    slow_start: bool,
    next: Option<Instant>,
    changed: Option<Instant>,
    successes: u32,
}

impl AdaptivePace {
    /// Starts at so many requests per second.
    pub fn new(per_second: f64) -> Self {
        Self(Mutex::new(Rate {
            per_second: per_second.clamp(MIN_RATE, MAX_RATE),
            slow_start: true,
            next: None,
            changed: None,
            successes: 0,
        }))
    }

    /// Waits for a turn and says when it came.
    pub async fn turn(&self) -> Instant {
        let at = {
            let mut rate = lock(&self.0);
            let now = Instant::now();
            let at = rate.next.map_or(now, |next| next.max(now));
            rate.next = Some(at + Duration::from_secs_f64(1.0 / rate.per_second));
            at
        };
        tokio::time::sleep_until(at).await;
        at
    }

    /// A request was answered without a 429. A second's worth of these raises the pace.
    pub fn succeeded(&self) {
        let mut rate = lock(&self.0);
        rate.successes += 1;
        if f64::from(rate.successes) >= rate.per_second.max(1.0) {
            rate.successes = 0;
            let raised = if rate.slow_start { rate.per_second * 2.0 } else { rate.per_second + 0.5 };
            rate.per_second = raised.min(MAX_RATE);
        }
    }

    /// A request sent at `sent` was answered with a 429: everybody waits, and the pace is halved,
    /// once for all that were under way together.
    pub fn throttled(&self, sent: Instant, wait: Duration) {
        let mut rate = lock(&self.0);
        let now = Instant::now();
        rate.slow_start = false;
        rate.successes = 0;
        if rate.changed.is_none_or(|changed| sent > changed) {
            rate.per_second = (rate.per_second / 2.0).max(MIN_RATE);
            rate.changed = Some(now);
        }
        let until = now + wait;
        rate.next = Some(rate.next.map_or(until, |next| next.max(until)));
    }

    /// Requests per second now.
    pub fn per_second(&self) -> f64 {
        lock(&self.0).per_second
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn never_more_than_five_reports_in_any_ten_seconds() {
        let pace = ReportPace::default();
        let mut turns = Vec::new();
        for _ in 0..23 {
            pace.turn().await;
            turns.push(Instant::now());
        }
        for pair in turns.windows(REPORTS_PER_PERIOD + 1) {
            assert!(pair[REPORTS_PER_PERIOD] - pair[0] > Duration::from_secs(10));
        }
        assert!(turns[22] - turns[0] < Duration::from_secs(45), "no slower than the budget allows");
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_doubles_until_the_first_429_then_creeps() {
        let pace = AdaptivePace::new(5.0);
        for _ in 0..5 {
            pace.succeeded();
        }
        assert!((pace.per_second() - 10.0).abs() < 1e-9);
        let sent = pace.turn().await;
        tokio::time::advance(Duration::from_millis(10)).await;
        pace.throttled(sent, Duration::from_secs(2));
        pace.throttled(sent, Duration::from_secs(2));
        assert!((pace.per_second() - 5.0).abs() < 1e-9, "one halving for one burst");
        let before = Instant::now();
        pace.turn().await;
        assert!(Instant::now() - before >= Duration::from_secs(2));
        for _ in 0..5 {
            pace.succeeded();
        }
        assert!((pace.per_second() - 5.5).abs() < 1e-9);
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_spaced_by_the_pace() {
        let pace = AdaptivePace::new(4.0);
        let start = Instant::now();
        for _ in 0..9 {
            pace.turn().await;
        }
        let took = Instant::now() - start;
        assert!(took >= Duration::from_millis(1990) && took < Duration::from_millis(2100), "{took:?}");
    }
}
