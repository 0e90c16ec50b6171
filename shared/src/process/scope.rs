//! What lives as long as a process, and what a use case knows about its run.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::{
    clock::Clock,
    domain::{approval::RequireApproval, ids::RunId},
    graph::{Graph, GraphError},
    ledger::{Ledger, LedgerError},
    preflight::{HOLDS_FOR, Preflight},
    queue::Queue,
    settings::{Mode, Settings},
};

/// What lives as long as a process: clients, ledger, queue, settings, and the latest preflight.
pub struct Process {
    /// The settings that every run of this process uses.
    pub settings: Arc<Settings>,
    /// The client for Microsoft Graph, with its pace and its token.
    pub graph: Arc<Graph>,
    /// The ledger of the tenant that the settings name.
    pub ledger: Ledger,
    /// Where messages are sent.
    pub queue: Arc<dyn Queue>,
    /// The clock that leases, deadlines and records go by.
    pub clock: Clock,
    preflight: Mutex<Option<Arc<Preflight>>>,
}

impl Process {
    /// Puts a process together, without sending anything yet.
    pub fn new(
        settings: Arc<Settings>,
        graph: Arc<Graph>,
        ledger: Ledger,
        queue: Arc<dyn Queue>,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self { settings, graph, ledger, queue, clock, preflight: Mutex::default() })
    }

    /// Returns a preflight that is at most 10 minutes old, reading a new one if needed. Logs its faults when
    /// it reads one.
    pub async fn preflight(&self) -> Result<Arc<Preflight>, GraphError> {
        self.preflight_within(HOLDS_FOR).await
    }

    /// The same for an age of the caller's own.
    pub(crate) async fn preflight_within(&self, age: SignedDuration) -> Result<Arc<Preflight>, GraphError> {
        let mut held = self.preflight.lock().await;
        let now = self.clock.now();
        if let Some(preflight) = held.as_ref().filter(|preflight| preflight.is_within(age, now)) {
            return Ok(Arc::clone(preflight));
        }
        // If reading fails, keep none: a stale preflight must not be taken for the current one.
        *held = None;
        let read = Arc::new(Preflight::read(&self.graph, &self.settings, now).await?);
        for fault in &read.faults {
            tracing::error!(cause = %fault, "preflight failed");
        }
        *held = Some(Arc::clone(&read));
        Ok(read)
    }

    /// When the first plan that people approved was made. Read only where that decides who needs an approval.
    pub(crate) async fn first_approved(&self) -> Result<Option<Timestamp>, LedgerError> {
        match self.settings.require_approval {
            RequireApproval::First => Ok(self.ledger.plans().await?.first_approved_made_at),
            RequireApproval::Off | RequireApproval::Always => Ok(None),
        }
    }

    /// Whether the mode allows deleting anything.
    pub fn deletes(&self) -> bool {
        self.settings.mode != Mode::Report
    }
}

/// How long the right to handle a user is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseTerm {
    /// Until a fixed moment, an invocation's deadline: nothing is started after it, and no lease is renewed.
    Until(Timestamp),
    /// For this long, renewed along the way: the lease is free once its process is dead.
    Renewed(SignedDuration),
}

/// Who acts, with what, and for how long: what the use cases know about the run that they are part of.
#[derive(Clone)]
pub struct Scope {
    /// What the run works with.
    pub process: Arc<Process>,
    /// The id by which log lines and records of this run are found.
    pub run_id: RunId,
    /// The name in which this run holds its leases.
    pub owner: String,
    /// How long a lease is held.
    pub term: LeaseTerm,
}

impl Scope {
    /// When this run stops working; `None` if nothing cuts it off.
    pub fn ends_at(&self) -> Option<Timestamp> {
        match self.term {
            LeaseTerm::Until(deadline) => Some(deadline),
            LeaseTerm::Renewed(_) => None,
        }
    }
}
