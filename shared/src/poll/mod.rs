//! poll: finds registrations in the audit log, puts candidates on record and wakes drain for them.

mod candidates;
mod lag;
mod position;
mod promote;
mod registration_report;
mod scan;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::{
    candidates::Intake,
    lag::{Lag, Lags},
    position::{Position, ScanUnderWay},
};
use crate::{
    audit::Tally,
    domain::{
        state::Lease,
        window::{Range, Window, shift, until},
    },
    graph::GraphError,
    ledger::{Key, LedgerError, Versioned},
    preflight::Preflight,
    process::{Process, Run},
    queue::QueueError,
    telemetry::Metric,
};

/// A scan's lease is renewed with each page; a page takes less than this.
const LEASE: SignedDuration = SignedDuration::from_mins(3);

/// What a poll came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polled {
    /// Events read.
    pub events_read: u64,
    /// Users with a registration that was not seen before.
    pub candidates: u64,
    /// Messages put into the queue.
    pub enqueued: u64,
    /// Registrations that were seen before.
    pub duplicates: u64,
    /// Registrations that only the sweep found; must be 0.
    pub missed: u64,
    /// Whether the scan reached its upper bound.
    pub complete: bool,
    /// Where an incomplete scan goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_on_at: Option<Timestamp>,
    /// Users that wait no longer: mode, cap, brake, settings, a release or time let them go on.
    #[serde(skip)]
    pub promoted: u64,
    /// Whether the window is closed: nothing is scanned any more.
    #[serde(skip)]
    pub window_closed: bool,
    /// How late the registrations showed that were not seen before.
    #[serde(skip)]
    pub lags: Lags,
    /// Events counted by activity and status.
    #[serde(skip)]
    pub tally: Tally,
}

impl Polled {
    fn count(&self) {
        Metric::PollsFinished.count(1);
        Metric::EventsRead.count(self.events_read);
        Metric::Candidates.count(self.candidates);
        Metric::Enqueued.count(self.enqueued);
        Metric::Duplicates.count(self.duplicates);
        Metric::MissedEvents.count(self.missed);
    }
}

/// How old the scan position is, while there is more to scan.
fn measure_age(position: &Position, window: &Window, now: Timestamp) {
    // Until the first scan has come to its end, it is as old as that scan.
    let read_to = position.complete_to.or(position.scan.as_ref().map(|scan| scan.began));
    if let Some(to) = read_to.filter(|to| *to < window.end) {
        Metric::WatermarkAgeSeconds.measure(now.duration_since(to).as_secs_f64());
    }
}

/// Why a poll failed. What it had put on record stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// Another scan is under way.
    #[error("another scan is under way until {until} at the latest")]
    InProgress {
        /// When its lease ends.
        until: Timestamp,
    },
    /// It was cut off at its deadline; the next one goes on where its last page ended.
    #[error("the scan was cut off at its deadline")]
    OutOfTime,
    /// Graph did not answer, or refuses.
    #[error("{0}")]
    Graph(#[from] GraphError),
    /// The ledger did not answer, or cannot be used.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// The queue did not answer.
    #[error("{0}")]
    Queue(#[from] QueueError),
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanRequest {
    /// Go on where the last scan left off.
    Scheduled,
    /// Read this stretch, cut to the window; the scan position stays.
    Range(Range),
}

/// Called after each page.
type Progress<'r> = &'r (dyn Fn(&Polled) + Send + Sync);

/// The use case.
struct Poll<'r> {
    run: &'r Run,
    process: &'r Process,
    progress: Progress<'r>,
    time: Option<Time>,
}

/// The time that a poll has. A report that does not answer leaves some of it for the log, and a log
/// that does not answer some for those on record.
#[derive(Debug, Clone, Copy)]
struct Time {
    /// The report that goes before the log is given up.
    reports_until: Timestamp,
    /// No page of the log is asked for after this.
    reads_until: Timestamp,
    /// A page that is under way is given up.
    scans_until: Timestamp,
    /// Nothing else is begun after this.
    begins_until: Timestamp,
    /// The poll is over, one way or the other.
    ends_at: Timestamp,
}

impl Run {
    /// Scans the audit log, sweeps where that is due, and promotes. A run with a deadline is over by then, and reads
    /// preflight first; without preflight no rollback is promoted. `progress` is called after each page.
    pub async fn poll(
        &self,
        request: ScanRequest,
        progress: &(dyn Fn(&Polled) + Send + Sync),
    ) -> Result<Polled, PollError> {
        let process = &*self.process;
        let time = self.ends_at().map(|ends_at| Time::until(process.clock.now(), ends_at));
        let left =
            |part| self.ends_at().map_or(Duration::MAX, |ends_at| until(process.clock.now(), ends_at) / part);
        // Scanning does not need it, and the audit log has a budget of its own.
        let preflight = match tokio::time::timeout(left(3), process.preflight()).await {
            Ok(Ok(preflight)) => Some(preflight),
            Ok(Err(error)) => {
                tracing::warn!(run.id = %self.run_id, error = %error, "preflight not read");
                None
            }
            Err(_) => {
                tracing::warn!(run.id = %self.run_id, "preflight not read in time");
                None
            }
        };
        let poll = Poll { run: self, process, progress, time };
        let run = poll.run(request, preflight.as_deref());
        tokio::time::timeout(left(1), run).await.unwrap_or(Err(PollError::OutOfTime))
    }
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
    /// Scans, sweeps where that is due, and promotes. `preflight` says
    /// whether anything may be deleted; without one no rollback is promoted.
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
            run.id = %self.run.run_id,
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
            tracing::info!(run.id = %self.run.run_id, activity, status, count, "audit events counted");
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
        // Drain handles users as soon as they are found, and only the report knows who signs in by the
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
        // The ledger knows its users whether or not the audit log can be read.
        self.promote(position, preflight, &mut summary).await?;
        scanned?;
        self.read_report(position, self.time.map(|time| time.begins_until)).await;
        Ok(summary)
    }

    /// Waits for Graph no longer than until `end`. Only a request is ever cut off so: a write that was
    /// cut off would leave open which version the position has.
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

    /// One scan at a time.
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
        position.value.lease =
            Some(Lease { owner: self.run.owner.clone(), token: Uuid::new_v4(), until: self.lease_end(now) });
        match self.process.ledger.save(Key::poll(), &position).await {
            Ok(version) => position.version = version,
            Err(LedgerError::Conflict) => return Err(PollError::InProgress { until: shift(now, LEASE) }),
            Err(error) => return Err(error.into()),
        }
        Ok(position)
    }

    /// Makes the scan position durable and renews the lease with it. A conflict means that another
    /// scan has taken over: this one ends.
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

    /// When a lease ends that is taken or renewed now: whoever is over holds none.
    fn lease_end(&self, now: Timestamp) -> Timestamp {
        let end = shift(now, LEASE);
        self.time.map_or(end, |time| end.min(time.ends_at))
    }
}
