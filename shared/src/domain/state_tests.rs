use super::*;
use crate::{
    decide::Record,
    domain::{
        decision::{Fingerprint, RuleAnswer, RuleResult},
        facts::Claimed,
        ids::{EventId, MethodId},
        look::IntendedMethod,
        method::MethodKind,
        outcome::{Deferred, Failed, NotEligible, Partial, Verdict},
        rule::Rule,
    },
};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_772_323_200 + minute * 60).unwrap()
}

fn user() -> UserId {
    "dd44fd36-4511-4889-801e-dc8e367e5d6d".parse().unwrap()
}

fn new_user() -> UserState {
    UserState::new(user(), at(0))
}

fn event(id: &str, minute: i64) -> RecordedRegistration {
    RecordedRegistration {
        event_id: EventId(id.to_owned()),
        registered_at: at(minute),
        methods: vec![MethodKind::Phone],
        first_seen_at: at(minute + 5),
        claim: None,
    }
}

fn lease(until: i64) -> Lease {
    Lease { owner: "a process".to_owned(), token: Uuid::from_u128(7), until: at(until) }
}

fn intent(minute: i64) -> Intent {
    Intent {
        id: Uuid::from_u128(1),
        written_at: at(minute),
        slot_at: at(minute),
        salt: Uuid::from_u128(2),
        methods: vec![IntendedMethod {
            kind: MethodKind::Phone,
            id: MethodId("3179e48a-750b-4051-897c-87b9720928f7".to_owned()),
            created: Some(at(-100)),
            number_hash: Some("00ff".to_owned()),
        }],
        kept: None,
        default_change: None,
    }
}

fn no(rule: Rule, reasons: &[Held]) -> RuleResult {
    let reasons = reasons.iter().map(|reason| Verdict::Held(*reason)).collect();
    RuleResult { rule, answer: RuleAnswer::No { reasons, note: "a note".to_owned() } }
}

fn decision(rules: Vec<RuleResult>) -> Decision {
    let verdict = match &rules.first().map(|result| &result.answer) {
        Some(RuleAnswer::No { reasons, .. }) => reasons[0],
        _ => Verdict::RollBack,
    };
    Decision {
        verdict,
        rules,
        methods: Vec::new(),
        consequences: None,
        fingerprint: Fingerprint("f".to_owned()),
        decided_at: at(1),
    }
}

fn concluded(outcome: Outcome, minute: i64) -> Concluded {
    Concluded {
        outcome,
        at: at(minute),
        run_id: RunId(Uuid::from_u128(3)),
        methods_deleted: Vec::new(),
        methods_left: Vec::new(),
        decision: None,
        request_ids: Vec::new(),
    }
}

fn with_outcome(outcome: Outcome) -> UserState {
    let mut state = new_user();
    state.add_registrations([event("e1", -10)], at(0));
    state.conclude(concluded(outcome, 1));
    state
}

fn held_for(reasons: &[Held]) -> UserState {
    let mut state = new_user();
    state.add_registrations([event("e1", -10)], at(0));
    let rules = vec![no(Rule::MethodsOfWindow, reasons)];
    state.conclude(Concluded { decision: Some(decision(rules)), ..concluded(Outcome::Held(reasons[0]), 1) });
    state
}

// Registrations

#[test]
fn a_known_event_changes_nothing_whatever_the_outcome_was() {
    for outcome in Outcome::all() {
        let mut state = with_outcome(outcome);
        let before = state.clone();
        let again = RecordedRegistration { registered_at: at(99), methods: Vec::new(), ..event("e1", 99) };
        assert!(!state.add_registrations([again.clone(), again], at(5)), "{outcome}");
        assert_eq!(state, before, "{outcome}");
    }
}

#[test]
fn no_event_at_all_changes_nothing() {
    let mut state = new_user();
    assert!(!state.add_registrations([], at(5)));
    assert_eq!(state, new_user());
}

