//! What a verification says.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{EventId, TenantId, UserId};

/// What was found.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// The app deleted a method, and no intent of this ledger accounts for it.
    UnknownDeletion,
    /// The ledger says that a method is gone, and the tenant says otherwise, or the history does not bear it out.
    ForgedOutcome,
    /// The history was changed: an entry is not what it was, or one is missing.
    ChangedHistory,
    /// An intent whose deletions the audit log does not show, though a day has passed.
    MissingEvent,
    /// Something could not be read, so that it is not known.
    NotRead,
    /// The user registered a method again after the rollback.
    RegisteredAnew,
    /// An intent whose deletions the audit log does not show yet: records come late.
    NotYet,
    /// An intent whose outcome says that nothing was deleted, and the audit log agrees.
    NothingDeleted,
    /// An intent older than what the audit log keeps.
    TooOld,
    /// A deletion from before the record of the user was erased.
    Erased,
}

impl Kind {
    /// Whether a person has to look at it.
    pub fn needs_a_person(self) -> bool {
        match self {
            Self::UnknownDeletion
            | Self::ForgedOutcome
            | Self::ChangedHistory
            | Self::MissingEvent
            | Self::NotRead => true,
            Self::RegisteredAnew | Self::NotYet | Self::NothingDeleted | Self::TooOld | Self::Erased => false,
        }
    }

    /// What to do about it; `None` if there is nothing to do.
    pub fn next_step(self) -> Option<&'static str> {
        match self {
            Self::UnknownDeletion => Some(
                "find out who acts as this app: another ledger of the same app (another machine, a stack, a lost file) or \
                 somebody who has its secret; if nobody can say, `brake open`, and renew the app's credentials",
            ),
            Self::ForgedOutcome => Some(
                "treat the ledger as tampered with: keep the file, compare it with a backup and with evidence from \
                 before, and look at who could write to it",
            ),
            Self::ChangedHistory => Some(
                "compare with a copy from before, and find out who could write to it; what the rest says is not proven by it",
            ),
            Self::MissingEvent => Some(
                "look at the user in the portal's audit log; a process that died before its first DELETE leaves such an \
                 intent, and so does a method that was gone already",
            ),
            Self::NotRead => Some("verify again once it can be read"),
            Self::RegisteredAnew | Self::NothingDeleted | Self::TooOld | Self::Erased => None,
            Self::NotYet => Some("verify again in a day"),
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What was found.
    pub kind: Kind,
    /// The user whom it concerns; `None` if it concerns none, or the record does not say.
    pub user_id: Option<UserId>,
    /// When it happened; `None` if that is not known.
    pub at: Option<Timestamp>,
    /// The audit event that shows it; `None` if none does.
    pub event_id: Option<EventId>,
    /// What was found, in words.
    pub what: String,
    /// What to do next; `None` if nothing follows from it.
    pub next_step: Option<String>,
}

impl Finding {
    pub(super) fn new(kind: Kind, user_id: Option<UserId>, what: impl Into<String>) -> Self {
        let next_step = kind.next_step().map(str::to_owned);
        Self { kind, user_id, at: None, event_id: None, what: what.into(), next_step }
    }

    #[must_use]
    pub(super) fn at(self, at: Timestamp) -> Self {
        Self { at: Some(at), ..self }
    }

    #[must_use]
    pub(super) fn event(self, event_id: &EventId) -> Self {
        Self { event_id: Some(event_id.clone()), ..self }
    }
}

/// What a verification came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// The tenant; `None` if a file does not say.
    pub tenant_id: Option<TenantId>,
    /// When it was verified.
    pub verified_at: Timestamp,
    /// The head of a file's hash chain; `None` if a ledger was verified.
    pub head: Option<String>,
    /// How many of what was compared.
    pub compared: BTreeMap<String, usize>,
    /// The findings, those that need a person first.
    pub findings: Vec<Finding>,
}

impl Verification {
    /// Whether a person has to look at any finding.
    pub fn needs_a_person(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind.needs_a_person())
    }

    pub(super) fn sorted(mut self) -> Self {
        self.findings.sort_by_key(|finding| (finding.kind, finding.user_id, finding.at));
        self
    }
}
