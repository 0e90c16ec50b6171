use super::*;
use crate::domain::method::{PhoneType, SmsSignIn};

const MOBILE: &str = "3179e48a-750b-4051-897c-87b9720928f7";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn phone(number: &str, created: Option<&str>, phone_type: PhoneType) -> AuthenticationMethod {
    AuthenticationMethod {
        kind: MethodKind::Phone,
        id: MethodId(match phone_type {
            PhoneType::Mobile => MOBILE.into(),
            PhoneType::AlternateMobile => "b6332ec1-7057-4abe-9331-3d72feddfe41".into(),
            PhoneType::Office => "e37fc753-ff3b-4958-9484-eaa9425c82bc".into(),
        }),
        created: created.map(at),
        phone_number: Some(number.into()),
        phone_type: Some(phone_type),
        sms_sign_in: SmsSignIn::Not,
    }
}

fn other(kind: MethodKind, id: &str) -> AuthenticationMethod {
    AuthenticationMethod {
        kind,
        id: MethodId(id.into()),
        created: None,
        phone_number: None,
        phone_type: None,
        sms_sign_in: SmsSignIn::Not,
    }
}

fn intent(methods: &[AuthenticationMethod]) -> Intent {
    Intent::for_methods(methods, Uuid::from_u128(1), Uuid::from_u128(2), at("2026-03-02T12:00:00Z"))
}

#[test]
fn the_order_is_alternate_office_mobile_oath_authenticator_and_nothing_else() {
    let intent = intent(&[
        other(MethodKind::Password, "p"),
        other(MethodKind::MicrosoftAuthenticator, "a"),
        phone("+1 2065555555", None, PhoneType::Mobile),
        other(MethodKind::SoftwareOath, "o"),
        phone("+1 2065555556", None, PhoneType::Office),
        other(MethodKind::Fido2, "f"),
        phone("+1 2065555557", None, PhoneType::AlternateMobile),
        other(MethodKind::Unknown("retina".into()), "r"),
    ]);
    let order: Vec<&str> = intent.methods.iter().map(|m| m.id.0.as_str()).collect();
    assert_eq!(
        order,
        ["b6332ec1-7057-4abe-9331-3d72feddfe41", "e37fc753-ff3b-4958-9484-eaa9425c82bc", MOBILE, "o", "a"]
    );
}

#[test]
fn the_number_itself_is_nowhere_in_the_intent() {
    let intent = intent(&[phone("+1 2065555555", None, PhoneType::Mobile)]);
    assert!(intent.methods[0].number_hash.is_some());
    assert!(!serde_json::to_string(&intent).unwrap().contains("2065555555"));
}

#[test]
fn a_phone_is_proven_by_number_and_date() {
    let dated = intent(&[phone("+1 2065555555", Some("2026-02-20T00:00:00Z"), PhoneType::Mobile)]);
    let later = at("2026-03-05T00:00:00Z");
    let settle = |number: &str, created| {
        let listed = [phone(number, created, PhoneType::Mobile)];
        let s = dated.settle(&listed, later);
        (s.gone.len(), s.unchanged.len(), s.unclear.len(), s.anew.len())
    };
    assert_eq!(settle("+1 (206) 555-5555", Some("2026-02-20T00:00:00Z")), (0, 1, 0, 0));
    assert_eq!(settle("+1 2065555599", Some("2026-02-20T00:00:00Z")), (1, 0, 0, 1), "another number");
    assert_eq!(settle("+1 2065555555", Some("2026-03-03T00:00:00Z")), (1, 0, 0, 1), "registered anew");
    assert_eq!(settle("+1 XXXXXXXX55", Some("2026-02-20T00:00:00Z")), (0, 0, 1, 0), "masked");
}

#[test]
fn an_undated_phone_is_proven_for_fifteen_minutes() {
    let listed = [phone("+1 2065555555", None, PhoneType::Mobile)];
    let intent = intent(&listed);
    assert_eq!(intent.settle(&listed, at("2026-03-02T12:14:59Z")).unchanged, [0]);
    assert_eq!(intent.settle(&listed, at("2026-03-02T12:15:00Z")).unclear, [0]);
}

#[test]
fn a_method_the_intent_does_not_list_is_anew() {
    let intent = intent(&[other(MethodKind::MicrosoftAuthenticator, "a")]);
    let listed = [other(MethodKind::MicrosoftAuthenticator, "b"), other(MethodKind::Fido2, "f")];
    let settlement = intent.settle(&listed, at("2026-03-02T12:01:00Z"));
    assert!(settlement.is_complete() && !settlement.proves_all());
    assert_eq!(settlement.anew.len(), 1);
}

#[test]
fn what_an_intent_keeps_is_neither_new_nor_left_over() {
    let app = |id: &str| other(MethodKind::MicrosoftAuthenticator, id);
    let (old, new) = (app("old"), app("new"));
    let intent = intent(std::slice::from_ref(&new)).keeping(std::slice::from_ref(&old));
    let both = [old.clone(), new];
    let settlement = intent.settle(&both, at("2026-03-02T12:01:00Z"));
    assert!(settlement.proves_all() && settlement.unchanged == [0]);
    let later = [old, app("later")];
    let settlement = intent.settle(&later, at("2026-03-02T12:01:00Z"));
    assert!(settlement.is_complete() && !settlement.proves_all());
}
