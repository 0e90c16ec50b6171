//! What the ledger's documents say, beside a user's state item and the brake.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::{EventId, RunId, UserId},
        intent::{DurableIntent, Intent},
        state::{Concluded, UserState},
    },
    ledger::{key::Key, store::Cursor},
};

/// A document as it was read, with the version that a change of it is conditional on.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// What it says.
    pub value: T,
    /// Its version; 0 where there is none yet.
    pub version: u64,
}

/// One entry of a user's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum HistoryEntry {
    /// A handling's outcome, whether or not it replaced the one before.
    Outcome(Box<Concluded>),
    /// What was about to be deleted.
    Intent {
        /// By which run.
        run_id: RunId,
        /// What.
        intent: Intent,
    },
    /// A person's release.
    Release {
        /// Who.
        who: String,
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// What was on record before was erased.
    Erased {
        /// Who.
        who: String,
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// A person named the user.
    ByHand {
        /// Who.
        who: String,
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
}

/// A registration without one clear user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmbiguousEvent {
    /// The event.
    pub event_id: EventId,
    /// When it happened.
    pub registered_at: Timestamp,
    /// What is unclear.
    pub why: String,
    /// The users it may be about.
    pub users: Vec<UserId>,
    /// When this program first saw it.
    pub first_seen_at: Timestamp,
    /// What ended it: who, and why.
    pub ended: Option<(String, String)>,
}

/// When the registration report was read, and where a reading under way goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationReportState {
    /// When it was last read to its end.
    pub read_at: Option<Timestamp>,
    /// When its reading was last given up for a day.
    #[serde(default)]
    pub given_up_at: Option<Timestamp>,
    /// The tenant has no licence for it.
    #[serde(default)]
    pub no_licence: bool,
    /// When it was last tried to read it: without a licence it cannot be.
    #[serde(default)]
    pub tried_at: Option<Timestamp>,
    /// The link to the next page.
    pub next: Option<String>,
    /// Failures of the reading under way behind its first page.
    #[serde(default)]
    pub failures: u32,
}

/// An item of a list: a user, or an event without one.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A user.
    User(Box<UserState>),
    /// An event.
    Event(AmbiguousEvent),
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// Its items.
    pub entries: Vec<Entry>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

/// Whether an intent was written.
#[derive(Debug)]
pub enum IntentWritten {
    /// It is in the ledger.
    Durable(DurableIntent),
    /// The brake is open.
    BrakeOpen,
    /// No slot of the daily cap is free.
    NoSlot,
}

/// What became of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeptRequest {
    /// A digest of the request, to tell another one under the same key.
    pub(super) request: String,
    /// Whoever does it is done or dead by then.
    pub(super) until: Timestamp,
    /// The answer, once there is one.
    pub(super) answer: Option<KeptAnswer>,
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// Its body.
    pub body: String,
}

/// What there is under a key.
#[derive(Debug)]
pub enum Claim {
    /// Nothing, or a request that its process did not live to answer: do it, then say what came of it.
    Yours(Claimed),
    /// The same request, answered.
    Answered(KeptAnswer),
    /// The same request, under way.
    UnderWay {
        /// It is answered or given up by then.
        until: Timestamp,
    },
    /// Another request.
    Reused,
}

/// The right, and the duty, to do a request.
#[derive(Debug)]
pub struct Claimed {
    pub(super) key: Key,
    pub(super) held: Versioned<KeptRequest>,
}
