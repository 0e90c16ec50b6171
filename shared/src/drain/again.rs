//! When a message that reached no outcome comes back, and when it is given up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    outcome::{Failed, Outcome},
    state::UserState,
    window::shift,
};

/// How long to keep trying a message that Graph throttles or does not answer.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The shortest time after which an interrupted message reappears.
pub(super) const SOONEST_BACK: Duration = Duration::from_secs(5);

/// When to look again at a user or message that is left for newer code, which may be deployed by then.
pub const NEWER_AGAIN: Duration = Duration::from_mins(15);

/// The longest time after which a message reappears.
const LONGEST_BACKOFF: Duration = Duration::from_mins(30);

/// How long a message stays away after `attempts` handlings: at least `asked`, but never more than half an
/// hour.
pub(super) fn backoff(attempts: u32, asked: Option<Duration>) -> Duration {
    let ceiling = Duration::from_secs(15) * 2u32.saturating_pow(attempts.saturating_sub(1).min(7));
    let jittered = ceiling.mul_f64(0.5 + fastrand::f64() / 2.0).min(LONGEST_BACKOFF);
    jittered.max(asked.unwrap_or_default().min(LONGEST_BACKOFF))
}

/// Returns the outcome if the user was tried for too long, else `None`.
pub(super) fn gave_up(state: &UserState, throttled: bool, now: Timestamp) -> Option<Outcome> {
    let first = state.attempts.first_at?;
    let reason = if throttled { Failed::Throttled } else { Failed::Attempts };
    (now >= shift(first, TRIED_FOR)).then_some(Outcome::Failed(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_away_longer_each_time_up_to_half_an_hour() {
        for attempt in 1..40 {
            let wait = backoff(attempt, None);
            assert!(wait >= Duration::from_secs(7) && wait <= LONGEST_BACKOFF, "{attempt}: {wait:?}");
        }
        assert!(backoff(20, None) >= Duration::from_mins(15));
        assert_eq!(backoff(1, Some(Duration::from_mins(2))), Duration::from_mins(2));
    }
}
