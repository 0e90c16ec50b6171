//! The columns of a table of audit records, found by name, in any order.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::error::ExportError;
use crate::{
    audit::{
        record::{Actor, DirectoryAudit, Initiator, RecordError, TargetResource, initiator, targets},
        time::parse_time,
    },
    domain::ids::EventId,
};

/// Where each column is.
#[derive(Debug, Default)]
pub(super) struct Columns {
    count: usize,
    /// The position of the last column that a row must reach.
    last_needed: usize,
    date: usize,
    activity: usize,
    result: usize,
    id: Option<usize>,
    correlation_id: Option<usize>,
    service: Option<usize>,
    category: Option<usize>,
    reason: Option<usize>,
    actor_type: Option<usize>,
    actor_id: Option<usize>,
    actor_name: Option<usize>,
    actor_app: Option<usize>,
    initiated_by: Option<usize>,
    target_resources: Option<usize>,
    targets: Vec<TargetColumns>,
}

#[derive(Debug, Default)]
struct TargetColumns {
    id: Option<usize>,
    kind: Option<usize>,
    name: Option<usize>,
}

impl Columns {
    /// Finds the columns by the names in a header.
    pub(super) fn of(header: &[Cow<'_, str>]) -> Result<Self, ExportError> {
        let names: Vec<String> = header.iter().map(|name| plain(name)).collect();
        let find = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
        let date = find(&["dateutc", "date", "activitydatetime", "activitydatetimeutc"]);
        let activity = find(&["activity", "activitydisplayname", "operationname"]);
        let result = find(&["result", "status"]);
        let mut columns = Self {
            count: header.len(),
            id: find(&["id"]),
            correlation_id: find(&["correlationid"]),
            service: find(&["service", "loggedbyservice"]),
            category: find(&["category"]),
            reason: find(&["resultreason"]),
            actor_type: find(&["actortype"]),
            actor_id: find(&["actorobjectid"]),
            actor_name: find(&["actoruserprincipalname"]),
            actor_app: find(&["actorserviceprincipalid"]),
            initiated_by: find(&["initiatedby"]),
            target_resources: find(&["targetresources"]),
            ..Self::default()
        };
        for number in 1.. {
            let part = |part: &str| find(&[&format!("target{number}{part}")]);
            let target =
                TargetColumns { id: part("objectid"), kind: part("type"), name: part("userprincipalname") };
            if target.id.is_none() && target.kind.is_none() {
                break;
            }
            columns.targets.push(target);
        }
        let has_who = columns.actor_id.is_some()
            || columns.initiated_by.is_some()
            || columns.target_resources.is_some()
            || columns.targets.iter().any(|target| target.id.is_some());
        if let (Some(date), Some(activity), Some(result), true) = (date, activity, result, has_who) {
            columns = Self { date, activity, result, ..columns };
            columns.last_needed = columns.find_last_needed();
            return Ok(columns);
        }
        let missing = [
            ("Date (UTC)", date.is_some()),
            ("Activity", activity.is_some()),
            ("Result", result.is_some()),
            ("Target1ObjectId or ActorObjectId", has_who),
        ];
        let missing = missing.iter().filter(|(_, found)| !found).map(|(name, _)| (*name).to_owned());
        Err(ExportError::MissingColumns { missing: missing.collect() })
    }

    /// Reads a row. It may lack cells at the end, since some editors drop empty ones, but none that say who
    /// did what. A row with more cells than columns is refused, because its cells are shifted.
    pub(super) fn record(&self, cells: &[Cow<'_, str>]) -> Result<DirectoryAudit, RecordError> {
        if cells.len() > self.count || cells.len() <= self.last_needed {
            let (cells, columns) = (cells.len(), self.count);
            return Err(RecordError::Syntax(format!("it has {cells} cells, the header {columns}")));
        }
        let text = |column: Option<usize>| {
            column.and_then(|at| cells.get(at)).filter(|cell| !cell.is_empty()).map(ToString::to_string)
        };
        let needed = |at: usize, name| text(Some(at)).ok_or(RecordError::Missing(name));
        Ok(DirectoryAudit {
            id: text(self.id).map(EventId),
            activity_date_time: parse_time(&needed(self.date, "the date")?)?,
            activity_display_name: needed(self.activity, "the activity")?,
            category: text(self.category).unwrap_or_default(),
            logged_by_service: text(self.service).unwrap_or_default(),
            result: text(Some(self.result)).unwrap_or_default(),
            result_reason: text(self.reason).unwrap_or_default(),
            correlation_id: text(self.correlation_id),
            initiated_by: self.initiator(text)?,
            target_resources: self.target_resources(text)?,
        })
    }

    fn find_last_needed(&self) -> usize {
        [Some(self.date), Some(self.activity), Some(self.result), self.service, self.actor_id, self.reason]
            .into_iter()
            .chain([self.initiated_by, self.target_resources])
            .chain(self.targets.first().map(|target| target.id))
            .flatten()
            .max()
            .unwrap_or(0)
    }

    fn initiator(&self, text: impl Fn(Option<usize>) -> Option<String>) -> Result<Initiator, RecordError> {
        if let Some(json) = text(self.initiated_by) {
            return initiator(Some(raw(&json, "InitiatedBy")?));
        }
        let kind = text(self.actor_type).map(|kind| plain(&kind)).unwrap_or_default();
        let is_app = kind.contains("app") || kind.contains("principal");
        let user = Actor { id: text(self.actor_id), user_principal_name: text(self.actor_name) };
        Ok(Initiator {
            user: Some(user).filter(|user| !is_app && *user != Actor::default()),
            app: is_app || text(self.actor_app).is_some(),
            app_id: None,
        })
    }

    fn target_resources(
        &self,
        text: impl Fn(Option<usize>) -> Option<String>,
    ) -> Result<Vec<TargetResource>, RecordError> {
        if let Some(json) = text(self.target_resources) {
            return targets(Some(raw(&json, "TargetResources")?));
        }
        let target = |columns: &TargetColumns| TargetResource {
            id: text(columns.id),
            kind: text(columns.kind),
            user_principal_name: text(columns.name),
        };
        Ok(self.targets.iter().map(target).filter(|target| *target != TargetResource::default()).collect())
    }
}

fn raw<'a>(json: &'a str, name: &'static str) -> Result<&'a RawValue, RecordError> {
    serde_json::from_str(json).map_err(|_| RecordError::Nested { name, cause: "not JSON".to_owned() })
}

/// A name in lower case, without blanks and punctuation.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
