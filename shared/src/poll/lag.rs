//! How late registrations appear in the audit log: counted by class, since they are too many to keep.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The upper ends of the classes, in seconds; anything later is counted in the last one.
const UP_TO: [u64; 12] = [60, 120, 180, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400, 604_800];

/// Counts of registrations by how late they appeared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lags([u64; UP_TO.len()]);

/// Percentiles of how late registrations appeared, each the upper end of the class that it falls into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Lag {
    /// How many registrations were counted.
    pub registrations: u64,
    /// Half of them appeared within this many seconds.
    pub p50_seconds: u64,
    /// 90 % of them appeared within this many seconds.
    pub p90_seconds: u64,
    /// 99 % of them appeared within this many seconds.
    pub p99_seconds: u64,
}

impl Lags {
    /// Counts a registration that appeared this late; a negative lag counts as none.
    pub fn count(&mut self, lag: SignedDuration) {
        let seconds = u64::try_from(lag.as_secs()).unwrap_or(0);
        let class = UP_TO.iter().position(|end| seconds <= *end).unwrap_or(UP_TO.len() - 1);
        self.0[class] += 1;
    }

    /// Adds the counts of `others`.
    pub fn add(&mut self, others: Self) {
        for (count, more) in self.0.iter_mut().zip(others.0) {
            *count += more;
        }
    }

    /// Returns at most `most` values that are distributed like all of them, including the latest. Each is the
    /// upper end of its class.
    pub fn samples(&self, most: u64) -> Vec<Duration> {
        let all: u64 = self.0.iter().sum();
        let taken = all.min(most);
        let mut classes = self.0.iter().zip(UP_TO);
        let (mut counted, mut end) = (0, 0);
        let each = (1..=taken).map(|n| {
            let rank = (all * n).div_ceil(taken);
            while counted < rank {
                let Some((count, up_to)) = classes.next() else { break };
                (counted, end) = (counted + count, up_to);
            }
            Duration::from_secs(end)
        });
        each.collect()
    }

    /// Returns the percentiles, or `None` if nothing was counted.
    pub fn percentiles(&self) -> Option<Lag> {
        let registrations: u64 = self.0.iter().sum();
        let within = |percent: u64| {
            let mut left = (registrations * percent).div_ceil(100);
            let class = self.0.iter().position(|count| {
                left = left.saturating_sub(*count);
                left == 0
            });
            UP_TO[class.unwrap_or(UP_TO.len() - 1)]
        };
        (registrations > 0).then(|| Lag {
            registrations,
            p50_seconds: within(50),
            p90_seconds: within(90),
            p99_seconds: within(99),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_ends_of_classes() {
        let mut lags = Lags::default();
        assert_eq!(lags.percentiles(), None);
        for seconds in (1..=98).map(|_| 100).chain([500, 1_000_000]) {
            lags.count(SignedDuration::from_secs(seconds));
        }
        let lag = lags.percentiles().unwrap();
        assert_eq!((lag.registrations, lag.p50_seconds, lag.p90_seconds), (100, 120, 120));
        assert_eq!(lag.p99_seconds, 600);
        let samples = |most| lags.samples(most).iter().map(Duration::as_secs).collect::<Vec<_>>();
        assert_eq!(samples(1), [604_800]);
        assert_eq!(samples(10), [&[120; 9][..], &[604_800]].concat());
        assert_eq!(samples(200).len(), 100);
        assert!(Lags::default().samples(100).is_empty());
        lags.count(SignedDuration::from_secs(-5));
        assert_eq!(lags.percentiles().unwrap().registrations, 101);
    }
}