#[test]
fn a_new_event_makes_the_user_pending_whatever_the_outcome_was() {
    for outcome in Outcome::all() {
        let mut state = with_outcome(outcome);
        assert!(!state.is_pending() && state.listed_as() == outcome.to_string());
        assert!(state.add_registrations([event("e1", -10), event("e2", -5)], at(5)), "{outcome}");
        assert_eq!(state.pending_since, Some(at(5)), "{outcome}");
        assert_eq!(state.listed_as(), "pending");
        assert_eq!(state.outcome(), Some(outcome), "the outcome stays on record");
    }
}

#[test]
fn registrations_are_kept_oldest_first_and_each_event_once() {
    let mut state = new_user();
    state.add_registrations([event("c", 3), event("a", 1), event("c", 3)], at(5));
    state.add_registrations([event("b", 1), event("a", 1)], at(6));
    let ids: Vec<&str> = state.registrations.iter().map(|r| r.event_id.0.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

#[test]
fn a_pending_user_keeps_its_place_and_its_attempts() {
    let mut state = new_user();
    state.add_registrations([event("e1", -10)], at(0));
    state.begin(lease(10), at(1));
    state.add_registrations([event("e2", -5)], at(5));
    assert_eq!(state.pending_since, Some(at(0)));
    assert_eq!(state.attempts, Attempts { count: 1, first_at: Some(at(1)) });
    assert!(state.lease.is_some(), "whoever handles the user notices by the item's version");
}

#[test]
fn a_user_named_by_hand_is_pending_and_it_is_on_record_who_asked_and_why() {
    let mut state = with_outcome(Outcome::NotEligible(NotEligible::OutsideWindow));
    let by_hand = ByHand { who: "ops".to_owned(), why: "ticket 1".to_owned(), at: at(9) };
    state.name_by_hand(by_hand.clone(), at(9));
    assert_eq!((state.by_hand.clone(), state.pending_since), (Some(by_hand), Some(at(9))));
    assert!(Record::of(&state, &BTreeSet::new()).by_hand);
}

#[test]
fn a_new_user_is_listed_as_pending() {
    assert_eq!(new_user().listed_as(), "pending");
}

// Outcomes

#[test]
fn only_held_re_registered_replaces_rolled_back() {
    for outcome in Outcome::all() {
        let mut state = with_outcome(Outcome::RolledBack);
        state.add_registrations([event("e2", -5)], at(5));
        state.conclude(concluded(outcome, 9));
        // A handling that cannot tell holds the user, under the one reason that may replace it.
        let replaces = match outcome {
            Outcome::Held(reason) => reason == Held::ReRegistered || reason.is_unknown(),
            other => matches!(other, Outcome::Failed(_) | Outcome::Partial(_)),
        };
        let expected = if replaces { Outcome::Held(Held::ReRegistered) } else { Outcome::RolledBack };
        assert_eq!(state.outcome(), Some(expected), "{outcome}");
        assert_eq!(state.outcome_since, Some(if replaces { at(9) } else { at(1) }), "{outcome}");
        assert!(!state.is_pending(), "{outcome}: the handling ended all the same");
    }
}

#[test]
fn every_outcome_but_rolled_back_is_replaced_by_any_other() {
    for before in Outcome::all().into_iter().filter(|outcome| *outcome != Outcome::RolledBack) {
        for after in Outcome::all() {
            let mut state = with_outcome(before);
            state.conclude(concluded(after, 9));
            assert_eq!(state.outcome(), Some(after), "{before} then {after}");
            let since = if before == after { at(1) } else { at(9) };
            assert_eq!(state.outcome_since, Some(since), "{before} then {after}");
        }
    }
}

#[test]
fn an_outcome_clears_lease_attempts_and_pending() {
    for before in [None, Some(Outcome::RolledBack), Some(Outcome::Failed(Failed::Refused))] {
        for outcome in Outcome::all() {
            let mut state = before.map_or_else(new_user, with_outcome);
            state.make_pending(at(2));
            state.begin(lease(10), at(2));
            state.begin(lease(20), at(3));
            assert_eq!(state.attempts, Attempts { count: 2, first_at: Some(at(2)) });
            state.conclude(concluded(outcome, 9));
            assert_eq!((&state.lease, state.attempts), (&None, Attempts::default()), "{outcome}");
            assert!(!state.is_pending(), "{outcome}");
        }
    }
}

#[test]
fn only_rolled_back_settles_the_intent_and_no_outcome_forgets_the_first_delete() {
    for outcome in Outcome::all() {
        let mut state = new_user();
        state.make_pending(at(0));
        state.intend(intent(2));
        state.conclude(concluded(outcome, 9));
        assert_eq!(state.intent.is_none(), outcome == Outcome::RolledBack, "{outcome}");
        assert_eq!(state.first_delete_at, Some(at(2)), "{outcome}");
    }
}

#[test]
fn a_later_intent_does_not_move_the_first_delete() {
    let mut state = new_user();
    state.intend(intent(2));
    state.intend(intent(30));
    assert_eq!(state.first_delete_at, Some(at(2)));
    assert_eq!(state.intent, Some(intent(30)));
}

#[test]
fn retries_count_up_from_failure_to_failure_and_waiting_does_not_reset_them() {
    let kind = |outcome: Outcome| outcome.kind();
    for before in Outcome::all().into_iter().filter(|outcome| *outcome != Outcome::RolledBack) {
        for after in Outcome::all() {
            let mut state = with_outcome(before);
            state.retries = 2;
            state.conclude(concluded(after, 9));
            let failed = |outcome: Outcome| ["failed", "partial"].contains(&kind(outcome));
            let waited_before = failed(before) && before.waits();
            let expected = match (after.waits(), failed(before) && !waited_before && failed(after)) {
                (true, _) => 2,
                (false, true) => 3,
                (false, false) => 0,
            };
            assert_eq!(state.retries, expected, "{before} then {after}");
        }
    }
}

#[test]
fn another_reason_for_the_same_failure_is_a_retry_too() {
    let mut state = with_outcome(Outcome::Failed(Failed::Refused));
    assert_eq!(state.retries, 0);
    state.conclude(concluded(Outcome::Failed(Failed::Forbidden), 9));
    assert_eq!((state.retries, state.outcome_since), (1, Some(at(9))));
    state.conclude(concluded(Outcome::Deferred(crate::domain::outcome::Deferred::DailyCap), 10));
    state.conclude(concluded(Outcome::Partial(Partial::Failed(Failed::Forbidden)), 11));
    assert_eq!(state.retries, 2);
    state.conclude(concluded(Outcome::RolledBack, 12));
    assert_eq!(state.retries, 0);
}

#[test]
fn a_claim_becomes_a_registration_once_the_log_shows_the_event() {
    let claim = RecordedRegistration { claim: Some(Claimed::default()), ..event("e1", 0) };
    let mut state = new_user();
    assert!(state.add_registrations([claim.clone()], at(1)));
    assert!(!state.registrations[0].proves());
    assert!(state.add_registrations([event("e1", 0)], at(2)));
    assert!(state.registrations.len() == 1 && state.registrations[0].proves());
    assert!(!state.add_registrations([claim], at(3)));
    assert!(state.registrations[0].proves(), "a claim takes nothing back");
}

// Releases

#[test]
fn a_release_of_a_user_who_is_not_held_is_refused_and_says_what_the_outcome_is() {
    for outcome in Outcome::all().into_iter().filter(|outcome| outcome.kind() != "held") {
        let mut state = with_outcome(outcome);
        let before = state.clone();
        let refused = state.release("ops", "looked", &listed(), at(5)).unwrap_err();
        assert_eq!(refused, ReleaseRefused::NotHeld(outcome.to_string()));
        assert_eq!(state, before);
    }
    let refused = new_user().release("ops", "looked", &listed(), at(5)).unwrap_err();
    assert_eq!(refused.to_string(), "the user is neither held nor partial (the outcome is pending)");
}

#[test]
fn a_release_of_excluded_or_of_an_unknown_is_refused() {
    for reason in Held::all().filter(|reason| *reason == Held::Excluded || reason.is_unknown()) {
        let mut state = held_for(&[reason, Held::RegisteredBefore]);
        let before = state.clone();
        let refused = state.release("ops", "looked", &listed(), at(5)).unwrap_err();
        assert!(matches!(refused, ReleaseRefused::NotReleasable(of, _) if of == reason), "{reason}");
        assert_eq!(state, before, "{reason}");
    }
}

#[test]
fn a_release_of_an_administrator_or_of_a_last_credential_needs_the_list() {
    for reason in [Held::Administrator, Held::LastCredential] {
        let mut state = held_for(&[reason, Held::RegisteredBefore]);
        let refused = state.release("ops", "looked", &BTreeSet::new(), at(5)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "held({reason}) cannot be released: only users whose object id is in RELEASABLE_USER_IDS can be"
            )
        );
        let mut state = held_for(&[Held::External, reason]);
        state.release("ops", "looked", &BTreeSet::new(), at(5)).unwrap();
        assert_eq!(state.release.unwrap().reasons, [Held::External].into());
    }
}

#[test]
fn a_release_takes_every_other_held_reason_and_makes_the_user_pending() {
    for reason in Held::all().filter(|reason| reason.can_be_released(true)) {
        let mut state = held_for(&[reason]);
        state.release("ops", "looked", &listed(), at(5)).unwrap();
        assert_eq!(state.pending_since, Some(at(5)), "{reason}");
        let release = state.release.unwrap();
        assert_eq!(release.reasons, [reason].into());
        assert_eq!((release.who.as_str(), release.why.as_str(), release.at), ("ops", "looked", at(5)));
    }
}

#[test]
fn a_release_takes_all_releasable_reasons_on_record_and_no_other() {
    let mut state = held_for(&[Held::RegisteredBefore]);
    let rules = vec![
        no(Rule::NotAdministrator, &[Held::Administrator]),
        no(Rule::NotExcluded, &[Held::Excluded]),
        no(Rule::MethodsOfWindow, &[Held::RegisteredBefore, Held::UndatedMethod]),
        RuleResult { rule: Rule::NotExternal, answer: RuleAnswer::Unknown { note: String::new() } },
        RuleResult { rule: Rule::AccountEnabled, answer: RuleAnswer::Pass { note: None } },
    ];
    state.conclude(Concluded {
        decision: Some(decision(rules)),
        ..concluded(Outcome::Held(Held::Administrator), 3)
    });
    state.release("ops", "looked", &listed(), at(5)).unwrap();
    let expected = BTreeSet::from([Held::Administrator, Held::RegisteredBefore, Held::UndatedMethod]);
    assert_eq!(Record::of(&state, &BTreeSet::new()).released, &expected);
}

#[test]
fn a_release_is_kept_while_the_user_waits_and_used_up_by_every_other_outcome() {
    for outcome in Outcome::all() {
        let mut state = held_for(&[Held::RegisteredBefore]);
        state.release("ops", "looked", &listed(), at(5)).unwrap();
        state.conclude(concluded(outcome, 9));
        let waits = matches!(
            outcome,
            Outcome::WouldRollBack
                | Outcome::Deferred(_)
                | Outcome::Partial(_)
                | Outcome::Held(Held::ChangedSinceReview)
        );
        assert_eq!(state.release.is_some(), waits, "{outcome}");
    }
}

#[test]
fn a_release_outlives_several_outcomes_that_wait() {
    let mut state = held_for(&[Held::RegisteredBefore]);
    state.release("ops", "looked", &listed(), at(5)).unwrap();
    state.conclude(concluded(Outcome::WouldRollBack, 6));
    state.conclude(concluded(Outcome::Deferred(Deferred::DailyCap), 7));
    assert!(state.release.is_some());
    state.conclude(concluded(Outcome::RolledBack, 8));
    assert!(state.release.is_none());
    assert!(Record::of(&state, &BTreeSet::new()).released.is_empty());
}

// Leases

#[test]
fn only_the_handling_that_holds_a_lease_gives_it_back_and_the_user_stays_pending() {
    let mut state = new_user();
    state.make_pending(at(0));
    state.begin(lease(10), at(1));
    state.give_back(Uuid::from_u128(8));
    assert!(state.lease.is_some());
    state.give_back(Uuid::from_u128(7));
    assert!(state.lease.is_none() && state.is_pending());
    assert_eq!(state.attempts.count, 1, "the attempt counts");
}

// The item

/// `RELEASABLE_USER_IDS` with the user in it.
fn listed() -> BTreeSet<UserId> {
    [user()].into()
}

fn rich() -> UserState {
    let method =
        MethodName { kind: MethodKind::Unknown("retina".to_owned()), id: MethodId("x y".to_owned()) };
    let rules = vec![
        RuleResult { rule: Rule::UserExists, answer: RuleAnswer::Pass { note: None } },
        RuleResult { rule: Rule::InWindow, answer: RuleAnswer::NotApplicable },
        RuleResult { rule: Rule::PerUserMfa, answer: RuleAnswer::Unknown { note: "403".to_owned() } },
        no(Rule::MethodsOfWindow, &[Held::RegisteredBefore, Held::UndatedMethod]),
    ];
    UserState {
        memory: None,
        kept: None,
        approval: None,
        user_id: user(),
        registrations: vec![event("Directory_1 2%'\"\u{0}ü_3", -10), event("e2", -5)],
        by_hand: Some(ByHand { who: "ops".to_owned(), why: "\"quoted\"\n".to_owned(), at: at(1) }),
        first_seen_at: "2026-03-01T00:00:00.123456789Z".parse().unwrap(),
        pending_since: Some(at(2)),
        concluded: Some(Concluded {
            methods_deleted: vec![method.clone()],
            methods_left: vec![method.clone()],
            decision: Some(decision(rules)),
            request_ids: vec!["r1".to_owned()],
            ..concluded(Outcome::Held(Held::RegisteredBefore), 3)
        }),
        outcome_since: Some(at(3)),
        retries: 2,
        lease: Some(lease(10)),
        attempts: Attempts { count: 3, first_at: Some(at(4)) },
        intent: Some(intent(5)),
        first_delete_at: Some(at(5)),
        slot_at: Some(at(3)),
        has_failed: true,
        release: Some(Release {
            look: None,
            reasons: [Held::RegisteredBefore, Held::UndatedMethod].into(),
            who: "ops".to_owned(),
            why: "looked".to_owned(),
            at: at(6),
        }),
        counted: Some(Counted { at: at(7), failed: true }),
        about: About {
            enabled: Some(true),
            external: Some("userType is Guest".to_owned()),
            synced: Some(false),
            administrator: Some("a role".to_owned()),
            display_name: Some("Ada".to_owned()),
            user_principal_name: None,
            per_user_mfa: Some("disabled".to_owned()),
            methods_before: vec![method],
        },
    }
}

#[test]
fn a_full_item_and_an_empty_one_are_read_back_as_they_were_written() {
    for state in [rich(), new_user()] {
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<UserState>(&json).unwrap(), state);
    }
}

#[test]
fn an_item_with_any_outcome_is_read_back_as_it_was_written() {
    for outcome in Outcome::all() {
        let state = UserState { concluded: Some(concluded(outcome, 3)), ..rich() };
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<UserState>(&json).unwrap(), state, "{outcome}");
    }
}

#[test]
fn a_release_ends_where_something_is_registered_afterwards() {
    let mut state = held_for(&[Held::RegisteredBefore]);
    state.release("ops", "looked", &listed(), at(5)).unwrap();
    state.add_registrations([event("e9", 6)], at(6));
    assert_eq!(state.release, None);
}

#[test]
fn what_is_registered_during_a_rollback_wants_a_decision_of_its_own() {
    let mut state = with_outcome(Outcome::WouldRollBack);
    let mut done = concluded(Outcome::RolledBack, 9);
    done.methods_left =
        vec![MethodName { kind: MethodKind::Phone, id: crate::domain::ids::MethodId("p".to_owned()) }];
    state.conclude(done);
    assert_eq!((state.outcome(), state.is_pending()), (Some(Outcome::RolledBack), true));
}
