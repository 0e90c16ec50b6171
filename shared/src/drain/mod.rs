//! drain: takes one message to one outcome.

mod active;
mod explain;
mod gather;
mod handle;
mod lease;
mod preflight;
mod roll_back;
mod say;
mod settle;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use self::active::Active;
pub use self::explain::Explanation;
pub use self::handle::{Handled, Interrupted};
use crate::{
    clock::Clock,
    graph::{Graph, GraphError},
    ids::{RunId, UserId},
    ledger::{Book, LedgerError},
    outcome::{Failed, Outcome},
    preflight::Preflight,
    queue::{Disposition, Message},
    settings::Settings,
    state::{Concluded, UserState},
    window::shift,
};

/// A message that Graph throttles, or that meets no answer, is tried again for so long.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The shortest a message stays away that something interrupted.
const SOONEST_BACK: Duration = Duration::from_secs(5);

/// What is for newer code waits for its deployment.
pub const NEWER_AGAIN: Duration = Duration::from_mins(15);

/// The longest a message stays away.
const LONGEST_BACKOFF: Duration = Duration::from_mins(30);

/// How long the right to handle a user is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseTerm {
    /// Until a fixed moment: an invocation's deadline. It is never renewed.
    Until(Timestamp),
    /// For so long, renewed on the way: a process whose death is noticed.
    Renewed(SignedDuration),
}

/// What the handling of a message came to.
#[derive(Debug)]
pub struct Report {
    /// Whose message it was.
    pub user_id: UserId,
    /// What to do with the message.
    pub disposition: Disposition,
    /// The outcome, where there is a new one.
    pub concluded: Option<Box<Concluded>>,
    /// The user's state after it, where there is an outcome.
    pub state: Option<Box<UserState>>,
    /// What stops the whole batch: the next user would meet the same.
    pub stop: Option<StopCause>,
    /// What interrupted the handling, where something did.
    pub interrupted: Option<String>,
    /// Whether the user is left for newer code.
    pub newer: bool,
}

/// What stops everything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopCause {
    /// The tenant refuses the program.
    #[error("{0}")]
    Tenant(GraphError),
    /// The ledger cannot be used.
    #[error("{0}")]
    Ledger(LedgerError),
}

/// The use case.
pub struct Drain {
    graph: Arc<Graph>,
    book: Book,
    settings: Arc<Settings>,
    clock: Clock,
    run_id: RunId,
    owner: String,
    active: Active,
    preflight: Mutex<Option<Arc<Preflight>>>,
    /// What stopped a handling, and with it all that have not begun.
    stopped: OnceLock<StopCause>,
}

impl Drain {
    /// A drain that holds its leases in the name of `owner`.
    pub fn new(
        graph: Arc<Graph>,
        book: Book,
        settings: Arc<Settings>,
        clock: Clock,
        run_id: RunId,
        owner: String,
    ) -> Self {
        Self {
            graph,
            book,
            settings,
            clock,
            run_id,
            owner,
            active: Active::default(),
            preflight: Mutex::default(),
            stopped: OnceLock::new(),
        }
    }

    /// Takes one message to one outcome, or says when it is to come back.
    pub async fn handle(&self, message: &Message, term: LeaseTerm) -> Report {
        let user_id = message.user_id;
        let report = |disposition| Report {
            user_id,
            disposition,
            concluded: None,
            state: None,
            stop: None,
            interrupted: None,
            newer: false,
        };
        match self.handle_user(message, term).await {
            Ok(Handled::Concluded(state)) => Report {
                concluded: state.concluded.clone().map(Box::new),
                disposition: if state.is_pending() {
                    Disposition::ComeBack(SOONEST_BACK)
                } else {
                    Disposition::Acknowledge
                },
                state: Some(state),
                ..report(Disposition::Acknowledge)
            },
            Ok(Handled::NothingToDo) => report(Disposition::Acknowledge),
            Ok(Handled::NotStarted) => report(Disposition::ComeBack(Duration::ZERO)),
            Ok(Handled::NotOnRecord) => {
                report(Disposition::DeadLetter("no candidate on record for this user".to_owned()))
            }
            Ok(Handled::Busy { until }) => {
                let wait = until.duration_since(self.clock.now());
                report(Disposition::ComeBack(
                    Duration::try_from(wait).unwrap_or_default() + Duration::from_secs(1),
                ))
            }
            Err(Interrupted::Item(why)) => report(Disposition::DeadLetter(why)),
            Err(Interrupted::Newer(why)) => {
                tracing::warn!(user.id = %user_id, cause = why, "user left for a newer version");
                Report { interrupted: Some(why), newer: true, ..report(Disposition::ComeBack(NEWER_AGAIN)) }
            }
            Err(Interrupted::ComeBack { after, cause, .. }) => {
                let after = after.max(SOONEST_BACK);
                Report { interrupted: Some(cause), ..report(Disposition::ComeBack(after)) }
            }
            Err(Interrupted::Stop(cause)) => {
                let cause = self.stopped.get_or_init(|| cause).clone();
                Report {
                    interrupted: Some(cause.to_string()),
                    stop: Some(cause),
                    ..report(Disposition::ComeBack(Duration::from_mins(1)))
                }
            }
        }
    }

    /// Graph, for those who use the same client and pace.
    pub fn graph(&self) -> &Graph {
        &self.graph
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_away_longer_each_time_up_to_half_an_hour() {
        for attempt in 1..40 {
            let wait = Drain::backoff(attempt, None);
            assert!(wait >= Duration::from_secs(7) && wait <= LONGEST_BACKOFF, "{attempt}: {wait:?}");
        }
        assert!(Drain::backoff(20, None) >= Duration::from_mins(15));
        assert_eq!(Drain::backoff(1, Some(Duration::from_mins(2))), Duration::from_mins(2));
    }
}
