//! What the API is asked. Unknown fields are refused, and everything has a bound.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value};

use super::{Problem, ProblemKind};
use crate::{
    audit::{Activity, Registration},
    diagnose::Question,
    digest::digest,
    domain::{
        approval::Slice,
        ids::{EventId, UserId},
        method::MethodKind,
        window::{Range, Window},
    },
    ledger::{Cursor, Key},
    settings::choice,
    text::clip,
    view::listed,
};

/// The longest body, in bytes.
pub const MAX_BODY: usize = 512 * 1024;

/// The most users or registrations in one request.
pub const MAX_NAMED: usize = 1_000;

/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;

/// The most entries on one page.
pub const MAX_LIMIT: usize = 500;

/// Parses a JSON body. The problem says where it is wrong.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if body.len() > MAX_BODY {
        return Err(ProblemKind::ContentTooLarge.into());
    }
    // Serde would also accept a list for a struct.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(bad("a JSON object is needed"));
    }
    let mut input = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut input).map_err(|error| {
        let (place, cause) = (error.path().to_string(), error.into_inner().to_string());
        bad(&if place == "." { cause } else { format!("{place}: {cause}") })
    })?;
    input.end().map_err(|error| bad(&error.to_string()))?;
    Ok(read)
}

fn bad(detail: &str) -> Problem {
    Problem::new(ProblemKind::BadRequest, clip(detail, 200))
}

/// Reads an optional field, which may be left out but must not be `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Option<T>, D::Error> {
    T::deserialize(input).map(Some)
}

/// Reads a list of objects. Refuses lists in their place, which serde would accept.
fn objects<'de, D: Deserializer<'de>, T: DeserializeOwned>(input: D) -> Result<Option<Vec<T>>, D::Error> {
    let objects = Vec::<Map<String, Value>>::deserialize(input)?.into_iter().enumerate();
    let read = objects.map(|(n, object)| {
        T::deserialize(Value::Object(object)).map_err(|error| D::Error::custom(format!("{}: {error}", n + 1)))
    });
    read.collect::<Result<_, _>>().map(Some)
}

/// `POST /scans`: a range of the audit log or, with neither end, what the schedule would scan next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanRange {
    /// Its first moment; by default the window's start.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Its last moment; by default the window's end.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

impl ScanRange {
    /// Returns the range that it names, or `None` if it names neither end.
    pub fn range(self, window: &Window) -> Result<Option<Range>, Problem> {
        if self == Self::default() {
            return Ok(None);
        }
        let range = Range { from: self.from.unwrap_or(window.start), to: self.to.unwrap_or(window.end) };
        if range.from > range.to {
            return Err(bad("from lies after to"));
        }
        Ok(Some(range))
    }
}

/// `POST /rollbacks` as JSON: users named by hand, or registrations from an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// Object ids or principal names.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub user_ids: Option<Vec<String>>,
    /// Registrations, as `scan` lists them.
    #[serde(default, deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
    pub registrations: Option<Vec<NamedRegistration>>,
    /// Why these users are named; kept on record.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl RollbackRequest {
    /// Checks that it has either users or registrations, within bounds, and a reason if it names users.
    pub fn check(&self) -> Result<(), Problem> {
        let named = match (&self.user_ids, &self.registrations) {
            (Some(users), None) => {
                check_reason(self.reason.as_deref().ok_or_else(|| bad("reason is missing"))?)?;
                users.len()
            }
            (None, Some(registrations)) => {
                self.reason.as_deref().map_or(Ok(()), check_reason)?;
                registrations.len()
            }
            _ => return Err(bad("either user_ids or registrations is needed")),
        };
        match named {
            0 => Err(bad("nobody is named")),
            1..=MAX_NAMED => Ok(()),
            _ => Err(bad(&format!("more than {MAX_NAMED} are named: send several requests"))),
        }
    }
}

/// One registration, as `scan --format json` lists it. It is only the caller's word: it says whom to look at,
/// and that the user registered in the window, but it dates no method and hides no event of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedRegistration {
    /// The user who registered, by object id.
    pub user_id: UserId,
    /// Accepted because `scan` lists it, but ignored.
    #[serde(default, skip_serializing)]
    pub user_principal_name: Option<String>,
    /// When the user registered; outside the window, it is left alone.
    pub registered_at: Timestamp,
    /// The audit event's id; `None` from the portal's CSV, which has none.
    #[serde(default)]
    pub event_id: Option<EventId>,
    /// The kinds of method that the event's reason names; ignored.
    #[serde(default, skip_serializing)]
    pub methods: Vec<MethodKind>,
    /// Whether it lies in the window that `scan` was given; ignored.
    #[serde(default, skip_serializing)]
    pub in_window: Option<bool>,
}

impl NamedRegistration {
    /// Converts a registration to what is sent.
    pub fn of(registration: &Registration) -> Self {
        Self {
            user_id: registration.user_id,
            user_principal_name: None,
            registered_at: registration.registered_at,
            event_id: registration.event_id.clone(),
            methods: Vec::new(),
            in_window: None,
        }
    }

    /// Converts this to the registration to take, under an event id that no real event has.
    pub fn into_claim(self) -> Registration {
        let Self { user_id, registered_at, event_id, .. } = self;
        let (user, at) = (user_id.to_string(), registered_at.to_string());
        let event = event_id.map(|event| event.0).unwrap_or_default();
        let key = digest([user.as_bytes(), at.as_bytes(), event.as_bytes()], 16);
        Registration {
            // An id of the caller's choice could mark somebody else's event as seen.
            event_id: Some(EventId(format!("named_{key}"))),
            user_id,
            registered_at,
            methods: Vec::new(),
            user_principal_name: None,
            activity: Activity::Registered,
            reason: String::new(),
        }
    }
}

