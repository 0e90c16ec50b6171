//! Opening whatever is around a record: the envelopes of products that collect logs.
//!
//! An envelope is no record. It is opened by what is in it, not by a list of products: objects, lists, JSON in
//! texts and in Base64 are looked through, and a copy that a product keeps as it came counts before what the
//! product made of it.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::value::RawValue;

use super::{query::Query, records::Found};
use crate::audit::{
    fields::{Members, text},
    names::is,
    record::{DirectoryAudit, RecordError},
};

/// How many envelopes may be around each other.
const DEEPEST: usize = 64;
/// Names, in plain form, under which products keep a record as it came.
const AS_IT_CAME: [&str; 8] =
    ["raw", "original", "eventoriginal", "fulllog", "auditdata", "rawdata", "rawlog", "rawevent"];
/// Names of objects that only give structure to a stream, and hold no record.
const STRUCTURE: [&str; 6] = ["frametype", "index", "create", "lastrow", "metadata", "statistics"];

/// What was found in an envelope.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) found: Vec<Found>,
    /// Whether it says that there is more on another page.
    pub(super) has_next: bool,
    /// Whether it is known to hold no record.
    pub(super) is_structure: bool,
}

/// Looks for records in JSON that is no record itself. An error means that it is not JSON.
pub(super) fn open(json: &str) -> Result<Contents, RecordError> {
    let value: &RawValue =
        serde_json::from_str(json).map_err(|_| RecordError::Syntax("not JSON".to_owned()))?;
    let mut contents = Contents::default();
    contents.look(value, 0);
    let mut ids = std::collections::HashSet::new();
    contents.found.retain(|found| match found {
        Ok((DirectoryAudit { id: Some(id), .. }, _)) => ids.insert(id.clone()),
        _ => true,
    });
    Ok(contents)
}

impl Contents {
    fn look(&mut self, value: &RawValue, depth: usize) {
        match value.get().as_bytes().first() {
            _ if depth > DEEPEST => {}
            Some(b'{') => self.object(value, depth, false),
            Some(b'[') => {
                let list: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
                for element in list {
                    self.look(element, depth + 1);
                }
            }
            Some(b'"') => {
                if let Some(json) = json_in(value)
                    && let Ok(value) = serde_json::from_str::<&RawValue>(&json)
                {
                    self.look(value, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Looks through an object. `is_tried` says that its records as they came were looked for before.
    fn object(&mut self, value: &RawValue, depth: usize, is_tried: bool) {
        let Ok(members) = serde_json::from_str::<Members<'_>>(value.get()) else { return };
        self.has_next |= ["odatanextlink", "nextlink"].iter().any(|name| members.text(name).is_some());
        self.is_structure |= STRUCTURE.iter().any(|name| members.get(name).is_some());
        let event =
            members.get("event").and_then(|event| serde_json::from_str::<Members<'_>>(event.get()).ok());
        let has_found = (!is_tried && self.as_it_came(&members, depth))
            || event.as_ref().is_some_and(|event| self.as_it_came(event, depth + 1));
        if has_found || self.is_record(value) || self.is_table(&members) {
            return;
        }
        for (name, member) in members.0 {
            if is(&name, "event") && event.is_some() {
                self.object(member, depth + 1, true);
            } else if !keeps_record(&name, member) {
                self.look(member, depth + 1);
            }
        }
    }

    /// Whether the object keeps a record as it came, which is then taken.
    fn as_it_came(&mut self, members: &Members<'_>, depth: usize) -> bool {
        let before = self.found.len();
        for (_, value) in members.0.iter().filter(|(name, value)| keeps_record(name, value)) {
            self.look(value, depth + 1);
            if self.found.len() > before {
                return true;
            }
        }
        false
    }

    /// Whether the object is a record, good or bad, which is then taken.
    fn is_record(&mut self, value: &RawValue) -> bool {
        match DirectoryAudit::from_json(value.get().as_bytes()) {
            Err(RecordError::NotAudit(_)) => false,
            read => {
                self.found.push(read.map(|(record, shape)| (record, shape.into())));
                true
            }
        }
    }

    /// Whether the object is a table of rows, whose records are then taken.
    fn is_table(&mut self, members: &Members<'_>) -> bool {
        if let (Some(columns), Some(rows)) = (members.get("columns"), members.get("rows"))
            && let Ok(rows) = serde_json::from_str::<Vec<&RawValue>>(rows.get())
            && rows.iter().any(|row| row.get().starts_with('['))
        {
            let query = Query::of_columns(columns.get());
            if query.is_audit() {
                self.found.extend(rows.into_iter().map(|row| query.record(row.get().as_bytes())));
            }
            return true;
        }
        false
    }
}

/// Whether a member may keep a record as it came: as a text, under a name for that.
fn keeps_record(name: &str, value: &RawValue) -> bool {
    value.get().starts_with('"') && AS_IT_CAME.iter().any(|known| is(name, known))
}

/// JSON that is in a text, as it is or in Base64.
fn json_in(value: &RawValue) -> Option<Cow<'_, str>> {
    let inner = text(value)?;
    if inner.starts_with(['{', '[']) {
        return Some(inner);
    }
    // What Base64 makes of `{"`, `[{` and `{` with a newline behind it.
    if ["eyJ", "W3s", "ewo", "ew0", "eyA"].iter().any(|start| inner.starts_with(start)) {
        let bytes = BASE64_STANDARD.decode(inner.as_bytes()).ok()?;
        return String::from_utf8(bytes).ok().map(Cow::Owned);
    }
    None
}
