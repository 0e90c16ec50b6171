use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::domain::{
    ids::MethodId,
    method::{PhoneType, SmsSignIn},
    window::shift,
};

const SALT: Uuid = Uuid::from_u128(7);

fn at(minute: usize) -> Timestamp {
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    shift(start, SignedDuration::from_mins(i64::try_from(minute).unwrap()))
}

fn app(name: &str, created: Option<Timestamp>) -> AuthenticationMethod {
    AuthenticationMethod {
        kind: MethodKind::MicrosoftAuthenticator,
        id: MethodId(name.to_owned()),
        created,
        phone_number: None,
        phone_type: None,
        sms_sign_in: SmsSignIn::Not,
    }
}

fn phone(number: Option<&str>, created: Option<Timestamp>) -> AuthenticationMethod {
    AuthenticationMethod {
        kind: MethodKind::Phone,
        phone_number: number.map(str::to_owned),
        phone_type: Some(PhoneType::Mobile),
        ..app("3179e48a-750b-4051-897c-87b9720928f7", created)
    }
}

#[test]
fn a_number_that_changes_is_another_method_and_an_app_that_is_dated_anew_is_not() {
    let mut memory = Memory::new(SALT);
    let (old, new) = (phone(Some("+1 2065550001"), None), phone(Some("+1 2065550002"), None));
    memory.look(&[old.clone(), app("a", None)], at(0));
    memory.look(&[new.clone(), app("a", Some(at(3)))], at(5));
    assert_eq!((memory.since(&old), memory.since(&new)), (None, Some(at(5))));
    assert_eq!((memory.missed_at(&old), memory.missed_at(&new)), (Some(at(5)), Some(at(0))));
    assert_eq!(memory.since(&app("a", Some(at(3)))), Some(at(0)));
    assert_eq!(memory.missed_at(&app("a", None)), None);
    assert_eq!(memory.missed_at(&app("b", None)), Some(at(5)), "no look has seen it");
}

#[test]
fn a_masked_number_is_told_apart_by_its_date_alone() {
    let mut memory = Memory::new(SALT);
    memory.look(&[phone(None, Some(at(0)))], at(1));
    assert_eq!(memory.since(&phone(None, Some(at(0)))), Some(at(1)));
    assert_eq!(memory.since(&phone(None, Some(at(9)))), None);
}

#[test]
fn a_memory_survives_the_ledger() {
    let mut memory = Memory::new(SALT);
    memory.look(&[phone(Some("+1 2065550001"), None), app("a", Some(at(0)))], at(1));
    memory.look(&[app("a", Some(at(0)))], at(2));
    let json = serde_json::to_string(&memory).unwrap();
    assert!(!json.contains("2065550001"), "{json}");
    assert_eq!(serde_json::from_str::<Memory>(&json).unwrap(), memory);
}

proptest! {
    #[test]
    fn a_memory_says_of_each_method_what_the_looks_saw(
        looks in prop::collection::vec(prop::collection::vec(any::<bool>(), 3), 1..12),
    ) {
        let mut memory = Memory::new(SALT);
        for (minute, there) in looks.iter().enumerate() {
            let names = ["a", "b", "c"].iter().zip(there).filter(|(_, there)| **there);
            let methods: Vec<_> = names.map(|(name, _)| app(name, None)).collect();
            memory.look(&methods, at(minute));
            let latest = memory.latest().unwrap();
            prop_assert_eq!(latest.methods.len(), methods.len());
            prop_assert!(methods.iter().all(|method| latest.shows(method)));
        }
        for (n, name) in ["a", "b", "c"].iter().enumerate() {
            let saw: Vec<bool> = looks.iter().map(|there| there[n]).collect();
            let missed = saw.iter().rposition(|saw| !saw);
            let since = missed.map_or(0, |missed| missed + 1);
            prop_assert_eq!(memory.since(&app(name, None)), (since < saw.len()).then(|| at(since)));
            prop_assert_eq!(memory.missed_at(&app(name, None)), missed.map(at));
        }
    }
}
