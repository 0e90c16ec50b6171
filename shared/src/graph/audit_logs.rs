//! `GET /v1.0/auditLogs/directoryAudits`: the events of the services that log registrations.

use serde_json::value::RawValue;

use super::{
    Budget, Graph, GraphError,
    url::{query, quoted},
};
use crate::{audit::Service, domain::window::Range};

/// What to ask for: a stretch of the log from its beginning, or where an earlier page left off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditQuery {
    /// The first page of what a service logged in a stretch, both ends included, in ascending
    /// `activityDateTime`. Nothing says that Graph takes two services in one filter.
    Range(Service, Range),
    /// The page that a next link leads to.
    Next(String),
}

/// One page of the audit log. The records are not read yet: one that is broken must not hide the
/// rest.
#[derive(Debug)]
pub struct AuditPage {
    /// The records, ascending by `activityDateTime`.
    pub records: Vec<Box<RawValue>>,
    /// The link to the next page; the end is reached where there is none.
    pub next: Option<String>,
    /// Graph's name for this request.
    pub request_id: Option<String>,
}

impl Graph {
    /// Reads one page of the audit log, within the reports' budget. Only the filter operators that
    /// Graph documents for this resource are used: `ge`, `le` and `eq`.
    pub async fn audit_page(&self, what: &AuditQuery) -> Result<AuditPage, GraphError> {
        let url = match what {
            AuditQuery::Range(service, range) => {
                let filter = format!(
                    "activityDateTime ge {} and activityDateTime le {} and loggedByService eq {}",
                    range.from,
                    range.to,
                    quoted(service.name())
                );
                let query =
                    query(&[("$filter", &filter), ("$orderby", "activityDateTime asc"), ("$top", "999")]);
                format!("{}/v1.0/auditLogs/directoryAudits{query}", self.base)
            }
            AuditQuery::Next(link) => {
                self.check_link(link)?;
                link.clone()
            }
        };
        let page = self.page(url, Budget::Reports, &["AuditLog.Read.All"]).await?;
        Ok(AuditPage { records: page.items, next: page.next, request_id: page.request_id })
    }
}
