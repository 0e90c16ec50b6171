//! Log lines: JSON in a file if `--log` names one, warnings for people on standard error.

use std::{fs::OpenOptions, io::IsTerminal, path::Path, sync::Arc};

use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Libraries that log the addresses of requests at trace level; these may hold a principal name.
const WITH_ADDRESSES: [&str; 5] = ["h2", "hyper", "hyper_util", "reqwest", "rustls"];

/// Starts logging. `RUST_LOG` sets what the file gets; it gets `info` by default.
pub fn start(file: Option<&Path>) -> std::io::Result<()> {
    let json = match file {
        None => None,
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
                std::io::Error::new(error.kind(), format!("log file {}: {error}", path.display()))
            })?;
            let mut filter =
                EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
            for quiet in WITH_ADDRESSES {
                filter =
                    filter.add_directive(format!("{quiet}=info").parse().map_err(std::io::Error::other)?);
            }
            Some(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(false)
                    .with_writer(Arc::new(file))
                    .with_filter(filter),
            )
        }
    };
    let warnings = fmt::layer()
        .compact()
        .without_time()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_filter(LevelFilter::WARN);
    tracing_subscriber::registry().with(json).with(warnings).try_init().map_err(std::io::Error::other)?;
    shared::panics::say_only_where();
    Ok(())
}
