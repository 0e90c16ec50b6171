//! Whether a filter that finds nothing can be believed: a log without events, and a filter that hides them, look the
//! same.

use super::{Poll, polled::PollError};
use crate::{
    audit::{DirectoryAudit, Service},
    domain::window::{Range, shift},
    graph::{AuditPage, AuditQuery},
};

/// What most tenants have many of.
const REGISTERED: &str = "User registered security info";

/// At how many places of the range the log is looked at without the filter.
const PLACES: i32 = 3;

impl Poll<'_> {
    /// Asks the log in other ways for what a service logged in a range of which the filter found nothing. Returns an
    /// error if there is something.
    pub(super) async fn cross_check(&self, service: Service, range: Range) -> Result<(), PollError> {
        let by_activity = AuditQuery::AnyService(range, Some(service.activity().unwrap_or(REGISTERED)));
        let step = range.to.duration_since(range.from) / PLACES;
        let places = (0..PLACES)
            .map(|n| AuditQuery::AnyService(Range { from: shift(range.from, step * n), to: range.to }, None));
        for asked in [by_activity].into_iter().chain(places).chain([AuditQuery::Newest]) {
            let Some(page) = self.ask(&asked).await? else { continue };
            let found = page.records.iter().find_map(|raw| {
                let record = DirectoryAudit::from_graph(raw.get()).ok()?;
                let is_asked_for = service.is_named(&record.logged_by_service)
                    && service.activity().is_none_or(|activity| activity == record.activity_display_name)
                    && range.contains(record.activity_date_time);
                is_asked_for.then_some(record.activity_date_time)
            });
            let Some(at) = found else { continue };
            // It may have appeared only now: then the filter finds it, and the next scan does.
            let again = self.ask(&AuditQuery::moment(service, at)).await?;
            return match again {
                Some(page) if !page.records.is_empty() => Ok(()),
                _ => Err(PollError::FilterHidesEvents { service: service.name() }),
            };
        }
        Ok(())
    }

    /// Returns `None` if the tenant refuses to be asked in this way.
    async fn ask(&self, what: &AuditQuery) -> Result<Option<AuditPage>, PollError> {
        let asked = self.process.graph.audit_page(what);
        match self.answer_by(self.time.map(|time| time.scans_until), asked).await {
            Err(error) if error.is_refusal() => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }
}
