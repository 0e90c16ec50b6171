use uuid::Uuid;

use super::*;
use crate::domain::{
    approval::Approver,
    decision::Decision,
    ids::{MethodId, RunId, UserId},
    method::{AuthenticationMethod, MethodKind, PhoneType, SmsSignIn},
    outcome::{Deferred, Held, Partial},
    plan::Plan,
    state::{ByHand, Concluded},
};

const MOBILE: &str = "3179e48a-750b-4051-897c-87b9720928f7";

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_772_323_200 + minute * 60).unwrap()
}

fn user() -> UserId {
    "dd44fd36-4511-4889-801e-dc8e367e5d6d".parse().unwrap()
}

fn fingerprint() -> Fingerprint {
    Fingerprint("f1".to_owned())
}

fn phone(number: &str) -> AuthenticationMethod {
    AuthenticationMethod {
        kind: MethodKind::Phone,
        phone_number: Some(number.to_owned()),
        phone_type: Some(PhoneType::Mobile),
        ..app(MOBILE)
    }
}

fn app(id: &str) -> AuthenticationMethod {
    AuthenticationMethod {
        kind: MethodKind::MicrosoftAuthenticator,
        id: MethodId(id.to_owned()),
        created: None,
        phone_number: None,
        phone_type: None,
        sms_sign_in: SmsSignIn::Not,
    }
}

fn decision() -> Decision {
    Decision {
        verdict: Verdict::RollBack,
        rules: Vec::new(),
        methods: Vec::new(),
        consequences: None,
        fingerprint: fingerprint(),
        decided_at: at(10),
    }
}

/// A user with these methods and this outcome.
fn decided(methods: &[AuthenticationMethod], outcome: Outcome) -> UserState {
    let mut state = UserState::new(user(), at(0));
    let mut memory = crate::domain::memory::Memory::new(Uuid::from_u128(3));
    memory.look(methods, at(10));
    state.memory = Some(memory);
    state.concluded = Some(Concluded {
        outcome,
        at: at(10),
        run_id: RunId(Uuid::from_u128(1)),
        methods_deleted: Vec::new(),
        methods_left: Vec::new(),
        decision: Some(decision()),
        request_ids: Vec::new(),
    });
    state
}

fn plan_of(state: &UserState) -> (Plan, PlannedUser) {
    let planned = state.planned(&fingerprint()).unwrap();
    let plan = Plan::of(&mut [planned.clone()], fingerprint(), "ada", at(11));
    (plan, planned)
}

fn approve(
    state: &mut UserState,
    (plan, planned): &(Plan, PlannedUser),
    who: &str,
    approvers: u32,
) -> Approved {
    let approver = Approver { who: who.to_owned(), why: "read".to_owned(), at: at(12) };
    let giving = Approving { plan, approver, approvers, until: at(100), by_another: true };
    state.approve(planned, &giving, at(12))
}

fn stops(
    state: &UserState,
    methods: &[AuthenticationMethod],
    fingerprint: &Fingerprint,
    now: i64,
) -> Option<Outcome> {
    Approval::stops(state.approval.as_ref(), methods.iter(), fingerprint, 1, at(now))
}

const NOT_APPROVED: Option<Outcome> = Some(Outcome::Deferred(Deferred::NotApproved));
const CHANGED: Option<Outcome> = Some(Outcome::Held(Held::ChangedSinceReview));

#[test]
fn only_what_was_read_may_go_and_only_for_a_time() {
    let methods = [phone("+1 2065550100"), app("a1")];
    let mut state = decided(&methods, Outcome::WouldRollBack);
    assert_eq!(stops(&state, &methods, &fingerprint(), 20), NOT_APPROVED);
    let plan = plan_of(&state);
    assert_eq!(approve(&mut state, &plan, "ben", 1), Approved::Noted);
    assert_eq!(stops(&state, &methods, &fingerprint(), 20), None);
    assert_eq!(stops(&state, &methods[..1], &fingerprint(), 20), None, "less may go");
    assert_eq!(stops(&state, &methods, &fingerprint(), 100), NOT_APPROVED, "the approval is over");
    let mut late = state.clone();
    let approver = Approver { who: "ben".to_owned(), why: "again".to_owned(), at: at(110) };
    let giving = Approving { plan: &plan.0, approver, approvers: 1, until: at(200), by_another: true };
    late.approve(&plan.1, &giving, at(110));
    assert_eq!(stops(&late, &methods, &fingerprint(), 120), None, "whoever approves again begins anew");
    assert_eq!(stops(&state, &methods, &Fingerprint("f2".to_owned()), 20), CHANGED);
    let another_number = [phone("+1 2065550101"), app("a1")];
    let another_app = [phone("+1 2065550100"), app("a2")];
    let one_more = [phone("+1 2065550100"), app("a1"), app("a2")];
    for changed in [&another_number[..], &another_app, &one_more] {
        assert_eq!(stops(&state, changed, &fingerprint(), 20), CHANGED, "{changed:?}");
    }
}

