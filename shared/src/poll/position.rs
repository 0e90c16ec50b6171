//! The scan position: what has been read of the audit log, and what is to be read next. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::lag::Lags;
use crate::{
    audit::Service,
    domain::{
        decision::Fingerprint,
        state::Lease,
        window::{Range, Window, shift},
    },
    graph::AuditQuery,
    ledger::RegistrationReportState,
};

/// A position further in the future than this was made by a clock that was wrong.
const CLOCK_MAY_BE_OFF: SignedDuration = SignedDuration::from_mins(10);

/// Who puts users on record wants the report to have been read, or tried, so recently.
const REPORT_GOOD_FOR: SignedDuration = SignedDuration::from_hours(25);

/// The whole window is read again this often.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// A scan that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanUnderWay {
    /// What it reads; the upper bound was fixed when it began.
    pub range: Range,
    /// Whose events it reads now. Each service is asked for the whole range, one behind the other.
    #[serde(default)]
    pub service: Service,
    /// The link to its next page.
    pub next: Option<String>,
    /// Everything before this was read: where to go on if the link is refused.
    pub read_until: Timestamp,
    /// A registration up to here that was not seen is one that was missed: every later one is still
    /// found by the next scan's overlap.
    #[serde(default)]
    pub missed_before: Option<Timestamp>,
    /// A page did not ascend: `read_until` stays where it is.
    #[serde(default)]
    pub disordered: bool,
    /// When it began.
    pub began: Timestamp,
}

impl ScanUnderWay {
    /// A scan from the beginning of `range`.
    pub fn new(range: Range, began: Timestamp) -> Self {
        Self {
            range,
            service: Service::default(),
            next: None,
            read_until: range.from,
            missed_before: None,
            disordered: false,
            began,
        }
    }

    /// Goes on with the next service. Says whether there is one.
    pub fn next_service(&mut self) -> bool {
        let Some(service) = self.service.next() else { return false };
        self.service = service;
        self.next = None;
        self.read_until = self.range.from;
        self.disordered = false;
        true
    }

    /// Whether anything was read.
    pub fn has_read(&self) -> bool {
        self.next.is_some() || self.read_until != self.range.from || self.service != Service::default()
    }

    /// The next page to ask for.
    pub fn query(&self) -> AuditQuery {
        match &self.next {
            Some(link) => AuditQuery::Next(link.clone()),
            None => AuditQuery::Range(self.service, Range { from: self.read_until, to: self.range.to }),
        }
    }
}

/// The ledger's item for poll.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Who scans now.
    pub lease: Option<Lease>,
    /// From where on the log was scanned.
    pub scanned_from: Option<Timestamp>,
    /// The watermark: the log is scanned up to here.
    pub complete_to: Option<Timestamp>,
    /// How many services' events were read up to there: earlier versions read those of one.
    #[serde(default)]
    pub services: usize,
    /// The scan under way.
    pub scan: Option<ScanUnderWay>,
    /// The sweep under way.
    pub sweep: Option<ScanUnderWay>,
    /// When the last sweep began that came to its end.
    pub swept_at: Option<Timestamp>,
    /// The settings under which held users were last promoted.
    pub promoted_for: Option<Fingerprint>,
    /// The registration report.
    pub report: RegistrationReportState,
    /// Registrations that only sweeps found, ever.
    pub missed: u64,
    /// How late the registrations showed that the first scan did not find.
    #[serde(default)]
    pub lags: Lags,
}

