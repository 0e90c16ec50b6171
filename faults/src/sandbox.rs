//! One process: what it keeps from one invocation to the next, and its invocations as poll, as drain
//! and as the CLI.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use functions::batch::{Record, settle};
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use mfa_rollback::{
    engine::Engine,
    sqlite::{Received, Store},
};
use shared::{
    clock::Clock,
    credentials::ClientSecret,
    drain::{Drain, LeaseTerm},
    graph::{Graph, transport::Transport},
    ids::{RunId, UserId},
    ledger::{Book, LedgerError},
    poll::{Intake, Poll, PollError, ScanRequest, Summary},
    preflight::Preflight,
    queue::{Disposition, Message},
    settings::Settings,
    state::{ByHand, CLOCK_SKEW},
    window::until,
};
use tower::{Service, ServiceExt, util::BoxCloneSyncService};
use uuid::Uuid;

use crate::{
    ledger::{FaultyLedger, Index, Weather},
    steps::{End, NEVER, Steps, freezing, lock},
    watch::{About, View, Watch},
};

/// What an invocation of drain has, as in `template.yaml`; poll has [`POLL_TIME`].
const DRAIN_TIME: SignedDuration = SignedDuration::from_secs(120);

const POLL_TIME: SignedDuration = SignedDuration::from_secs(240);

/// An invocation's last seconds are for its own answer.
const FOR_THE_ANSWER: SignedDuration = SignedDuration::from_secs(8);

/// How an invocation fares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Luck {
    /// The step at which the process dies.
    pub(crate) dies_at: u32,
    /// When it stands still, and for how long.
    pub(crate) freezes: Option<(Duration, Duration)>,
}

/// See the module.
pub(crate) struct Sandbox {
    pub(crate) view: Arc<View>,
    pub(crate) book: Book,
    pub(crate) is_busy: Cell<bool>,
    settings: Arc<Settings>,
    secret: ClientSecret,
    steps: Arc<Steps>,
    store: Arc<Store>,
    watch: Arc<Watch>,
    transport: Transport,
    graph: Arc<Graph>,
    preflight: RefCell<Option<Arc<Preflight>>>,
}

/// What a new process finds.
pub(crate) struct Ground {
    pub(crate) watch: Arc<Watch>,
    pub(crate) store: Arc<Store>,
    pub(crate) index: Arc<Index>,
    pub(crate) weather: Weather,
}

impl Sandbox {
    /// A process that starts. `None` where it cannot reach its ledger.
    pub(crate) async fn start(
        ground: Ground,
        view: View,
        secret: ClientSecret,
        chance: Rng,
    ) -> Result<Self, LedgerError> {
        let Ground { watch, store, index, weather } = ground;
        let steps = Arc::new(Steps::new(chance));
        let (settings, clock) = (Arc::new(view.settings.clone()), view.clock.clone());
        let view = Arc::new(view);
        let ledger = FaultyLedger {
            ledger: Arc::clone(&watch.ledger),
            steps: Arc::clone(&steps),
            view: Arc::clone(&view),
            watch: Arc::clone(&watch),
            index,
            weather,
        };
        let book = Book::open(Arc::new(ledger), settings.tenant, clock.clone()).await?;
        let transport = transport(Arc::clone(&watch), Arc::clone(&view), Arc::clone(&steps));
        let graph = Graph::new(&settings, Arc::new(secret.clone()), transport.clone(), clock);
        Ok(Self {
            view,
            book,
            is_busy: Cell::new(false),
            settings,
            secret,
            steps,
            store,
            watch,
            transport,
            graph: Arc::new(graph),
            preflight: RefCell::default(),
        })
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.view.clock
    }

    /// A person names a user.
    pub(crate) async fn name_by_hand(&self, user: UserId, by_hand: &ByHand) {
        let window = self.settings.policy.window;
        let run_id = RunId(Uuid::new_v4());
        let intake = Intake::new(self.book.clone(), self.store.clone(), self.clock().clone(), run_id, window);
        // What fails here a person does again.
        let _ = self.steps.run(NEVER, intake.name_by_hand(&[user], by_hand)).await;
    }

    /// Runs `work` as far as its luck goes; without freezing it is cut off at `time`.
    async fn invoke<T>(&self, luck: Luck, time: SignedDuration, work: impl Future<Output = T>) -> Option<T> {
        let now = tokio::time::Instant::now();
        let time = time.unsigned_abs();
        let ended = match luck.freezes {
            Some((after, length)) => {
                self.steps.run(luck.dies_at, async { Ok(freezing(work, now + after, length).await) }).await
            }
            None => self.steps.run(luck.dies_at, tokio::time::timeout(time, work)).await,
        };
        match ended {
            End::Done(Ok(value)) => Some(value),
            End::Done(Err(_)) | End::Died => None,
        }
    }

    /// Begins an invocation that Lambda ends after `time`: its name, and until when it works. Lambda's
    /// clock is right.
    fn begin(&self, time: SignedDuration) -> (RunId, Timestamp) {
        let run_id = RunId(Uuid::new_v4());
        *lock(&self.view.owner) = run_id.to_string();
        let work_until = self.watch.clock.now() + (time - FOR_THE_ANSWER);
        self.graph.begin_invocation(work_until);
        (run_id, work_until)
    }

