//! "Update user", the directory's own record of a change, as far as it tells of MFA details.
//!
//! Source: <https://techcommunity.microsoft.com/blog/microsoftsecurityexperts/4154039>. Old and new values are JSON in
//! texts, which may be absent, cut off or of another shape: such a text shows nothing.

use std::borrow::Cow;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{json, value::RawValue};
use uuid::Uuid;

use super::{
    activity::Activity,
    fields::{Field, Fields, FlatTarget, Members, Value, text},
    made::made_key,
    nested::{list, read},
    record::{DirectoryAudit, RecordError, Update},
};
use crate::{
    domain::{
        ids::{MethodId, UserId},
        story::{Change, Numbers, RecordedChange},
    },
    text::same_name,
};

/// The app in whose name the service keeps the details of users who register.
const MFA_SERVICE: &str = "Azure MFA StrongAuthenticationService";
const TARGETS: &str = "targetResources";

/// Whether a record is one of those that say what the directory changed about a user.
pub(super) fn is_named(fields: &Fields<'_>) -> bool {
    let name = [Field::ActivityDisplayName, Field::OperationName, Field::Operation]
        .into_iter()
        .find_map(|field| fields.text(field));
    name.is_some_and(|name| same_name(&name, "Update user"))
}

impl Update {
    /// Takes it from a record in Graph's shape, or from columns.
    pub(super) fn of(fields: &Fields<'_>) -> Self {
        let text = |field| fields.text(field);
        let by = fields.get(Field::InitiatedBy).map_or_else(
            || {
                json!({"user": {"id": text(Field::ActorId)}, "app": {"displayName": text(Field::AppName)}})
                    .to_string()
            },
            |by| by.json().into_owned(),
        );
        let targets = fields.get(Field::TargetResources).map_or_else(
            || json!(fields.targets.iter().map(target).collect::<Vec<_>>()).to_string(),
            |targets| targets.json().into_owned(),
        );
        Self { by, targets }
    }

    /// Takes it from a record of the unified audit log.
    pub(super) fn of_unified(fields: &Fields<'_>, target: Option<&str>, by: [Option<&str>; 2]) -> Self {
        let [user, app] = by;
        let properties = fields.get(Field::ModifiedProperties).map(Value::json);
        let properties = properties.as_deref().and_then(|json| serde_json::from_str::<&RawValue>(json).ok());
        Self {
            by: json!({"user": {"id": user}, "app": {"displayName": app}}).to_string(),
            targets: json!([{"id": target, "modifiedProperties": properties}]).to_string(),
        }
    }
}

