//! `GET /v1.0/auditLogs/directoryAudits`: the events of the services that log registrations.

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{
    call::Budget,
    client::Graph,
    error::GraphError,
    objects::{AuditPage, AuditQuery},
    url::{query, quoted},
};
use crate::domain::ids::UserId;

impl Graph {
    /// Reads one page of the audit log, within the reports' budget. Uses only the filter operators that Graph
    /// documents for this resource: `ge`, `le` and `eq`.
    pub async fn audit_page(&self, what: &AuditQuery) -> Result<AuditPage, GraphError> {
        let url = match what {
            AuditQuery::Range(service, range) => {
                let mut filter = format!(
                    "activityDateTime ge {} and activityDateTime le {} and loggedByService eq {}",
                    range.from,
                    range.to,
                    quoted(service.name())
                );
                if let Some(activity) = service.activity() {
                    filter = format!("{filter} and activityDisplayName eq {}", quoted(activity));
                }
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

    /// Reads the records of one activity, of any service, from a moment on. They are not parsed yet.
    pub async fn audit_records_named(
        &self,
        activity: &str,
        from: Timestamp,
    ) -> Result<Vec<Box<RawValue>>, GraphError> {
        let activity = quoted(activity);
        let filter = format!("activityDisplayName eq {activity} and activityDateTime ge {from}");
        self.audit_records(&filter).await
    }

    /// Reads every record, of any service, that names a user as a target, from a moment on. The records are not
    /// parsed yet. Graph documents that targets can be compared by id, and no example: a tenant may refuse the
    /// filter, or answer with the records of others.
    pub async fn audit_records_of(
        &self,
        user: UserId,
        from: Timestamp,
    ) -> Result<Vec<Box<RawValue>>, GraphError> {
        let user = quoted(&user.to_string());
        let filter = format!("targetResources/any(t: t/id eq {user}) and activityDateTime ge {from}");
        self.audit_records(&filter).await
    }

    async fn audit_records(&self, filter: &str) -> Result<Vec<Box<RawValue>>, GraphError> {
        let query = query(&[("$filter", filter), ("$orderby", "activityDateTime asc"), ("$top", "999")]);
        let url = format!("{}/v1.0/auditLogs/directoryAudits{query}", self.base);
        self.list_within(Budget::Reports, url, &["AuditLog.Read.All"]).await
    }
}
