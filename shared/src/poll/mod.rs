//! poll: finds registrations in the audit log, puts candidates on record and wakes drain for them.

mod ambiguous;
mod candidates;
mod cross_check;
mod gap;
mod lag;
mod paging;
mod polled;
mod position;
mod promote;
mod registration_report;
mod scan;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub(crate) use self::candidates::wake_pending;
pub use self::{
    candidates::Intake,
    gap::{Gap, Trouble},
    lag::{Lag, Lags},
    polled::{PollError, Polled, ScanRequest},
    position::{Position, ScanUnderWay},
};
use crate::{
    domain::{
        lease::Lease,
        window::{Window, shift, until},
    },
    graph::GraphError,
    ledger::{Key, LedgerError, Versioned},
    preflight::Preflight,
    process::{Process, Scope},
    telemetry::Metric,
};

/// How long a scan's lease lasts. It is renewed with each page, and a page takes less than this.
const LEASE: SignedDuration = SignedDuration::from_mins(3);

/// Records how old the scan position is, while there is more to scan.
fn measure_age(position: &Position, window: &Window, now: Timestamp) {
    // Until the first scan has finished, the position is as old as that scan.
    let read_to = position.complete_to.or(position.scan.as_ref().map(|scan| scan.began));
    if let Some(to) = read_to.filter(|to| *to < window.end) {
        Metric::WatermarkAgeSeconds.measure(now.duration_since(to).as_secs_f64());
    }
}

/// Called after each page.
type Progress<'r> = &'r (dyn Fn(&Polled) + Send + Sync);

struct Poll<'r> {
    scope: &'r Scope,
    process: &'r Process,
    progress: Progress<'r>,
    time: Option<Time>,
}

/// How a poll divides its time: a report that does not answer leaves time for the log, and a log that does
/// not answer leaves time for the users on record.
#[derive(Debug, Clone, Copy)]
struct Time {
    /// When to give up on the report that is read before the log.
    reports_until: Timestamp,
    /// No page of the log is requested after this.
    reads_until: Timestamp,
    /// When to give up on a page of the log that was requested before.
    scans_until: Timestamp,
    /// Nothing else is started after this.
    begins_until: Timestamp,
    /// When the poll ends, or is cut off.
    ends_at: Timestamp,
}

/// Implements [`Run::poll`](crate::process::Run::poll), which says what this promises.
pub(crate) async fn poll(
    scope: &Scope,
    request: ScanRequest,
    progress: &(dyn Fn(&Polled) + Send + Sync),
) -> Result<Polled, PollError> {
    let process = &*scope.process;
    let time = scope.ends_at().map(|ends_at| Time::until(process.clock.now(), ends_at));
    let left =
        |part| scope.ends_at().map_or(Duration::MAX, |ends_at| until(process.clock.now(), ends_at) / part);
    // Scanning does not need preflight, and the audit log has its own request budget.
    let preflight = match tokio::time::timeout(left(3), process.preflight()).await {
        Ok(Ok(preflight)) => Some(preflight),
        Ok(Err(error)) => {
            tracing::warn!(run.id = %scope.run_id, error = %error, "preflight not read");
            None
        }
        Err(_) => {
            tracing::warn!(run.id = %scope.run_id, "preflight not read in time");
            None
        }
    };
    let poll = Poll { scope, process, progress, time };
    let run = poll.run(request, preflight.as_deref());
    tokio::time::timeout(left(1), run).await.unwrap_or(Err(PollError::OutOfTime))
}

impl Time {
    fn until(now: Timestamp, ends_at: Timestamp) -> Self {
        let sixth = ends_at.duration_since(now) / 6;
        let [reports_until, reads_until, scans_until, begins_until] =
            [1, 3, 4, 5].map(|sixths| shift(now, sixth * sixths));
        Self { reports_until, reads_until, scans_until, begins_until, ends_at }
    }
}

