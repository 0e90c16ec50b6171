//! Registrations that name no clear user, until another source names one.

use std::collections::HashMap;

use jiff::Timestamp;
use shared::{
    audit::{AmbiguousRegistration, AmbiguousWhy},
    domain::ids::EventId,
};

use super::refusals::More;

/// More than this are counted by their cause and no longer kept one by one.
const KEPT: usize = 10_000;

/// Registrations without one clear user, over all files.
#[derive(Default)]
pub(super) struct Unclear {
    /// Those that have an id, which another source may name clearly.
    with_id: HashMap<EventId, Group>,
    /// The others, each cause of each file once.
    groups: Vec<(Group, u64, Option<u64>)>,
}

/// The registrations of one file and one cause.
#[derive(Clone, PartialEq, Eq)]
struct Group {
    file: String,
    why: AmbiguousWhy,
    line: u64,
    at: Timestamp,
}

impl Unclear {
    pub(super) fn add(&mut self, file: &str, line: u64, event: &AmbiguousRegistration) {
        let group = Group { file: file.to_owned(), why: event.why, line, at: event.registered_at };
        match &event.event_id {
            Some(id) if self.with_id.len() < KEPT => {
                self.with_id.entry(id.clone()).or_insert(group);
            }
            _ => self.count(group),
        }
    }

    /// Whether any may still be named clearly.
    pub(super) fn may_be_named(&self) -> bool {
        !self.with_id.is_empty()
    }

    /// Ends the one that a source names clearly, if there is one of this id, and returns its id.
    pub(super) fn named(&mut self, id: Option<&EventId>) -> Option<EventId> {
        self.with_id.remove_entry(id?).map(|(id, _)| id)
    }

    /// Those that are left: how many, and a line for each file and cause.
    pub(super) fn lines(mut self) -> (u64, Vec<String>) {
        let mut rest: Vec<Group> = std::mem::take(&mut self.with_id).into_values().collect();
        rest.sort_by(|left, right| (&left.file, left.line).cmp(&(&right.file, right.line)));
        for group in rest {
            self.count(group);
        }
        let count = self.groups.iter().map(|(_, more, _)| more + 1).sum();
        let line = |(group, more, last_line): &(Group, u64, Option<u64>)| {
            let Group { file, why, line, at } = group;
            format!(
                "{file}: line {line}: a registration at {at} without one clear user: {why}; find out whose it is and \
                 name the user by hand{}",
                More { count: *more, last_line: *last_line }
            )
        };
        (count, self.groups.iter().map(line).collect())
    }

    fn count(&mut self, group: Group) {
        let is_like =
            |known: &&mut (Group, u64, Option<u64>)| known.0.file == group.file && known.0.why == group.why;
        match self.groups.iter_mut().find(is_like) {
            Some((_, more, last_line)) => {
                *more += 1;
                *last_line = Some(group.line);
            }
            None => self.groups.push((group, 0, None)),
        }
    }
}
