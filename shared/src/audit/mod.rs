//! The audit log: reading its records, from Graph or from an export, and saying what each one means.
//!
//! [`export::read_export`] turns a file of any known format into [`DirectoryAudit`] records, one at a
//! time; [`interpret`] turns a record into an [`Event`]; [`Tally`] counts events for the reports.

mod act;
mod activity;
mod deletion;
mod event;
#[cfg(test)]
mod event_tests;
pub mod export;
mod fields;
mod glimpse;
mod made;
mod names;
mod nested;
mod preselect;
mod read;
mod reason;
mod record;
mod service;
mod tally;
mod time;
mod unified;
mod update;
mod who;

pub use act::{MethodAct, acts};
pub use activity::{Activity, PREVIEW_SWITCHES, Status, is_preview_switch};
pub use deletion::{DELETIONS, DeletedBy, MethodDeletion, deletion};
pub use event::{AmbiguousRegistration, Event, Registration, interpret};
pub use export::{Broken, Salvage, salvage};
pub use glimpse::{Glimpse, glimpse};
pub use reason::kinds_named;
pub use record::{Actor, DirectoryAudit, Initiator, RecordError, TargetResource};
pub use service::Service;
pub use tally::Tally;
pub use time::{TimeError, parse_time};
pub use who::{AmbiguousWhy, is_about, targets};