impl Position {
    /// The scan to go on with, or a new one; nothing where there is nothing to scan yet, or any more.
    pub fn next_scan(
        &mut self,
        window: &Window,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Option<ScanUnderWay> {
        let is_ahead = |at: Option<Timestamp>| at.is_some_and(|at| at > shift(now, CLOCK_MAY_BE_OFF));
        if is_ahead(self.complete_to) || is_ahead(self.swept_at) {
            tracing::warn!("the scan position lies in the future, by a clock that was wrong: scanning anew");
            *self = Self {
                lease: self.lease.take(),
                missed: self.missed,
                lags: std::mem::take(&mut self.lags),
                ..Self::default()
            };
        }
        let lacks_a_service = self.complete_to.is_some() && self.services < Service::ALL.len();
        if lacks_a_service || self.scanned_from.is_some_and(|from| window.start < from) {
            self.scan = None;
            self.sweep = None;
            self.scanned_from = None;
            self.complete_to = None;
            self.swept_at = None;
        }
        if let Some(scan) = self.scan.take()
            && window.start <= scan.range.from
            && scan.range.to <= window.end
        {
            return Some(scan);
        }
        if self.is_closed(window) {
            return None;
        }
        let from = self.complete_to.map_or(window.start, |to| shift(to, -overlap));
        let range = window.cut(Range { from: from.min(window.end), to: now })?;
        Some(ScanUnderWay::new(range, now))
    }

    /// A scan reached its upper bound.
    pub fn scanned(&mut self, scan: &ScanUnderWay) {
        self.scan = None;
        self.services = Service::ALL.len();
        let has_gap = self.complete_to.is_some_and(|to| to < scan.range.from);
        // The window may begin earlier than it did when the scan began: then it is scanned anew.
        self.scanned_from = match self.scanned_from {
            Some(from) if !has_gap => Some(from.min(scan.range.from)),
            _ => Some(scan.range.from),
        };
        self.complete_to = Some(self.complete_to.map_or(scan.range.to, |to| to.max(scan.range.to)));
    }

    /// The sweep to go on with, or a new one where one is due.
    pub fn next_sweep(
        &mut self,
        window: &Window,
        retention: SignedDuration,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Option<ScanUnderWay> {
        if let Some(sweep) = self.sweep.take() {
            return Some(sweep);
        }
        let complete_to = self.complete_to?;
        let due = match self.swept_at {
            // The first scan has just read everything.
            None => {
                self.swept_at = Some(now);
                false
            }
            Some(_) if self.is_closed(window) => false,
            Some(swept_at) => now >= shift(swept_at, SWEEP_EVERY) || now >= window.last_sweep_at(),
        };
        if !due {
            return None;
        }
        let Some(range) = window.cut(Range { from: shift(now, -retention), to: now }) else {
            tracing::warn!("the whole window lies past the audit log's retention: it is not swept any more");
            self.swept_at = Some(now);
            return None;
        };
        Some(ScanUnderWay {
            missed_before: Some(shift(complete_to, -overlap)),
            ..ScanUnderWay::new(range, now)
        })
    }

    /// A sweep came to its end.
    pub fn swept(&mut self, sweep: &ScanUnderWay) {
        self.sweep = None;
        self.swept_at = Some(sweep.began);
    }

    /// Whether the audit log was read, and the registration report is as good as it gets: the one tells what
    /// others did to somebody's methods, the other who signs in by the Authenticator alone. Whoever puts users on
    /// record asks this before.
    pub fn knows_people(&self, now: Timestamp) -> bool {
        let RegistrationReportState { read_at, tried_at, .. } = self.report;
        let knows_the_report = read_at.max(tried_at).is_some_and(|at| now < shift(at, REPORT_GOOD_FOR));
        knows_the_report && self.complete_to.is_some() && self.services >= Service::ALL.len()
    }

    /// Whether the last sweep of the window is done: nothing is scanned any more.
    pub fn is_closed(&self, window: &Window) -> bool {
        self.swept_at.is_some_and(|at| at >= window.last_sweep_at())
            && self.complete_to.is_some_and(|to| to >= window.end)
            && self.scanned_from.is_some_and(|from| from <= window.start)
    }
}

/// Which of the scans a page belongs to: it says where its cursor is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Scan,
    Sweep,
    Range,
}

#[cfg(test)]
#[path = "position_tests.rs"]
mod tests;
