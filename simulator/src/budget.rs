//! Graph's request limits, as sharp figures.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use crate::{
    answer::Refusal,
    faults,
    options::{Limit, Options},
};

/// Microsoft publishes this one, and it is the same for every tenant.
const CONDITIONAL_ACCESS: Limit = Limit { requests: 1, period: Duration::from_secs(1) };

/// What a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    /// The audit log and the reports.
    Reports,
    /// `users/…/authentication/…`.
    Methods,
    /// Conditional Access: 1 a second.
    ConditionalAccess,
}

impl Resource {
    /// What a path below the version counts against.
    fn of(segments: &[&str]) -> Option<Self> {
        match segments {
            ["auditLogs" | "reports", ..] => Some(Self::Reports),
            ["users", _, "authentication", ..] => Some(Self::Methods),
            ["identity", "conditionalAccess", ..] => Some(Self::ConditionalAccess),
            _ => None,
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
        options: &Options,
        segments: &[&str],
        now: Timestamp,
        chance: &mut fastrand::Rng,
    ) -> Result<(), Refusal> {
        let Some(resource) = Resource::of(segments) else { return Ok(()) };
        let (times, limit) = match resource {
            Resource::Reports => (&mut self.reports, options.report_limit),
            Resource::Methods => (&mut self.methods, options.authentication_limit),
            Resource::ConditionalAccess => (&mut self.conditional_access, CONDITIONAL_ACCESS),
        };
        take(times, limit, now).map_err(|wait| {
            let retry_after = match resource {
                Resource::Reports => faults::perhaps_retry_after(chance, now, wait),
                Resource::Methods => Some(faults::retry_after(chance, now, wait)),
                Resource::ConditionalAccess => None,
            };
            Refusal::throttled().after(retry_after)
        })
    }
}

/// Counts a request among those before it. If it is over the limit, returns how long until one would pass.
fn take(times: &mut VecDeque<Timestamp>, limit: Limit, now: Timestamp) -> Result<(), Duration> {
    let Limit { requests, period } = limit;
    while times.front().is_some_and(|at| *at + period <= now) {
        times.pop_front();
    }
    times.push_back(now);
    if times.len() <= requests {
        return Ok(());
    }
    let frees = times[times.len() - requests] + period;
    Err(Duration::try_from(frees.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORTS: Limit = Limit { requests: 5, period: Duration::from_secs(10) };
    const METHODS: Limit = Limit { requests: 10, period: Duration::from_secs(2) };

    #[test]
    fn five_reports_pass_in_any_ten_seconds_and_refused_ones_count() {
        let mut times = VecDeque::new();
        let start = Timestamp::UNIX_EPOCH;
        let at = |ms| start + Duration::from_millis(ms);
        for n in 0..5 {
            assert!(take(&mut times, REPORTS, at(n * 1000)).is_ok());
        }
        assert_eq!(take(&mut times, REPORTS, at(5_000)), Err(Duration::from_secs(6)));
        assert!(take(&mut times, REPORTS, at(10_500)).is_err());
        assert!(take(&mut times, REPORTS, at(13_000)).is_ok());
    }

    #[test]
    fn a_steady_five_a_second_passes() {
        let mut times = VecDeque::new();
        for n in 0..100 {
            let now = Timestamp::UNIX_EPOCH + Duration::from_millis(n * 200);
            assert!(take(&mut times, METHODS, now).is_ok());
        }
        let now = Timestamp::UNIX_EPOCH + Duration::from_millis(19_850);
        assert!(take(&mut times, METHODS, now).is_err());
    }
}
