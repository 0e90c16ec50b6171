//! `GET /v1.0/auditLogs/directoryAudits`: the events of the services that log registrations.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{Answer, read_json},
    call::{Budget, Call},
    client::Graph,
    error::GraphError,
    objects::{AuditPage, AuditQuery, AuditRecords},
    page::{MAX_ITEMS, MAX_PAGES, RawPage},
    url::{query, quoted},
};
use crate::{
    audit::{Broken, Salvage, Service, salvage},
    digest::digest,
    domain::{ids::UserId, window::Range},
};

const NEEDS: &[&str] = &["AuditLog.Read.All"];

/// The filter of a query, in the operators that Graph documents for this resource: `ge`, `le`, `eq` and `any`.
fn filter(what: &AuditQuery) -> Option<String> {
    let within =
        |range: &Range| format!("activityDateTime ge {} and activityDateTime le {}", range.from, range.to);
    let of_activity = |activity: &str| format!(" and activityDisplayName eq {}", quoted(activity));
    Some(match what {
        AuditQuery::Range(service, range) => {
            let activity = service.activity().map(of_activity).unwrap_or_default();
            format!("{} and loggedByService eq {}{activity}", within(range), quoted(service.name()))
        }
        AuditQuery::OfUser(user, from) => {
            let user = quoted(&user.to_string());
            format!("targetResources/any(t: t/id eq {user}) and activityDateTime ge {from}")
        }
        AuditQuery::Named(activity, from) => {
            format!("activityDisplayName eq {} and activityDateTime ge {from}", quoted(activity))
        }
        AuditQuery::AnyService(range, activity) => {
            within(range) + &activity.map(of_activity).unwrap_or_default()
        }
        AuditQuery::Newest | AuditQuery::Next(_) => return None,
    })
}

impl Graph {
    /// Reads one page of the audit log, within the reports' budget. Of a page that stays broken, this returns what
    /// stands before and after the break.
    pub async fn audit_page(&self, what: &AuditQuery) -> Result<AuditPage, GraphError> {
        let base = format!("{}/v1.0/auditLogs/directoryAudits", self.base);
        let url = match (what, filter(what)) {
            (AuditQuery::Next(link), _) => {
                self.check_link(link)?;
                link.clone()
            }
            (_, Some(filter)) => {
                let asked = [("$filter", &*filter), ("$orderby", "activityDateTime asc"), ("$top", "999")];
                base + &query(&asked)
            }
            (_, None) => base + &query(&[("$top", "999")]),
        };
        let call = Call { budget: Budget::Reports, ..Call::get(url, NEEDS) };
        let Answer { body, request_id, .. } = self.read(call, whole, salvage).await?;
        let Salvage { records, mut next, broken, mut cut } = body;
        let is_whole = broken.is_empty() && cut.is_none();
        match next.as_deref().map(|link| self.check_link(link)) {
            Some(Err(error)) if is_whole => return Err(error),
            Some(Err(_)) => {
                next = None;
                cut.get_or_insert_with(|| Broken {
                    text: String::new(),
                    why: "the link of the broken page leads elsewhere",
                    after: records.len(),
                });
            }
            _ => {}
        }
        Ok(AuditPage { records, next, broken, cut, request_id })
    }

    /// Reads the records of one activity, of any service, from a moment on.
    pub async fn audit_records_named(
        &self,
        activity: &'static str,
        from: Timestamp,
    ) -> Result<AuditRecords, GraphError> {
        self.audit_records(|from| AuditQuery::Named(activity, from), from, MAX_PAGES).await
    }

    /// Reads every record, of any service, that names a user as a target, from a moment on. Graph documents that
    /// targets can be compared by id, and no example: a tenant may refuse the filter, or answer with the records of
    /// others.
    pub async fn audit_records_of(&self, user: UserId, from: Timestamp) -> Result<AuditRecords, GraphError> {
        self.audit_records(|from| AuditQuery::OfUser(user, from), from, MAX_PAGES).await
    }

    /// Reads every record of a service in a range, if that takes no more than so many pages.
    pub async fn audit_records_of_service(
        &self,
        service: Service,
        range: Range,
        most_pages: usize,
    ) -> Result<AuditRecords, GraphError> {
        let ask = |from| AuditQuery::Range(service, Range { from, ..range });
        self.audit_records(ask, range.from, most_pages).await
    }

    /// Reads every page of what `ask` asks for from a moment on. If a link is refused, it is asked again from the
    /// latest record on. An error means that the first page was not read: what is missing behind it is told by
    /// [`AuditRecords::missing`].
    async fn audit_records(
        &self,
        ask: impl Fn(Timestamp) -> AuditQuery,
        from: Timestamp,
        most_pages: usize,
    ) -> Result<AuditRecords, GraphError> {
        let (mut known, mut links) = (HashSet::new(), HashSet::new());
        let mut found = AuditRecords::default();
        let (mut asked_from, mut latest, mut ascends) = (from, from, true);
        let mut asked = ask(from);
        loop {
            found.pages += 1;
            let page = match self.audit_page(&asked).await {
                Err(error) if found.pages > 1 && error.is_refusal() => {
                    let may_restart = matches!(asked, AuditQuery::Next(_)) && ascends && asked_from < latest;
                    if !may_restart {
                        return Ok(found.but(format!("the link to the next page is refused: {error}")));
                    }
                    asked_from = latest;
                    asked = ask(latest);
                    continue;
                }
                answer => answer?,
            };
            for record in page.records {
                let at = at(&record).unwrap_or(latest);
                if known.insert(digest([record.get().as_bytes()], 16)) {
                    ascends &= latest <= at;
                    latest = latest.max(at);
                    found.records.push(record);
                }
            }
            if let Some(broken) = page.broken.first().or(page.cut.as_ref()) {
                return Ok(found.but(format!("a page is broken: {}", broken.why)));
            }
            let Some(link) = page.next else { return Ok(found) };
            if found.pages >= most_pages || found.records.len() > MAX_ITEMS || !links.insert(link.clone()) {
                return Ok(found.but("the list does not end".to_owned()));
            }
            asked = AuditQuery::Next(link);
        }
    }
}

/// Reads a page that is as it should be.
fn whole(body: &[u8]) -> Result<Salvage, GraphError> {
    let page: RawPage = read_json(body)?;
    page.has_only_items()?;
    Ok(Salvage { records: page.value, next: page.next_link, ..Salvage::default() })
}

/// When a record's activity was; `None` if that cannot be read.
pub(crate) fn at(record: &RawValue) -> Option<Timestamp> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct At {
        activity_date_time: Timestamp,
    }
    serde_json::from_str::<At>(record.get()).ok().map(|record| record.activity_date_time)
}

impl AuditQuery {
    /// Asks for everything that a service logged at one moment.
    pub fn moment(service: Service, at: Timestamp) -> Self {
        Self::Range(service, Range { from: at, to: at })
    }
}
