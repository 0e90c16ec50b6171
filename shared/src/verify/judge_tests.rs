use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    finding::Kind,
    judge::{Log, UserFacts},
};
use crate::{
    audit::{DeletedBy, MethodDeletion},
    domain::{
        facts::Reading,
        ids::{EventId, MethodId, RunId, UserId},
        intent::Intent,
        method::{AuthenticationMethod, MethodKind, MethodName, PhoneType, SmsSignIn},
        outcome::{Failed, Outcome, Partial},
        state::{Concluded, UserState},
    },
    ledger::HistoryEntry,
};

const OURS: &str = "11111111-2222-3333-4444-555555555555";

fn user() -> UserId {
    "fd741069-6bb6-43de-a515-1c401dd377bf".parse().unwrap()
}

/// So many hours after the first moment of these tests.
fn at(hours: i64) -> Timestamp {
    "2026-03-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
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

/// A mobile number, all of which have one id.
fn phone(number: &str, created: Option<Timestamp>) -> AuthenticationMethod {
    AuthenticationMethod {
        kind: MethodKind::Phone,
        id: MethodId("3179e48a-750b-4051-897c-87b9720928f7".to_owned()),
        created,
        phone_number: Some(number.to_owned()),
        phone_type: Some(PhoneType::Mobile),
        sms_sign_in: SmsSignIn::Not,
    }
}

fn intent(methods: &[AuthenticationMethod], when: Timestamp) -> HistoryEntry {
    let intent = Intent::for_methods(
        methods,
        Uuid::from_u128(when.as_second().unsigned_abs().into()),
        Uuid::nil(),
        when,
    );
    HistoryEntry::Intent { run_id: RunId(Uuid::nil()), intent }
}

fn outcome(outcome: Outcome, deleted: &[AuthenticationMethod], when: Timestamp) -> HistoryEntry {
    HistoryEntry::Outcome(Box::new(Concluded {
        outcome,
        at: when,
        run_id: RunId(Uuid::nil()),
        methods_deleted: deleted.iter().map(AuthenticationMethod::name).collect::<Vec<MethodName>>(),
        methods_left: Vec::new(),
        decision: None,
        request_ids: Vec::new(),
    }))
}

fn deleted(by: DeletedBy, methods: &[MethodKind], when: Timestamp) -> MethodDeletion {
    let event_id = EventId(format!("{by:?} {when}"));
    MethodDeletion { event_id, at: when, user_id: Some(user()), by, methods: methods.to_vec() }
}

fn by_us(when: Timestamp) -> MethodDeletion {
    deleted(DeletedBy::App(OURS.to_owned()), &[], when)
}

/// Judges a user whose history and methods these are, a week later unless the log was read at another time.
struct Case {
    history: Vec<HistoryEntry>,
    deletions: Vec<MethodDeletion>,
    listed: Vec<AuthenticationMethod>,
    read_at: Timestamp,
    lacks: Option<String>,
    first_delete_at: Option<Timestamp>,
}

impl Case {
    fn new(history: Vec<HistoryEntry>, deletions: Vec<MethodDeletion>) -> Self {
        Self {
            history,
            deletions,
            listed: Vec::new(),
            read_at: at(7 * 24),
            lacks: None,
            first_delete_at: Some(at(0)),
        }
    }

    fn judged(self) -> Vec<Kind> {
        let mut state = UserState::new(user(), at(0));
        state.first_delete_at = self.first_delete_at;
        let facts = UserFacts {
            user_id: user(),
            state: Some(state),
            history: self.history,
            methods: Some(Reading::Known(self.listed)),
        };
        let log = Log {
            client_id: OURS.to_owned(),
            read_at: self.read_at,
            kept_since: at(-30 * 24),
            deletions: self.deletions,
            lacks: self.lacks,
        };
        facts.judge(&log).into_iter().map(|finding| finding.kind).collect()
    }
}

fn rolled_back(methods: &[AuthenticationMethod]) -> Vec<HistoryEntry> {
    vec![intent(methods, at(1)), outcome(Outcome::RolledBack, methods, at(2))]
}

#[test]
fn a_rollback_with_its_events_fits_and_one_event_more_does_not() {
    let methods = [app("a"), app("b")];
    assert_eq!(Case::new(rolled_back(&methods), vec![by_us(at(1)), by_us(at(2))]).judged(), []);
    let one_more = vec![by_us(at(1)), by_us(at(2)), by_us(at(2))];
    assert_eq!(Case::new(rolled_back(&methods), one_more).judged(), [Kind::UnknownDeletion]);
}

#[test]
fn an_event_counts_for_an_intent_only_in_its_time_and_of_its_kinds() {
    let methods = [app("a")];
    for unknown in
        [by_us(at(0)), by_us(at(3)), deleted(DeletedBy::App(OURS.to_owned()), &[MethodKind::Fido2], at(1))]
    {
        let found = Case::new(rolled_back(&methods), vec![unknown]).judged();
        assert_eq!(found, [Kind::UnknownDeletion, Kind::MissingEvent]);
    }
    let skewed = at(1) - SignedDuration::from_mins(4);
    assert_eq!(Case::new(rolled_back(&methods), vec![by_us(skewed)]).judged(), []);
}

#[test]
fn an_app_without_an_id_may_be_ours_and_is_no_alarm() {
    let unnamed = |hours| vec![deleted(DeletedBy::AppWithoutId, &[], at(hours))];
    assert_eq!(Case::new(rolled_back(&[app("a")]), unnamed(1)).judged(), []);
    assert_eq!(Case::new(rolled_back(&[app("a")]), unnamed(100)).judged(), [Kind::MissingEvent]);
}

#[test]
fn what_somebody_else_deleted_meanwhile_explains_a_missing_event() {
    let by_the_user = |methods: &[MethodKind]| vec![deleted(DeletedBy::Person, methods, at(1))];
    assert_eq!(
        Case::new(rolled_back(&[app("a")]), by_the_user(&[MethodKind::MicrosoftAuthenticator])).judged(),
        []
    );
    assert_eq!(
        Case::new(rolled_back(&[app("a")]), by_the_user(&[MethodKind::Email])).judged(),
        [Kind::MissingEvent]
    );
}

#[test]
fn a_log_that_lacks_something_or_lags_or_has_forgotten_proves_no_event_missing() {
    let none = || Case::new(rolled_back(&[app("a")]), Vec::new());
    assert_eq!(none().judged(), [Kind::MissingEvent]);
    assert_eq!(Case { read_at: at(25), ..none() }.judged(), [Kind::NotYet]);
    assert_eq!(Case { read_at: at(26), ..none() }.judged(), [Kind::MissingEvent]);
    assert_eq!(Case { lacks: Some("cut".to_owned()), ..none() }.judged(), [Kind::NotRead]);
    let old =
        vec![intent(&[app("a")], at(-31 * 24)), outcome(Outcome::RolledBack, &[app("a")], at(-31 * 24))];
    assert_eq!(Case::new(old, Vec::new()).judged(), [Kind::TooOld]);
}

#[test]
fn an_outcome_is_held_to_what_it_says() {
    let methods = [app("a"), app("b")];
    let partial = Outcome::Partial(Partial::StillListed);
    let history = vec![intent(&methods, at(1)), outcome(partial, &methods[..1], at(2))];
    let fits = Case { listed: vec![app("b")], ..Case::new(history.clone(), vec![by_us(at(1))]) };
    assert_eq!(fits.judged(), []);
    let still = Case { listed: vec![app("a"), app("b")], ..Case::new(history, vec![by_us(at(1))]) };
    assert_eq!(still.judged(), [Kind::ForgedOutcome]);
    let failed = vec![intent(&methods, at(1)), outcome(Outcome::Failed(Failed::Refused), &[], at(2))];
    let failed = Case { listed: methods.to_vec(), ..Case::new(failed, Vec::new()) };
    assert_eq!(failed.judged(), [Kind::NothingDeleted]);
    let dead = Case { listed: methods.to_vec(), ..Case::new(vec![intent(&methods, at(1))], Vec::new()) };
    assert_eq!(dead.judged(), [Kind::MissingEvent]);
}

#[test]
fn a_phone_that_is_back_is_registered_anew_if_date_number_or_event_say_so() {
    let then = phone("+1 2065550100", Some(at(-100)));
    let undated = phone("+1 2065550100", None);
    let events = || vec![by_us(at(1))];
    for (intended, listed, deletions, expected) in [
        (&then, &then, events(), vec![Kind::ForgedOutcome]),
        (&then, &phone("+1 2065550100", Some(at(50))), events(), vec![Kind::RegisteredAnew]),
        (&undated, &phone("+1 2065550199", None), events(), vec![Kind::RegisteredAnew]),
        (&undated, &undated, events(), vec![Kind::RegisteredAnew]),
        (&undated, &undated, Vec::new(), vec![Kind::ForgedOutcome]),
    ] {
        let history = rolled_back(std::slice::from_ref(intended));
        let found = Case { listed: vec![listed.clone()], ..Case::new(history, deletions) }.judged();
        assert_eq!(found, expected, "{intended:?}, then {listed:?}");
    }
}

#[test]
fn a_second_rollback_is_held_apart_from_the_first() {
    let (first, second) = (app("a"), app("b"));
    let mut history = rolled_back(std::slice::from_ref(&first));
    history.extend([
        intent(std::slice::from_ref(&second), at(48)),
        outcome(Outcome::RolledBack, std::slice::from_ref(&second), at(49)),
    ]);
    assert_eq!(Case::new(history.clone(), vec![by_us(at(1)), by_us(at(48))]).judged(), []);
    let found =
        Case { listed: vec![first], ..Case::new(history, vec![by_us(at(1)), by_us(at(48))]) }.judged();
    assert_eq!(found, [Kind::ForgedOutcome, Kind::RegisteredAnew]);
}

#[test]
fn an_erased_record_accounts_for_what_came_before_and_for_nothing_later() {
    let erased = || {
        let mut history = rolled_back(&[app("a")]);
        history.push(HistoryEntry::Erased { who: "w".to_owned(), why: "y".to_owned(), at: at(10) });
        history
    };
    assert_eq!(Case::new(erased(), vec![by_us(at(1))]).judged(), [Kind::Erased]);
    assert_eq!(Case::new(erased(), vec![by_us(at(11))]).judged(), [Kind::UnknownDeletion]);
    assert_eq!(Case::new(erased(), vec![by_us(at(-1))]).judged(), [Kind::UnknownDeletion]);
    let never = Case { first_delete_at: None, ..Case::new(erased(), vec![by_us(at(1))]) };
    assert_eq!(never.judged(), [Kind::UnknownDeletion]);
}

#[test]
fn a_history_without_an_intent_bears_no_rollback_out() {
    let forged = vec![outcome(Outcome::RolledBack, &[app("a")], at(2))];
    let forged = Case { first_delete_at: None, ..Case::new(forged, Vec::new()) };
    assert_eq!(forged.judged(), [Kind::ForgedOutcome]);
    assert_eq!(Case::new(Vec::new(), Vec::new()).judged(), [Kind::ChangedHistory]);
}
