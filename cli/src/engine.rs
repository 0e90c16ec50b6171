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
    domain::{
        ids::{RunId, UserId},
        state::UserState,
    },
    drain::{Drain, Handled, NEWER_AGAIN, StopCause},
    graph::{
        Graph,
        transport::{self, Transport},
    },
    ledger::Ledger,
    poll::PollError,
    process::Run,
    process::{LeaseTerm, Process},
    queue::{Disposition, Message, MessageError},
    settings::Settings,
};
use uuid::Uuid;

use crate::sqlite::{Database, Received};

/// A lease is renewed while a user is handled, and is free once this process is dead.
const LEASE: LeaseTerm = LeaseTerm::Renewed(SignedDuration::from_secs(60));

/// Handlings in progress at once. Few of them are at work; the others wait for deleted methods to disappear.
const UNDER_WAY: usize = 768;

/// What a command works with: one run of one process, and the file that holds its ledger and queue.
pub struct Engine {
    /// The run of this command.
    pub run: Run,
    /// The file that holds ledger and queue.
    pub database: Arc<Database>,
}

/// The result of draining the queue.
#[derive(Debug, Default)]
pub struct Drained {
    /// The users that were handled, each by its latest outcome.
    pub users: BTreeMap<UserId, UserState>,
    /// What stopped the drain; `None` if nothing did.
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
        database: Database,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let transport =
            transport::network(&settings.endpoints.graph).context("the HTTP client cannot be made")?;
        Self::with_transport(settings, secret, Arc::new(database), transport, clock).await
    }

    /// Does the same, with requests going through `transport` instead of the network.
    pub async fn with_transport(
        settings: Settings,
        secret: ClientSecret,
        database: Arc<Database>,
        transport: Transport,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let ledger = Ledger::open(database.clone(), settings.tenant, clock.clone()).await?;
        let graph = Arc::new(Graph::new(&settings, Arc::new(secret), transport, clock.clone()));
        let process = Process::new(Arc::new(settings), graph, ledger, database.clone(), clock);
        Ok(Self::of(&process, database))
    }

    /// Begins a run of a process whose queue is in `database`.
    pub fn of(process: &Arc<Process>, database: Arc<Database>) -> Self {
        Self { run: Run::begin(process, RunId(Uuid::new_v4()), database.owner(), LEASE), database }
    }

    /// Begins the next run on the same ledger and client with other settings, such as another mode.
    #[must_use]
    pub fn in_mode(&self, settings: Settings) -> Self {
        let process = &self.run.process;
        let (graph, ledger) = (Arc::clone(&process.graph), process.ledger.clone());
        let process =
            Process::new(Arc::new(settings), graph, ledger, self.database.clone(), process.clock.clone());
        Self::of(&process, Arc::clone(&self.database))
    }

    /// Wakes every pending user who has no message.
    pub async fn wake_pending(&self) -> Result<u64, PollError> {
        self.run.wake_pending(|user| self.database.has_message_for(user)).await
    }

    /// Handles messages until none are left or something stops it, and waits for messages that come back
    /// later. If `only` is given, handles only these users. Calls `each` after every handling and before
    /// every wait.
    pub async fn drain(
        &self,
        only: Option<&BTreeSet<UserId>>,
        mut each: impl FnMut(&Progress<'_>),
    ) -> anyhow::Result<Drained> {
        let drain = self.run.drain();
        let mut drained = Drained::default();
        let mut under_way = FuturesUnordered::new();
        loop {
            if drained.stop.is_none() && under_way.len() < UNDER_WAY {
                for received in self.database.receive(UNDER_WAY - under_way.len(), only)? {
                    match Message::parse(&received.body) {
                        Ok(message) => under_way.push(handle(&drain, received, message)),
                        Err(MessageError::Unreadable(reason)) => {
                            drained.dead_letters += 1;
                            tracing::error!(reason, "message not read");
                            self.database.dispose(&received, &Disposition::DeadLetter(reason))?;
                        }
                        Err(error @ MessageError::Newer(_)) => {
                            tracing::warn!(error = %error, "message left for a newer version");
                            drained.newer.insert(received.id);
                            self.database.dispose(&received, &Disposition::ComeBack(NEWER_AGAIN))?;
                        }
                    }
                }
            }
            let Some((received, handled)) = under_way.next().await else {
                match self.database.next_visible_at(only, &drained.newer)? {
                    Some(at) if drained.stop.is_none() => {
                        each(&Progress { handled: None, waits_until: Some(at), throttled: self.throttled() });
                        self.sleep_until(at).await;
                        continue;
                    }
                    _ => {
                        drain.keep_pace().await;
                        return Ok(drained);
                    }
                }
            };
            self.database.dispose(&received, &handled.disposition)?;
            if handled.newer {
                drained.newer.insert(received.id);
            }
            if matches!(handled.disposition, Disposition::DeadLetter(_)) {
                drained.dead_letters += 1;
            }
            each(&Progress { handled: Some(&handled), waits_until: None, throttled: self.throttled() });
            if let Some(state) = handled.state {
                drained.users.insert(handled.user_id, *state);
            }
            drained.stop = drained.stop.or(handled.stop);
        }
    }

    fn throttled(&self) -> u64 {
        self.run.process.graph.traffic().throttled
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = Duration::try_from(at.duration_since(self.run.process.clock.now())).unwrap_or_default();
        tokio::time::sleep(wait.clamp(Duration::from_millis(50), Duration::from_secs(30))).await;
    }
}

/// What a caller of [`Engine::drain`] sees.
pub struct Progress<'a> {
    /// The handling that has just ended.
    pub handled: Option<&'a Handled>,
    /// Nothing to do until then: Graph throttles, or another process handles the rest.
    pub waits_until: Option<Timestamp>,
    /// How many requests Graph has throttled so far.
    pub throttled: u64,
}

async fn handle(drain: &Drain<'_>, received: Received, message: Message) -> (Received, Handled) {
    let handled = drain.handle(&message).await;
    (received, handled)
}
