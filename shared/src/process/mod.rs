//! The one wiring of the program. [`Process`] holds what lives as long as a process, [`Run`] what lives as long as an
//! invocation or a command. Lambda, the CLI and the fault schedules each bring their ledger, queue, transport, clock
//! and lease term, and from there on run the same code: [`Run::poll`], [`Run::drain`], [`Run::explain`] and
//! [`Run::intake`].

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::{
    clock::Clock,
    domain::ids::RunId,
    graph::{Graph, GraphError},
    ledger::Ledger,
    preflight::Preflight,
    queue::Queue,
    settings::{Mode, Settings},
};

/// What lives as long as a process: clients, ledger, queue, settings, and preflight as read last.
pub struct Process {
    /// The settings that every run of this process goes by.
    pub settings: Arc<Settings>,
    /// The client of Microsoft Graph, with its pace and its token.
    pub graph: Arc<Graph>,
    /// The tenant's ledger.
    pub ledger: Ledger,
    /// Where messages are sent.
    pub queue: Arc<dyn Queue>,
    /// The time that leases, deadlines and records go by.
    pub clock: Clock,
    preflight: Mutex<Option<Arc<Preflight>>>,
}

impl Process {
    /// Puts a process together. Nothing is sent yet.
    pub fn new(
        settings: Arc<Settings>,
        graph: Arc<Graph>,
        ledger: Ledger,
        queue: Arc<dyn Queue>,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self { settings, graph, ledger, queue, clock, preflight: Mutex::default() })
    }

    /// Begins a run. It holds its leases in the name of `owner`, for `term`.
    pub fn begin(self: &Arc<Self>, run_id: RunId, owner: String, term: LeaseTerm) -> Run {
        let run = Run { process: Arc::clone(self), run_id, owner, term };
        self.graph.begin_invocation(run.ends_at());
        run
    }

    /// Returns preflight as read at most 10 minutes ago, and reads it where that is longer ago. Faults are logged when
    /// they are read.
    pub async fn preflight(&self) -> Result<Arc<Preflight>, GraphError> {
        let mut held = self.preflight.lock().await;
        let now = self.clock.now();
        if let Some(preflight) = held.as_ref().filter(|preflight| !preflight.is_stale(now)) {
            return Ok(Arc::clone(preflight));
        }
        // A reading that fails leaves none: what is stale must not be taken for the tenant as it is.
        *held = None;
        let read = Arc::new(Preflight::read(&self.graph, &self.settings, now).await?);
        for fault in &read.faults {
            tracing::error!(cause = %fault, "preflight failed");
        }
        *held = Some(Arc::clone(&read));
        Ok(read)
    }

    /// Whether the mode deletes at all.
    pub fn deletes(&self) -> bool {
        self.settings.mode != Mode::Report
    }
}

/// How long the right to handle a user is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseTerm {
    /// Until a fixed moment, an invocation's deadline: nothing is begun after it, and no lease is renewed.
    Until(Timestamp),
    /// For so long, renewed on the way: the lease is free once its process is dead.
    Renewed(SignedDuration),
}

/// One invocation or command: who acts, and for how long. Clones are the same run.
#[derive(Clone)]
pub struct Run {
    /// What the run works with.
    pub process: Arc<Process>,
    /// By which log lines and records of this run are found.
    pub run_id: RunId,
    /// In whose name leases are held.
    pub owner: String,
    /// How long a lease is held.
    pub term: LeaseTerm,
}

impl Run {
    /// When this run stops working; `None` if nothing cuts it off.
    pub fn ends_at(&self) -> Option<Timestamp> {
        match self.term {
            LeaseTerm::Until(deadline) => Some(deadline),
            LeaseTerm::Renewed(_) => None,
        }
    }
}
