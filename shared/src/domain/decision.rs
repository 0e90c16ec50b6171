//! The record of a decision: the verdict, and every rule with its answer.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    method::{MethodKind, MethodName},
    origin::MethodOrigin,
    outcome::{Held, Verdict},
    rule::Rule,
};

/// How a rule answered for one user. Only `Pass` and `NotApplicable` allow a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum RuleAnswer {
    /// The rule lets the user through.
    Pass {
        /// What the rule found, if that is worth saying.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        note: Option<String>,
    },
    /// The rule stops the rollback.
    No {
        /// Every reason that the rule found; the first one counts.
        reasons: Vec<Verdict>,
        /// What the rule found, in words for a person to read.
        note: String,
    },
    /// The question does not arise for this user.
    NotApplicable,
    /// The rule needs something that could not be read.
    Unknown {
        /// What could not be read, or why not.
        note: String,
    },
}

/// A rule with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RuleResult {
    /// Which rule was asked; a decision has each rule once.
    pub rule: Rule,
    /// What the rule answered; in JSON its fields stand beside `rule`.
    #[serde(flatten)]
    pub answer: RuleAnswer,
}

/// A short digest of all settings that a decision depends on. It changes when one of them does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// What the user will notice after a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Consequences {
    /// The kinds of method that self-service password reset loses; `None` if it is unknown whether the user is
    /// registered for it.
    #[serde(default)]
    pub sspr_loses: Option<Vec<MethodKind>>,
    /// The kinds of method that stay and can still do MFA.
    pub still_can_do_mfa: Vec<MethodKind>,
    /// Whether no method but a password will be left.
    pub no_method_left: bool,
}

/// The decision on one candidate, kept with the outcome in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Decision {
    /// What follows from the answers: the first no, else the first unknown, else `roll_back`.
    pub verdict: Verdict,
    /// Every rule's answer, in the order of [`Rule::ALL`].
    pub rules: Vec<RuleResult>,
    /// Where each strong method comes from; empty if the methods could not be read.
    #[serde(default)]
    pub methods: Vec<MethodOrigin>,
    /// What the user will notice; `None` if the methods could not be read.
    #[serde(alias = "notices")]
    pub consequences: Option<Consequences>,
    /// The settings it was made under.
    pub fingerprint: Fingerprint,
    /// When it was made.
    pub decided_at: Timestamp,
}

impl Decision {
    /// Whether a setting lets this method stay while the others go.
    pub fn keeps(&self, method: &MethodName) -> bool {
        self.methods.iter().any(|found| found.kept && found.method == *method)
    }

    /// Every reason that holds the user and that a person's release can lift, if the user is listed in
    /// `RELEASABLE_USER_IDS` or if not.
    pub fn releasable(&self, is_listed: bool) -> BTreeSet<Held> {
        self.rules
            .iter()
            .flat_map(|result| match &result.answer {
                RuleAnswer::No { reasons, .. } => reasons.as_slice(),
                _ => &[],
            })
            .filter_map(|verdict| match verdict {
                Verdict::Held(reason) if reason.can_be_released(is_listed) => Some(*reason),
                _ => None,
            })
            .collect()
    }
}
