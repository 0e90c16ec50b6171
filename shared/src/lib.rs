//! The common crate of `mfa-rollback`: what an audit event means, who is to be rolled back and why,
//! and how that is done so that no crash, race or refusal ever takes methods from the wrong user.
//!
//! Deciding, planning, window arithmetic and the brake are pure, with the clock passed in; input and
//! output stand at the rim: [`graph`], [`ledger`], [`queue`].

pub mod api;
pub mod audit;
pub mod clock;
pub mod cloud;
pub mod credentials;
pub mod decide;
mod digest;
pub mod doctor;
pub mod domain;
pub mod drain;
pub mod graph;
pub mod ids_file;
pub mod ledger;
pub mod notices;
pub mod panics;
pub mod poll;
pub mod preflight;
pub mod process;
pub mod queue;
pub mod settings;
pub mod telemetry;
pub mod text;
pub mod view;
