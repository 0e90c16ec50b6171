//! What was done about a user.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{method::MethodName, plan::PlanHash, state::Concluded},
    ledger::HistoryEntry,
};

/// One thing that was done about a user. It leaves out what only the ledger needs to prove a resume: with
/// salt and hash of a phone number, anyone could find the number by trying them all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Past {
    /// A handling reached an outcome.
    Outcome(Box<Concluded>),
    /// Methods were about to be deleted.
    Intent {
        /// When the intent was written, before its first DELETE.
        at: Timestamp,
        /// The methods that the intent lists, in the order of deletion.
        methods: Vec<MethodName>,
    },
    /// A person released the user.
    Release {
        /// Who released the user: the caller's IAM ARN, or the local user name on the command line.
        who: String,
        /// The reason that this person gave.
        why: String,
        /// When the release was written to the ledger.
        at: Timestamp,
    },
    /// A person approved what a plan lists of the user.
    Approved {
        /// Who approved: the caller's IAM ARN, or the local user name on the command line.
        who: String,
        /// The reason that this person gave.
        why: String,
        /// The hash of the plan.
        plan: PlanHash,
        /// When the approval was written to the ledger.
        at: Timestamp,
    },
    /// What was on record before was erased.
    Erased {
        /// Who erased it: the caller's IAM ARN, or the local user name on the command line.
        who: String,
        /// The reason that this person gave.
        why: String,
        /// When the erasure was written to the ledger.
        at: Timestamp,
    },
    /// A person named the user.
    ByHand {
        /// Who named the user: the caller's IAM ARN, or the local user name on the command line.
        who: String,
        /// The reason that this person gave.
        why: String,
        /// When the user was named, by the clock of the run that took the name.
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
            HistoryEntry::Approved { who, why, plan, at } => Self::Approved { who, why, plan, at },
            HistoryEntry::Erased { who, why, at } => Self::Erased { who, why, at },
            HistoryEntry::ByHand { who, why, at } => Self::ByHand { who, why, at },
        }
    }
}
