//! The registration report: read as one paged list, within the reports' pace, once a day. It blocks
//! nothing, so nothing here fails a poll.

use std::collections::HashSet;

use jiff::SignedDuration;

use super::{Poll, PollError, position::Position};
use crate::{
    facts::ReportLine,
    graph::{GraphError, RegistrationDetails},
    ids::UserId,
    ledger::Held,
    window::shift,
};

const READ_EVERY: SignedDuration = SignedDuration::from_hours(24);

impl Poll {
    /// Reads the report where that is due, or goes on with it; stops at the deadline.
    pub(super) async fn read_report(&self, position: &mut Held<Position>) {
        let now = self.clock.now();
        let report = &position.value.report;
        let fresh = report.next.is_none() && report.read_at.is_some_and(|at| now < shift(at, READ_EVERY));
        if fresh || self.reads_no_more() {
            return;
        }
        if let Err(error) = self.read_pages(position).await {
            tracing::info!(error = %error, "registration report not read; nothing waits for it");
            position.value.report.next = None;
        }
    }

    async fn read_pages(&self, position: &mut Held<Position>) -> Result<(), PollError> {
        let mut followed = HashSet::new();
        while !self.reads_no_more() {
            let page = self.graph.registration_details(position.value.report.next.as_deref()).await?;
            let lines: Vec<(UserId, ReportLine)> = page.users.iter().filter_map(line).collect();
            self.book.save_report(&lines).await?;
            if !followed.insert(page.next.clone()) {
                let what = "a report that ends".to_owned();
                return Err(GraphError::Unreadable { what }.into());
            }
            position.value.report.next = page.next;
            if position.value.report.next.is_none() {
                position.value.report.read_at = Some(self.clock.now());
                return self.save(position).await;
            }
            self.save(position).await?;
        }
        Ok(())
    }
}

fn line(details: &RegistrationDetails) -> Option<(UserId, ReportLine)> {
    let line = ReportLine {
        sspr: details.is_sspr_registered,
        passwordless: details.passwordless_authenticator(),
        admin: details.is_admin,
    };
    Some((details.id.parse().ok()?, line))
}
