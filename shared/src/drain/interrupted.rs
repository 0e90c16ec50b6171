//! What keeps a handling from reaching an outcome.

use std::time::Duration;

use crate::{graph::GraphError, ledger::LedgerError};

/// The longest throttle that is waited for between two changes; a longer one sends the message back.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What kept a handling from reaching an outcome. The user stays pending.
#[derive(Debug)]
pub enum Interrupted {
    /// The message comes back.
    ComeBack {
        /// The shortest time after which it comes back; zero leaves that to the backoff.
        after: Duration,
        /// Why it comes back, in words for the log.
        cause: String,
        /// Whether Graph throttles or does not answer.
        throttled: bool,
    },
    /// The user's own item in the ledger cannot be read.
    Item(String),
    /// The user's own item in the ledger is for newer code.
    Newer(String),
    /// No handling of this run can continue, whoever the user is.
    Stop(StopCause),
}

/// Why no handling can continue until a person does something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopCause {
    /// The tenant refuses the sign-in, lacks a licence or has not granted a permission.
    #[error("{0}")]
    Tenant(GraphError),
    /// The ledger cannot be used.
    #[error("{0}")]
    Ledger(LedgerError),
}

/// How one round of a handling ends without an outcome.
pub(super) enum Break {
    /// Somebody changed the state item: start over.
    Again,
    /// The handling is interrupted.
    Interrupted(Interrupted),
}

impl Interrupted {
    /// The message comes back as soon as its backoff allows, for a cause that is not Graph's.
    pub(super) fn come_back(cause: &str) -> Self {
        Self::ComeBack { after: Duration::ZERO, cause: cause.to_owned(), throttled: false }
    }
}

impl From<GraphError> for Interrupted {
    fn from(error: GraphError) -> Self {
        match error {
            error if error.stops_everything() => Self::Stop(StopCause::Tenant(error)),
            GraphError::Throttled { retry_after } => {
                Self::ComeBack { after: retry_after, cause: error.to_string(), throttled: true }
            }
            error => Self::ComeBack {
                after: Duration::ZERO,
                cause: error.to_string(),
                throttled: error.comes_back(),
            },
        }
    }
}

impl From<LedgerError> for Interrupted {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Unusable(_) => Self::Stop(StopCause::Ledger(error)),
            LedgerError::Item(why) => Self::Item(why),
            LedgerError::Newer(why) => Self::Newer(why),
            error => Self::come_back(&error.to_string()),
        }
    }
}

impl From<Interrupted> for Break {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(interrupted)
    }
}

impl From<GraphError> for Break {
    fn from(error: GraphError) -> Self {
        Self::Interrupted(error.into())
    }
}

impl From<LedgerError> for Break {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Conflict => Self::Again,
            error => Self::Interrupted(error.into()),
        }
    }
}