/// A person's reason for a release, an erasure, the end of an event or a move of the brake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// The reason, in one line; kept on record.
    pub reason: String,
}

/// `POST /plans/{hash}/approval`: a person's word on a plan, or on a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// The reason, in one line; kept on record.
    pub reason: String,
    /// Only the first so many users of the plan.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    /// The users of the plan whom it is for; `None` means all of them.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub user_ids: Option<Vec<UserId>>,
    /// All but these users.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub except: Option<Vec<UserId>>,
}

impl ApprovalRequest {
    /// Parses a body, and checks it. A list that names nobody could be meant to name somebody, so it is refused.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let read: Self = read_json(body)?;
        check_reason(&read.reason)?;
        if read.first == Some(0) {
            return Err(bad("first: a number from 1"));
        }
        for (name, users) in [("user_ids", &read.user_ids), ("except", &read.except)] {
            if users.as_ref().is_some_and(|users| users.is_empty() || users.len() > MAX_NAMED) {
                return Err(bad(&format!("{name}: 1 to {MAX_NAMED} users are needed")));
            }
        }
        Ok(read)
    }

    /// Returns whom it is about, and the reason.
    pub fn into_parts(self) -> (Slice, String) {
        let Self { reason, first, user_ids, except } = self;
        let first = first.map(|first| usize::try_from(first).unwrap_or(usize::MAX));
        (Slice { first, only: user_ids.unwrap_or_default(), except: except.unwrap_or_default() }, reason)
    }
}

/// Reads the only parameter that a query may have; `None` if it is not there.
pub fn read_parameter<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    known: &str,
) -> Result<Option<&'a str>, Problem> {
    let mut parameters = parameters.into_iter();
    match (parameters.next(), parameters.next()) {
        (None, _) => Ok(None),
        (Some((name, value)), None) if name == known => Ok(Some(value)),
        (Some(_), None) => Err(bad(&format!("no such parameter: only {known}"))),
        (Some(_), Some(_)) => Err(bad(&format!("only the parameter {known}, once"))),
    }
}

/// Parses a body that holds only a reason, and checks the reason.
pub fn read_reason(body: &[u8]) -> Result<String, Problem> {
    let ReasonRequest { reason } = read_json(body)?;
    check_reason(&reason)?;
    Ok(reason)
}

fn check_reason(reason: &str) -> Result<(), Problem> {
    if !reason.chars().any(|c| c > ' ' && c != '\u{7f}') {
        return Err(bad("reason: it must not be empty"));
    }
    if reason.chars().any(|c| c.is_ascii_control()) {
        return Err(bad("reason: it must be one line, without control characters"));
    }
    if reason.chars().count() > MAX_REASON {
        return Err(bad(&format!("reason: it has more than {MAX_REASON} characters")));
    }
    Ok(())
}

/// Reads what `GET /users/{user_id}/diagnosis` asks about; each parameter may occur only once.
pub fn read_question<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Question, Problem> {
    let mut question = Question::default();
    for (name, value) in parameters {
        let wrong = |cause: String| bad(&format!("{name}: {cause}"));
        let comes_twice = match name {
            "symptom" => question.symptom.replace(choice(value).map_err(wrong)?).is_some(),
            "method" => question.method.replace(choice(value).map_err(wrong)?).is_some(),
            _ => return Err(bad(&format!("no such parameter: {name} (symptom, method)"))),
        };
        if comes_twice {
            return Err(bad(&format!("{name} comes twice")));
        }
    }
    Ok(question)
}

/// `GET /users`: which entries to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersQuery {
    /// The names of the lists to read, in this order, such as `pending` or `held(excluded)`.
    pub outcomes: Vec<String>,
    /// Where to continue; `None` for the first page.
    pub after: Option<PageCursor>,
    /// The most entries to return, from 1 to [`MAX_LIMIT`]; 100 by default.
    pub limit: usize,
}

/// Where a page of `GET /users` begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageCursor {
    outcome: String,
    updated_at: Timestamp,
    pk: String,
    sk: String,
}

impl PageCursor {
    /// The place after an entry in the list of `outcome`.
    pub fn new(outcome: &str, cursor: Cursor) -> Self {
        let Cursor { updated_at, key: Key { pk, sk } } = cursor;
        Self { outcome: outcome.to_owned(), updated_at, pk, sk }
    }

    /// Returns the list that it is in, and the place.
    pub fn into_parts(self) -> (String, Cursor) {
        (self.outcome, Cursor { updated_at: self.updated_at, key: Key::new(self.pk, self.sk) })
    }

    /// Encodes it as an opaque text.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a cursor is plain data"))
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

impl UsersQuery {
    /// Reads the parameters of a query; each may occur only once.
    pub fn read<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Problem> {
        let (mut outcome, mut cursor, mut limit) = (None, None, None);
        for (name, value) in parameters {
            let there = match name {
                "outcome" => &mut outcome,
                "cursor" => &mut cursor,
                "limit" => &mut limit,
                _ => return Err(bad(&format!("no such parameter: {name} (outcome, cursor, limit)"))),
            };
            if there.replace(value).is_some() {
                return Err(bad(&format!("{name} comes twice")));
            }
        }
        let limit = limit.unwrap_or("100").parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let limit = limit.ok_or_else(|| bad(&format!("limit: a number from 1 to {MAX_LIMIT}")))?;
        let outcomes = listed(outcome).ok_or_else(|| bad("outcome: there is none of this name"))?;
        let after = match cursor {
            None => None,
            Some(text) => {
                let read = PageCursor::read(text).filter(|cursor| outcomes.contains(&cursor.outcome));
                Some(read.ok_or_else(|| bad("cursor: not one that this list gave"))?)
            }
        };
        Ok(Self { outcomes, after, limit })
    }
}
