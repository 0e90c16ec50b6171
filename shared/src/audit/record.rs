//! One record of the audit log, in whatever form it came.

use jiff::Timestamp;
use serde_json::error::Category;

use super::time::TimeError;
use crate::{domain::ids::EventId, text::clip};

/// A `directoryAudit` record. What the record lacks is empty here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryAudit {
    /// The event's id; the portal's CSV has none.
    pub id: Option<EventId>,
    /// When it happened; a record without a time is refused.
    pub activity_date_time: Timestamp,
    /// What was done, such as `User registered security info`.
    pub activity_display_name: String,
    /// The service that logged it; empty if an export lacks the column.
    pub logged_by_service: String,
    /// How it ended: `success`, `failure`, …
    pub result: String,
    /// Why it ended so, as free text; registrations name their methods here.
    pub result_reason: String,
    /// Who did it. In JSON, read only for services that log registrations, or if none is named.
    pub initiated_by: Initiator,
    /// To whom or what. In JSON, read only for services that log registrations, or if none is named; and, as far as it
    /// can be read, for what the directory changed about a user.
    pub target_resources: Vec<TargetResource>,
    /// What the directory changed about a user, still unread: [`DirectoryAudit::change`] reads it.
    pub(super) update: Option<Box<Update>>,
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

/// Who changed whom, and what: JSON in Graph's shape, with names in any spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) by: String,
    pub(super) targets: String,
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
    /// `PowerShell` wrote the name of a type in place of what was nested.
    #[error("{0} was cut off by PowerShell: export again with ConvertTo-Json -Depth 10")]
    CutOff(&'static str),
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
    Management,
}

impl RecordError {
    pub(super) fn in_nested(name: &'static str, error: &serde_json::Error) -> Self {
        let cause = match error.classify() {
            Category::Data => "it has another shape".to_owned(),
            _ => clip(&error.to_string(), 80),
        };
        Self::Nested { name, cause }
    }

    /// What kind of fault it is: records of one file with the same kind need the same remedy.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "syntax",
            Self::NotAudit(_) => "not an audit record",
            Self::OtherLog(_) => "another log",
            Self::Missing(name) => name,
            Self::Time(error) => error.kind(),
            Self::CutOff(_) => "cut off",
            Self::Nested { .. } => "nested",
        }
    }
}
