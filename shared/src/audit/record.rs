//! One record of the audit log, in whatever form it came.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{error::Category, value::RawValue};

use super::{
    fields::{Field, Fields, text, unwrapped},
    service::Service,
    time::{TimeError, parse_time},
};
use crate::{
    domain::ids::EventId,
    text::{clip, same_name},
};

/// A `directoryAudit` record. What the record lacks is empty here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryAudit {
    /// The event's id; the portal's CSV has none.
    pub id: Option<EventId>,
    /// When it happened; a record without a time is refused.
    pub activity_date_time: Timestamp,
    /// What was done, such as `User registered security info`.
    pub activity_display_name: String,
    /// The category, `UserManagement` for registrations.
    pub category: String,
    /// The service that logged it; empty if an export lacks the column.
    pub logged_by_service: String,
    /// How it ended: `success`, `failure`, …
    pub result: String,
    /// Why it ended so, as free text; registrations name their methods here.
    pub result_reason: String,
    /// Ties it to other records of the same operation.
    pub correlation_id: Option<String>,
    /// Who did it. In JSON, read only for services that log registrations, or if none is named.
    pub initiated_by: Initiator,
    /// To whom or what. In JSON, read only for services that log registrations, or if none is named.
    pub target_resources: Vec<TargetResource>,
}

/// Who did something: a user, an app, or nobody by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Initiator {
    /// The user; `None` if the record names none.
    pub user: Option<Actor>,
    /// Whether an app is named.
    pub app: bool,
    /// The app's client id, if the record has it.
    pub app_id: Option<String>,
}

/// The user who did something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// The object id as written in the record.
    pub id: Option<String>,
    /// The principal name at that time, if the record has it.
    pub user_principal_name: Option<String>,
}

/// To whom or what something was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetResource {
    /// The object id as written in the record.
    pub id: Option<String>,
    /// What it is: `User`, `Device`, …
    pub kind: Option<String>,
    /// The principal name, if it is a user.
    pub user_principal_name: Option<String>,
}

