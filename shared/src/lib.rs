//! The common crate of `mfa-rollback`: what an audit event means, who is to be rolled back and why,
//! and how that is done so that no crash, race or refusal ever takes methods from the wrong user.
//!
//! Deciding, planning, window arithmetic and the brake are pure, with the clock passed in; input and
//! output stand at the rim: [`graph`], [`ledger`], [`queue`].

pub mod api;
pub mod audit;
pub mod brake;
pub mod clock;
pub mod cloud;
pub mod credentials;
pub mod decide;
mod digest;
pub mod doctor;
pub mod drain;
pub mod facts;
pub mod graph;
pub mod ids;
pub mod ids_file;
pub mod intent;
pub mod ledger;
pub mod method;
pub mod outcome;
pub mod panics;
pub mod poll;
pub mod preflight;
pub mod queue;
pub mod settings;
pub mod state;
pub mod telemetry;
pub mod text;
pub mod user_ref;
pub mod view;
pub mod window;
