//! Records of the unified audit log, as the Office 365 Management Activity API and Purview write them.
//!
//! Source: <https://learn.microsoft.com/en-us/office/office-365-management-api/office-365-management-activity-api-schema>.
//! They hold the same events, reach back 180 days, and name no service.

use std::borrow::Cow;

use super::{
    fields::{Field, Fields, Members},
    record::{Actor, DirectoryAudit, Initiator, RecordError, TargetResource, Update},
    time::{Zone, parse_time_in},
    update,
};
use crate::{domain::ids::EventId, text::same_name};

/// The workload whose records are those of the directory.
const DIRECTORY: &str = "AzureActiveDirectory";

/// Whether the names are those of a record of the unified audit log.
pub(super) fn is_unified(fields: &Fields<'_>) -> bool {
    let has = |field| fields.get(field).is_some();
    has(Field::Operation)
        && has(Field::CreationTime)
        && [Field::Workload, Field::ResultStatus, Field::Actor, Field::Target].into_iter().any(has)
}

/// Reads such a record. Its times are in UTC, although they do not say so.
pub(super) fn record(fields: &Fields<'_>) -> Result<DirectoryAudit, RecordError> {
    let text = |field| fields.text(field).map(Cow::into_owned);
    if let Some(workload) = fields.text(Field::Workload)
        && !same_name(&workload, DIRECTORY)
    {
        return Err(RecordError::OtherLog(crate::text::clip(&workload, 40)));
    }
    let time = fields.text(Field::CreationTime).ok_or(RecordError::Missing("CreationTime"))?;
    let actor = names(fields, Field::Actor, "Actor")?;
    let target = names(fields, Field::Target, "Target")?;
    let user = Actor { id: actor.user.clone(), user_principal_name: actor.principal_name.clone() };
    let is_known = target.user.is_some() || target.principal_name.is_some();
    let resource = TargetResource {
        kind: target.user.is_some().then(|| "User".to_owned()),
        id: target.user,
        user_principal_name: target.principal_name,
    };
    Ok(DirectoryAudit {
        id: text(Field::Id).map(EventId),
        activity_date_time: parse_time_in(&time, Zone::Utc)?,
        activity_display_name: text(Field::Operation).ok_or(RecordError::Missing("Operation"))?,
        logged_by_service: String::new(),
        result: text(Field::ResultStatus).unwrap_or_default(),
        result_reason: text(Field::ResultReason).unwrap_or_default(),
        initiated_by: Initiator {
            user: Some(user).filter(|user| *user != Actor::default()),
            app: actor.is_app,
            app_id: None,
        },
        update: update::is_named(fields).then(|| {
            Box::new(Update::of_unified(
                fields,
                resource.id.as_deref(),
                [actor.user.as_deref(), actor.app.as_deref()],
            ))
        }),
        target_resources: if is_known { vec![resource] } else { Vec::new() },
    })
}

/// What the identities of `Actor` or `Target` say.
#[derive(Default)]
struct Named {
    user: Option<String>,
    /// An app's display name.
    app: Option<String>,
    principal_name: Option<String>,
    is_app: bool,
}

/// Reads a list of `{"ID", "Type"}`. A user's object id stands as `User_GUID`, or alone beside the word
/// `User`; the principal name is what has an `@` and is no such id.
fn names(fields: &Fields<'_>, field: Field, name: &'static str) -> Result<Named, RecordError> {
    let Some(value) = fields.get(field) else { return Ok(Named::default()) };
    let json = value.json();
    let list: Vec<Members<'_>> =
        serde_json::from_str(&json).map_err(|error| RecordError::in_nested(name, &error))?;
    let ids: Vec<String> = list.iter().filter_map(|identity| identity.text("id")).collect();
    let after = |mark: &str| ids.iter().find_map(|id| id.strip_prefix(mark)).map(str::to_owned);
    let says = |word: &str| ids.iter().any(|id| same_name(id, word));
    let bare = || ids.iter().find(|id| id.parse::<crate::domain::ids::UserId>().is_ok()).cloned();
    // Personal ids ("10032000ABCD0001@contoso.example") have type 3, principal names 5.
    let is_name = |identity: &&Members<'_>| identity.text("type").as_deref() == Some("5");
    Ok(Named {
        user: after("User_").or_else(|| says("User").then(bare).flatten()),
        app: list.iter().find(|it| it.text("type").as_deref() == Some("1")).and_then(|it| it.text("id")),
        principal_name: list
            .iter()
            .find(is_name)
            .and_then(|identity| identity.text("id"))
            .filter(|id| id.contains('@')),
        is_app: says("ServicePrincipal") || after("ServicePrincipal_").is_some(),
    })
}
