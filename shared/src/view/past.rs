//! What was done about a user.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{method::MethodName, state::Concluded},
    ledger::HistoryEntry,
};

/// One thing that was done about a user. What only the ledger needs to prove a resume is left out: salt and hash of a
/// phone number together give the number to whoever tries them all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Past {
    /// A handling came to an outcome.
    Outcome(Box<Concluded>),
    /// Methods were about to be deleted.
    Intent {
        /// When.
        at: Timestamp,
        /// Which.
        methods: Vec<MethodName>,
    },
    /// A person released the user.
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

impl From<HistoryEntry> for Past {
    fn from(entry: HistoryEntry) -> Self {
        match entry {
            HistoryEntry::Outcome(concluded) => Self::Outcome(concluded),
            HistoryEntry::Intent { intent, .. } => Self::Intent {
                at: intent.written_at,
                methods: intent
                    .methods
                    .into_iter()
                    .map(|method| MethodName { kind: method.kind, id: method.id })
                    .collect(),
            },
            HistoryEntry::Release { who, why, at } => Self::Release { who, why, at },
            HistoryEntry::Erased { who, why, at } => Self::Erased { who, why, at },
            HistoryEntry::ByHand { who, why, at } => Self::ByHand { who, why, at },
        }
    }
}
