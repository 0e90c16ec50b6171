//! One invocation or command, and what it can do.

use std::{ops::Deref, sync::Arc};

use super::scope::{LeaseTerm, Process, Scope};
use crate::{
    diagnose::{self, Diagnosis, Question},
    domain::ids::{RunId, UserId},
    drain::{self, Drain, Explanation, Interrupted},
    poll::{self, Intake, PollError, Polled, ScanRequest},
    queue::QueueError,
    verify::{self, Verification},
};

/// One invocation or command. Clones are the same run.
#[derive(Clone)]
pub struct Run(Scope);

impl Deref for Run {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.0
    }
}

impl Run {
    /// Begins a run of a process. The run holds its leases in the name of `owner`, for `term`.
    pub fn begin(process: &Arc<Process>, run_id: RunId, owner: String, term: LeaseTerm) -> Self {
        let scope = Scope { process: Arc::clone(process), run_id, owner, term };
        process.graph.begin_invocation(scope.ends_at());
        Self(scope)
    }

    /// Reads preflight, scans the audit log, sweeps if that is due, and promotes; without preflight, no
    /// rollback is promoted. A run with a deadline ends by then. Calls `progress` after each page.
    pub async fn poll(
        &self,
        request: ScanRequest,
        progress: &(dyn Fn(&Polled) + Send + Sync),
    ) -> Result<Polled, PollError> {
        poll::poll(self, request, progress).await
    }

    /// Begins to drain: all messages handled by the result share this run's pace.
    pub fn drain(&self) -> Drain<'_> {
        Drain::of(self)
    }

    /// Reads a user and decides, without taking a lease or writing anything.
    pub async fn explain(&self, user_id: UserId) -> Result<Explanation, Interrupted> {
        drain::explain(self, user_id).await
    }

    /// Reads a user and the policies that concern them, and says what explains a complaint; `None` if the directory
    /// does not know the user. Writes nothing.
    pub async fn diagnose(&self, user: UserId, question: Question) -> Result<Option<Diagnosis>, Interrupted> {
        diagnose::diagnose(self, user, question).await
    }

    /// Compares what the ledger says with what the tenant says of the app's deletions. Writes nothing.
    pub async fn verify(&self) -> Result<Verification, Interrupted> {
        verify::verify(self).await
    }

    /// Returns the intake for candidates of this run.
    pub fn intake(&self) -> Intake<'_> {
        Intake::of(self)
    }

    /// Wakes every pending user for whom `has_message` finds no message: a run may have been killed between
    /// ledger and queue. Returns how many it woke.
    pub async fn wake_pending(
        &self,
        has_message: impl Fn(UserId) -> Result<bool, QueueError>,
    ) -> Result<u64, PollError> {
        poll::wake_pending(self, has_message).await
    }
}
