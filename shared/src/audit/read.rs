//! Reading one record, in whatever form it came.

use std::borrow::Cow;

use serde_json::error::Category;

use super::{
    fields::{Field, Fields, FlatTarget, Members, Value},
    names::TABLE,
    nested::{initiator, targets},
    preselect::Member,
    record::{Actor, DirectoryAudit, Initiator, RecordError, Shape, TargetResource, Update},
    service::Service,
    time::{Zone, parse_time_in},
    unified, update,
};
use crate::{
    domain::ids::EventId,
    text::{clip, same_name},
};

impl DirectoryAudit {
    /// Reads a record of Graph's `auditLogs/directoryAudits`.
    pub fn from_graph(json: &str) -> Result<Self, RecordError> {
        Self::from_json(json.as_bytes()).map(|(record, _)| record)
    }

    /// Reads a record in any of the JSON forms: Graph's own, in Azure Monitor's envelope, as a row of Log
    /// Analytics, or the Office 365 Management Activity API's.
    pub(super) fn from_json(json: &[u8]) -> Result<(Self, Shape), RecordError> {
        Self::from_object(&Fields::read(json).map_err(|error| syntax(&error))?)
    }

    /// Reads such a record, of whose members a first look found where they are, unless there are none.
    pub(super) fn from_members(json: &[u8], members: &[Member]) -> Result<(Self, Shape), RecordError> {
        match str::from_utf8(json) {
            Ok(text) if !members.is_empty() => Self::from_object(&Fields::of_members(text, members)),
            _ => Self::from_json(json),
        }
    }

    fn from_object(fields: &Fields<'_>) -> Result<(Self, Shape), RecordError> {
        if !is_audit(fields)
            && let Some(properties) = fields.get(Field::Properties)
        {
            return Self::from_azure_monitor(fields, properties).map(|record| (record, Shape::AzureMonitor));
        }
        let is_row = fields.capitals && fields.get(Field::OperationName).is_some();
        let shape = if is_row { Shape::LogAnalytics } else { Shape::Graph };
        if unified::is_unified(fields) && !is_audit(fields) {
            return unified::record(fields).map(|record| (record, Shape::Management));
        }
        Self::from_fields(fields).map(|record| (record, shape))
    }

    /// Reads `properties` of Azure Monitor's envelope, and from the envelope what they lack.
    fn from_azure_monitor(outer: &Fields<'_>, properties: &Value<'_>) -> Result<Self, RecordError> {
        if let Some(log) = outer.text(Field::Category)
            && !same_name(&log, "AuditLogs")
        {
            return Err(RecordError::OtherLog(clip(&log, 40)));
        }
        let json = properties.json();
        let mut fields =
            Fields::read_text(&json).map_err(|error| RecordError::in_nested("properties", &error))?;
        if !is_audit(&fields) {
            return Err(NOT_AUDIT);
        }
        for field in [Field::ResultReason, Field::TimeGenerated] {
            if fields.get(field).is_none()
                && let Some(value) = outer.get(field)
            {
                fields.set(super::names::Known::Field(field, 0), value.clone());
            }
        }
        Self::from_known(&fields)
    }

    pub(super) fn from_fields(fields: &Fields<'_>) -> Result<Self, RecordError> {
        if is_audit(fields) { Self::from_known(fields) } else { Err(NOT_AUDIT) }
    }

    /// Reads fields that are known to be those of an audit record.
    pub(super) fn from_known(fields: &Fields<'_>) -> Result<Self, RecordError> {
        let text = |field| fields.text(field).map(Cow::into_owned);
        let mut record = Self {
            id: text(Field::Id).map(EventId),
            activity_date_time: time(fields)?,
            activity_display_name: text(Field::ActivityDisplayName)
                .or_else(|| text(Field::OperationName))
                .ok_or(RecordError::Missing("activityDisplayName"))?,
            logged_by_service: text(Field::LoggedByService).unwrap_or_default(),
            result: text(Field::Result).unwrap_or_default(),
            result_reason: text(Field::ResultReason).unwrap_or_default(),
            initiated_by: Initiator::default(),
            target_resources: Vec::new(),
            update: update::is_named(fields).then(|| Box::new(Update::of(fields))),
        };
        if record.logged_by_service.is_empty() || Service::logs_registrations(&record.logged_by_service) {
            record.initiated_by = who(fields)?;
            record.target_resources = to_whom(fields)?;
        } else if record.update.is_some() {
            record.target_resources = to_whom(fields).unwrap_or_default();
        }
        Ok(record)
    }
}

