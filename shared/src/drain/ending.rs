//! How things end: a handling, a change of the default method, a message, a batch.

use std::time::Duration;

use jiff::Timestamp;

use super::interrupted::StopCause;
use crate::{
    domain::{
        decision::Decision,
        ids::UserId,
        intent::DurableIntent,
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
    /// The user is not pending: another message came first.
    NothingToDo,
    /// There is no such candidate.
    NotOnRecord,
    /// There was no time left to begin.
    NotStarted,
    /// Somebody else is handling the user.
    Busy {
        /// When to look at that handling's lease again.
        until: Timestamp,
    },
}

/// The result of a handling, before it is written to the ledger.
pub(super) struct Conclusion {
    pub(super) outcome: Outcome,
    pub(super) deleted: Vec<MethodName>,
    pub(super) left: Vec<MethodName>,
    pub(super) decision: Option<Decision>,
}

/// How an attempt to change the default ended.
pub(super) enum Changed {
    /// It is what it should be.
    Now(DurableIntent),
    /// After a wait, look at the user and decide again.
    StartOver(Duration),
    /// There is no other one, or Graph refuses.
    No,
    /// The brake is open.
    BrakeOpen,
}

/// What was decided on: the methods as they were listed, and when.
pub(super) struct Decided {
    pub(super) methods: Vec<AuthenticationMethod>,
    pub(super) read_at: Timestamp,
    pub(super) decision: Decision,
}

/// The result of handling a message.
#[derive(Debug)]
pub struct Handled {
    /// The user whom the message was about.
    pub user_id: UserId,
    /// What to do with the message.
    pub disposition: Disposition,
    /// The new outcome, if there is one.
    pub concluded: Option<Box<Concluded>>,
    /// The user's state after a new outcome.
    pub state: Option<Box<UserState>>,
    /// What stops the whole batch, since the next user would meet the same; `None` if nothing does.
    pub stop: Option<StopCause>,
    /// What interrupted the handling, if anything did.
    pub interrupted: Option<String>,
    /// Whether the user is left for newer code.
    pub newer: bool,
}

/// A message as a queue delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The queue's own id for it, used in log lines.
    pub message_id: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// The body as it was received; [`Message::parse`](crate::queue::Message::parse) reads it.
    pub body: String,
}

/// The result of a batch.
#[derive(Debug, Default)]
pub struct Batch {
    /// What to do with each message, in the order of the records.
    pub dispositions: Vec<Disposition>,
    /// The users with a new outcome.
    pub concluded: Vec<UserState>,
    /// What stopped the batch, if anything did.
    pub stop: Option<StopCause>,
}
