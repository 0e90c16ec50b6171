//! One process of the program in its surroundings: a watched tenant, a faulty ledger, a clock that is off,
//! and the luck of each invocation. It runs a [`shared::process::Process`], as Lambda and the CLI do.

use std::{cell::Cell, sync::Arc};

use fastrand::Rng;
use jiff::SignedDuration;
use mfa_rollback::{
    engine::Engine,
    sqlite::{Database, Received},
};
use shared::{
    audit::Registration,
    credentials::ClientSecret,
    domain::{
        facts::Claimed,
        ids::{RunId, UserId},
        state::ByHand,
    },
    drain::{Batch, Record},
    graph::Graph,
    ledger::{Ledger, LedgerError},
    notices::{Notice, Notices},
    poll::{PollError, Polled, ScanRequest},
    process::{LeaseTerm, Process, Run},
    queue::{Disposition, Message},
};
use uuid::Uuid;

use crate::{
    ledger::FaultyStore,
    network::transport,
    steps::{Luck, NEVER, Steps, lock},
    watch::{View, Watch},
};

/// How long an invocation of drain may work: 120 s as in `template.yaml`, less 8 s for its answer.
const DRAIN_TIME: SignedDuration = SignedDuration::from_secs(112);

/// How long an invocation of poll may work: 240 s, less 8 s.
const POLL_TIME: SignedDuration = SignedDuration::from_secs(232);

/// A process, from its start to its death.
pub(crate) struct Machine {
    pub(crate) view: Arc<View>,
    pub(crate) process: Arc<Process>,
    pub(crate) is_busy: Cell<bool>,
    notices: Notices,
    steps: Arc<Steps>,
    database: Arc<Database>,
    watch: Arc<Watch>,
}

impl Machine {
    /// Starts a process on the ledger that `store` makes. Fails if the ledger cannot be opened.
    pub(crate) async fn start(
        watch: Arc<Watch>,
        database: Arc<Database>,
        view: Arc<View>,
        secret: ClientSecret,
        chance: Rng,
        store: impl FnOnce(&Arc<Steps>) -> FaultyStore,
    ) -> Result<Self, LedgerError> {
        let steps = Arc::new(Steps::new(chance));
        let (settings, clock) = (Arc::new(view.settings.clone()), view.clock.clone());
        let ledger = Ledger::open(Arc::new(store(&steps)), settings.tenant, clock.clone()).await?;
        let transport = transport(Arc::clone(&watch), Arc::clone(&view), Arc::clone(&steps));
        let graph = Arc::new(Graph::new(&settings, Arc::new(secret), transport, clock.clone()));
        let process = Process::new(settings, graph, ledger, database.clone(), clock);
        let (is_busy, notices) = (Cell::new(false), Notices::default());
        Ok(Self { view, process, is_busy, notices, steps, database, watch })
    }

    /// Begins an invocation that Lambda, whose clock is right, ends after `time`.
    fn begin(&self, time: SignedDuration) -> Run {
        let run_id = RunId(Uuid::new_v4());
        *lock(&self.view.owner) = run_id.to_string();
        Run::begin(&self.process, run_id, run_id.to_string(), LeaseTerm::Until(self.watch.clock.now() + time))
    }

    /// Names a user by hand. A failure is ignored.
    pub(crate) async fn name_by_hand(&self, user: UserId, by_hand: &ByHand) {
        self.is_busy.set(true);
        let run = self.begin(POLL_TIME);
        let _ = self.steps.run(NEVER, run.intake().name_by_hand(&[user], by_hand)).await;
        self.is_busy.set(false);
    }

    /// Takes a registration that a file names, and nobody vouches for. A failure is ignored.
    pub(crate) async fn claim(&self, registration: Registration) {
        self.is_busy.set(true);
        let run = self.begin(POLL_TIME);
        let intake = run.intake();
        let _ = self.steps.run(NEVER, intake.take_claims(Claimed::default(), vec![registration], &[])).await;
        self.is_busy.set(false);
    }

    /// Sends a notice, which may fail.
    async fn tell(&self, notice: &Notice) -> bool {
        self.steps.step().await;
        let is_sent = self.steps.happens(0.9);
        if is_sent {
            self.watch.told(notice);
        }
        is_sent
    }

    /// One invocation of poll. Returns `None` if it was killed or cut off.
    pub(crate) async fn poll(&self, luck: Luck, request: ScanRequest) -> Option<Result<Polled, PollError>> {
        let run = self.begin(POLL_TIME);
        let work = async {
            let summary = run.poll(request, &|_| ()).await;
            let _ = self.notices.after_poll(&self.process, async |notice| self.tell(notice).await).await;
            summary
        };
        self.steps.invoke(luck, POLL_TIME, Box::pin(work)).await
    }

    /// One invocation of drain with a batch of messages. Returns `None` if it was killed or cut off.
    pub(crate) async fn drain(&self, luck: Luck, messages: &[Received]) -> Option<()> {
        let run = self.begin(DRAIN_TIME);
        let began = self.watch.clock.now();
        let record = |received: &Received| Record {
            message_id: received.id.to_string(),
            receive_count: 1,
            body: received.body.clone(),
        };
        let records: Vec<Record> = messages.iter().map(record).collect();
        let work = async {
            let batch = run.drain().batch(&records).await;
            let tell = async |notice: &Notice| self.tell(notice).await;
            let _ = self.notices.after_batch(&self.process, &batch.concluded, tell).await;
            batch
        };
        let Batch { dispositions, .. } = self.steps.invoke(luck, DRAIN_TIME, Box::pin(work)).await?;
        for (received, disposition) in messages.iter().zip(&dispositions) {
            if *disposition == Disposition::Acknowledge
                && let Ok(message) = Message::parse(&received.body)
            {
                self.watch.acknowledged(message.user_id, began);
            }
            self.database.dispose(received, disposition).expect("the queue is in memory");
        }
        Some(())
    }

    /// `mfa-rollback run` on the same ledger and queue, for at most `time`.
    pub(crate) async fn run(&self, luck: Luck, time: SignedDuration) {
        let engine = Engine::of(&self.process, Arc::clone(&self.database));
        *lock(&self.view.owner) = self.database.owner();
        let work = async {
            if self.process.preflight().await.is_err() {
                return;
            }
            let _ = engine.run.poll(ScanRequest::Scheduled, &|_| ()).await;
            let _ = engine.wake_pending().await;
            let _ = engine.drain(None, |_| ()).await;
        };
        self.steps.invoke(luck, time, Box::pin(work)).await;
    }
}
