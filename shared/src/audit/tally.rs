//! Counting events by activity and status.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::{
    activity::{Activity, Status},
    event::Event,
};

/// Once there are this many different names, new ones are counted together: a file of nonsense fills no
/// memory.
const DISTINCT_LIMIT: usize = 500;

/// How many events there were of each activity and status, and how many of other services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<(Activity, Status), u64>,
    other_services: u64,
}

#[derive(Serialize)]
struct Row<'a> {
    activity: &'a Activity,
    status: &'a Status,
    count: u64,
}

impl Tally {
    /// Counts one event under its activity and status.
    pub fn add(&mut self, event: &Event) {
        let (activity, status) = match event {
            Event::Registration(registration) => (registration.activity.clone(), Status::Success),
            Event::Ambiguous(registration) => (registration.activity.clone(), Status::Success),
            Event::Other { activity, status } => (activity.clone(), status.clone()),
            Event::OtherService => {
                self.other_services += 1;
                return;
            }
        };
        self.count(activity, status, 1);
    }

    /// Adds another tally's counts.
    pub fn merge(&mut self, other: &Self) {
        self.other_services += other.other_services;
        for (activity, status, count) in other.iter() {
            self.count(activity.clone(), status.clone(), count);
        }
    }

    /// The counts, in the order of [`Activity`] and [`Status`], unknown activities last by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Activity, &Status, u64)> {
        self.counts.iter().map(|((activity, status), count)| (activity, status, *count))
    }

    /// The names of the service's activities that this program does not know, with their counts.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, u64)> {
        self.iter().filter_map(|(activity, _, count)| match activity {
            Activity::Unknown(name) => Some((name.as_str(), count)),
            _ => None,
        })
    }

    /// How many events were of other services.
    pub fn other_services(&self) -> u64 {
        self.other_services
    }

    /// How many events were counted, including those of other services.
    pub fn total(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.other_services
    }

    fn count(&mut self, activity: Activity, status: Status, times: u64) {
        let mut key = (activity, status);
        if self.counts.len() >= DISTINCT_LIMIT && !self.counts.contains_key(&key) {
            key = (Activity::Unknown("…".to_owned()), Status::Unknown("…".to_owned()));
        }
        *self.counts.entry(key).or_default() += times;
    }
}

/// As a list of `{"activity", "status", "count"}`, without other services.
impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.counts.len()))?;
        for (activity, status, count) in self.iter() {
            rows.serialize_element(&Row { activity, status, count })?;
        }
        rows.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(name: &str, result: &str) -> Event {
        Event::Other { activity: Activity::from_name(name), status: Status::from_result(result) }
    }

    #[test]
    fn counts_come_in_a_stable_order_with_unknown_names_last() {
        let mut tally = Tally::default();
        for event in [
            other("Zoom", "success"),
            other("User reviewed security info", "failure"),
            other("User reviewed security info.", "success"),
            other("user reviewed security info", "success"),
            other("Aardvark", "success"),
            Event::OtherService,
        ] {
            tally.add(&event);
        }
        let mut twice = tally.clone();
        twice.merge(&tally);
        assert_eq!(
            serde_json::to_string(&tally).unwrap(),
            concat!(
                r#"[{"activity":"User reviewed security info","status":"success","count":2},"#,
                r#"{"activity":"User reviewed security info","status":"failure","count":1},"#,
                r#"{"activity":"Aardvark","status":"success","count":1},"#,
                r#"{"activity":"Zoom","status":"success","count":1}]"#,
            )
        );
        assert_eq!(tally.unknown().collect::<Vec<_>>(), [("Aardvark", 1), ("Zoom", 1)]);
        assert_eq!((tally.other_services(), tally.total(), twice.total()), (1, 6, 12));
    }

    #[test]
    fn a_file_of_nonsense_fills_no_memory() {
        let mut tally = Tally::default();
        for number in 0..2000 {
            tally.add(&other(&format!("nonsense {number}"), "success"));
        }
        assert_eq!(tally.total(), 2000);
        assert!(tally.iter().count() <= DISTINCT_LIMIT + 1);
    }
}
