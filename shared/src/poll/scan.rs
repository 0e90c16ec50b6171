//! Reading the audit log, page by page.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    Poll,
    polled::{PollError, Polled},
    position::{Position, Purpose, ScanUnderWay},
};
use crate::{
    audit::{
        self, AmbiguousRegistration, DirectoryAudit, Event, MethodAct, Registration, Service, interpret,
        read_update,
    },
    domain::{
        ids::UserId,
        story::RecordedChange,
        window::{Range, shift},
    },
    graph::{AuditPage, GraphError, MAX_PAGES},
    ledger::Versioned,
    telemetry::Metric,
};

/// How often a scan restarts at the last event read because its link is refused.
const RESTARTS: u32 = 3;

/// After this many pages in a row without an event, the links are taken to lead nowhere.
const EMPTY_PAGES: u32 = 100;

/// How many values of one metric fit into one log line.
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
const MAX_SAMPLES: u64 = 100;

impl Poll<'_> {
    /// Continues the scan under way, or begins the next one.
    pub(super) async fn scan(
        &self,
        position: &mut Versioned<Position>,
        summary: &mut Polled,
    ) -> Result<(), PollError> {
        let now = self.process.clock.now();
        let window = self.process.settings.policy.window;
        self.say_when_events_may_be_gone(&position.value, now);
        let Some(scan) = position.value.next_scan(&window, self.process.settings.overlap, now) else {
            summary.complete = true;
            summary.window_closed = position.value.is_closed(&window);
            return Ok(());
        };
        // What the first scan finds says nothing about how late events appear.
        let is_first = position.value.complete_to.is_none();
        match self.read(position, scan, Purpose::Scan, summary).await? {
            Some(done) => {
                position.value.scanned(&done);
                if !is_first {
                    position.value.lags.add(summary.lags);
                    for lag in summary.lags.samples(MAX_SAMPLES) {
                        Metric::EventLagSeconds.measure(lag.as_secs_f64());
                    }
                }
                summary.complete = true;
                self.save(position).await
            }
            None => Ok(()),
        }
    }

    /// Reads the whole window again if that is due.
    pub(super) async fn sweep(
        &self,
        position: &mut Versioned<Position>,
        summary: &mut Polled,
    ) -> Result<(), PollError> {
        let window = self.process.settings.policy.window;
        let Some(sweep) = position.value.next_sweep(
            &window,
            self.process.settings.retention,
            self.process.settings.overlap,
            self.process.clock.now(),
        ) else {
            return self.save(position).await;
        };
        let missed_before = summary.missed;
        let read = self.read(position, sweep, Purpose::Sweep, summary).await;
        let missed = summary.missed - missed_before;
        position.value.missed += missed;
        if missed > 0 {
            tracing::error!(missed, "registrations were missed until a sweep found them");
        }
        if let Some(done) = read? {
            position.value.swept(&done);
            summary.window_closed = position.value.is_closed(&window);
        }
        self.save(position).await
    }

    /// Reads a range that was asked for by hand, without moving the scan position.
    pub(super) async fn scan_range(
        &self,
        position: &mut Versioned<Position>,
        range: Range,
        summary: &mut Polled,
    ) -> Result<(), PollError> {
        let Some(range) = self.process.settings.policy.window.cut(range) else {
            summary.complete = true;
            return Ok(());
        };
        let scan = ScanUnderWay::new(range, self.process.clock.now());
        summary.complete = self.read(position, scan, Purpose::Range, summary).await?.is_some();
        Ok(())
    }

    /// Reads pages until the end or the deadline. Returns the scan if it reached the end.
    async fn read(
        &self,
        position: &mut Versioned<Position>,
        mut scan: ScanUnderWay,
        purpose: Purpose,
        summary: &mut Polled,
    ) -> Result<Option<ScanUnderWay>, PollError> {
        // If anything stops this run, the next one continues here.
        keep(&mut position.value, purpose, scan.clone());
        let mut restarts = 0;
        let mut links = HashSet::new();
        let mut empty_pages = 0;
        loop {
            if self.reads_no_more() {
                summary.goes_on_at = Some(scan.read_until);
                keep(&mut position.value, purpose, scan);
                self.save(position).await?;
                return Ok(None);
            }
            let query = scan.query();
            let asked = self.process.graph.audit_page(&query);
            let page = match self.answer_by(self.time.map(|time| time.scans_until), asked).await {
                // The link has expired: ask again for everything from the last event read.
                Err(GraphError::Refused { .. } | GraphError::Unreadable { .. } | GraphError::NotFound)
                    if scan.next.is_some() && restarts < RESTARTS =>
                {
                    restarts += 1;
                    scan.next = None;
                    continue;
                }
                // If anything else is wrong with a link, the next run does better without it.
                Err(error) if scan.next.is_some() && !matches!(error, GraphError::Throttled { .. }) => {
                    scan.next = None;
                    keep(&mut position.value, purpose, scan);
                    return Err(error.into());
                }
                // A scan that has read nothing is not under way, so nobody waits for it.
                Err(error) if purpose == Purpose::Scan && !scan.has_read() => {
                    position.value.scan = None;
                    return Err(error.into());
                }
                answer => answer?,
            };
            let next = page.next.clone();
            self.take_page(&page, &mut scan, purpose, summary).await?;
            if next.is_none() {
                if !scan.next_service() {
                    return Ok(Some(scan));
                }
                keep(&mut position.value, purpose, scan.clone());
                self.save(position).await?;
                continue;
            }
            empty_pages = if page.records.is_empty() { empty_pages + 1 } else { 0 };
            if empty_pages == EMPTY_PAGES || links.len() == MAX_PAGES || !links.insert(next.clone()) {
                let what = "a list of audit events that ends".to_owned();
                return Err(GraphError::Unreadable { what }.into());
            }
            scan.next = next;
            keep(&mut position.value, purpose, scan.clone());
            self.save(position).await?;
            (self.progress)(summary);
        }
    }

    /// Puts a page's registrations on record, before the scan moves past the page.
    async fn take_page(
        &self,
        page: &AuditPage,
        scan: &mut ScanUnderWay,
        purpose: Purpose,
        summary: &mut Polled,
    ) -> Result<(), PollError> {
        let mut registrations: Vec<Registration> = Vec::new();
        let mut ambiguous: Vec<AmbiguousRegistration> = Vec::new();
        let mut acts: Vec<MethodAct> = Vec::new();
        let mut changes: Vec<(UserId, RecordedChange)> = Vec::new();
        let mut earliest: Option<Timestamp> = None;
        let mut latest: Option<Timestamp> = None;
        for raw in &page.records {
            let record = match DirectoryAudit::from_graph(raw.get()) {
                Ok(record) => record,
                Err(error) if scan.service == Service::CoreDirectory => {
                    tracing::warn!(error = %error, "record of the directory not read");
                    continue;
                }
                Err(error) => {
                    self.intake().take_unreadable(raw.get(), &error.to_string(), scan.read_until).await?;
                    continue;
                }
            };
            let at = record.activity_date_time;
            if !scan.range.contains(at) {
                // Graph answers a query that it did not understand with the whole log.
                summary.events_read += 1;
                continue;
            }
            scan.disordered |= latest.is_some_and(|latest| at < latest) || at < scan.read_until;
            earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
            latest = Some(latest.map_or(at, |latest| latest.max(at)));
            summary.events_read += 1;
            if scan.service == Service::CoreDirectory {
                match read_update(raw.get()) {
                    Ok(change) => changes.extend(change),
                    // It proves nothing then, and whoever it concerns is held if nothing else does.
                    Err(error) => tracing::warn!(error = %error, "record of the directory not read"),
                }
                continue;
            }
            let event = interpret(&record);
            summary.tally.add(&event);
            acts.extend(audit::acts(&record, &event));
            match event {
                Event::Registration(registration) => registrations.push(registration),
                Event::Ambiguous(event) => ambiguous.push(event),
                Event::Other { .. } | Event::OtherService => {}
            }
        }
        // Before the candidates, so that every decision on one sees the acts and changes.
        self.process.ledger.record_changes(&changes).await?;
        self.intake().record_acts(acts, &self.process.settings.client_id).await?;
        let missed_before = (purpose == Purpose::Sweep).then_some(scan.missed_before).flatten();
        let intake = self.intake().take(registrations, &ambiguous, missed_before).await?;
        summary.candidates += intake.candidates;
        summary.enqueued += intake.enqueued;
        summary.duplicates += intake.duplicates;
        summary.missed += intake.missed;
        summary.lags.add(intake.lags);
        // While pages ascend, everything before a page's earliest event was read. Once one does not, nothing
        // is known about what lies before.
        if let (Some(earliest), false) = (earliest, scan.disordered) {
            scan.read_until = if page.next.is_some() { earliest } else { latest.unwrap_or(earliest) };
        }
        Ok(())
    }

    fn say_when_events_may_be_gone(&self, position: &Position, now: Timestamp) {
        let kept_from = shift(now, -self.process.settings.retention);
        let start = self.process.settings.policy.window.start;
        if start < kept_from && position.scanned_from.is_none_or(|from| start < from) {
            tracing::warn!(
                window.start = %start,
                kept.from = %kept_from,
                "the window begins before the audit log does: events may be gone; read an export with rollback --audit-log"
            );
        }
    }
}

fn keep(position: &mut Position, purpose: Purpose, scan: ScanUnderWay) {
    match purpose {
        Purpose::Scan => position.scan = Some(scan),
        Purpose::Sweep => position.sweep = Some(scan),
        Purpose::Range => {}
    }
}
