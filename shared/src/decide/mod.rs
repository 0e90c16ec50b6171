//! The decision on one candidate: a pure function over what was read, with every rule looked at.

mod origin;
mod rules;

pub(crate) use rules::external as external_of;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    domain::{
        decision::{Decision, RuleAnswer, RuleResult},
        facts::{Account, Belts, Facts, RecordedRegistration},
        ids::UserId,
        intent::{Intent, Look},
        method::AuthenticationMethod,
        outcome::{Held, Verdict},
        rule::Rule,
        state::UserState,
    },
    settings::Policy,
};

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

impl<'a> Record<'a> {
    /// What a decision sees of a user's item; `nothing` stands for what nobody has released.
    pub fn of(state: &'a UserState, nothing: &'a BTreeSet<Held>) -> Self {
        Self {
            user_id: state.user_id,
            registrations: &state.registrations,
            by_hand: state.by_hand.is_some(),
            first_delete_at: state.first_delete_at,
            intent: state.intent.as_ref(),
            released: state.release.as_ref().map_or(nothing, |release| &release.reasons),
            released_look: state.release.as_ref().and_then(|release| release.look.as_ref()),
        }
    }
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
        .iter()
        .map(|&rule| {
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
        consequences: asked.consequences(),
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
        return reason.unwrap_or(Verdict::Held(Held::Unknown(Rule::UserExists)));
    }
    rules
        .iter()
        .find(|result| matches!(result.answer, RuleAnswer::Unknown { .. }))
        .map_or(Verdict::RollBack, |result| Verdict::Held(Held::Unknown(result.rule)))
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

#[cfg(test)]
mod tests;