impl Poll<'_> {
    /// The intake that puts candidates into ledger and queue.
    fn intake(&self) -> Intake<'_> {
        Intake::of(self.scope)
    }

    /// Scans, sweeps if that is due, and promotes. `preflight` says whether anything may be deleted; without
    /// it, no rollback is promoted.
    async fn run(&self, request: ScanRequest, preflight: Option<&Preflight>) -> Result<Polled, PollError> {
        let started = self.process.clock.now();
        let mut position = self.take_lease().await?;
        let result = self.with_lease(&mut position, request, preflight).await;
        position.value.lease = None;
        if let Err(error) = self.process.ledger.save(Key::poll(), &position).await {
            tracing::warn!(error = %error, "scan lease not given back");
        }
        let now = self.process.clock.now();
        measure_age(&position.value, &self.process.settings.policy.window, now);
        let summary = result?;
        summary.count();
        tracing::info!(
            run.id = %self.scope.run_id,
            events.read = summary.events_read,
            candidates = summary.candidates,
            enqueued = summary.enqueued,
            duplicates = summary.duplicates,
            missed = summary.missed,
            promoted = summary.promoted,
            complete = summary.complete,
            window.closed = summary.window_closed,
            duration_ms = u64::try_from(now.duration_since(started).as_millis()).unwrap_or(0),
            "poll finished"
        );
        for (activity, status, count) in summary.tally.iter() {
            let (activity, status) = (activity.name(), status.as_str());
            tracing::info!(run.id = %self.scope.run_id, activity, status, count, "audit events counted");
        }
        for (activity, count) in summary.tally.unknown() {
            tracing::warn!(activity, count, "unknown activity of the service");
        }
        Ok(summary)
    }

    async fn with_lease(
        &self,
        position: &mut Versioned<Position>,
        request: ScanRequest,
        preflight: Option<&Preflight>,
    ) -> Result<Polled, PollError> {
        let mut summary = Polled::default();
        // Drain handles users as soon as they are found, and only the report knows who signs in with the
        // Authenticator alone.
        if position.value.report.read_at.is_none() {
            self.read_report(position, self.time.map(|time| time.reports_until)).await;
        }
        let scanned = match request {
            ScanRequest::Range(range) => self.scan_range(position, range, &mut summary).await,
            ScanRequest::Scheduled => self.scan_and_sweep(position, &mut summary).await,
        };
        if let Err(error @ PollError::InProgress { .. }) = scanned {
            return Err(error);
        }
        let trouble = match &scanned {
            Err(error @ (PollError::Graph(_) | PollError::FilterHidesEvents { .. })) => {
                Some(error.to_string())
            }
            _ => None,
        };
        if request == ScanRequest::Scheduled {
            position.value.note_trouble(trouble, self.process.clock.now());
        }
        summary.gaps = position.value.gaps.len() as u64;
        // Promotion needs only the ledger, so a failed scan does not stop it.
        self.promote(position, preflight, &mut summary).await?;
        scanned?;
        self.read_report(position, self.time.map(|time| time.begins_until)).await;
        Ok(summary)
    }

    /// Waits for Graph until `end` at the latest. Use it for requests only: cutting off a write would leave
    /// the position's version unknown.
    async fn answer_by<T>(
        &self,
        end: Option<Timestamp>,
        answer: impl Future<Output = Result<T, GraphError>>,
    ) -> Result<T, GraphError> {
        let Some(end) = end else { return answer.await };
        let late = GraphError::Unavailable { cause: "no answer in the time that there was".to_owned() };
        tokio::time::timeout(until(self.process.clock.now(), end), answer).await.unwrap_or(Err(late))
    }

    async fn scan_and_sweep(
        &self,
        position: &mut Versioned<Position>,
        summary: &mut Polled,
    ) -> Result<(), PollError> {
        self.scan(position, summary).await?;
        if summary.complete {
            self.sweep(position, summary).await?;
        }
        Ok(())
    }

    /// Takes the scan lease, since only one scan runs at a time; [`PollError::InProgress`] if it is not free.
    async fn take_lease(&self) -> Result<Versioned<Position>, PollError> {
        let held: Versioned<Option<Position>> = self.process.ledger.load(Key::poll()).await?;
        let now = self.process.clock.now();
        let mut position = Versioned { value: held.value.unwrap_or_default(), version: held.version };
        if !Lease::is_free(position.value.lease.as_ref(), now, |owner| {
            self.process.ledger.owner_is_dead(owner)
        }) {
            let until = position.value.lease.map_or(now, |lease| lease.until);
            return Err(PollError::InProgress { until });
        }
        position.value.lease = Some(Lease {
            owner: self.scope.owner.clone(),
            token: Uuid::new_v4(),
            until: self.lease_end(now),
        });
        match self.process.ledger.save(Key::poll(), &position).await {
            Ok(version) => position.version = version,
            Err(LedgerError::Conflict) => return Err(PollError::InProgress { until: shift(now, LEASE) }),
            Err(error) => return Err(error.into()),
        }
        Ok(position)
    }

    /// Saves the scan position and renews the lease with it. A conflict means that another scan has taken
    /// over, so this one ends.
    async fn save(&self, position: &mut Versioned<Position>) -> Result<(), PollError> {
        let now = self.process.clock.now();
        if let Some(lease) = &mut position.value.lease {
            lease.until = self.lease_end(now);
        }
        match self.process.ledger.save(Key::poll(), position).await {
            Ok(version) => {
                position.version = version;
                Ok(())
            }
            Err(LedgerError::Conflict) => Err(PollError::InProgress { until: shift(now, LEASE) }),
            Err(error) => Err(error.into()),
        }
    }

    fn is_over(&self) -> bool {
        self.time.is_some_and(|time| self.process.clock.now() >= time.begins_until)
    }

    fn reads_no_more(&self) -> bool {
        self.time.is_some_and(|time| self.process.clock.now() >= time.reads_until)
    }

    /// When a lease that is taken or renewed now will end: at the latest with the poll.
    fn lease_end(&self, now: Timestamp) -> Timestamp {
        let end = shift(now, LEASE);
        self.time.map_or(end, |time| end.min(time.ends_at))
    }
}
