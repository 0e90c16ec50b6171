//! The limit that Graph was found to set for authentication methods, from one invocation to the next.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Expect, Key, Ledger, LedgerError, Versioned, Write};

/// For how long it is trusted: others may share the tenant's limit now.
const TRUSTED_FOR: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone, Copy, Serialize, Deserialize)]
struct FoundLimit {
    per_10_seconds: f64,
    found_at: Timestamp,
}

impl FoundLimit {
    /// The limit, if it is recent and can be meant.
    fn trusted(self, now: Timestamp) -> Option<f64> {
        let age = now.duration_since(self.found_at);
        let is_recent = (-SignedDuration::from_mins(1)..TRUSTED_FOR).contains(&age);
        (is_recent && (1.0..=10_000.0).contains(&self.per_10_seconds)).then_some(self.per_10_seconds)
    }
}

impl Ledger {
    /// Returns the limit that was found within the last hour, in requests per 10 s.
    pub async fn found_limit(&self) -> Result<Option<f64>, LedgerError> {
        let held: Versioned<Option<FoundLimit>> = self.load(Key::pace()).await?;
        Ok(held.value.and_then(|found| found.trusted(self.clock.now())))
    }

    /// Keeps it. Whoever writes last is right.
    pub async fn keep_limit(&self, per_10_seconds: f64) -> Result<(), LedgerError> {
        let found = FoundLimit { per_10_seconds, found_at: self.clock.now() };
        let write = self.write(Key::pace(), 0, &found, None, None);
        self.commit(&[Write { expect: Expect::Any, ..write }]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_or_absurd_limit_is_not_trusted() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let found = |per_10_seconds, at: &str| {
            FoundLimit { per_10_seconds, found_at: at.parse().unwrap() }.trusted(now)
        };
        assert_eq!(found(56.0, "2026-03-01T11:30:00Z"), Some(56.0));
        for (limit, at) in [
            (56.0, "2026-03-01T10:59:00Z"),
            (56.0, "2026-03-01T13:00:00Z"),
            (0.0, "2026-03-01T11:59:00Z"),
            (1e9, "2026-03-01T11:59:00Z"),
            (f64::NAN, "2026-03-01T11:59:00Z"),
        ] {
            assert_eq!(found(limit, at), None, "{limit} at {at}");
        }
    }
}