fn target(target: &FlatTarget<'_>) -> serde_json::Value {
    let text = |value: &Option<Value<'_>>| value.as_ref().and_then(|value| Some(value.text()?.into_owned()));
    let property = |parts: &[Option<Value<'_>>; 3]| {
        let [name, old, new] = parts.each_ref().map(text);
        json!({"displayName": name, "oldValue": old, "newValue": new})
    };
    let properties: Vec<_> = target.properties.iter().map(property).collect();
    json!({"id": text(&target.id), "type": text(&target.kind), "modifiedProperties": properties})
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

impl DirectoryAudit {
    /// What the directory recorded of a user's MFA details. Returns `None` if the record shows nothing of them.
    pub fn change(&self) -> Result<Option<(UserId, RecordedChange)>, RecordError> {
        let Some(update) = self.update.as_deref().filter(|_| same_name(&self.result, "success")) else {
            return Ok(None);
        };
        let is_user = |target: &&Members<'_>| target.text("type").is_none_or(|kind| same_name(&kind, "User"));
        let targets = list(&update.targets, TARGETS)?;
        let Some(target) = targets.iter().find(is_user) else { return Ok(None) };
        let user = target.text("id").and_then(|id| id.parse::<UserId>().ok());
        let (Some(user), Some(properties)) = (user, target.get("modifiedproperties")) else {
            return Ok(None);
        };
        let properties = list(properties.get(), TARGETS)?;
        let made = || {
            let activity = Activity::from_name(&self.activity_display_name);
            made_key(&[user.to_string()], self.activity_date_time, &activity, "")
        };
        let change = RecordedChange {
            event_id: self.id.clone().unwrap_or_else(made),
            at: self.activity_date_time,
            by_another: !is_own(&update.by, user)?,
            flags: change(&properties, "StrongAuthenticationMethod", |flags: Vec<Flag>| {
                flags.into_iter().map(|flag| flag.method_type).collect()
            }),
            apps: change(&properties, "StrongAuthenticationPhoneAppDetail", |apps: Vec<App>| {
                apps.into_iter().map(|app| MethodId(app.id)).collect()
            }),
            numbers: numbers(&properties),
            required: requirement(&properties),
        };
        Ok(change.shows().then_some((user, change)))
    }
}

/// Whether the user made the change, or the MFA service for the user.
fn is_own(by: &str, user: UserId) -> Result<bool, RecordError> {
    const NAME: &str = "initiatedBy";
    let Some(by) = read::<Members<'_>>(by, NAME)? else { return Ok(false) };
    let of = |who: &str| by.get(who).map_or(Ok(None), |who| read::<Members<'_>>(who.get(), NAME));
    let (actor, app) = (of("user")?, of("app")?);
    let is_user = actor.and_then(|actor| actor.text("id")?.parse().ok()) == Some(user);
    let is_service =
        app.and_then(|app| app.text("displayname")).is_some_and(|name| same_name(&name, MFA_SERVICE));
    Ok(is_user || is_service)
}

/// The phone numbers before and after, hashed at the door.
fn numbers(properties: &[Members<'_>]) -> Option<Numbers> {
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
fn requirement(properties: &[Members<'_>]) -> Change<bool> {
    let Some(property) = named(properties, "StrongAuthenticationRequirement") else {
        return Change::default();
    };
    let is_on = |side: &str| Some(side_of(property, side).as_deref().map(str::trim) != Some("[]"));
    Change { before: is_on("oldvalue"), after: is_on("newvalue") }
}

fn named<'a>(properties: &'a [Members<'a>], name: &str) -> Option<&'a Members<'a>> {
    let is_it = |property: &&Members<'_>| {
        // The unified audit log has a shorter name for the name.
        let its = property.text("displayname").or_else(|| property.text("name"));
        its.is_some_and(|its| same_name(&its, name))
    };
    properties.iter().find(is_it)
}

/// The text of one side of a property; whatever is no text shows nothing.
fn side_of<'a>(property: &Members<'a>, side: &str) -> Option<Cow<'a, str>> {
    property.get(side).filter(|value| value.get().starts_with('"')).and_then(text)
}

/// A property before and after; what is not JSON of its shape is not shown.
fn change<J: DeserializeOwned, T: PartialEq>(
    properties: &[Members<'_>],
    name: &str,
    read: impl Fn(J) -> T,
) -> Change<T> {
    let Some(property) = named(properties, name) else { return Change::default() };
    let side = |side: &str| serde_json::from_str(&side_of(property, side)?).ok().map(&read);
    Change { before: side("oldvalue"), after: side("newvalue") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::audit::time::parse_time;
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

    fn read_update(json: &str) -> Result<Option<(UserId, RecordedChange)>, RecordError> {
        DirectoryAudit::from_graph(json)?.change()
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
        assert!(!read(&new, &new).unwrap().is_change());
    }

    #[test]
    fn a_use_or_a_new_name_is_no_change() {
        let (old, new) = (r#"[{"Id":"a1","DeviceName":"x"}]"#, r#"[{"Id":"a1","DeviceName":"y"}]"#);
        assert!(!read(&record(&property(APPS, Some(old), Some(new)))).unwrap().is_change());
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
