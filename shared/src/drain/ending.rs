//! What handlings come to: one, a message, a batch.

use jiff::Timestamp;

use super::interrupted::StopCause;
use crate::{
    domain::{
        decision::Decision,
        ids::UserId,
        method::{AuthenticationMethod, MethodName},
        outcome::Outcome,
        state::{Concluded, UserState},
    },
    queue::Disposition,
};

/// How a handling ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// There is a new outcome in the ledger.
    Concluded(Box<UserState>),
    /// The user is not pending: another message was first.
    NothingToDo,
    /// There is no such candidate.
    NotOnRecord,
    /// There was no time left to begin.
    NotStarted,
    /// Somebody else handles the user.
    Busy {
        /// When that can be taken over.
        until: Timestamp,
    },
}

/// What a handling comes to, before it is written down.
pub(super) struct Conclusion {
    pub(super) outcome: Outcome,
    pub(super) deleted: Vec<MethodName>,
    pub(super) left: Vec<MethodName>,
    pub(super) decision: Option<Decision>,
}

/// What was decided on: the methods as they were listed, and when.
pub(super) struct Decided {
    pub(super) methods: Vec<AuthenticationMethod>,
    pub(super) read_at: Timestamp,
    pub(super) decision: Decision,
}

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

/// A message as a queue hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// By which log lines name it.
    pub message_id: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// Its body.
    pub body: String,
}

/// What a batch came to.
#[derive(Debug, Default)]
pub struct Batch {
    /// What to do with each message, in the order of the records.
    pub dispositions: Vec<Disposition>,
    /// The users with a new outcome.
    pub concluded: Vec<UserState>,
    /// What stopped it, where something did.
    pub stop: Option<StopCause>,
}
