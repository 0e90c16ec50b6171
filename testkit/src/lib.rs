//! What the tests of several crates share: what every ledger must do, and what a simulated tenant must never show.

#![expect(clippy::unwrap_used, reason = "a check fails by panicking")]

pub mod conformance;
pub mod safety;
