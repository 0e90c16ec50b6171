//! What operators see: log lines and metrics of the real binaries.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod busy;
mod insights;
mod logs;
mod metrics;
mod provoked;
mod queries;
#[path = "../support/mod.rs"]
mod support;
mod told;
mod watched;

const POLL: &str = env!("CARGO_BIN_EXE_poll");
const DRAIN: &str = env!("CARGO_BIN_EXE_drain");
