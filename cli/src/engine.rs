//! Poll and drain on one machine: what the functions do on AWS, in one process.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use futures::{StreamExt, stream::FuturesUnordered};
use jiff::{SignedDuration, Timestamp};
use shared::{
    clock::Clock,
    credentials::ClientSecret,
    drain::{Drain, LeaseTerm, NEWER_AGAIN, Report, StopCause},
    graph::{
        Graph,
        transport::{self, Transport},
    },
    ids::{RunId, UserId},
    ledger::{Book, Entry, OutcomeQuery},
    poll::{Intake, Poll, PollError, ScanRequest, Summary},
    preflight::Preflight,
    queue::{Disposition, Message, MessageError, Queue},
    settings::{Mode, Settings},
    state::UserState,
};
use uuid::Uuid;

use crate::sqlite::{Received, Store};

/// A lease is renewed on the way, and free when this process is dead.
const LEASE: LeaseTerm = LeaseTerm::Renewed(SignedDuration::from_secs(60));

/// Handlings under way at once. Few of them are at work; the others wait for Graph to forget.
const UNDER_WAY: usize = 768;

/// Everything that a command works with.
pub struct Engine {
    /// The settings.
    pub settings: Arc<Settings>,
    /// Ledger and queue.
    pub store: Arc<Store>,
    /// The ledger, with words for what is in it.
    pub book: Book,
    /// Graph.
    pub graph: Arc<Graph>,
    /// The time.
    pub clock: Clock,
    /// This run.
    pub run_id: RunId,
}

/// What draining the queue came to.
#[derive(Debug, Default)]
pub struct Drained {
    /// The users that were handled, each by its latest outcome.
    pub users: BTreeMap<UserId, UserState>,
    /// What stopped it, where something did.
    pub stop: Option<StopCause>,
    /// Messages that went to the dead letters.
    pub dead_letters: u64,
    /// The ids of messages that were left for a newer version of the program.
    pub newer: BTreeSet<i64>,
}

impl Engine {
    /// Opens the tenant's ledger and makes a client for its Graph.
    pub async fn open(
        settings: Settings,
        secret: ClientSecret,
        store: Store,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let transport =
            transport::network(&settings.endpoints.graph).context("the HTTP client cannot be made")?;
        Self::with_transport(settings, secret, Arc::new(store), transport, clock).await
    }

    /// The same, with requests going another way than over the network.
    pub async fn with_transport(
        settings: Settings,
        secret: ClientSecret,
        store: Arc<Store>,
        transport: Transport,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let book = Book::open(store.clone(), settings.tenant, clock.clone()).await?;
        let graph = Arc::new(Graph::new(&settings, Arc::new(secret), transport, clock.clone()));
        Ok(Self { settings: Arc::new(settings), store, book, graph, clock, run_id: RunId(Uuid::new_v4()) })
    }

