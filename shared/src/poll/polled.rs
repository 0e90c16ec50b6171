//! What a poll is asked to do, what it did, and why it fails.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lag::Lags;
use crate::{
    audit::Tally, domain::window::Range, graph::GraphError, ledger::LedgerError, queue::QueueError,
    telemetry::Metric,
};

/// What a poll did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Polled {
    /// Audit events read, of every kind; unreadable ones are not counted.
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
    /// Where to continue an incomplete scan; `None` if it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_on_at: Option<Timestamp>,
    /// Users woken again: mode, cap, brake, settings or time let them continue, or their message may be lost.
    #[serde(skip)]
    pub promoted: u64,
    /// Whether the window is closed, so that nothing more is scanned.
    #[serde(skip)]
    pub window_closed: bool,
    /// Parts of the log that are on record as not read, from this scan or an earlier one.
    #[serde(skip)]
    pub gaps: u64,
    /// How late the registrations appeared, except those that were seen before.
    #[serde(skip)]
    pub lags: Lags,
    /// Events counted by activity and status.
    #[serde(skip)]
    pub tally: Tally,
}

impl Polled {
    pub(super) fn count(&self) {
        Metric::PollsFinished.count(1);
        Metric::EventsRead.count(self.events_read);
        Metric::Candidates.count(self.candidates);
        Metric::Enqueued.count(self.enqueued);
        Metric::Duplicates.count(self.duplicates);
        Metric::MissedEvents.count(self.missed);
    }
}

/// Why a poll failed. Whatever it had put on record stays on record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// Another scan is under way.
    #[error("another scan is under way until {until} at the latest")]
    InProgress {
        /// When that scan's lease ends.
        until: Timestamp,
    },
    /// It was cut off at its deadline; the next one continues after the last page that was saved.
    #[error("the scan was cut off at its deadline")]
    OutOfTime,
    /// The log's filter hides events.
    #[error(
        "the audit log, asked for what {service} logged, answers with nothing, and without that filter it has such \
         events: nobody can be found by it; read an export with rollback --audit-log, and ask Microsoft's support"
    )]
    FilterHidesEvents {
        /// The service that was asked for, by Graph's name.
        service: &'static str,
    },
    /// Graph did not answer, or refused.
    #[error("{0}")]
    Graph(#[from] GraphError),
    /// The ledger did not answer, or cannot be used.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// The queue did not answer.
    #[error("{0}")]
    Queue(#[from] QueueError),
}

/// Which part of the audit log a poll is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanRequest {
    /// Continue where the last scan left off.
    Scheduled,
    /// Read this range, cut to the window, without moving the scan position.
    Range(Range),
}
