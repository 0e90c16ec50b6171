//! Ids for events that have none.

use jiff::Timestamp;

use super::activity::Activity;
use crate::{digest::digest, domain::ids::EventId};

/// An id made from an event's content: the same each time that the event is read.
pub(super) fn made_key(ids: &[String], at: Timestamp, activity: &Activity, reason: &str) -> EventId {
    let at = at.to_string();
    let parts = ids.iter().map(String::as_str).chain([at.as_str(), activity.name(), reason]);
    EventId::made(&digest(parts.map(str::as_bytes), 16))
}
