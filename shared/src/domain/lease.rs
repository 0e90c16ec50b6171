//! The right to handle one user, or to scan.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::window::shift;

/// Clocks may differ by this much: a lease is taken over only this long after its end.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(2);

/// The right to handle one user (or to scan), for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The process that holds it.
    pub owner: String,
    /// The one handling that holds it.
    pub token: Uuid,
    /// When the lease ends; others may take it over [`CLOCK_SKEW`] later.
    pub until: Timestamp,
}

impl Lease {
    /// Whether anybody may take the lease now: there is none, it has ended, or its owner is dead.
    pub fn is_free(lease: Option<&Self>, now: Timestamp, owner_is_dead: impl Fn(&str) -> bool) -> bool {
        lease.is_none_or(|lease| now >= shift(lease.until, CLOCK_SKEW) || owner_is_dead(&lease.owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    #[test]
    fn a_lease_is_free_only_two_minutes_after_its_end_or_when_its_owner_is_dead() {
        let lease = Lease { owner: "a process".to_owned(), token: Uuid::nil(), until: at(10) };
        let alive = |_: &str| false;
        let is_free = |now| Lease::is_free(Some(&lease), now, alive);
        assert!(Lease::is_free(None, at(0), alive), "there is none");
        assert!(!is_free(at(0)));
        assert!(!is_free(at(10)), "it ended, but clocks differ");
        assert!(!is_free(shift(at(12), -SignedDuration::from_secs(1))));
        assert!(is_free(at(12)));
        assert!(Lease::is_free(Some(&lease), at(0), |owner| owner == "a process"), "its owner is dead");
        assert!(!Lease::is_free(Some(&lease), at(0), |owner| owner == "another process"));
    }
}
