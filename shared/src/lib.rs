//! The shared crate of `mfa-rollback`: what an audit event means, whom to roll back and why, and how to do it
//! so that no crash, race or refusal ever takes methods from the wrong user.
//!
//! Deciding, planning, window arithmetic and the brake are pure functions that take the clock as an argument.
//! Input and output happen at the edges: [`graph`], [`ledger`], [`queue`].

pub mod api;
pub mod audit;
pub mod clock;
pub mod cloud;
pub mod credentials;
pub mod decide;
pub mod diagnose;
mod digest;
pub mod doctor;
pub mod domain;
pub mod drain;
pub mod graph;
pub mod ids_file;
pub mod ledger;
pub mod notices;
pub mod panics;
pub mod plan;
pub mod poll;
pub mod preflight;
pub mod process;
pub mod queue;
pub mod settings;
pub mod telemetry;
pub mod text;
pub mod verify;
pub mod view;
