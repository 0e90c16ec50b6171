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

/// The last seconds of an invocation are for its own answer.
const FOR_THE_ANSWER: SignedDuration = SignedDuration::from_secs(8);

/// What a function makes once, and keeps between invocations.
pub struct Sandbox {
    /// The settings of poll, or of one of the drains.
    pub settings: Arc<Settings>,
    /// The region, credentials and timeouts of the AWS clients.
    pub config: SdkConfig,
    /// How the function signs in to Entra.
    pub credentials: Arc<dyn Credentials>,
    /// The Graph client, with its pace and its token.
    pub graph: Arc<Graph>,
    /// The queue and its dead letters.
    pub queue: SqsQueue,
    /// Sends notices and outcome events.
    pub notifier: Notifier,
    /// The time that leases, deadlines and records go by.
    pub clock: Clock,
    store: Arc<DynamoDbStore>,
    process: OnceCell<Arc<Process>>,
    metrics: Metrics,
}

/// One invocation, and how long it may work.
#[derive(Debug, Clone, Copy)]
pub struct Invocation {
    /// Lambda's own request id: log lines carry it, and leases are held in its name.
    pub run_id: RunId,
    /// When work stops: after it, the invocation only answers.
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

    /// Returns the tenant's ledger. The first call checks that it is this tenant's.
    pub async fn ledger(&self) -> Result<Ledger, LedgerError> {
        Ok(self.process().await?.ledger.clone())
    }

    /// Begins the run of an invocation. Its leases end when the invocation stops working, long before the
    /// messages that it was handed reappear.
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

    /// Begins an invocation. No wait for Graph lasts longer than it.
    pub fn begin(&self, context: &Context) -> Invocation {
        let run_id = RunId(context.request_id.parse().unwrap_or_else(|_| Uuid::new_v4()));
        let deadline =
            i64::try_from(context.deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        let work_until = shift(deadline.unwrap_or(Timestamp::MAX), -FOR_THE_ANSWER);
        self.graph.begin_invocation(Some(work_until));
        Invocation { run_id, work_until }
    }

    /// Ends an invocation: writes its metrics.
    pub fn end(&self) {
        self.metrics.tell(self.clock.now());
    }

    /// Returns the same invocation with less time.
    pub fn narrow(&self, invocation: Invocation, work_until: Timestamp) -> Invocation {
        let work_until = invocation.work_until.min(work_until);
        self.graph.begin_invocation(Some(work_until));
        Invocation { work_until, ..invocation }
    }
}
