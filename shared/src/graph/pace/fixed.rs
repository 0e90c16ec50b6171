//! A limit that is known: paced from the start, not found out by refusals.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use super::limit::after;

/// How much longer a period is than Graph's, so that the network's own jitter cannot squeeze one request more in.
const MARGIN: Duration = Duration::from_millis(250);

/// At most so many requests in any period; a plain token bucket would let through up to twice as many.
#[derive(Debug, Clone)]
pub(super) struct Fixed {
    per_period: usize,
    period: Duration,
    sent: VecDeque<Timestamp>,
    not_before: Option<Timestamp>,
}

impl Fixed {
    /// So many requests in any period. Half a request in 10 s means one in 20 s.
    pub(super) fn new(requests: f64, period: Duration) -> Self {
        // A part of a request cannot be sent, so the period is longer by as much.
        let per_period = requests.floor().max(1.0);
        let period = (period + MARGIN).mul_f64(per_period / requests.max(0.01));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
        let per_period = per_period as usize;
        Self { per_period, period, sent: VecDeque::new(), not_before: None }
    }

    /// When the next request may be sent.
    pub(super) fn next(&self, now: Timestamp) -> Timestamp {
        let is_full = self.sent.len() == self.per_period;
        let freed = self.sent.front().filter(|_| is_full).map(|oldest| after(*oldest, self.period));
        freed.max(self.not_before).map_or(now, |at| at.max(now))
    }

    /// Records that a request is sent.
    pub(super) fn send(&mut self, now: Timestamp) {
        if self.sent.len() == self.per_period {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    /// Makes everybody wait until `wait` is over.
    pub(super) fn pause(&mut self, now: Timestamp, wait: Duration) {
        self.not_before = self.not_before.max(Some(after(now, wait)));
    }

    /// Forgets what lies ahead, after the clock was set back.
    pub(super) fn set_back(&mut self) {
        self.sent.clear();
        self.not_before = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::window::until;

    /// When the first so many requests go out.
    fn turns(mut fixed: Fixed, count: usize) -> Vec<Timestamp> {
        let mut now = Timestamp::UNIX_EPOCH;
        let turn = |_| {
            now = fixed.next(now);
            fixed.send(now);
            now
        };
        (0..count).map(turn).collect()
    }

    #[test]
    fn never_more_than_five_reports_in_any_ten_seconds() {
        let turns = turns(Fixed::new(5.0, Duration::from_secs(10)), 23);
        for six in turns.windows(6) {
            assert!(until(six[0], six[5]) > Duration::from_secs(10));
        }
        assert!(until(turns[0], turns[22]) < Duration::from_secs(45), "no slower than the budget allows");
    }

    #[test]
    fn a_share_that_is_no_whole_number_is_kept() {
        for (share, requests) in [(1.5, 15), (0.5, 5), (3.0, 30)] {
            let turns = turns(Fixed::new(share, Duration::from_secs(10)), requests + 1);
            let took = until(turns[0], turns[requests]);
            assert!((100.0..106.0).contains(&took.as_secs_f64()), "{share}: {took:?}");
        }
    }
}
