//! The decision on one candidate: a pure function over what was read, which asks every rule.

mod asked;
mod last_credential;
mod methods_of_window;
mod origin;
mod record;
mod rules;

pub use self::record::Record;
pub(crate) use self::rules::external as external_of;

use std::collections::BTreeSet;

use jiff::Timestamp;

use self::asked::Asked;
use crate::{
    domain::{
        decision::{Decision, RuleAnswer, RuleResult},
        facts::{Account, Belts, Facts},
        outcome::{Held, Verdict},
        rule::Rule,
    },
    settings::Policy,
};

/// Decides on one candidate. The first no, in the order of the rules, names the reason; only if there is
/// none, the first unknown does.
pub fn decide(record: Record<'_>, facts: &Facts, belts: &Belts, policy: &Policy, now: Timestamp) -> Decision {
    let asked = Asked { record, facts, belts, policy, now };
    let gone = matches!(facts.account.known(), Some(Account::NotFound));
    let nothing = BTreeSet::new();
    let released = if record.covers(facts) { record.released } else { &nothing };
    let rules: Vec<RuleResult> = Rule::ALL
        .iter()
        .map(|&rule| {
            let answer = if gone && rule != Rule::UserExists {
                RuleAnswer::NotApplicable
            } else {
                lift(rule, asked.ask(rule), released, policy.releasable.contains(&record.user_id))
            };
            RuleResult { rule, answer }
        })
        .collect();
    Decision {
        verdict: verdict(&rules),
        rules,
        methods: asked.origins(),
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
        // A no always has a reason. If it had none, the user would be held, not let through.
        return reason.unwrap_or(Verdict::Held(Held::Unknown(Rule::UserExists)));
    }
    rules
        .iter()
        .find(|result| matches!(result.answer, RuleAnswer::Unknown { .. }))
        .map_or(Verdict::RollBack, |result| Verdict::Held(Held::Unknown(result.rule)))
}

/// Takes released reasons out of a no. If none is left, the rule passes, and says why. The two rules that
/// judge each method check for themselves what is released.
fn lift(rule: Rule, answer: RuleAnswer, released: &BTreeSet<Held>, listed: bool) -> RuleAnswer {
    let RuleAnswer::No { mut reasons, note } = answer else { return answer };
    if matches!(rule, Rule::NotRolledBack | Rule::MethodsOfWindow) {
        return RuleAnswer::No { reasons, note };
    }
    let is_lifted = |verdict: &Verdict| match verdict {
        Verdict::Held(reason) => reason.can_be_released(listed) && released.contains(reason),
        _ => false,
    };
    reasons.retain(|reason| !is_lifted(reason));
    if reasons.is_empty() { rules::released(&note) } else { RuleAnswer::No { reasons, note } }
}

#[cfg(test)]
mod tests;
