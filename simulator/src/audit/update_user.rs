//! "Update user": the directory's own record of a change of a user's MFA details, with the old and new values
//! as JSON in strings.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::event::NewEvent;
use crate::{
    account::Account,
    method::{Method, MethodKind, PhoneType},
};

/// How well such a record describes its change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// The record is complete and correct.
    Whole,
    /// The strings are cut off.
    CutOff,
    /// The apps have other ids than in Graph.
    OtherIds,
}

/// A user's MFA details as the directory keeps them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Details {
    methods: Value,
    apps: Value,
    numbers: Value,
}

impl Details {
    pub(crate) fn of(account: &Account, telling: Telling) -> Self {
        // A second app leaves the flags as they are.
        let flags: BTreeSet<u8> = account.methods.iter().flat_map(flags).collect();
        let flags = flags.into_iter().map(|flag| json!({ "MethodType": flag, "Default": false }));
        let apps = account.methods.iter().filter(|method| is_app(method)).map(|method| app(method, telling));
        let number = |wanted: PhoneType| {
            let of = |method: &&Method| *method.kind() == MethodKind::Phone(wanted);
            account.methods.iter().find(of).and_then(|method| method.what.number.clone())
        };
        Self {
            methods: flags.collect(),
            apps: apps.collect(),
            numbers: json!({
                "PhoneNumber": number(PhoneType::Mobile),
                "AlternativePhoneNumber": number(PhoneType::AlternateMobile),
                "VoiceOnlyPhoneNumber": number(PhoneType::Office),
                "Email": null,
            }),
        }
    }

    /// Returns the details after something that adds no method: an app that was used, renamed or restored on
    /// a new phone.
    pub(crate) fn with_other_apps(&self, property: &str, value: &str) -> Self {
        let mut other = self.clone();
        for app in other.apps.as_array_mut().into_iter().flatten() {
            app[property] = json!(value);
        }
        other
    }

    /// Makes the record of the change from this to `after`, without an actor. Returns `None` if nothing
    /// changed.
    pub(crate) fn changed_to(
        &self,
        after: &Self,
        telling: Telling,
        at: Timestamp,
        (user, name): (Uuid, &str),
    ) -> Option<NewEvent> {
        let text = |value: &Value| {
            let text = value.to_string();
            let kept = if telling == Telling::CutOff { text.len() / 2 } else { text.len() };
            text.chars().take(kept.max(1)).collect::<String>()
        };
        let changed: Vec<Value> = [
            ("StrongAuthenticationMethod", &self.methods, &after.methods),
            ("StrongAuthenticationPhoneAppDetail", &self.apps, &after.apps),
            ("StrongAuthenticationUserDetails", &self.numbers, &after.numbers),
        ]
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| json!({ "displayName": name, "oldValue": text(old), "newValue": text(new) }))
        .collect();
        let event = NewEvent::new("Update user", at).service("Core Directory").target(user, name);
        (!changed.is_empty()).then(|| event.modified(&changed))
    }
}

/// Returns Microsoft's numbers (`MethodType`) of a method.
fn flags(method: &Method) -> Vec<u8> {
    match method.kind() {
        MethodKind::Phone(PhoneType::Mobile) => vec![0, 1],
        MethodKind::Phone(PhoneType::Office) => vec![2],
        MethodKind::Phone(PhoneType::AlternateMobile) => vec![3],
        MethodKind::MicrosoftAuthenticator => vec![6],
        MethodKind::SoftwareOath => vec![7],
        _ => Vec::new(),
    }
}

fn is_app(method: &Method) -> bool {
    matches!(method.kind(), MethodKind::MicrosoftAuthenticator | MethodKind::SoftwareOath)
}

fn app(method: &Method, telling: Telling) -> Value {
    let id = match telling {
        Telling::OtherIds => method.id.chars().rev().collect::<String>(),
        _ => method.id.clone(),
    };
    json!({
        "DeviceName": "Phone",
        "DeviceToken": format!("apns-{}", method.id),
        "DeviceTag": "SoftwareTokenActivated",
        "PhoneAppVersion": "6.2608.5421",
        "OathTokenTimeDrift": 0,
        "DeviceId": Uuid::nil(),
        "Id": id,
        "AuthenticationType": if *method.kind() == MethodKind::SoftwareOath { 2 } else { 3 },
        "NotificationType": 2,
        "LastAuthenticatedTimestamp": null,
    })
}

/// Makes the record of per-user MFA being switched on or off.
pub(crate) fn requirement(on: bool, at: Timestamp, (user, name): (Uuid, &str)) -> NewEvent {
    let entry = r#"[{"RelyingParty":"*","State":1,"RememberDevicesNotIssuedBefore":null}]"#;
    let (old, new) = if on { ("[]", entry) } else { (entry, "[]") };
    let changed =
        json!({ "displayName": "StrongAuthenticationRequirement", "oldValue": old, "newValue": new });
    NewEvent::new("Update user", at).service("Core Directory").target(user, name).modified(&[changed])
}
