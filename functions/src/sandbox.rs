//! What both functions work with: settings, clients and ledger, made once in a sandbox.

use std::sync::Arc;

use aws_config::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Context;
use shared::{
    clock::Clock,
    credentials::Credentials,
    domain::{ids::RunId, window::shift},
    graph::{Graph, transport},
    ledger::{Ledger, LedgerError},
    process::{LeaseTerm, Process, Run},
};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::{
    credentials, dynamodb::DynamoDbStore, notify::Notifier, settings::Settings, sqs::SqsQueue,
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
    store: Arc<DynamoDbStore>,
    process: OnceCell<Arc<Process>>,
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
        let store = DynamoDbStore::new(aws_sdk_dynamodb::Client::new(&config), &settings.ledger_table);
        let notifier = Notifier::new(&settings, &config);
        let metrics = Metrics::start(settings.tenant)?;
        Ok(Self {
            settings: Arc::new(settings),
            config,
            credentials,
            graph,
            queue,
            notifier,
            clock,
            store: Arc::new(store),
            process: OnceCell::new(),
            metrics,
        })
    }

    /// The tenant's ledger; the first time it is made sure that it is this tenant's.
    pub async fn ledger(&self) -> Result<Ledger, LedgerError> {
        Ok(self.process().await?.ledger.clone())
    }

    /// The run of an invocation. Its leases end where the invocation stops working, which is long before the messages
    /// that it was handed show again.
    pub async fn run(&self, invocation: Invocation) -> Result<Run, LedgerError> {
        let Invocation { run_id, work_until } = invocation;
        Ok(Run::begin(self.process().await?, run_id, run_id.to_string(), LeaseTerm::Until(work_until)))
    }

    async fn process(&self) -> Result<&Arc<Process>, LedgerError> {
        self.process
            .get_or_try_init(async || {
                let clock = self.clock.clone();
                let ledger = Ledger::open(self.store.clone(), self.settings.tenant, clock.clone()).await?;
                let (settings, graph) = (Arc::new(self.settings.common.clone()), Arc::clone(&self.graph));
                Ok(Process::new(settings, graph, ledger, Arc::new(self.queue.clone()), clock))
            })
            .await
    }

    /// Begins an invocation: no wait for Graph outlasts it.
    pub fn begin(&self, context: &Context) -> Invocation {
        let run_id = RunId(context.request_id.parse().unwrap_or_else(|_| Uuid::new_v4()));
        let deadline =
            i64::try_from(context.deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        let work_until = shift(deadline.unwrap_or(Timestamp::MAX), -FOR_THE_ANSWER);
        self.graph.begin_invocation(Some(work_until));
        Invocation { run_id, work_until }
    }

    /// Ends an invocation: tells its metrics.
    pub fn end(&self) {
        self.metrics.tell(self.clock.now());
    }

    /// The same invocation with less time.
    pub fn narrow(&self, invocation: Invocation, work_until: Timestamp) -> Invocation {
        let work_until = invocation.work_until.min(work_until);
        self.graph.begin_invocation(Some(work_until));
        Invocation { work_until, ..invocation }
    }
}
