//! Internal errors, as a caller may see them; the log has the cause.

use shared::{
    api::{Problem, ProblemKind},
    drain::{Interrupted, StopCause},
    graph::GraphError,
    ledger::LedgerError,
    poll::PollError,
    queue::QueueError,
};

const LEDGER: &str = "the ledger does not answer: try again";
const GRAPH: &str = "Microsoft Graph does not answer in time, or throttles: try again in a minute";
const REFUSED: &str = "the tenant refuses this program: GET /doctor says what is missing";
const ITEM: &str = "the user's item in the ledger is damaged or for a newer version: see the log";

/// An error that is reported to a caller as a problem.
pub trait AsProblem {
    /// Returns the problem for the caller, and logs the error unless it is an expected one.
    fn as_problem(&self) -> Problem;
}

/// Returns the problem of a request that ran out of time.
pub fn deadline_passed() -> Problem {
    Problem::new(ProblemKind::Unavailable, "not done in the time that a request has: try again")
}

fn logged(error: &dyn std::fmt::Display, kind: ProblemKind, detail: &str) -> Problem {
    tracing::error!(error = %error, "request failed");
    Problem::new(kind, detail)
}

impl AsProblem for LedgerError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::Item(_) | Self::Newer(_) => logged(self, ProblemKind::Internal, ITEM),
            Self::Unusable(_) => {
                logged(self, ProblemKind::Internal, "the ledger cannot be used: see the log")
            }
            _ => logged(self, ProblemKind::Unavailable, LEDGER),
        }
    }
}

impl AsProblem for GraphError {
    fn as_problem(&self) -> Problem {
        let detail = if self.stops_everything() { REFUSED } else { GRAPH };
        logged(self, ProblemKind::Unavailable, detail)
    }
}

impl AsProblem for QueueError {
    fn as_problem(&self) -> Problem {
        logged(self, ProblemKind::Unavailable, "the queue does not answer: try again")
    }
}

impl AsProblem for PollError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::InProgress { until } => {
                Problem::new(ProblemKind::ScanInProgress, format!("it ends by {until} at the latest"))
            }
            Self::OutOfTime => logged(
                self,
                ProblemKind::Unavailable,
                "the scan was cut off; the next one goes on where its last page ended",
            ),
            Self::FilterHidesEvents { .. } => logged(self, ProblemKind::Unavailable, REFUSED),
            Self::Graph(error) => error.as_problem(),
            Self::Ledger(error) => error.as_problem(),
            Self::Queue(error) => error.as_problem(),
        }
    }
}

impl AsProblem for Interrupted {
    fn as_problem(&self) -> Problem {
        match self {
            Self::Item(why) | Self::Newer(why) => logged(why, ProblemKind::Internal, ITEM),
            Self::ComeBack { cause, .. } => logged(cause, ProblemKind::Unavailable, GRAPH),
            Self::Stop(StopCause::Tenant(error)) => error.as_problem(),
            Self::Stop(StopCause::Ledger(error)) => error.as_problem(),
        }
    }
}
