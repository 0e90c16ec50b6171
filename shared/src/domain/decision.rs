//! The record of a decision: the verdict, and every rule with its answer.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    method::MethodKind,
    outcome::{Held, Verdict},
    rule::Rule,
};

/// A rule's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum RuleAnswer {
    /// It lets the user through.
    Pass {
        /// What it found, where that is worth saying.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        note: Option<String>,
    },
    /// It stops the user.
    No {
        /// Every reason it found, the one that counts first.
        reasons: Vec<Verdict>,
        /// What it found.
        note: String,
    },
    /// There is nothing for it to say.
    NotApplicable,
    /// What it needs cannot be read.
    Unknown {
        /// Why.
        note: String,
    },
}

/// A rule with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleResult {
    /// The rule.
    pub rule: Rule,
    /// Its answer.
    #[serde(flatten)]
    pub answer: RuleAnswer,
}

/// A short digest of all settings that decide: by it a changed one is noticed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// What the user will notice of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequences {
    /// Self-service password reset loses a phone; `None` where it is not known whether the user is
    /// registered for it.
    pub sspr_loses_phone: Option<bool>,
    /// What stays that can still do MFA.
    pub still_can_do_mfa: Vec<MethodKind>,
    /// No method but a password is left.
    pub no_method_left: bool,
}

/// The decision record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What to do.
    pub verdict: Verdict,
    /// Every rule's answer, in order.
    pub rules: Vec<RuleResult>,
    /// What the user will notice, where the methods are known.
    #[serde(alias = "notices")]
    pub consequences: Option<Consequences>,
    /// The settings it was made under.
    pub fingerprint: Fingerprint,
    /// When it was made.
    pub decided_at: Timestamp,
}

impl Decision {
    /// Every reason for which the user is held that a person's release can lift.
    pub fn releasable(&self) -> BTreeSet<Held> {
        self.rules
            .iter()
            .flat_map(|result| match &result.answer {
                RuleAnswer::No { reasons, .. } => reasons.as_slice(),
                _ => &[],
            })
            .filter_map(|verdict| match verdict {
                Verdict::Held(reason) if reason.can_be_released() => Some(*reason),
                _ => None,
            })
            .collect()
    }
}
