//! All tests of the functions in one binary: each links the whole of AWS's SDK, and they share what stands in for AWS.

mod aborted;
mod credentials;
mod deployed;
mod doctor;
mod doubles;
mod end_to_end;
mod least_privilege;
mod ledger;
mod operations;
mod queue;
mod schedules;
mod secrets;
mod support;

const POLL: &str = env!("CARGO_BIN_EXE_poll");
const DRAIN: &str = env!("CARGO_BIN_EXE_drain");
const ENFORCE: (&str, &str) = ("MODE", "enforce");
