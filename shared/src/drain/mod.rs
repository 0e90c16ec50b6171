//! drain: takes one message to one outcome.
//!
//! # The story of a handling
//!
//! A message says "look at this user" and nothing else. What is to be done, and whether it still is, the ledger says.
//! A `Handling` goes through these steps, each of which has a method of that name:
//!
//! 1. **Enter.** So many handlings are at work at once as the pace allows (`active.rs`). Waiting comes before the lease,
//!    which would run out meanwhile.
//! 2. **Lease** (`lease.rs`). The user's state item is written with a lease in this run's name, conditional on the
//!    version that was read. From here to the end nobody else handles the user. A crash leaves the lease, and the
//!    message comes back after it has ended.
//! 3. **Read** (`reads.rs`): account, per-user MFA and methods from Graph, all at once; what the logs told from the
//!    ledger.
//! 4. **Settle** (`settle.rs`). An open intent is looked at first: a crash may have left it half done, and only what it
//!    lists may be resumed. Nothing left of it, read twice: rolled back.
//! 5. **Decide** (`decide`, pure), with everything that was read. A decision that is not to roll back is the outcome.
//! 6. **Gate.** Mode, window, preflight and canaries may defer what was decided.
//! 7. **Promise.** The slot of the daily cap and the intent are written in one transaction, conditional on lease, brake
//!    and cap. A crash after this leaves an open intent, and the next handling settles it. Only a durable intent can be
//!    turned into a DELETE.
//! 8. **Delete** (`roll_back.rs`). Before each DELETE: leave from the pace, a lease that outlasts it, a released brake,
//!    reads that are at most 5 s old. A crash between two leaves the rest to the next handling, whose reads show what is
//!    gone. Then the methods are read back.
//! 9. **Conclude.** The outcome is written, on condition that the registrations are still those that were decided on.
//!    A crash before this costs a repeat: the reads show that the methods are gone. A crash after it leaves a message
//!    that finds a user who is not pending.
//! 10. **Release.** The lease is given back, however the handling ended. Only then is the message acknowledged.
//!
//! Steps 3 to 8 start over when what was read has grown old, or when Graph throttles; all of it starts over when
//! somebody else has written the state item. What cannot go on (`interrupted.rs`) leaves the user pending, and the
//! message comes back later, for at most a day.

mod active;
mod batch;
mod explain;
mod handling;
mod interrupted;
mod lease;
mod promise;
mod reads;
mod roll_back;
mod say;
mod settle;

use std::{ops::Deref, sync::OnceLock, time::Duration};

use jiff::{SignedDuration, Timestamp};

use self::{active::Active, handling::Ending};
pub use self::{
    batch::{Batch, Record},
    explain::Explanation,
    interrupted::{Interrupted, StopCause},
};
use crate::{
    domain::{
        ids::UserId,
        outcome::{Failed, Outcome},
        state::{Concluded, UserState},
        window::shift,
    },
    process::Run,
    queue::{Disposition, Message},
};

/// A message that Graph throttles, or that meets no answer, is tried again for so long.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The shortest time after which an interrupted message shows again.
const SOONEST_BACK: Duration = Duration::from_secs(5);

/// A user or message that is left for newer code waits so long for its deployment.
pub const NEWER_AGAIN: Duration = Duration::from_mins(15);

/// The longest time after which a message shows again.
const LONGEST_BACKOFF: Duration = Duration::from_mins(30);

/// What the handling of a message came to.
#[derive(Debug)]
pub struct Handled {
    /// Whose message it was.
    pub user_id: UserId,
    /// What to do with the message.
    pub disposition: Disposition,
    /// The outcome, where there is a new one.
    pub concluded: Option<Box<Concluded>>,
    /// The user's state after it, where there is a new outcome.
    pub state: Option<Box<UserState>>,
    /// What stops the whole batch: the next user would meet the same.
    pub stop: Option<StopCause>,
    /// What interrupted the handling, where something did.
    pub interrupted: Option<String>,
    /// Whether the user is left for newer code.
    pub newer: bool,
}

/// The handlings of one run, which share its pace; once one meets what stops everything, no other begins.
pub struct Drain<'r> {
    run: &'r Run,
    active: Active,
    stopped: OnceLock<StopCause>,
}

impl Deref for Drain<'_> {
    type Target = Run;

    fn deref(&self) -> &Run {
        self.run
    }
}

impl Run {
    /// Begins to drain.
    pub fn drain(&self) -> Drain<'_> {
        Drain { run: self, active: Active::default(), stopped: OnceLock::new() }
    }
}

impl Drain<'_> {
    /// Takes one message to one outcome, or says when it is to come back.
    pub async fn handle(&self, message: &Message) -> Handled {
        let user_id = message.user_id;
        let handled = |disposition| Handled {
            user_id,
            disposition,
            concluded: None,
            state: None,
            stop: None,
            interrupted: None,
            newer: false,
        };
        match self.handle_user(message).await {
            Ok(Ending::Concluded(state)) => Handled {
                concluded: state.concluded.clone().map(Box::new),
                disposition: if state.is_pending() {
                    Disposition::ComeBack(SOONEST_BACK)
                } else {
                    Disposition::Acknowledge
                },
                state: Some(state),
                ..handled(Disposition::Acknowledge)
            },
            Ok(Ending::NothingToDo) => handled(Disposition::Acknowledge),
            Ok(Ending::NotStarted) => handled(Disposition::ComeBack(Duration::ZERO)),
            Ok(Ending::NotOnRecord) => {
                handled(Disposition::DeadLetter("no candidate on record for this user".to_owned()))
            }
            Ok(Ending::Busy { until }) => {
                let wait = until.duration_since(self.process.clock.now());
                handled(Disposition::ComeBack(
                    Duration::try_from(wait).unwrap_or_default() + Duration::from_secs(1),
                ))
            }
            Err(Interrupted::Item(why)) => handled(Disposition::DeadLetter(why)),
            Err(Interrupted::Newer(why)) => {
                tracing::warn!(user.id = %user_id, cause = why, "user left for a newer version");
                Handled { interrupted: Some(why), newer: true, ..handled(Disposition::ComeBack(NEWER_AGAIN)) }
            }
            Err(Interrupted::ComeBack { after, cause, .. }) => {
                let after = after.max(SOONEST_BACK);
                Handled { interrupted: Some(cause), ..handled(Disposition::ComeBack(after)) }
            }
            Err(Interrupted::Stop(cause)) => {
                let cause = self.stopped.get_or_init(|| cause).clone();
                Handled {
                    interrupted: Some(cause.to_string()),
                    stop: Some(cause),
                    ..handled(Disposition::ComeBack(Duration::from_mins(1)))
                }
            }
        }
    }
}

/// How long a message stays away that came back `attempts` times, and at least `asked`.
fn backoff(attempts: u32, asked: Option<Duration>) -> Duration {
    let ceiling = Duration::from_secs(15) * 2u32.saturating_pow(attempts.saturating_sub(1).min(7));
    let jittered = ceiling.mul_f64(0.5 + fastrand::f64() / 2.0).min(LONGEST_BACKOFF);
    jittered.max(asked.unwrap_or_default().min(LONGEST_BACKOFF))
}

/// The outcome of a message that was tried for too long.
fn gave_up(state: &UserState, throttled: bool, now: Timestamp) -> Option<Outcome> {
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