#[test]
fn two_people_are_two_and_the_second_wakes_the_user() {
    let methods = [app("a1")];
    let mut state = decided(&methods, Outcome::Deferred(Deferred::NotApproved));
    let plan = plan_of(&state);
    assert_eq!(approve(&mut state, &plan, "ben", 2), Approved::Noted);
    assert_eq!(approve(&mut state, &plan, "ben", 2), Approved::Already);
    assert!(!state.is_pending());
    assert_eq!(
        Approval::stops(state.approval.as_ref(), methods.iter(), &fingerprint(), 2, at(20)),
        NOT_APPROVED
    );
    assert_eq!(approve(&mut state, &plan, "cyd", 2), Approved::Woken);
    assert!(state.is_pending());
    assert_eq!(Approval::stops(state.approval.as_ref(), methods.iter(), &fingerprint(), 2, at(20)), None);
}

#[test]
fn two_sessions_of_one_person_are_one_and_whoever_named_a_user_is_not_the_second() {
    let session =
        |role: &str| format!("arn:aws:sts::1:assumed-role/AWSReservedSSO_{role}/adele@contoso.example");
    let mut state = decided(&[app("a1")], Outcome::Deferred(Deferred::NotApproved));
    let plan = plan_of(&state);
    assert_eq!(approve(&mut state, &plan, &session("Ops_1"), 2), Approved::Noted);
    assert_eq!(approve(&mut state, &plan, &session("Leads_2"), 2), Approved::Already);
    let mut named = decided(&[app("a1")], Outcome::Deferred(Deferred::NotApproved));
    named.by_hand = Some(ByHand { who: session("Ops_1"), why: "asked".to_owned(), at: at(6) });
    assert_eq!(approve(&mut named, &plan, &session("Leads_2"), 1), Approved::OwnWord);
    assert_eq!(named.approval, None);
    assert_eq!(approve(&mut named, &plan, "grady", 1), Approved::Woken);
}

#[test]
fn an_approval_of_another_plan_does_not_add_up() {
    let mut state = decided(&[app("a1")], Outcome::WouldRollBack);
    let first = plan_of(&state);
    approve(&mut state, &first, "ben", 2);
    let mut later = decided(&[app("a2")], Outcome::Held(Held::ChangedSinceReview));
    later.approval = state.approval;
    let second = plan_of(&later);
    assert_ne!(first.0.hash, second.0.hash);
    assert_eq!(approve(&mut later, &second, "cyd", 2), Approved::Noted);
    let who: Vec<String> = later.approval.unwrap().by.into_iter().map(|by| by.who).collect();
    assert_eq!(who, ["cyd"]);
}

#[test]
fn whoever_has_another_outcome_by_now_is_passed_over() {
    let mut state = decided(&[app("a1")], Outcome::WouldRollBack);
    let plan = plan_of(&state);
    for outcome in [Outcome::RolledBack, Outcome::Held(Held::Excluded)] {
        state.concluded.as_mut().unwrap().outcome = outcome;
        assert_eq!(approve(&mut state, &plan, "ben", 1), Approved::PassedOver);
        assert_eq!((state.approval.clone(), state.planned(&fingerprint())), (None, None));
    }
    let partial = Outcome::Partial(Partial::Deferred(Deferred::NotApproved));
    let waits = decided(&[app("a1")], partial);
    assert!(waits.planned(&fingerprint()).is_some());
    assert!(waits.planned(&Fingerprint("f2".to_owned())).is_none(), "decided under other settings");
}

#[test]
fn first_covers_the_backlog_and_whoever_is_named_by_hand() {
    let mut state = UserState::new(user(), at(5));
    for (require, first, needs) in [
        (RequireApproval::Off, None, false),
        (RequireApproval::Always, Some(at(0)), true),
        (RequireApproval::First, None, true),
        (RequireApproval::First, Some(at(5)), true),
        (RequireApproval::First, Some(at(4)), false),
    ] {
        assert_eq!(state.needs_approval(require, first), needs, "{require:?} {first:?}");
    }
    state.by_hand = Some(ByHand { who: "ada".to_owned(), why: "asked".to_owned(), at: at(6) });
    assert!(state.needs_approval(RequireApproval::First, Some(at(4))));
    assert!(!state.needs_approval(RequireApproval::Off, Some(at(4))));
}
