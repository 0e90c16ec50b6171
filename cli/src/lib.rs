//! `mfa-rollback` on one machine: the use cases of the common crate over an embedded ledger and
//! queue, and the commands that a person gives.

pub mod sqlite;