/// Why a JSON value is not a record of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not JSON, not an object, or a row that does not fit the columns.
    #[error("{0}")]
    Syntax(String),
    /// It has none of the properties of an audit record.
    #[error("not an audit record: {0}")]
    NotAudit(&'static str),
    /// It is an envelope of another log, such as sign-ins.
    #[error("a record of another log: {0}")]
    OtherLog(String),
    /// A property that it needs is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Its time cannot be read.
    #[error("activityDateTime: {0}")]
    Time(#[from] TimeError),
    /// A nested property does not have the expected shape.
    #[error("{name} cannot be read: {cause}")]
    Nested {
        /// The property's name, such as `initiatedBy`.
        name: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}

/// The form in which a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Graph,
    AzureMonitor,
    LogAnalytics,
}

impl DirectoryAudit {
    /// Reads a record of Graph's `auditLogs/directoryAudits`.
    pub fn from_graph(json: &str) -> Result<Self, RecordError> {
        Self::from_json(json.as_bytes()).map(|(record, _)| record)
    }

    /// Reads a record in any of the JSON forms: Graph's own, in Azure Monitor's envelope, or as a row
    /// of Log Analytics.
    pub(super) fn from_json(json: &[u8]) -> Result<(Self, Shape), RecordError> {
        let fields: Fields<'_> = serde_json::from_slice(json).map_err(|error| syntax(&error))?;
        let Some(properties) = fields.raw(Field::Properties).filter(|_| !is_audit(&fields)) else {
            let shape = if fields.capitals { Shape::LogAnalytics } else { Shape::Graph };
            return Self::from_fields(&fields).map(|record| (record, shape));
        };
        if let Some(log) = fields.text(Field::Category)
            && !same_name(&log, "AuditLogs")
        {
            return Err(RecordError::OtherLog(clip(&log, 40)));
        }
        let json = unwrapped(properties);
        let fields: Fields<'_> =
            serde_json::from_str(&json).map_err(|error| in_nested("properties", &error))?;
        Self::from_fields(&fields).map(|record| (record, Shape::AzureMonitor))
    }

    pub(super) fn from_fields(fields: &Fields<'_>) -> Result<Self, RecordError> {
        if !is_audit(fields) {
            return Err(RecordError::NotAudit("it has no activityDateTime and no activityDisplayName"));
        }
        let text = |field| fields.text(field).map(Cow::into_owned);
        let time = fields.text(Field::ActivityDateTime).ok_or(RecordError::Missing("activityDateTime"))?;
        let mut record = Self {
            id: text(Field::Id).map(EventId),
            activity_date_time: parse_time(&time)?,
            activity_display_name: text(Field::ActivityDisplayName)
                .or_else(|| text(Field::OperationName))
                .ok_or(RecordError::Missing("activityDisplayName"))?,
            category: text(Field::Category).unwrap_or_default(),
            logged_by_service: text(Field::LoggedByService).unwrap_or_default(),
            result: text(Field::Result).unwrap_or_default(),
            result_reason: text(Field::ResultReason).unwrap_or_default(),
            correlation_id: text(Field::CorrelationId),
            initiated_by: Initiator::default(),
            target_resources: Vec::new(),
        };
        if record.logged_by_service.is_empty() || Service::logs_registrations(&record.logged_by_service) {
            record.initiated_by = initiator(fields.raw(Field::InitiatedBy))?;
            record.target_resources = targets(fields.raw(Field::TargetResources))?;
        }
        Ok(record)
    }
}

fn is_audit(fields: &Fields<'_>) -> bool {
    [Field::ActivityDateTime, Field::ActivityDisplayName, Field::LoggedByService]
        .into_iter()
        .any(|field| fields.raw(field).is_some())
}

pub(super) fn syntax(error: &serde_json::Error) -> RecordError {
    RecordError::Syntax(match error.classify() {
        Category::Data => "not a JSON object".to_owned(),
        _ => format!("not JSON: {}", clip(&error.to_string(), 80)),
    })
}

/// Reads `initiatedBy`: JSON, or JSON in a text.
pub(super) fn initiator(value: Option<&RawValue>) -> Result<Initiator, RecordError> {
    #[derive(Deserialize)]
    struct Json<'a> {
        #[serde(borrow)]
        user: Option<JsonUser<'a>>,
        #[serde(borrow)]
        app: Option<JsonApp<'a>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct JsonUser<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        user_principal_name: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct JsonApp<'a> {
        #[serde(borrow)]
        app_id: Option<&'a RawValue>,
        #[serde(borrow)]
        service_principal_id: Option<&'a RawValue>,
        #[serde(borrow)]
        display_name: Option<&'a RawValue>,
    }
    let json = value.map(unwrapped).unwrap_or_default();
    let Some(Json { user, app }) = read(&json, "initiatedBy")? else {
        return Ok(Initiator::default());
    };
    let user = user
        .map(|user| Actor { id: text_of(user.id), user_principal_name: text_of(user.user_principal_name) });
    let app_id = app.as_ref().and_then(|app| text_of(app.app_id));
    let names = app.map(|app| [app.app_id, app.service_principal_id, app.display_name]);
    Ok(Initiator {
        user: user.filter(|user| *user != Actor::default()),
        app: names.is_some_and(|names| names.into_iter().any(|name| text_of(name).is_some())),
        app_id,
    })
}

/// Reads `targetResources`: JSON, or JSON in a text.
pub(super) fn targets(value: Option<&RawValue>) -> Result<Vec<TargetResource>, RecordError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Json<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow, rename = "type")]
        small: Option<&'a RawValue>,
        #[serde(borrow, rename = "Type")]
        capital: Option<&'a RawValue>,
        #[serde(borrow)]
        user_principal_name: Option<&'a RawValue>,
    }
    let json = value.map(unwrapped).unwrap_or_default();
    let targets: Vec<Option<Json<'_>>> = read(&json, "targetResources")?.unwrap_or_default();
    let target = |json: Json<'_>| TargetResource {
        id: text_of(json.id),
        kind: text_of(json.small).or_else(|| text_of(json.capital)),
        user_principal_name: text_of(json.user_principal_name),
    };
    Ok(targets.into_iter().flatten().map(target).collect())
}

fn text_of(value: Option<&RawValue>) -> Option<String> {
    value.and_then(text).map(Cow::into_owned)
}

fn read<'a, T: Deserialize<'a>>(json: &'a str, name: &'static str) -> Result<Option<T>, RecordError> {
    if json.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(json).map_err(|error| in_nested(name, &error))
}

fn in_nested(name: &'static str, error: &serde_json::Error) -> RecordError {
    let cause = match error.classify() {
        Category::Data => "it has another shape".to_owned(),
        _ => clip(&error.to_string(), 80),
    };
    RecordError::Nested { name, cause }
}
