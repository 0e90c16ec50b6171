//! The audit log: all records, and the pages that Graph shows of them.

mod event;
pub(crate) mod filter;
pub(crate) mod update_user;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::RangeInclusive,
};

use jiff::Timestamp;
use serde_json::Value;

pub use event::NewEvent;
pub(crate) use event::Told;
use filter::{Clause, lower_bound, target_id, upper_bound};

/// Where a record stands in the log: by its time, then by its arrival.
pub(crate) type Position = (Timestamp, u64);

#[derive(Debug)]
struct Entry {
    record: Value,
    visible_at: Timestamp,
}

/// All records, by time.
#[derive(Debug, Default)]
pub(crate) struct AuditLog {
    entries: BTreeMap<Position, Entry>,
    /// Where the records with a target of this id stand.
    of_target: HashMap<String, BTreeSet<Position>>,
    arrived: u64,
}

/// What a page of the log is to hold.
#[derive(Debug)]
pub(crate) struct Stretch<'a> {
    pub(crate) clauses: &'a [Clause],
    pub(crate) ascending: bool,
    /// The last record of the page before.
    pub(crate) after: Option<Position>,
    pub(crate) now: Timestamp,
    /// Records from before this time are gone.
    pub(crate) oldest: Timestamp,
    pub(crate) most: usize,
}

impl AuditLog {
    pub(crate) fn add(&mut self, at: Timestamp, visible_at: Timestamp, record: Value) {
        self.arrived += 1;
        for target in record["targetResources"].as_array().into_iter().flatten() {
            if let Some(id) = target["id"].as_str() {
                self.of_target.entry(id.to_owned()).or_default().insert((at, self.arrived));
            }
        }
        self.entries.insert((at, self.arrived), Entry { record, visible_at });
    }

    /// All records, whether Graph lists them yet or not.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Value> {
        self.entries.values().map(|entry| &entry.record)
    }

    /// The records that Graph lists since `by` at the latest, with their times.
    pub(crate) fn listed(&self, by: Timestamp) -> impl Iterator<Item = (Timestamp, &Value)> {
        let entries = self.entries.iter().filter(move |(_, entry)| entry.visible_at <= by);
        entries.map(|((at, _), entry)| (*at, &entry.record))
    }

    /// All records from a moment on, by time, each with the moment since when Graph lists it.
    pub(crate) fn entries_since(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, &Value)> {
        self.entries.range((from, 0)..).map(|(_, entry)| (entry.visible_at, &entry.record))
    }

    /// The records of one page.
    pub(crate) fn page(&self, stretch: &Stretch) -> Vec<(Position, &Value)> {
        let mut from = (lower_bound(stretch.clauses).max(Some(stretch.oldest)).unwrap_or(stretch.oldest), 0);
        let mut to = (upper_bound(stretch.clauses).unwrap_or(Timestamp::MAX), u64::MAX);
        match stretch.after {
            Some((at, arrival)) if stretch.ascending => from = from.max((at, arrival + 1)),
            Some((at, arrival)) => to = to.min((at, arrival - 1)),
            None => {}
        }
        if from > to {
            return Vec::new();
        }
        let range = self.range(stretch.clauses, from..=to);
        let chosen = |(at, entry): &(&Position, &Entry)| {
            entry.visible_at <= stretch.now
                && stretch.clauses.iter().all(|clause| clause.holds(at.0, &entry.record))
        };
        let rows: Vec<(&Position, &Entry)> = if stretch.ascending {
            range.filter(chosen).take(stretch.most).collect()
        } else {
            range.rev().filter(chosen).take(stretch.most).collect()
        };
        rows.into_iter().map(|(at, entry)| (*at, &entry.record)).collect()
    }

    /// The records between two positions; of one target only, if the clauses ask for one.
    fn range<'a>(
        &'a self,
        clauses: &[Clause],
        between: RangeInclusive<Position>,
    ) -> Box<dyn DoubleEndedIterator<Item = (&'a Position, &'a Entry)> + 'a> {
        let Some(id) = target_id(clauses) else { return Box::new(self.entries.range(between)) };
        let positions = self.of_target.get(id).map(|all| all.range(between));
        Box::new(positions.into_iter().flatten().map(|at| (at, &self.entries[at])))
    }
}