    /// One invocation of poll. `None` where it was killed or cut off.
    pub(crate) async fn poll(&self, luck: Luck, request: ScanRequest) -> Option<Result<Summary, PollError>> {
        let (run_id, work_until) = self.begin(POLL_TIME);
        let left = || until(self.clock().now(), work_until);
        let work = async {
            let preflight = self.fresh_preflight();
            let preflight = tokio::time::timeout(left() / 3, preflight).await.ok().flatten();
            let poll = Poll::new(
                Arc::clone(&self.graph),
                self.book.clone(),
                self.store.clone(),
                Arc::clone(&self.settings),
                self.clock().clone(),
                run_id,
                run_id.to_string(),
            )
            .until(work_until);
            let run = poll.run(request, preflight.as_deref());
            tokio::time::timeout(left(), run).await.unwrap_or(Err(PollError::OutOfTime))
        };
        self.invoke(luck, POLL_TIME, Box::pin(work)).await
    }

    async fn fresh_preflight(&self) -> Option<Arc<Preflight>> {
        let now = self.clock().now();
        let held = self.preflight.borrow().clone().filter(|preflight| !preflight.is_stale(now));
        if held.is_some() {
            return held;
        }
        let read = Preflight::read(&self.graph, &self.settings, now).await.ok().map(Arc::new);
        self.preflight.borrow_mut().clone_from(&read);
        read
    }

    /// One invocation of drain with a batch of messages. Says how many of them it took.
    pub(crate) async fn drain(&self, luck: Luck, batch: &[Received]) -> Option<usize> {
        let (run_id, work_until) = self.begin(DRAIN_TIME);
        let began = self.watch.clock.now();
        let records: Vec<Record> = batch.iter().map(record).collect();
        let held = self.preflight.borrow().clone();
        let work = async {
            let drain = Drain::new(
                Arc::clone(&self.graph),
                self.book.clone(),
                Arc::clone(&self.settings),
                self.clock().clone(),
                run_id,
                run_id.to_string(),
            );
            let drain = match held {
                Some(preflight) => drain.with_preflight(preflight).await,
                None => drain,
            };
            let time = until(self.clock().now(), work_until);
            let cut_again = CLOCK_SKEW.unsigned_abs() + Duration::from_secs(1);
            let settled = settle(&records, time, cut_again, async |message| {
                drain.handle(&message, LeaseTerm::Until(work_until)).await.disposition
            })
            .await;
            (settled, drain.last_preflight().await)
        };
        let (settled, preflight) = self.invoke(luck, DRAIN_TIME, Box::pin(work)).await?;
        *self.preflight.borrow_mut() = preflight;
        for (received, disposition) in batch.iter().zip(&settled) {
            if *disposition == Disposition::Acknowledge
                && let Ok(message) = Message::parse(&received.body)
            {
                self.watch.acknowledged(message.user_id, began);
            }
            self.store.settle(received, disposition).expect("the queue is in memory");
        }
        Some(settled.iter().filter(|disposition| **disposition == Disposition::Acknowledge).count())
    }

    /// `mfa-rollback run` on the same ledger and queue, for at most `time`.
    pub(crate) async fn run(&self, luck: Luck, time: SignedDuration) {
        let work = async {
            let engine = Engine::with_transport(
                (*self.settings).clone(),
                self.secret.clone(),
                Arc::clone(&self.store),
                self.transport.clone(),
                self.clock().clone(),
            );
            let Ok(mut engine) = engine.await else { return };
            engine.book = self.book.clone();
            *lock(&self.view.owner) = self.store.owner();
            let Ok(preflight) = engine.preflight().await else { return };
            let _ = engine.poll(ScanRequest::Scheduled, &preflight, |_| ()).await;
            let _ = engine.wake_pending().await;
            let drain = engine.drainer(Arc::new(preflight)).await;
            let _ = engine.drain(&drain, None, |_| ()).await;
        };
        self.invoke(luck, time, Box::pin(work)).await;
    }
}

fn record(received: &Received) -> Record {
    Record {
        message_id: "1".to_owned(),
        receipt_handle: String::new(),
        receive_count: 1,
        body: received.body.clone(),
    }
}

/// The tenant as one process reaches it, watched.
fn transport(watch: Arc<Watch>, view: Arc<View>, steps: Arc<Steps>) -> Transport {
    let tenant = watch.tenant.service();
    let service = tower::service_fn(move |request: Request<Bytes>| {
        let (watch, view, steps) = (Arc::clone(&watch), Arc::clone(&view), Arc::clone(&steps));
        let mut tenant = tenant.clone();
        async move {
            steps.step().await;
            let (about, sent_at) = (About::of(&request), watch.clock.now());
            let deletes = request.method() == Method::DELETE;
            if let Some(about) = &about {
                watch.sent(&view, about, request.method());
            }
            let answer = tenant.call(request).await;
            if let (true, Some(about)) = (deletes, &about) {
                watch.ended(&view, about);
            }
            if let (Some(about), Ok(answer)) = (about, &answer)
                && answer.status().is_success()
            {
                Watch::answered(&view, about, sent_at);
            }
            steps.step().await;
            answer
        }
    });
    BoxCloneSyncService::new(service.map_err(Into::into))
}
