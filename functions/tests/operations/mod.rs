//! What operators see: log lines and metrics of the real binaries.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod busy;
mod insights;
mod logs;
mod metrics;
mod provoked;
mod queries;
mod told;
mod watched;
