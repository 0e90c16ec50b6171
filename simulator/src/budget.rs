//! Graph's request limits, as sharp figures.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use crate::{answer::Refusal, faults};

/// What a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// The audit log and the reports: 5 in any 10 s.
    Reports,
    /// `users/…/authentication/…`: about 5 a second.
    Methods,
    /// Conditional Access: 1 a second.
    ConditionalAccess,
}

impl Limit {
    /// What a path below the version counts against.
    fn of(segments: &[&str]) -> Option<Self> {
        match segments {
            ["auditLogs" | "reports", ..] => Some(Self::Reports),
            ["users", _, "authentication", ..] => Some(Self::Methods),
            ["identity", "conditionalAccess", ..] => Some(Self::ConditionalAccess),
            _ => None,
        }
    }

    fn figures(self) -> (usize, Duration) {
        match self {
            Self::Reports => (5, Duration::from_secs(10)),
            Self::Methods => (10, Duration::from_secs(2)),
            Self::ConditionalAccess => (1, Duration::from_secs(1)),
        }
    }
}

/// When requests came, per limit; refused ones count too.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    reports: VecDeque<Timestamp>,
    methods: VecDeque<Timestamp>,
    conditional_access: VecDeque<Timestamp>,
}

impl Budgets {
    /// Counts a request to a path below the version, and refuses it once its limit is used up.
    pub(crate) fn check(
        &mut self,
        segments: &[&str],
        now: Timestamp,
        chance: &mut fastrand::Rng,
    ) -> Result<(), Refusal> {
        let Some(limit) = Limit::of(segments) else { return Ok(()) };
        self.take(limit, now).map_err(|wait| {
            let retry_after = match limit {
                Limit::Reports => faults::perhaps_retry_after(chance, now, wait),
                Limit::Methods => Some(faults::retry_after(chance, now, wait)),
                Limit::ConditionalAccess => None,
            };
            Refusal::throttled().after(retry_after)
        })
    }

    /// Counts a request. If it is over the limit, returns how long until one would pass.
    fn take(&mut self, limit: Limit, now: Timestamp) -> Result<(), Duration> {
        let (most, span) = limit.figures();
        let times = match limit {
            Limit::Reports => &mut self.reports,
            Limit::Methods => &mut self.methods,
            Limit::ConditionalAccess => &mut self.conditional_access,
        };
        while times.front().is_some_and(|at| *at + span <= now) {
            times.pop_front();
        }
        times.push_back(now);
        if times.len() <= most {
            return Ok(());
        }
        let frees = times[times.len() - most] + span;
        Err(Duration::try_from(frees.duration_since(now)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_reports_pass_in_any_ten_seconds_and_refused_ones_count() {
        let mut budgets = Budgets::default();
        let start = Timestamp::UNIX_EPOCH;
        let at = |ms| start + Duration::from_millis(ms);
        for n in 0..5 {
            assert!(budgets.take(Limit::Reports, at(n * 1000)).is_ok());
        }
        assert_eq!(budgets.take(Limit::Reports, at(5_000)), Err(Duration::from_secs(6)));
        assert!(budgets.take(Limit::Reports, at(10_500)).is_err());
        assert!(budgets.take(Limit::Reports, at(13_000)).is_ok());
    }

    #[test]
    fn a_steady_five_a_second_passes() {
        let mut budgets = Budgets::default();
        for n in 0..100 {
            let now = Timestamp::UNIX_EPOCH + Duration::from_millis(n * 200);
            assert!(budgets.take(Limit::Methods, now).is_ok());
        }
        let now = Timestamp::UNIX_EPOCH + Duration::from_millis(19_850);
        assert!(budgets.take(Limit::Methods, now).is_err());
    }
}
