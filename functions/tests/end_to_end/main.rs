//! From the schedule's event to the tenant and the ledger, with the real binaries.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod kill;
mod on_demand;
mod runs;
#[path = "../support/mod.rs"]
mod support;

const POLL: &str = env!("CARGO_BIN_EXE_poll");
const DRAIN: &str = env!("CARGO_BIN_EXE_drain");
const ENFORCE: (&str, &str) = ("MODE", "enforce");
