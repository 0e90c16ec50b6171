//! The registration report, read as one paged list, at the reports' pace, once a day. Nothing here makes a
//! poll fail; until the report has been read to its end, it clears nobody.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::{Poll, polled::PollError, position::Position};
use crate::{
    domain::{facts::RegistrationReportLine, ids::UserId, window::shift},
    graph::{GraphError, MAX_PAGES, RegistrationDetails},
    ledger::{RegistrationReportState, Versioned},
};

/// How often the report is read: often enough that a reading is less than a day old when the next one ends.
const READ_EVERY: SignedDuration = SignedDuration::from_hours(20);

/// After this many failures past the first page, the rest of a report is left for the next day.
const FAILURES: u32 = 5;

impl Poll<'_> {
    /// Reads the report if it is due, or continues an unfinished reading; stops at `end`.
    pub(super) async fn read_report(&self, position: &mut Versioned<Position>, end: Option<Timestamp>) {
        let now = self.process.clock.now();
        let report = &position.value.report;
        let settled_at = report.read_at.max(report.given_up_at);
        if report.next.is_none() && settled_at.is_some_and(|at| now < shift(at, READ_EVERY)) {
            return;
        }
        let resumed_at = report.next.clone();
        position.value.report.tried_at = Some(now);
        let Err(error) = self.read_pages(position, end).await else { return };
        tracing::info!(error = %error, "registration report not read to its end");
        let report = &mut position.value.report;
        if matches!(error, PollError::Graph(GraphError::NoPremium)) {
            let tried_at = report.tried_at;
            *report = RegistrationReportState {
                no_licence: true,
                given_up_at: Some(now),
                tried_at,
                ..RegistrationReportState::default()
            };
            return;
        }
        let refused = matches!(&error, PollError::Graph(error) if !error.comes_back());
        // A reading that got further has not failed: it only ran out of time.
        report.failures += u32::from(report.next.is_some() && (refused || report.next == resumed_at));
        if refused {
            report.next = None;
        }
        if report.failures >= FAILURES {
            let RegistrationReportState { read_at, tried_at, .. } = *report;
            *report = RegistrationReportState {
                given_up_at: Some(now),
                read_at,
                tried_at,
                ..RegistrationReportState::default()
            };
        }
    }

    async fn read_pages(
        &self,
        position: &mut Versioned<Position>,
        end: Option<Timestamp>,
    ) -> Result<(), PollError> {
        let mut followed = HashSet::new();
        while end.is_none_or(|end| self.process.clock.now() < end) {
            let asked = self.process.graph.registration_details(position.value.report.next.as_deref());
            let page = self.answer_by(end, asked).await?;
            let lines: Vec<(UserId, RegistrationReportLine)> = page.users.iter().filter_map(line).collect();
            self.process.ledger.save_report(&lines).await?;
            if followed.len() == MAX_PAGES || !followed.insert(page.next.clone()) {
                let what = "a report that ends".to_owned();
                return Err(GraphError::Unreadable { what }.into());
            }
            if page.next.is_none() {
                let read_at = Some(self.process.clock.now());
                let tried_at = position.value.report.tried_at;
                position.value.report =
                    RegistrationReportState { read_at, tried_at, ..RegistrationReportState::default() };
                return self.save(position).await;
            }
            position.value.report.next = page.next;
            self.save(position).await?;
        }
        Ok(())
    }
}

fn line(details: &RegistrationDetails) -> Option<(UserId, RegistrationReportLine)> {
    let line = RegistrationReportLine {
        sspr: details.is_sspr_registered,
        passwordless: details.passwordless_authenticator(),
        admin: details.is_admin,
    };
    Some((details.id.parse().ok()?, line))
}
