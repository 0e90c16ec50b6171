//! What operators see: log lines and metrics of the real binaries.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod metrics;
#[path = "../support/mod.rs"]
mod support;
mod watched;

const POLL: &str = env!("CARGO_BIN_EXE_poll");
const DRAIN: &str = env!("CARGO_BIN_EXE_drain");
