//! The decision on one candidate: a pure function over what was read, with every rule looked at.

mod origin;
mod rules;

pub(crate) use rules::external as external_of;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        facts::{Account, Belts, Facts, RecordedRegistration},
        ids::UserId,
        intent::{Intent, Look},
        method::{AuthenticationMethod, MethodKind},
        outcome::{Held, NotEligible, Verdict},
    },
    settings::{Fingerprint, Policy},
};

/// A rule, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The account is there.
    UserExists,
    /// A registration on record lies in the window.
    InWindow,
    /// Per-user MFA is disabled.
    PerUserMfa,
    /// No DELETE was ever sent for this user.
    NotRolledBack,
    /// There is a strong method.
    StrongMethods,
    /// Not excluded.
    NotExcluded,
    /// Holds no role and may take none.
    NotAdministrator,
    /// No guest.
    NotExternal,
    /// Not disabled.
    AccountEnabled,
    /// Not created in the window.
    NotNewAccount,
    /// Every strong method is of the window.
    MethodsOfWindow,
    /// Something to sign in with is left.
    NotLastCredential,
    /// No strong method is what the user signs in with.
    NotPrimarySignIn,
    /// Nothing demands MFA of the user today.
    MfaNotRequired,
}

impl Rule {
    /// All of them, in order.
    pub const ALL: [Self; 14] = [
        Self::UserExists,
        Self::InWindow,
        Self::PerUserMfa,
        Self::NotRolledBack,
        Self::StrongMethods,
        Self::NotExcluded,
        Self::NotAdministrator,
        Self::NotExternal,
        Self::AccountEnabled,
        Self::NotNewAccount,
        Self::MethodsOfWindow,
        Self::NotLastCredential,
        Self::NotPrimarySignIn,
        Self::MfaNotRequired,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserExists => "user_exists",
            Self::InWindow => "in_window",
            Self::PerUserMfa => "per_user_mfa",
            Self::NotRolledBack => "not_rolled_back",
            Self::StrongMethods => "strong_methods",
            Self::NotExcluded => "not_excluded",
            Self::NotAdministrator => "not_administrator",
            Self::NotExternal => "not_external",
            Self::AccountEnabled => "account_enabled",
            Self::NotNewAccount => "not_new_account",
            Self::MethodsOfWindow => "methods_of_window",
            Self::NotLastCredential => "not_last_credential",
            Self::NotPrimarySignIn => "not_primary_sign_in",
            Self::MfaNotRequired => "mfa_not_required",
        }
    }

    fn unknown(self) -> Held {
        match self {
            Self::UserExists | Self::InWindow => Held::UserExistsUnknown,
            Self::PerUserMfa => Held::PerUserMfaUnknown,
            Self::NotRolledBack => Held::NotRolledBackUnknown,
            Self::StrongMethods => Held::StrongMethodsUnknown,
            Self::NotExcluded => Held::NotExcludedUnknown,
            Self::NotAdministrator => Held::NotAdministratorUnknown,
            Self::NotExternal => Held::NotExternalUnknown,
            Self::AccountEnabled => Held::AccountEnabledUnknown,
            Self::NotNewAccount => Held::NotNewAccountUnknown,
            Self::MethodsOfWindow => Held::MethodsOfWindowUnknown,
            Self::NotLastCredential => Held::NotLastCredentialUnknown,
            Self::NotPrimarySignIn => Held::NotPrimarySignInUnknown,
            Self::MfaNotRequired => Held::MfaNotRequiredUnknown,
        }
    }
}

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

/// What the user will notice of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
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
    pub notices: Option<Notices>,
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

/// What the ledger says about the candidate.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Who it is.
    pub user_id: UserId,
    /// The registrations on record.
    pub registrations: &'a [RecordedRegistration],
    /// Whether a person named the user.
    pub by_hand: bool,
    /// When a DELETE was first sent for this user.
    pub first_delete_at: Option<Timestamp>,
    /// The open intent.
    pub intent: Option<&'a Intent>,
    /// Reasons that a person has lifted.
    pub released: &'a BTreeSet<Held>,
    /// The methods for which a person has lifted them.
    pub released_look: Option<&'a Look>,
}

