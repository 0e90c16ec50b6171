//! Log lines and metrics as JSON on standard output, which Lambda takes to CloudWatch. Lines of metrics are
//! in the embedded metric format, from which CloudWatch makes metrics.

use std::io;

use jiff::Timestamp;
use metrics_cloudwatch_embedded::{Builder, Collector};
use shared::{
    domain::ids::TenantId,
    panics,
    settings::environment,
    telemetry::{self, NAMESPACE, TENANT},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Starts logging at the level of Lambda's own setting (`AWS_LAMBDA_LOG_LEVEL`), and logs panics.
///
/// At debug and trace level, libraries log what they send and where to, which may hold a secret, a token or a
/// principal name: they log from level info only.
pub fn start() {
    let level = environment("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    let level: LevelFilter = level.unwrap_or(LevelFilter::INFO);
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("shared", level)
        .with_target("functions", level)
        // It repeats each failed invocation, which is already in the log.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stdout)
        .with_filter(filter);
    // A subscriber that was set before may stay.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    panics::say_only_where();
}

/// Collects metrics until an invocation has ended.
#[derive(Clone, Copy)]
pub struct Metrics(&'static Collector);

impl Metrics {
    /// Starts collecting for a tenant. A process does so once.
    pub fn start(tenant: TenantId) -> Result<Self, lambda_runtime::Error> {
        let metrics = Builder::new()
            .cloudwatch_namespace(NAMESPACE)
            .with_dimension(TENANT, tenant.to_string())
            .init()
            .map_err(|error| error.to_string())?;
        telemetry::describe();
        // A line without a level is lost if lines are filtered by level.
        metrics.set_property("level", "INFO").set_property("message", "metrics");
        Ok(Self(metrics))
    }

    /// Writes what was collected, one line for each set of dimensions.
    pub fn tell(self, now: Timestamp) {
        self.0.set_property("timestamp", now.to_string());
        if let Err(error) = self.0.flush(io::stdout()) {
            tracing::error!(error = %error, "metrics not written");
        }
    }
}
