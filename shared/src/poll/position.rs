//! The scan position: what has been read of the audit log, and what to read next. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    gap::{Gap, Trouble},
    lag::Lags,
};
use crate::{
    audit::Service,
    domain::{
        decision::Fingerprint,
        lease::Lease,
        window::{Range, Window, shift},
    },
    graph::AuditQuery,
    ledger::RegistrationReportState,
};

/// A position further in the future than this was written by a wrong clock.
const CLOCK_MAY_BE_OFF: SignedDuration = SignedDuration::from_mins(10);

/// How recently the report must have been read, or tried, before users are put on record.
const REPORT_GOOD_FOR: SignedDuration = SignedDuration::from_hours(25);

/// How often the whole window is read again.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// How often it is read again while there are gaps.
const SWEEP_GAPS_EVERY: SignedDuration = SignedDuration::from_hours(6);

/// The most gaps on record; what is more widens one of them.
const MOST_GAPS: usize = 100;

/// A scan that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanUnderWay {
    /// The range it reads; the upper bound was fixed when it began.
    pub range: Range,
    /// The service whose events it reads now. It reads the whole range of one service after the other.
    #[serde(default)]
    pub service: Service,
    /// The link to its next page; `None` to ask for `read_until` and later.
    pub next: Option<String>,
    /// Everything before this was read: where to continue if the link is refused.
    pub read_until: Timestamp,
    /// An unseen registration up to here was missed; the next scan's overlap will still find any later one.
    /// `None` in a scan, set in a sweep.
    #[serde(default)]
    pub missed_before: Option<Timestamp>,
    /// A page did not ascend, so `read_until` stays where it is.
    #[serde(default)]
    pub disordered: bool,
    /// How many records of the service it has read.
    #[serde(default)]
    pub found: u64,
    /// When it began; [`Position::swept_at`] takes this from a sweep.
    pub began: Timestamp,
}

impl ScanUnderWay {
    /// Begins a scan at the start of `range`.
    pub fn new(range: Range, began: Timestamp) -> Self {
        Self {
            range,
            service: Service::ALL[0],
            next: None,
            read_until: range.from,
            missed_before: None,
            disordered: false,
            found: 0,
            began,
        }
    }

    /// Moves on to the next service. Returns whether there is one.
    pub fn next_service(&mut self) -> bool {
        let Some(service) = self.service.next() else { return false };
        self.service = service;
        self.next = None;
        self.read_until = self.range.from;
        self.disordered = false;
        self.found = 0;
        true
    }

    /// Whether anything was read.
    pub fn has_read(&self) -> bool {
        self.next.is_some() || self.read_until != self.range.from || self.service != Service::ALL[0]
    }

    /// Returns the query for the next page.
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
    /// The lease of the scan that is running; `None` if none is.
    pub lease: Option<Lease>,
    /// Where the scanned part of the log begins; `None` until the first scan finishes.
    pub scanned_from: Option<Timestamp>,
    /// The watermark: the log is scanned up to here; `None` until the first scan finishes.
    pub complete_to: Option<Timestamp>,
    /// How many services were read up to the watermark: earlier versions read only one.
    #[serde(default)]
    pub services: usize,
    /// The unfinished scan, which the next poll continues.
    pub scan: Option<ScanUnderWay>,
    /// The unfinished sweep, which the next poll continues.
    pub sweep: Option<ScanUnderWay>,
    /// When the last finished sweep began.
    pub swept_at: Option<Timestamp>,
    /// The fingerprint of the settings under which held users were last promoted.
    pub promoted_for: Option<Fingerprint>,
    /// When the registration report was read, and where to continue.
    pub report: RegistrationReportState,
    /// Parts of the log that could not be read.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// Why the latest poll could not read the log; `None` if it could.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// How many registrations only sweeps have found so far.
    pub missed: u64,
    /// How late registrations appeared, except those that the first scan found.
    #[serde(default)]
    pub lags: Lags,
}

