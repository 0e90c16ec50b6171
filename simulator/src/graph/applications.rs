//! `GET /applications(appId='…')`.

use serde_json::{Value, json};

use crate::{
    answer::{Handled, Refusal, Success, context},
    call::Call,
    state::State,
};

/// The client id in a segment that names an application by it.
pub(super) fn client_id(segment: &str) -> Option<&str> {
    segment.strip_prefix("applications(appId='")?.strip_suffix("')")
}

pub(super) fn get(state: &mut State, client_id: &str, call: &Call) -> Handled {
    call.only(&["$select"])?;
    let known = state.options.client_id.to_string();
    if client_id != known {
        return Err(Refusal::no_object(client_id));
    }
    let select = call.select("application", &["id", "appId", "passwordCredentials", "keyCredentials"])?;
    let ends = state.options.credential_ends_at.to_string();
    let keys: Vec<Value> =
        state.options.certificates.iter().map(|_| json!({ "endDateTime": ends })).collect();
    let mut body = json!({
        "id": known,
        "appId": known,
        "passwordCredentials": [{ "endDateTime": ends, "hint": &state.options.client_secret[..3] }],
        "keyCredentials": keys,
    });
    if let (Some(select), Some(properties)) = (select, body.as_object_mut()) {
        properties.retain(|name, _| select.contains(&name.as_str()));
    }
    body["@odata.context"] = json!(context("applications/$entity"));
    Ok(Success::Json(body))
}
