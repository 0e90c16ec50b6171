//! The program's vocabulary: accounts and their methods, registrations, the window, facts, the outcomes of
//! decisions, intents, and one user's state. Plain values and pure functions; nothing here reads or writes.

pub mod account;
pub mod approval;
pub mod brake;
pub mod decision;
pub mod default_method;
pub mod facts;
pub mod ids;
pub mod intent;
pub mod lease;
pub mod look;
pub mod memory;
pub mod method;
pub mod methods_policy;
pub mod origin;
pub mod outcome;
pub mod person;
pub mod plan;
pub mod policies;
pub mod reason;
mod review;
pub mod rule;
pub mod state;
pub mod story;
pub mod user_ref;
pub mod window;
