//! What both functions work with: settings, clients and ledger, made once in a sandbox.

use std::sync::Arc;

use aws_config::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Context;
use shared::{
    clock::Clock,
    credentials::Credentials,
    graph::{Graph, transport},
    ids::RunId,
    ledger::{Book, LedgerError},
    preflight::Preflight,
    window::shift,
};
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

use crate::{
    credentials, dynamodb::DynamoDbLedger, notify::Notifier, settings::Settings, sqs::SqsQueue,
    telemetry::Metrics,
};

/// An invocation's last seconds are for its own answer.
const FOR_THE_ANSWER: SignedDuration = SignedDuration::from_secs(8);

/// See the module.
pub struct Sandbox {
    /// The settings.
    pub settings: Arc<Settings>,
    /// How the AWS clients are set up.
    pub config: SdkConfig,
    /// How the function signs in.
    pub credentials: Arc<dyn Credentials>,
    /// Graph.
    pub graph: Arc<Graph>,
    /// The queue and its dead letters.
    pub queue: SqsQueue,
    /// Who is told.
    pub notifier: Notifier,
    /// The time.
    pub clock: Clock,
    /// What must hold before anything is deleted, as read last.
    pub preflight: Mutex<Option<Arc<Preflight>>>,
    ledger: Arc<DynamoDbLedger>,
    book: OnceCell<Book>,
    metrics: Metrics,
}

/// One invocation.
#[derive(Debug, Clone, Copy)]
pub struct Invocation {
    /// The thread that its log lines hang on, and the name in which it holds leases: Lambda's own
    /// request id.
    pub run_id: RunId,
    /// From here on nothing is done but answering.
    pub work_until: Timestamp,
}

impl Sandbox {
    /// Makes the clients. Nothing is sent yet.
    pub fn new(settings: Settings, config: SdkConfig, clock: Clock) -> Result<Self, lambda_runtime::Error> {
        let credentials = credentials::of(&settings.credential, &settings, &config, &clock);
        let transport = transport::network(&settings.endpoints.graph)?;
        let graph = Arc::new(Graph::new(&settings, Arc::clone(&credentials), transport, clock.clone()));
        let queue = SqsQueue::new(
            aws_sdk_sqs::Client::new(&config),
            &settings.queue_url,
            &settings.dead_letter_queue_url,
        );
        let ledger = DynamoDbLedger::new(aws_sdk_dynamodb::Client::new(&config), &settings.ledger_table);
        let notifier = Notifier::new(&settings, &config, clock.clone());
        let metrics = Metrics::start(settings.tenant)?;
        Ok(Self {
            settings: Arc::new(settings),
            config,
            credentials,
            graph,
            queue,
            notifier,
            clock,
            preflight: Mutex::default(),
            ledger: Arc::new(ledger),
            book: OnceCell::new(),
            metrics,
        })
    }

    /// The tenant's ledger; the first time it is made sure that it is this tenant's.
    pub async fn book(&self) -> Result<Book, LedgerError> {
        let open = || Book::open(self.ledger.clone(), self.settings.tenant, self.clock.clone());
        self.book.get_or_try_init(open).await.cloned()
    }

    /// Begins an invocation: no wait for Graph outlasts it.
    pub fn begin(&self, context: &Context) -> Invocation {
        let run_id = RunId(context.request_id.parse().unwrap_or_else(|_| Uuid::new_v4()));
        let deadline =
            i64::try_from(context.deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        let work_until = shift(deadline.unwrap_or(Timestamp::MAX), -FOR_THE_ANSWER);
        self.graph.begin_invocation(work_until);
        Invocation { run_id, work_until }
    }

    /// Ends an invocation: tells its metrics.
    pub fn end(&self) {
        self.metrics.tell(self.clock.now());
    }

    /// The same invocation with less time.
    pub fn narrow(&self, invocation: Invocation, work_until: Timestamp) -> Invocation {
        let work_until = invocation.work_until.min(work_until);
        self.graph.begin_invocation(work_until);
        Invocation { work_until, ..invocation }
    }
}
