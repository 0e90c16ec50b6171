//! Links to next pages: opaque, bound to their query, and of limited life.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    answer::{self, Refusal, Success},
    call::Call,
    state::State,
};

fn seal(seed: u64, path: &str, parts: (&str, i64, u64), options: &[Option<&str>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, path, parts, options).hash(&mut hasher);
    hasher.finish()
}

const BOUND: [&str; 5] = ["$filter", "$orderby", "$select", "$expand", "$top"];

fn seal_of(state: &State, call: &Call, key: &str, expires: i64) -> u64 {
    let options = BOUND.map(|name| call.option(name));
    seal(state.options.seed, &call.path, (key, expires, state.cursor_epoch), &options)
}

/// Makes the `$skiptoken` of the page after `key`.
pub(crate) fn issue(state: &State, call: &Call, key: &str, now: Timestamp) -> String {
    let expires =
        now.as_second() + i64::try_from(state.options.cursor_lifetime.as_secs()).unwrap_or(i64::MAX / 2);
    let token = json!([key, expires, seal_of(state, call, key, expires)]);
    URL_SAFE_NO_PAD.encode(token.to_string())
}

/// Reads the `$skiptoken` of a request. Returns the key that the page comes after, or `None` for the first
/// page.
pub(crate) fn redeem(state: &State, call: &Call, now: Timestamp) -> Result<Option<String>, Refusal> {
    let Some(text) = call.option("$skiptoken") else {
        return Ok(None);
    };
    let garbled = || Refusal::bad("Invalid skip token.");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| garbled())?;
    let (key, expires, sealed): (String, i64, u64) = serde_json::from_slice(&bytes).map_err(|_| garbled())?;
    if sealed != seal_of(state, call, &key, expires) {
        return Err(garbled());
    }
    if now.as_second() >= expires {
        return Err(Refusal::bad("Skip token has expired."));
    }
    Ok(Some(key))
}

/// Makes one page of a list that is sorted by its keys. A full page has a link even if nothing follows, so
/// the last page may be empty.
pub(crate) fn page<T>(
    state: &State,
    call: &Call,
    (context, size): (&str, usize),
    sorted: &[(String, T)],
    render: impl Fn(&T) -> Value,
) -> Result<Success, Refusal> {
    let now = state.now();
    let start = match redeem(state, call, now)? {
        Some(key) => sorted.partition_point(|(at, _)| *at <= key),
        None => 0,
    };
    let chosen = &sorted[start..sorted.len().min(start + size)];
    let mut body = json!({
        "@odata.context": answer::context(context),
        "value": chosen.iter().map(|(_, item)| render(item)).collect::<Vec<_>>(),
    });
    if let Some((key, _)) = chosen.last().filter(|_| chosen.len() == size) {
        body["@odata.nextLink"] = json!(call.next_link(&issue(state, call, key, now)));
    }
    Ok(Success::Json(body))
}