impl Position {
    /// Returns the scan to continue, or a new one. `None` if there is nothing to scan yet, or nothing more.
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

    /// Records that a scan reached its upper bound.
    pub fn scanned(&mut self, scan: &ScanUnderWay) {
        self.scan = None;
        self.services = Service::ALL.len();
        let has_gap = self.complete_to.is_some_and(|to| to < scan.range.from);
        // The window may begin earlier now than when the scan began; then the next scan starts over.
        self.scanned_from = match self.scanned_from {
            Some(from) if !has_gap => Some(from.min(scan.range.from)),
            _ => Some(scan.range.from),
        };
        self.complete_to = Some(self.complete_to.map_or(scan.range.to, |to| to.max(scan.range.to)));
    }

    /// Returns the sweep to continue, or a new one if it is due.
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
        self.gaps.retain(|gap| window.cut(gap.range).is_some());
        let due = match self.swept_at {
            // The first scan has just read everything.
            None => {
                self.swept_at = Some(now);
                false
            }
            Some(swept_at) if !self.gaps.is_empty() => now >= shift(swept_at, SWEEP_GAPS_EVERY),
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

    /// Records that a sweep finished.
    pub fn swept(&mut self, sweep: &ScanUnderWay) {
        self.sweep = None;
        self.swept_at = Some(sweep.began);
        self.close_gaps(sweep.range, sweep.began);
    }

    /// Puts a gap on record, together with those that it touches.
    pub fn add_gap(&mut self, mut gap: Gap) {
        let is_full = self.gaps.len() >= MOST_GAPS;
        self.gaps.retain(|known| {
            let touches = known.range.from <= gap.range.to && gap.range.from <= known.range.to;
            let merges = known.service == gap.service && (touches || is_full);
            if merges {
                gap.range.from = gap.range.from.min(known.range.from);
                gap.range.to = gap.range.to.max(known.range.to);
            }
            !merges
        });
        self.gaps.push(gap);
    }

    /// Forgets the gaps that a sweep has read without meeting them again.
    pub(super) fn close_gaps(&mut self, swept: Range, began: Timestamp) {
        self.gaps.retain(|gap| gap.met_at >= began || gap.range.from < swept.from || swept.to < gap.range.to);
    }

    /// Notes how the latest reading of the log went.
    pub(super) fn note_trouble(&mut self, trouble: Option<String>, now: Timestamp) {
        let since = self.trouble.as_ref().map_or(now, |known| known.since);
        self.trouble = trouble.map(|what| Trouble { since, what });
    }

    /// Says what of the audit log could not be read, one sentence each; nothing if all of it was.
    pub fn unread(&self) -> Vec<String> {
        let trouble = self.trouble.iter().map(|trouble| format!("since {}: {}", trouble.since, trouble.what));
        trouble.chain(self.gaps.iter().map(Gap::to_string)).collect()
    }

    /// Whether the audit log has been read and the registration report is as good as it gets. The log tells
    /// what others did to a user's methods; the report tells who signs in with the Authenticator alone. Check
    /// this before putting users on record.
    pub fn knows_people(&self, now: Timestamp) -> bool {
        let RegistrationReportState { read_at, tried_at, .. } = self.report;
        let knows_the_report = read_at.max(tried_at).is_some_and(|at| now < shift(at, REPORT_GOOD_FOR));
        knows_the_report && self.complete_to.is_some() && self.services >= Service::ALL.len()
    }

    /// Whether the last sweep of the window is done, so that nothing more is scanned.
    pub fn is_closed(&self, window: &Window) -> bool {
        self.swept_at.is_some_and(|at| at >= window.last_sweep_at())
            && self.complete_to.is_some_and(|to| to >= window.end)
            && self.scanned_from.is_some_and(|from| from <= window.start)
    }
}

/// Which kind of scan a page belongs to. This decides where its cursor is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Scan,
    Sweep,
    Range,
}

#[cfg(test)]
#[path = "position_tests.rs"]
mod tests;