    /// The same ledger and client in another mode, as the next run.
    #[must_use]
    pub fn in_mode(&self, settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            store: Arc::clone(&self.store),
            book: self.book.clone(),
            graph: Arc::clone(&self.graph),
            clock: self.clock.clone(),
            run_id: RunId(Uuid::new_v4()),
        }
    }

    /// Reads what must hold before anything is deleted.
    pub async fn preflight(&self) -> Result<Preflight, shared::graph::GraphError> {
        Preflight::read(&self.graph, &self.settings, self.clock.now()).await
    }

    /// Scans the audit log, sweeps and promotes.
    pub async fn poll(
        &self,
        request: ScanRequest,
        preflight: &Preflight,
        progress: impl Fn(&Summary) + Send + Sync + 'static,
    ) -> Result<Summary, PollError> {
        self.poller().with_progress(progress).run(request, Some(preflight)).await
    }

    fn poller(&self) -> Poll {
        let queue: Arc<dyn Queue> = self.store.clone();
        Poll::new(
            Arc::clone(&self.graph),
            self.book.clone(),
            queue,
            Arc::clone(&self.settings),
            self.clock.clone(),
            self.run_id,
            self.store.owner(),
        )
    }

    /// The way of candidates into ledger and queue.
    pub fn intake(&self) -> Intake {
        let queue: Arc<dyn Queue> = self.store.clone();
        Intake::new(self.book.clone(), queue, self.clock.clone(), self.run_id, self.settings.policy.window)
    }

    /// The use case drain.
    pub async fn drainer(&self, preflight: Arc<Preflight>) -> Drain {
        Drain::new(
            Arc::clone(&self.graph),
            self.book.clone(),
            Arc::clone(&self.settings),
            self.clock.clone(),
            self.run_id,
            self.store.owner(),
        )
        .with_preflight(preflight)
        .await
    }

    /// Wakes every pending user who has no message: a run that was killed between ledger and queue
    /// leaves such.
    pub async fn wake_pending(&self) -> anyhow::Result<u64> {
        let mut query = OutcomeQuery { outcome: "pending".to_owned(), until: None, after: None, limit: 100 };
        let mut woken = 0;
        loop {
            let page = self.book.list(&query).await?;
            let mut users = Vec::new();
            for entry in &page.entries {
                if let Entry::User(state) = entry
                    && !self.store.has_message_for(state.user_id)?
                {
                    users.push(state.user_id);
                }
            }
            woken += users.len() as u64;
            self.intake().send(&users).await?;
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(woken),
            }
        }
    }

    /// Handles messages until there are none left, waiting for those that come back later; of these
    /// users only where `only` names some. `each` sees every handling.
    pub async fn drain(
        &self,
        drain: &Drain,
        only: Option<&BTreeSet<UserId>>,
        mut each: impl FnMut(&Progress<'_>),
    ) -> anyhow::Result<Drained> {
        let mut drained = Drained::default();
        let mut under_way = FuturesUnordered::new();
        loop {
            if drained.stop.is_none() && under_way.len() < UNDER_WAY {
                for received in self.store.receive(UNDER_WAY - under_way.len(), only)? {
                    match Message::parse(&received.body) {
                        Ok(message) => under_way.push(handle(drain, received, message)),
                        Err(MessageError::Unreadable(reason)) => {
                            drained.dead_letters += 1;
                            tracing::error!(reason, "message not read");
                            self.store.settle(&received, &Disposition::DeadLetter(reason))?;
                        }
                        Err(error @ MessageError::Newer(_)) => {
                            tracing::warn!(error = %error, "message left for a newer version");
                            drained.newer.insert(received.id);
                            self.store.settle(&received, &Disposition::ComeBack(NEWER_AGAIN))?;
                        }
                    }
                }
            }
            let Some((received, report)) = under_way.next().await else {
                match self.store.next_visible_at(only, &drained.newer)? {
                    Some(at) if drained.stop.is_none() => {
                        each(&Progress { report: None, waits_until: Some(at) });
                        self.sleep_until(at).await;
                        continue;
                    }
                    _ => return Ok(drained),
                }
            };
            self.store.settle(&received, &report.disposition)?;
            if report.newer {
                drained.newer.insert(received.id);
            }
            if matches!(report.disposition, Disposition::DeadLetter(_)) {
                drained.dead_letters += 1;
            }
            each(&Progress { report: Some(&report), waits_until: None });
            if let Some(state) = report.state {
                drained.users.insert(report.user_id, *state);
            }
            drained.stop = drained.stop.or(report.stop);
        }
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default();
        tokio::time::sleep(wait.clamp(Duration::from_millis(50), Duration::from_secs(30))).await;
    }

    /// Whether this mode deletes at all.
    pub fn deletes(&self) -> bool {
        self.settings.mode != Mode::Report
    }
}

/// What a caller of [`Engine::drain`] sees.
pub struct Progress<'a> {
    /// A handling that ended.
    pub report: Option<&'a Report>,
    /// Nothing to do until then: Graph throttles, or another process handles the rest.
    pub waits_until: Option<Timestamp>,
}

async fn handle(drain: &Drain, received: Received, message: Message) -> (Received, Report) {
    let report = drain.handle(&message, LEASE).await;
    (received, report)
}
