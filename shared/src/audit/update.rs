//! "Update user", the directory's own record of a change, as far as it tells of MFA details.
//!
//! Source: <https://techcommunity.microsoft.com/blog/microsoftsecurityexperts/4154039>. Old and new values are JSON in
//! texts, which may be absent, cut off or of another shape: such a text shows nothing.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use super::{record::RecordError, time::parse_time};
use crate::{
    domain::{
        ids::{EventId, MethodId, UserId},
        story::{Change, Numbers, RecordedChange},
    },
    text::same_name,
};

/// The app in whose name the service keeps the details of users who register.
const MFA_SERVICE: &str = "Azure MFA StrongAuthenticationService";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: Option<String>,
    activity_date_time: String,
    activity_display_name: Option<String>,
    result: Option<String>,
    initiated_by: Option<InitiatedBy>,
    target_resources: Option<Vec<Option<Target>>>,
}

#[derive(Default, Deserialize)]
struct InitiatedBy {
    user: Option<Doer>,
    app: Option<Doer>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Doer {
    id: Option<String>,
    display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    id: Option<String>,
    r#type: Option<String>,
    modified_properties: Option<Vec<Option<Property>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    display_name: Option<String>,
    old_value: Option<Value>,
    new_value: Option<Value>,
}

#[derive(Deserialize)]
struct Flag {
    #[serde(rename = "MethodType")]
    method_type: u8,
}

#[derive(Deserialize)]
struct App {
    #[serde(rename = "Id")]
    id: String,
}

/// Each slot may be null, but all are named: an object of another shape shows nothing.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "the directory's own names")]
struct UserDetails {
    #[serde(deserialize_with = "Option::deserialize")]
    phone_number: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    alternative_phone_number: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    voice_only_phone_number: Option<String>,
}

/// Reads a record of the directory. Returns `None` if it tells nothing of a user's MFA details.
pub fn read_update(json: &str) -> Result<Option<(UserId, RecordedChange)>, RecordError> {
    let record: Record = serde_json::from_str(json).map_err(|error| {
        RecordError::Syntax(format!("{:?} at column {}", error.classify(), error.column()))
    })?;
    let is = |text: &Option<String>, name: &str| text.as_deref().is_some_and(|text| same_name(text, name));
    if !is(&record.activity_display_name, "Update user") || !is(&record.result, "success") {
        return Ok(None);
    }
    let is_user = |target: &Target| target.r#type.is_none() || is(&target.r#type, "User");
    let Some(target) = record.target_resources.into_iter().flatten().flatten().find(is_user) else {
        return Ok(None);
    };
    let Some(user) = target.id.as_deref().and_then(|id| id.parse::<UserId>().ok()) else { return Ok(None) };
    let at = parse_time(&record.activity_date_time)?;
    let properties: Vec<Property> = target.modified_properties.into_iter().flatten().flatten().collect();
    let change = RecordedChange {
        event_id: EventId(record.id.ok_or(RecordError::Missing("id"))?),
        at,
        by_another: !is_own(record.initiated_by.unwrap_or_default(), user),
        flags: change(&properties, "StrongAuthenticationMethod", |flags: Vec<Flag>| {
            flags.into_iter().map(|flag| flag.method_type).collect()
        }),
        apps: change(&properties, "StrongAuthenticationPhoneAppDetail", |apps: Vec<App>| {
            apps.into_iter().map(|app| MethodId(app.id)).collect()
        }),
        numbers: numbers(&properties),
        required: requirement(&properties),
    };
    Ok(change.tells().then_some((user, change)))
}

/// Whether the user made the change, or the MFA service for the user.
fn is_own(by: InitiatedBy, user: UserId) -> bool {
    let InitiatedBy { user: actor, app } = by;
    let is_user = actor.and_then(|actor| actor.id).and_then(|id| id.parse().ok()) == Some(user);
    let is_service = app.and_then(|app| app.display_name).is_some_and(|name| same_name(&name, MFA_SERVICE));
    is_user || is_service
}

/// The phone numbers before and after, hashed at the door.
fn numbers(properties: &[Property]) -> Option<Numbers> {
    named(properties, "StrongAuthenticationUserDetails")?;
    let slots = |details: UserDetails| {
        let UserDetails { phone_number, alternative_phone_number, voice_only_phone_number } = details;
        let slots = [phone_number, alternative_phone_number, voice_only_phone_number];
        slots.into_iter().flatten().filter(|number| !number.trim().is_empty()).collect()
    };
    Some(Numbers::hashed(&change(properties, "StrongAuthenticationUserDetails", slots), Uuid::new_v4()))
}

/// Per-user MFA before and after. The record lists what changed, so it was on at one end: whatever is not literally
/// an empty list counts as on.
fn requirement(properties: &[Property]) -> Change<bool> {
    let Some(property) = named(properties, "StrongAuthenticationRequirement") else {
        return Change::default();
    };
    let is_on =
        |text: &Option<Value>| Some(text.as_ref().and_then(Value::as_str).map(str::trim) != Some("[]"));
    Change { before: is_on(&property.old_value), after: is_on(&property.new_value) }
}

fn named<'a>(properties: &'a [Property], name: &str) -> Option<&'a Property> {
    let is_it = |its: &str| same_name(its, name);
    properties.iter().find(|property| property.display_name.as_deref().is_some_and(is_it))
}

