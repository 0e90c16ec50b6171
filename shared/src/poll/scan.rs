//! Reading the audit log, page by page.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    Poll,
    gap::{self, Gap},
    paging::{MOMENT, Paging},
    polled::{PollError, Polled},
    position::{Position, Purpose, ScanUnderWay},
};
use crate::{
    audit::{
        self, AmbiguousRegistration, Broken, DirectoryAudit, Event, MethodAct, Registration, Service,
        interpret,
    },
    domain::{
        ids::{EventId, UserId},
        story::RecordedChange,
        window::{Range, shift},
    },
    graph::{AuditPage, GraphError},
    ledger::Versioned,
    telemetry::Metric,
};

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
        let is_whole_window = match purpose {
            Purpose::Scan => position.value.complete_to.is_none(),
            Purpose::Sweep => true,
            Purpose::Range => false,
        };
        let unread = self.intake().unread().await?;
        let mut paging = Paging::default();
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
                // The link has expired, or is refused for good: ask again for everything from the last event read.
                Err(error)
                    if scan.next.is_some() && error.is_refusal() && paging.may_restart(&scan, &error) =>
                {
                    scan.next = None;
                    if paging.is_stuck() {
                        let why = "too many records of one moment, and the link to the rest is refused";
                        self.pass_over(&mut position.value, &mut scan, MOMENT, why);
                    }
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
            let before = scan.read_until;
            self.take_page(&page, &mut scan, purpose, &unread, summary).await?;
            paging.took(&page, &scan, before);
            self.name_what_is_broken(&page, &scan, &mut position.value).await?;
            if let Some(cut) = &page.cut {
                // The link leads past what was cut off, so it is no help.
                scan.next = None;
                let goes_on = scan.read_until > before || {
                    self.name(cut, &scan).await?;
                    let by = paging.next_step(cut, &scan);
                    self.pass_over(&mut position.value, &mut scan, by, cut.why)
                };
                if goes_on {
                    keep(&mut position.value, purpose, scan.clone());
                    self.save(position).await?;
                    continue;
                }
            }
            let Some(next) = page.next.clone().filter(|_| page.cut.is_none()) else {
                if is_whole_window && scan.found == 0 {
                    let checked = self.cross_check(scan.service, scan.range).await;
                    if let Err(error) = checked {
                        forget(&mut position.value, purpose);
                        return Err(error);
                    }
                }
                if !scan.next_service() {
                    return Ok(Some(scan));
                }
                paging = Paging::default();
                keep(&mut position.value, purpose, scan.clone());
                self.save(position).await?;
                continue;
            };
            if paging.leads_nowhere(&next) {
                let what = "a list of audit events that ends".to_owned();
                return Err(GraphError::Unreadable { what }.into());
            }
            scan.next = Some(next);
            keep(&mut position.value, purpose, scan.clone());
            self.save(position).await?;
            (self.progress)(summary);
        }
    }

    /// Goes on `by` later, and puts on record what is passed over. Returns whether anything is left to read.
    fn pass_over(
        &self,
        position: &mut Position,
        scan: &mut ScanUnderWay,
        by: SignedDuration,
        why: &str,
    ) -> bool {
        let range = gap::passed_over(scan.read_until, by, scan.range);
        self.add_gap(position, scan.service, range, why);
        let next = shift(scan.read_until, by);
        scan.read_until = next.min(scan.range.to);
        next <= scan.range.to
    }

    fn add_gap(&self, position: &mut Position, service: Service, range: Range, why: &str) {
        tracing::error!(
            service = service.name(),
            gap.from = %range.from,
            gap.to = %range.to,
            error = why,
            "part of the audit log not read"
        );
        position.add_gap(Gap { service, range, met_at: self.process.clock.now(), why: why.to_owned() });
    }

    async fn name_what_is_broken(
        &self,
        page: &AuditPage,
        scan: &ScanUnderWay,
        position: &mut Position,
    ) -> Result<(), PollError> {
        for broken in &page.broken {
            if !self.name(broken, scan).await? {
                continue;
            }
            self.add_gap(position, scan.service, gap::around(broken, page, scan.range), broken.why);
        }
        Ok(())
    }

    /// Puts a broken record on record, since it may be a registration. Returns whether it is still missing: not if
    /// it was read from elsewhere, or a person has looked at it.
    async fn name(&self, broken: &Broken, scan: &ScanUnderWay) -> Result<bool, PollError> {
        if scan.service == Service::CoreDirectory {
            tracing::warn!(error = broken.why, "record of the directory not read");
        } else if !broken.text.is_empty() {
            return Ok(self.intake().take_unreadable(&broken.text, broken.why, scan.read_until).await?);
        }
        Ok(true)
    }

    /// Puts a page's registrations on record, before the scan moves past the page.
    async fn take_page(
        &self,
        page: &AuditPage,
        scan: &mut ScanUnderWay,
        purpose: Purpose,
        unread: &BTreeSet<EventId>,
        summary: &mut Polled,
    ) -> Result<(), PollError> {
        let mut read_now: Vec<EventId> = Vec::new();
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
            scan.found += 1;
            scan.disordered |= latest.is_some_and(|latest| at < latest) || at < scan.read_until;
            earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
            latest = Some(latest.map_or(at, |latest| latest.max(at)));
            summary.events_read += 1;
            if scan.service == Service::CoreDirectory {
                match record.change() {
                    Ok(change) => changes.extend(change.filter(|(_, change)| change.is_change())),
                    // It proves nothing then, and whoever it concerns is held if nothing else does.
                    Err(error) => tracing::warn!(error = %error, "record of the directory not read"),
                }
                continue;
            }
            let event = interpret(&record);
            summary.tally.add(&event);
            acts.extend(audit::acts(&record, &event));
            if !matches!(event, Event::Ambiguous(_)) {
                read_now.extend(record.id.filter(|id| unread.contains(id)));
            }
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
        self.intake().end_read(&read_now).await?;
        summary.candidates += intake.candidates;
        summary.enqueued += intake.enqueued;
        summary.duplicates += intake.duplicates;
        summary.missed += intake.missed;
        summary.lags.add(intake.lags);
        // While pages ascend, everything before a page's latest event was read. Once one does not, nothing is
        // known about what lies between.
        if let (Some(earliest), Some(latest)) = (earliest, latest) {
            scan.read_until =
                if scan.disordered { scan.read_until.min(earliest) } else { scan.read_until.max(latest) };
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

fn forget(position: &mut Position, purpose: Purpose) {
    match purpose {
        Purpose::Scan => position.scan = None,
        Purpose::Sweep => position.sweep = None,
        Purpose::Range => {}
    }
}
