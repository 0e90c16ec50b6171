//! What the ledger's documents say, other than a user's state item and the brake.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::{EventId, RunId, UserId},
        intent::{DurableIntent, Intent},
        plan::PlanHash,
        state::{Concluded, UserState},
    },
    ledger::{key::Key, store::Cursor},
};

/// A document as it was read, with the version that a change of it is conditional on.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// The content, read from the document's JSON.
    pub value: T,
    /// The document's version; 0 if there is none yet.
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
        /// The run that wrote the intent.
        run_id: RunId,
        /// The intent, with the methods to be deleted.
        intent: Intent,
    },
    /// A person released the user.
    Release {
        /// Who released the user.
        who: String,
        /// The reason that they gave.
        why: String,
        /// When the user was released.
        at: Timestamp,
    },
    /// A person approved what a plan lists of the user.
    Approved {
        /// Who approved.
        who: String,
        /// The reason that they gave.
        why: String,
        /// The plan.
        plan: PlanHash,
        /// When it was approved.
        at: Timestamp,
    },
    /// The record of the user was erased up to this moment.
    Erased {
        /// Who had the record erased.
        who: String,
        /// The reason that they gave.
        why: String,
        /// When the record was erased.
        at: Timestamp,
    },
    /// A person named the user.
    ByHand {
        /// Who named the user.
        who: String,
        /// The reason that they gave.
        why: String,
        /// When the user was named.
        at: Timestamp,
    },
}

/// A registration without one clear user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmbiguousEvent {
    /// The event's id, or one made from its content.
    pub event_id: EventId,
    /// When it happened; only roughly if the record cannot be read.
    pub registered_at: Timestamp,
    /// What is unclear, in words for a person.
    pub why: String,
    /// Whether its record could not be read. It ends by itself when that is read after all.
    #[serde(default)]
    pub unread: bool,
    /// The users it may be about; empty if it names none.
    pub users: Vec<UserId>,
    /// When this program first saw it.
    pub first_seen_at: Timestamp,
    /// Who ended it, and why; `None` while it is held.
    pub ended: Option<(String, String)>,
}

/// When the registration report was read, and where an unfinished reading continues.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationReportState {
    /// When it was last read to its end; `None` if never.
    pub read_at: Option<Timestamp>,
    /// When poll last gave up reading it for a day.
    #[serde(default)]
    pub given_up_at: Option<Timestamp>,
    /// The tenant has no licence for it.
    #[serde(default)]
    pub no_licence: bool,
    /// When poll last tried to read it, whether or not there is a licence.
    #[serde(default)]
    pub tried_at: Option<Timestamp>,
    /// The link to the next page; `None` if no reading is under way.
    pub next: Option<String>,
    /// How often the reading under way has failed after its first page.
    #[serde(default)]
    pub failures: u32,
}

/// What is known of plans as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plans {
    /// The plans that were made last, each once, the latest first.
    pub recent: Vec<PlanHash>,
    /// When the first plan that enough people approved was made.
    pub first_approved_made_at: Option<Timestamp>,
}

/// An item of a list: a user, or an event without one.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A user's state item.
    User(Box<UserState>),
    /// A registration without one clear user.
    Event(AmbiguousEvent),
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// Users and events; those that cannot be read are left out.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

/// Whether an intent was written.
#[derive(Debug)]
pub enum IntentWritten {
    /// The intent is in the ledger: DELETEs may be sent.
    Durable(DurableIntent),
    /// The brake is open.
    BrakeOpen,
    /// No slot of the daily cap is free.
    NoSlot,
}

/// A request under an idempotency key, and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeptRequest {
    /// A digest of the request, to recognise another one under the same key.
    pub(super) request: String,
    /// By then the process that does it is done or dead.
    pub(super) until: Timestamp,
    /// The answer, once there is one.
    pub(super) answer: Option<KeptAnswer>,
}

/// An answer as it was given, kept for repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// The HTTP status of the answer.
    pub status: u16,
    /// The body of the answer, as text.
    pub body: String,
}

/// What there is under an idempotency key.
#[derive(Debug)]
pub enum Claim {
    /// Nothing, or a request that nobody finished: do it, then call [`answered`](super::Ledger::answered) or
    /// [`not_done`](super::Ledger::not_done).
    Yours(Claimed),
    /// The same request, answered.
    Answered(KeptAnswer),
    /// The same request, under way.
    UnderWay {
        /// The request is answered or given up by then.
        until: Timestamp,
    },
    /// A different request: the caller has used the key before.
    Reused,
}

/// The right, and the duty, to do a request.
#[derive(Debug)]
pub struct Claimed {
    pub(super) key: Key,
    pub(super) held: Versioned<KeptRequest>,
}
