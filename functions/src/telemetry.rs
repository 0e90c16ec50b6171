//! Log lines: JSON on standard output, from where Lambda takes them to CloudWatch.

use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use shared::settings::environment;

/// Libraries that say at debug or trace level what they send and where to; that may hold a secret,
/// a token or a principal name.
const WITH_CONTENTS: [&str; 12] = [
    "aws_config",
    "aws_runtime",
    "aws_sdk_dynamodb",
    "aws_sdk_secretsmanager",
    "aws_sdk_sqs",
    "aws_sdk_sts",
    "aws_smithy_runtime",
    "aws_smithy_runtime_api",
    "h2",
    "hyper",
    "lambda_runtime",
    "reqwest",
];

/// Starts logging at the level of Lambda's own setting (`AWS_LAMBDA_LOG_LEVEL`), and logs panics.
pub fn start() {
    let level = environment("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    let level: LevelFilter = level.unwrap_or(LevelFilter::INFO);
    let mut filter = EnvFilter::default().add_directive(level.into());
    for quiet in WITH_CONTENTS {
        let directive = format!("{quiet}={}", level.min(LevelFilter::INFO));
        filter = filter.add_directive(directive.parse().expect("a crate and a level"));
    }
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stdout)
        .with_filter(filter);
    // Whoever set a subscriber before may keep it.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    // A panic's own text may quote what it was about.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(panic.location = place, "panicked");
    }));
}
