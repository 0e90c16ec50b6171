//! The keys of the ledger's documents.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    digest::digest,
    domain::{
        ids::{EventId, UserId},
        plan::PlanHash,
    },
};

/// Where a document is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What the document belongs to, such as a user; the table's partition key.
    pub pk: String,
    /// Which of its documents it is; the table's sort key.
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

    /// The prefix of the sort keys that [`Key::act`] makes.
    pub const ACT: &'static str = "A#";

    /// What an event says was done to a user's methods, other than registrations.
    pub fn act(user: UserId, event: &EventId) -> Self {
        Self::new(format!("USER#{user}"), format!("{}{}", Self::ACT, bounded(event)))
    }

    /// The prefix of the sort keys that [`Key::change`] makes.
    pub const CHANGE: &'static str = "D#";

    /// What a record of the directory says was changed about a user's MFA details.
    pub fn change(user: UserId, event: &EventId) -> Self {
        Self::new(format!("USER#{user}"), format!("{}{}", Self::CHANGE, bounded(event)))
    }

    /// The mark that an event was seen.
    pub fn seen(event: &EventId) -> Self {
        Self::new(format!("EVENT#{}", bounded(event)), "SEEN")
    }

    /// A registration without one clear user.
    pub fn ambiguous(event: &EventId) -> Self {
        Self::new(format!("EVENT#{}", bounded(event)), "STATE")
    }

    /// The scan position, with the state of the registration report.
    pub fn poll() -> Self {
        Self::new("POLL", "STATE")
    }

    /// The daily cap and the brake.
    pub fn brake() -> Self {
        Self::new("BRAKE", "STATE")
    }

    /// What is known of plans as a whole.
    pub fn plans() -> Self {
        Self::new("PLANS", "STATE")
    }

    /// A plan without its users.
    pub fn plan(hash: &PlanHash) -> Self {
        Self::new(format!("PLAN#{hash}"), "STATE")
    }

    /// The prefix of the sort keys that [`Key::plan_part`] makes.
    pub const PLAN_PART: &'static str = "P#";

    /// A part of a plan's users; parts sort by number.
    pub fn plan_part(hash: &PlanHash, number: usize) -> Self {
        Self::new(format!("PLAN#{hash}"), format!("{}{number:06}", Self::PLAN_PART))
    }

    /// The limit that Graph was found to set.
    pub fn pace() -> Self {
        Self::new("PACE", "STATE")
    }

    /// The notices that people were sent.
    pub fn notices() -> Self {
        Self::new("NOTICES", "STATE")
    }

    /// A request under its caller's idempotency key.
    pub fn idempotency(caller: &str, key: &str) -> Self {
        Self::new(format!("IDEM#{}", digest([caller.as_bytes(), key.as_bytes()], 32)), "STATE")
    }

    /// Which tenant the ledger belongs to.
    pub fn tenant() -> Self {
        Self::new("TENANT", "STATE")
    }
}

/// Event ids come from another service: one that is too long for a key becomes a digest.
fn bounded(event: &EventId) -> String {
    if event.0.len() <= 512 {
        return event.0.clone();
    }
    digest([event.0.as_bytes()], 32)
}
