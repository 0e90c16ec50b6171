//! What a rule may look at.

use jiff::Timestamp;

use super::record::Record;
use crate::{
    domain::facts::{Belts, Facts, RecordedRegistration},
    settings::Policy,
};

/// Everything that a rule may look at.
pub(super) struct Asked<'a> {
    pub(super) record: Record<'a>,
    pub(super) facts: &'a Facts,
    pub(super) belts: &'a Belts,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
}

impl Asked<'_> {
    /// The registrations on record that lie in the window.
    pub(super) fn of_window(&self) -> impl Iterator<Item = &RecordedRegistration> {
        let window = self.policy.window;
        self.record.registrations.iter().filter(move |r| window.contains(r.registered_at))
    }
}
