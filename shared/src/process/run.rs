//! One invocation or command, and what it can do.

use std::{ops::Deref, sync::Arc};

use super::scope::{LeaseTerm, Process, Scope};
use crate::{
    domain::ids::{RunId, UserId},
    drain::{self, Drain, Explanation, Interrupted},
    poll::{self, Intake, PollError, Polled, ScanRequest},
    queue::QueueError,
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
    /// Begins a run of a process. It holds its leases in the name of `owner`, for `term`.
    pub fn begin(process: &Arc<Process>, run_id: RunId, owner: String, term: LeaseTerm) -> Self {
        let scope = Scope { process: Arc::clone(process), run_id, owner, term };
        process.graph.begin_invocation(scope.ends_at());
        Self(scope)
    }

    /// Scans the audit log, sweeps where that is due, and promotes. A run with a deadline is over by then, and reads
    /// preflight first; without preflight no rollback is promoted. `progress` is called after each page.
    pub async fn poll(
        &self,
        request: ScanRequest,
        progress: &(dyn Fn(&Polled) + Send + Sync),
    ) -> Result<Polled, PollError> {
        poll::poll(self, request, progress).await
    }

    /// Begins to drain.
    pub fn drain(&self) -> Drain<'_> {
        Drain::of(self)
    }

    /// Reads a user and decides, without a lease and without a trace.
    pub async fn explain(&self, user_id: UserId) -> Result<Explanation, Interrupted> {
        drain::explain(self, user_id).await
    }

    /// Opens the way for candidates of this run.
    pub fn intake(&self) -> Intake<'_> {
        Intake::of(self)
    }

    /// Wakes every pending user who has no message, as `has_message` tells: a run that was killed between ledger and
    /// queue leaves such. Returns how many it woke.
    pub async fn wake_pending(
        &self,
        has_message: impl Fn(UserId) -> Result<bool, QueueError>,
    ) -> Result<u64, PollError> {
        poll::wake_pending(self, has_message).await
    }
}