/// A property before and after; what is not JSON of its shape is not shown.
fn change<J: DeserializeOwned, T: PartialEq>(
    properties: &[Property],
    name: &str,
    read: impl Fn(J) -> T,
) -> Change<T> {
    let Some(property) = named(properties, name) else { return Change::default() };
    let side = |text: &Option<Value>| {
        let read_text = |text: &str| serde_json::from_str(text).ok();
        text.as_ref().and_then(Value::as_str).and_then(read_text).map(&read)
    };
    Change { before: side(&property.old_value), after: side(&property.new_value) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::domain::{
        story::{Came, Story},
        window::Window,
    };

    const USER: &str = "fd741069-6bb6-43de-a515-1c401dd377bf";

    fn record(properties: &Value) -> Value {
        json!({
            "id": "Directory_1", "activityDateTime": "2026-02-20T09:00:00.1234567Z",
            "activityDisplayName": "Update user", "loggedByService": "Core Directory", "result": "success",
            "initiatedBy": { "user": null, "app": { "appId": null, "displayName": MFA_SERVICE } },
            "targetResources": [{ "id": USER, "type": "User", "modifiedProperties": properties }],
        })
    }

    fn read(record: &Value) -> Option<RecordedChange> {
        read_update(&record.to_string()).unwrap().map(|(user, change)| {
            assert_eq!(user.to_string(), USER);
            change
        })
    }

    fn property(name: &str, old: Option<&str>, new: Option<&str>) -> Value {
        json!([{ "displayName": name, "oldValue": old, "newValue": new }])
    }

    const APPS: &str = "StrongAuthenticationPhoneAppDetail";

    #[test]
    fn an_app_that_came_is_told_by_its_id_and_nothing_else_of_it_is_kept() {
        let new = r#"[{"DeviceName":"Ada's phone","DeviceToken":"apns-1","Id":"a1"}]"#;
        let change = read(&record(&property(APPS, Some("[]"), Some(new)))).unwrap();
        assert_eq!(change.apps.before, Some(BTreeSet::new()));
        assert_eq!(change.apps.after, Some([MethodId("a1".to_owned())].into()));
        assert!(!change.by_another && change.flags == Change::default());
        let kept = serde_json::to_string(&change).unwrap();
        assert!(!kept.contains("phone") && !kept.contains("apns"), "{kept}");
    }

    #[test]
    fn what_is_absent_cut_off_or_of_another_shape_shows_nothing() {
        for old in
            [None, Some(""), Some("["), Some("null"), Some("{}"), Some(r#"[{"id":"a1"}]"#), Some("[1]")]
        {
            let change = read(&record(&property(APPS, old, Some("[]")))).unwrap();
            assert_eq!(change.apps.before, None, "{old:?}");
        }
    }

    #[test]
    fn a_number_is_recognised_and_kept_hashed() {
        let details = |mobile: &str| {
            format!(
                r#"{{"PhoneNumber":{mobile},"AlternativePhoneNumber":null,"VoiceOnlyPhoneNumber":null,"Email":null}}"#
            )
        };
        let (old, new) = (details("null"), details("\"+1 2065550040\""));
        let read = |old: &str, new: &str| {
            read(&record(&property("StrongAuthenticationUserDetails", Some(old), Some(new))))
        };
        let change = read(&old, &new).unwrap();
        assert!(!serde_json::to_string(&change).unwrap().contains("2065550040"));
        let window = Window::new(parse_time("2026-02-01T00:00:00Z").unwrap(), change.at, None).unwrap();
        let came = |changes: Vec<RecordedChange>, number: &str| {
            matches!(Story::new(changes).number_came(number, &window), Some(Came::Within(_)))
        };
        assert!(came(vec![change.clone()], "+12065550040"));
        assert!(!came(vec![change.clone()], "+1 2065550041"));
        assert!(!came(vec![change], "+1 XXXXXXXX40"));
        for masked in [details("\"+1 XXXXXXXX41\""), "{}".to_owned(), "[]".to_owned(), "null".to_owned()] {
            assert!(!came(read(&masked, &new).into_iter().collect(), "+1 2065550040"), "{masked}");
        }
        assert_eq!(read(&new, &new), None);
    }

    #[test]
    fn a_use_or_a_new_name_tells_nothing() {
        let (old, new) = (r#"[{"Id":"a1","DeviceName":"x"}]"#, r#"[{"Id":"a1","DeviceName":"y"}]"#);
        assert_eq!(read(&record(&property(APPS, Some(old), Some(new)))), None);
        assert_eq!(read(&record(&property("DisplayName", Some("\"a\""), Some("\"b\"")))), None);
        assert_eq!(read(&record(&json!(null))), None);
    }

    #[test]
    fn flags_and_per_user_mfa_are_told() {
        let flags = r#"[{"MethodType":6,"Default":true},{"MethodType":7,"Default":false}]"#;
        let change = read(&record(&property("StrongAuthenticationMethod", Some("[]"), Some(flags)))).unwrap();
        assert_eq!((change.flags.before, change.flags.after), (Some([].into()), Some([6, 7].into())));
        let on = r#"[{"RelyingParty":"*","State":1}]"#;
        let change =
            read(&record(&property("StrongAuthenticationRequirement", Some("[]"), Some(on)))).unwrap();
        assert_eq!((change.required.before, change.required.after), (Some(false), Some(true)));
        for odd in [None, Some("["), Some(r#"[{"State":"Enabled"}]"#)] {
            let change =
                read(&record(&property("StrongAuthenticationRequirement", Some("[]"), odd))).unwrap();
            assert_eq!(change.required.after, Some(true), "it changed, so it was on: {odd:?}");
        }
    }

    #[test]
    fn nulls_and_other_targets_hide_nothing() {
        let mut told = record(&property(APPS, Some("[]"), Some(r#"[{"Id":"a1"}]"#)));
        let mut user = told["targetResources"][0].take();
        user["modifiedProperties"].as_array_mut().unwrap().insert(0, json!(null));
        let device = json!({ "id": "x", "type": "Device", "modifiedProperties": null });
        told["targetResources"] = json!([null, device, user]);
        assert!(read(&told).is_some());
        told["result"] = json!(null);
        assert_eq!(read(&told), None);
    }

    #[test]
    fn who_made_it_is_told() {
        let mut told = record(&property(APPS, Some("[]"), Some(r#"[{"Id":"a1"}]"#)));
        for (by, is_another) in [
            (json!({ "user": { "id": USER }, "app": null }), false),
            (json!({ "user": { "id": "0b8ff2ab-8ad3-4c11-8d56-3e4b1a1a6a11" } }), true),
            (json!({ "app": { "displayName": "Helpdesk tool" } }), true),
            (json!(null), true),
        ] {
            told["initiatedBy"] = by;
            assert_eq!(read(&told).unwrap().by_another, is_another, "{told}");
        }
    }

    #[test]
    fn other_records_and_failures_tell_nothing_and_what_is_no_record_is_refused() {
        let mut told = record(&property(APPS, Some("[]"), Some(r#"[{"Id":"a1"}]"#)));
        told["result"] = json!("failure");
        assert_eq!(read(&told), None);
        told["result"] = json!("success");
        told["targetResources"][0]["id"] = json!("00000000-0000-0000-0000-000000000000");
        assert!(read_update(&told.to_string()).unwrap().is_none());
        assert!(read_update("{}").is_err() && read_update("[").is_err());
    }
}
