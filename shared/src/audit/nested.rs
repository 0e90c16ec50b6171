//! Who did it and to whom: the nested properties of a record, in any spelling.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    fields::{Members, Value, text},
    record::{Actor, Initiator, RecordError, TargetResource},
};

/// What `PowerShell` writes in place of what lies deeper than it goes: a value, or the name of a type.
const CUT_OFF: [&str; 5] =
    ["@{", "System.Collections.", "System.Object", "Microsoft.Graph.", "Microsoft.Open."];

/// Reads `initiatedBy`: JSON, or JSON in a text.
pub(super) fn initiator(value: &Value<'_>) -> Result<Initiator, RecordError> {
    const NAME: &str = "initiatedBy";
    let json = value.json();
    let Some(members) = read::<Members<'_>>(&json, NAME)? else { return Ok(Initiator::default()) };
    let [user, app] = ["user", "app"].map(|name| match members.get(name) {
        Some(inner) => read::<Members<'_>>(inner.get(), NAME),
        None => Ok(None),
    });
    let (user, app) = (user?, app?);
    let user = user
        .map(|user| Actor { id: user.text("id"), user_principal_name: user.text("userprincipalname") })
        .filter(|user| *user != Actor::default());
    let says = |name: &str| app.as_ref().and_then(|app| app.text(name));
    Ok(Initiator {
        user,
        app: ["appid", "serviceprincipalid", "displayname"].into_iter().any(|name| says(name).is_some()),
        app_id: says("appid"),
    })
}

/// Reads `targetResources`: JSON, or JSON in a text.
pub(super) fn targets(value: &Value<'_>) -> Result<Vec<TargetResource>, RecordError> {
    let json = value.json();
    Ok(list(&json, "targetResources")?.iter().map(resource).collect())
}

/// Reads a list of objects. A single one may stand without a list around it, and a list may be written as an object with
/// the members `"0"`, `"1"`, ….
pub(super) fn list<'a>(json: &'a str, name: &'static str) -> Result<Vec<Members<'a>>, RecordError> {
    let elements: Vec<&RawValue> = if json.trim_start().starts_with('{') {
        let Some(members) = read::<Members<'_>>(json, name)? else { return Ok(Vec::new()) };
        let is_list = !members.0.is_empty()
            && members.0.iter().all(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()));
        if !is_list {
            return Ok(vec![members]);
        }
        members.0.into_iter().map(|(_, element)| element).collect()
    } else {
        read::<Vec<Option<&RawValue>>>(json, name)?.unwrap_or_default().into_iter().flatten().collect()
    };
    let objects = elements.into_iter().map(|element| read(element.get(), name));
    objects.filter_map(Result::transpose).collect()
}

fn resource(members: &Members<'_>) -> TargetResource {
    TargetResource {
        id: members.text("id"),
        kind: members.text("type"),
        user_principal_name: members.text("userprincipalname"),
    }
}

/// Reads JSON of a shape; `None` for nothing and for null.
pub(super) fn read<'a, T: Deserialize<'a>>(
    json: &'a str,
    name: &'static str,
) -> Result<Option<T>, RecordError> {
    if json.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(json).map_err(|error| {
        if is_cut_off(json) { RecordError::CutOff(name) } else { RecordError::in_nested(name, &error) }
    })
}

/// Whether a value, or JSON of a text, is what `PowerShell` leaves of an object that it does not write out.
fn is_cut_off(json: &str) -> bool {
    let raw = serde_json::from_str::<&RawValue>(json).ok();
    let inner = raw.and_then(text).unwrap_or(Cow::Borrowed(json));
    CUT_OFF.iter().any(|mark| inner.trim_start().starts_with(mark))
}