const NOT_AUDIT: RecordError = RecordError::NotAudit("it has no activityDateTime and no activityDisplayName");

/// Whether the names are those of an audit record.
pub(super) fn is_audit(fields: &Fields<'_>) -> bool {
    let has = |field| fields.get(field).is_some();
    [Field::ActivityDateTime, Field::ActivityDisplayName, Field::LoggedByService]
        .into_iter()
        .any(|field| fields.has_own(field))
        || (has(Field::OperationName) && (has(Field::InitiatedBy) || has(Field::TargetResources)))
}

/// When it happened. The time at which a product took the record up stands in for it.
fn time(fields: &Fields<'_>) -> Result<jiff::Timestamp, RecordError> {
    let field = if fields.get(Field::ActivityDateTime).is_some() {
        Field::ActivityDateTime
    } else {
        Field::TimeGenerated
    };
    let value = fields.get(field).ok_or(RecordError::Missing("activityDateTime"))?;
    let text =
        value.text().or_else(|| wrapped_date(value)).ok_or(RecordError::Missing("activityDateTime"))?;
    let says_utc = fields
        .rank(field)
        .and_then(|rank| TABLE[field as usize].1.get(rank))
        .is_some_and(|name| name.contains("UTC"));
    Ok(parse_time_in(&text, if says_utc { Zone::Utc } else { Zone::Unsaid })?)
}

/// A date as Windows `PowerShell` writes those that it made itself: `{"value": "\/Date(…)\/", …}`.
fn wrapped_date<'a>(value: &Value<'a>) -> Option<Cow<'a, str>> {
    let Value::Json(json) = value else { return None };
    let members: Members<'_> = serde_json::from_str(json).ok()?;
    members.text("value").map(Cow::Owned)
}

fn who(fields: &Fields<'_>) -> Result<Initiator, RecordError> {
    if let Some(value) = fields.get(Field::InitiatedBy) {
        return initiator(value);
    }
    let text = |field| fields.text(field).map(Cow::into_owned);
    let kind = text(Field::ActorType).unwrap_or_default().to_lowercase();
    let is_app = kind.contains("app") || kind.contains("principal");
    let user = Actor { id: text(Field::ActorId), user_principal_name: text(Field::ActorName) };
    let apps = [Field::ActorApp, Field::AppId, Field::AppName];
    Ok(Initiator {
        user: Some(user).filter(|user| !is_app && *user != Actor::default()),
        app: is_app || apps.into_iter().any(|field| text(field).is_some()),
        app_id: text(Field::AppId),
    })
}

fn to_whom(fields: &Fields<'_>) -> Result<Vec<TargetResource>, RecordError> {
    if let Some(value) = fields.get(Field::TargetResources) {
        return targets(value);
    }
    let text = |value: &Option<Value<'_>>| value.as_ref().and_then(Value::text).map(Cow::into_owned);
    let target = |flat: &FlatTarget<'_>| TargetResource {
        id: text(&flat.id),
        kind: text(&flat.kind),
        user_principal_name: text(&flat.name),
    };
    Ok(fields.targets.iter().map(target).filter(|target| *target != TargetResource::default()).collect())
}

fn syntax(error: &serde_json::Error) -> RecordError {
    RecordError::Syntax(match error.classify() {
        Category::Data => "not a JSON object".to_owned(),
        _ => format!("not JSON: {}", clip(&error.to_string(), 80)),
    })
}