impl Record<'_> {
    /// Whether what a person has lifted speaks of all strong methods that are there.
    fn covers(&self, facts: &Facts) -> bool {
        let strong = |methods: &&Vec<AuthenticationMethod>| {
            let mut strong = methods.iter().filter(|method| method.kind.is_strong());
            strong.all(|method| self.released_look.is_some_and(|look| look.shows(method)))
        };
        facts.methods.known().as_ref().is_some_and(strong)
    }

    /// Whether a person has lifted this reason for this very method.
    fn is_released(&self, reason: Held, method: &AuthenticationMethod) -> bool {
        self.released.contains(&reason) && self.released_look.is_some_and(|look| look.shows(method))
    }
}

/// Decides on one candidate (design §5). The first no, in the rules' order, names the reason; only
/// if there is none, the first unknown does.
pub fn decide(record: Record<'_>, facts: &Facts, belts: &Belts, policy: &Policy, now: Timestamp) -> Decision {
    let asked = rules::Asked { record, facts, belts, policy, now };
    let gone = matches!(facts.account.known(), Some(Account::NotFound));
    let nothing = BTreeSet::new();
    let released = if record.covers(facts) { record.released } else { &nothing };
    let rules: Vec<RuleResult> = Rule::ALL
        .into_iter()
        .map(|rule| {
            let answer = if gone && rule != Rule::UserExists {
                RuleAnswer::NotApplicable
            } else {
                lift(rule, asked.ask(rule), released)
            };
            RuleResult { rule, answer }
        })
        .collect();
    Decision {
        verdict: verdict(&rules),
        rules,
        notices: asked.notices(),
        fingerprint: policy.fingerprint(),
        decided_at: now,
    }
}

fn verdict(rules: &[RuleResult]) -> Verdict {
    let no = rules.iter().find_map(|result| match &result.answer {
        RuleAnswer::No { reasons, .. } => Some(reasons.first().copied()),
        _ => None,
    });
    if let Some(reason) = no {
        // A no without a reason does not happen; were it to, the user is held, not let through.
        return reason.unwrap_or(Verdict::Held(Held::UserExistsUnknown));
    }
    rules
        .iter()
        .find(|result| matches!(result.answer, RuleAnswer::Unknown { .. }))
        .map_or(Verdict::RollBack, |result| Verdict::Held(result.rule.unknown()))
}

/// Takes released reasons out of a no; with none left it passes, and says why. The two rules that go by each
/// method ask for themselves what is released.
fn lift(rule: Rule, answer: RuleAnswer, released: &BTreeSet<Held>) -> RuleAnswer {
    let RuleAnswer::No { mut reasons, note } = answer else { return answer };
    if matches!(rule, Rule::NotRolledBack | Rule::MethodsOfWindow) {
        return RuleAnswer::No { reasons, note };
    }
    let is_lifted = |verdict: &Verdict| match verdict {
        Verdict::Held(reason) => reason.can_be_released() && released.contains(reason),
        _ => false,
    };
    reasons.retain(|reason| !is_lifted(reason));
    if reasons.is_empty() { rules::released(&note) } else { RuleAnswer::No { reasons, note } }
}

/// A no for one reason.
fn no(reason: impl Into<Verdict>, note: impl Into<String>) -> RuleAnswer {
    RuleAnswer::No { reasons: vec![reason.into()], note: note.into() }
}

fn pass() -> RuleAnswer {
    RuleAnswer::Pass { note: None }
}

impl From<NotEligible> for Verdict {
    fn from(reason: NotEligible) -> Self {
        Self::NotEligible(reason)
    }
}

impl From<Held> for Verdict {
    fn from(reason: Held) -> Self {
        Self::Held(reason)
    }
}

#[cfg(test)]
mod tests;
