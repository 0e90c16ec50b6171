//! Explains one user: the live decision with every rule. Deletes nothing in any mode.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    bulk::Bulk,
    handling::stops,
    interrupted::Interrupted,
    reads::{about, read},
    story::GOOD_FOR,
    what_if::{Demand, questions},
};
use crate::{
    decide::{Record, decide},
    domain::{
        account::About,
        decision::Decision,
        facts::Facts,
        ids::UserId,
        outcome::{Outcome, Verdict},
        state::UserState,
    },
    graph::Urgency,
    ledger::Entry,
    process::Scope,
    view::{Line, Past},
};

/// What would be done about a user now, and what was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Explanation {
    /// The object id of the user who is explained.
    pub user_id: UserId,
    /// The decision as of now, with every rule.
    pub decision: Decision,
    /// The outcome with which a handling would stop now, without deleting; `None` if it would roll back.
    pub stops_at: Option<Outcome>,
    /// What was read of account, per-user MFA and methods just now, with names.
    pub about: About,
    /// What is on record; `None` if the ledger does not know the user.
    pub on_record: Option<Box<Line>>,
    /// What was done, oldest first.
    pub history: Vec<Past>,
    /// When it was read. An older stack does not say so.
    #[serde(default)]
    pub read_at: ReadAt,
    /// The ids of these reads in Graph's own logs.
    pub request_ids: Vec<String>,
}

/// When a decision was made, and when the readings began that it goes by; `None` for what was not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReadAt {
    /// When the decision was made.
    pub decided: Option<Timestamp>,
    /// Exclusions, role assignments and policies.
    pub tenant: Option<Timestamp>,
    /// Account, per-user MFA and methods.
    pub user: Option<Timestamp>,
    /// The audit log about the user, and then What If. They are asked only for who may be rolled back.
    pub audit_log: Option<Timestamp>,
}

/// Reads a user and decides, without taking a lease or writing anything.
pub(crate) async fn explain(scope: &Scope, user_id: UserId) -> Result<Explanation, Interrupted> {
    let process = &scope.process;
    let preflight = process.preflight_within(GOOD_FOR).await?;
    let on_record = process.ledger.user(user_id).await?.value;
    let history = process.ledger.history(user_id).await?;
    let mut facts = read(scope, user_id, Urgency::Begun).await?;
    let now = process.clock.now();
    let mut state = on_record.clone().unwrap_or_else(|| UserState::new(user_id, now));
    let nothing = BTreeSet::new();
    let decide = |state: &UserState, facts: &Facts| {
        let mut record = Record::of(state, &nothing);
        // A user who is not on record is decided on as if named by hand: the window says nothing about them.
        record.by_hand = record.by_hand || on_record.is_none();
        decide(record, facts, &preflight.belts, &process.settings.policy, now)
    };
    let mut decision = decide(&state, &facts);
    let mut read_at =
        ReadAt { decided: None, tenant: Some(preflight.at), user: Some(facts.read_at), audit_log: None };
    if decision.verdict == Verdict::RollBack {
        let story = Bulk::default().ask(scope, user_id, &state.registrations).await?;
        state.add_registrations(story.registrations.iter().cloned(), now);
        story.add_to(&mut facts);
        read_at.audit_log = Some(story.asked_at);
        let questions = questions(scope, &preflight.belts, user_id);
        facts.what_if = Demand::ask(scope, user_id, &questions).await?.what_if;
        decision = decide(&state, &facts);
    }
    read_at.decided = Some(process.clock.now());
    let stops_at = match decision.verdict {
        Verdict::RollBack => stops(scope, &state, &facts, &decision, &preflight, now).await?,
        Verdict::NotEligible(reason) => Some(Outcome::NotEligible(reason)),
        Verdict::Held(reason) => Some(Outcome::Held(reason)),
    };
    let administrator = preflight.belts.administrators.known().and_then(|list| list.get(&user_id));
    Ok(Explanation {
        user_id,
        about: about(&facts, administrator, true),
        decision,
        stops_at,
        on_record: on_record.map(|state| Box::new(Line::of(&Entry::User(Box::new(state)), true))),
        history: history.into_iter().map(Past::from).collect(),
        read_at,
        request_ids: facts.request_ids,
    })
}
