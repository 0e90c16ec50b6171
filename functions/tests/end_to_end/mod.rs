//! From the schedule's event to the tenant and the ledger, with the real binaries.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod on_demand;
mod runs;
