//! Log lines: JSON on standard output, from where Lambda takes them to CloudWatch.

use shared::{panics, settings::environment};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Starts logging at the level of Lambda's own setting (`AWS_LAMBDA_LOG_LEVEL`), and logs panics.
///
/// Libraries say at debug or trace level what they send and where to, which may hold a secret, a token
/// or a principal name: they log from info on only.
pub fn start() {
    let level = environment("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    let level: LevelFilter = level.unwrap_or(LevelFilter::INFO);
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("shared", level)
        .with_target("functions", level)
        // It repeats each failed invocation, which is said already.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stdout)
        .with_filter(filter);
    // Whoever set a subscriber before may keep it.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    panics::say_only_where();
}
