//! Keys of documents.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    digest::digest,
    domain::ids::{EventId, UserId},
};

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it belongs to.
    pub pk: String,
    /// What it is.
    pub sk: String,
}

impl Key {
    /// A key of these two parts.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// A user's state item.
    pub fn user(user: UserId) -> Self {
        Self::new(format!("USER#{user}"), "STATE")
    }

    /// One entry of a user's history; entries sort by time.
    pub fn history(user: UserId, at: Timestamp, id: Uuid) -> Self {
        Self::new(format!("USER#{user}"), format!("H#{at:.9}#{id}"))
    }

    /// What the registration report says about a user.
    pub fn report_line(user: UserId) -> Self {
        Self::new(format!("USER#{user}"), "REPORT")
    }

    /// How the keys of [`Key::act`] begin.
    pub const ACT: &'static str = "A#";

    /// What an event tells of a user's methods beside registrations.
    pub fn act(user: UserId, event: &EventId) -> Self {
        Self::new(format!("USER#{user}"), format!("{}{}", Self::ACT, bounded(event)))
    }

    /// That an event was seen.
    pub fn seen(event: &EventId) -> Self {
        Self::new(format!("EVENT#{}", bounded(event)), "SEEN")
    }

    /// A registration without one clear user.
    pub fn ambiguous(event: &EventId) -> Self {
        Self::new(format!("EVENT#{}", bounded(event)), "STATE")
    }

    /// The scan position.
    pub fn poll() -> Self {
        Self::new("POLL", "STATE")
    }

    /// Cap and brake.
    pub fn brake() -> Self {
        Self::new("BRAKE", "STATE")
    }

    /// What people were told.
    pub fn notices() -> Self {
        Self::new("NOTICES", "STATE")
    }

    /// A request under a key of its caller's.
    pub fn idempotency(caller: &str, key: &str) -> Self {
        Self::new(format!("IDEM#{}", digest([caller.as_bytes(), key.as_bytes()], 32)), "STATE")
    }

    /// Whose ledger it is.
    pub fn tenant() -> Self {
        Self::new("TENANT", "STATE")
    }
}

/// Event ids are texts of another service: however long one is, a key takes it.
fn bounded(event: &EventId) -> String {
    if event.0.len() <= 512 {
        return event.0.clone();
    }
    digest([event.0.as_bytes()], 32)
}
