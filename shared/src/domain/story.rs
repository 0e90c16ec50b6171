//! The story of a user's MFA details, as the directory's own "Update user" records tell it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    ids::{EventId, MethodId},
    look::hash,
    window::Window,
};

/// One record of a change, as the ledger keeps it. Tokens and device names are not in it, and numbers only hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedChange {
    /// The audit event's id.
    pub event_id: EventId,
    /// When the directory recorded the change (`activityDateTime`), within seconds of it.
    pub at: Timestamp,
    /// Whether somebody other than the user and Microsoft's MFA service made it.
    pub by_another: bool,
    /// The MFA flags (`StrongAuthenticationMethod`), by `MethodType`.
    pub flags: Change<BTreeSet<u8>>,
    /// The apps (`StrongAuthenticationPhoneAppDetail`): Authenticator and software OATH, by their ids.
    pub apps: Change<BTreeSet<MethodId>>,
    /// The phone numbers of any slot (`StrongAuthenticationUserDetails`), hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
    /// Whether per-user MFA was on (`StrongAuthenticationRequirement`).
    pub required: Change<bool>,
}

/// The phone numbers before and after a change, hashed with a salt of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    salt: Uuid,
    #[serde(flatten)]
    sides: Change<BTreeSet<String>>,
}

impl Numbers {
    /// Hashes the numbers of both sides. A side with a number that is masked shows nothing.
    pub fn hashed(sides: &Change<Vec<String>>, salt: Uuid) -> Self {
        let hashed = |side: &Option<Vec<String>>| {
            side.as_ref().and_then(|numbers| numbers.iter().map(|number| hash(salt, Some(number))).collect())
        };
        Self { salt, sides: Change { before: hashed(&sides.before), after: hashed(&sides.after) } }
    }

    /// Whether each side has a number; `None` if it does not show, or the number is masked.
    fn have(&self, number: &str) -> Change<bool> {
        let hash = hash(self.salt, Some(number));
        let has = |side: &Option<BTreeSet<String>>| Some(side.as_ref()?.contains(hash.as_ref()?));
        Change { before: has(&self.sides.before), after: has(&self.sides.after) }
    }
}

/// A property before and after a change. A side is `None` if the record does not show it: the property did not
/// change, or its text is absent, cut off or not JSON. Such a side proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change<T> {
    /// The old value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<T>,
    /// The new value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<T>,
}

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self { before: None, after: None }
    }
}

impl<T> Change<T> {
    fn is_shown(&self) -> bool {
        self.before.is_some() || self.after.is_some()
    }
}

impl RecordedChange {
    /// Whether it is the stamp: the user's MFA flags went from none to some.
    pub fn stamps(&self) -> bool {
        let is_empty = |side: &Option<BTreeSet<u8>>| side.as_ref().map(BTreeSet::is_empty);
        is_empty(&self.flags.before) == Some(true) && is_empty(&self.flags.after) == Some(false)
    }

    /// Whether something came or went: an app that is only used or renamed leaves the same ids.
    pub fn is_change(&self) -> bool {
        let flags = self.flags.is_shown() && self.flags.before != self.flags.after;
        let apps = self.apps.is_shown() && self.apps.before != self.apps.after;
        let numbers = self.numbers.as_ref().map(|numbers| &numbers.sides);
        let numbers = numbers.is_some_and(|sides| sides.is_shown() && sides.before != sides.after);
        flags || apps || numbers || self.required.is_shown()
    }

    /// Whether it shows anything of the user's MFA details, changed or not.
    pub fn shows(&self) -> bool {
        self.shown().contains(&true)
    }

    fn shown(&self) -> [bool; 4] {
        let numbers = self.numbers.as_ref().is_some_and(|numbers| numbers.sides.is_shown());
        [self.flags.is_shown(), self.apps.is_shown(), numbers, self.required.is_shown()]
    }
}

/// What of a user's changes is worth keeping: those by which something came or went, and the first that shows each
/// property, which tells what was there before. An app records each of its uses.
pub fn worth_keeping(mut changes: Vec<RecordedChange>) -> Vec<RecordedChange> {
    changes.sort_by_key(|change| change.at);
    let mut seen = [false; 4];
    changes.retain(|change| {
        let shown = change.shown();
        let is_first = shown.iter().zip(&seen).any(|(shown, seen)| *shown && !seen);
        for (seen, shown) in seen.iter_mut().zip(shown) {
            *seen |= shown;
        }
        is_first || change.is_change()
    });
    changes
}

/// Where an app or a number came from, as far as the story shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came<'a> {
    /// It was there before the window: the first record from the window's start on shows it as old.
    Before(&'a RecordedChange),
    /// This record of the window added it.
    Within(&'a RecordedChange),
    /// This record from after the window added it.
    After(&'a RecordedChange),
}

/// The changes on record of one user, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story(Vec<RecordedChange>);

impl Story {
    /// Puts changes in order.
    pub fn new(mut changes: Vec<RecordedChange>) -> Self {
        changes.sort_by(|a, b| (a.at, &a.event_id).cmp(&(b.at, &b.event_id)));
        Self(changes)
    }

    /// The story with more changes; known ones stay as they are.
    #[must_use]
    pub fn with(mut self, changes: &[RecordedChange]) -> Self {
        let is_new = |change: &&RecordedChange| self.0.iter().all(|known| known.event_id != change.event_id);
        let new: Vec<RecordedChange> = changes.iter().filter(is_new).cloned().collect();
        self.0.extend(new);
        Self::new(self.0)
    }

    /// All changes, oldest first.
    pub fn changes(&self) -> &[RecordedChange] {
        &self.0
    }

    /// The changes from the window's start on.
    fn since(&self, window: &Window) -> impl Iterator<Item = &RecordedChange> {
        let start = window.start;
        self.0.iter().filter(move |change| change.at >= start)
    }

    /// The record by which per-user MFA was on at some time since the window's start.
    pub fn required(&self, window: &Window) -> Option<&RecordedChange> {
        self.since(window)
            .find(|change| change.required.before == Some(true) || change.required.after == Some(true))
    }

    /// The first record since the window's start that shows the MFA flags or the apps, and whether there were none
    /// before it. An app that replaces another leaves the flags as they are, so either property shows older methods.
    pub fn stamp(&self, window: &Window) -> Option<(&RecordedChange, bool)> {
        let flags = self.since(window).find(|change| change.flags.is_shown());
        let apps = self.since(window).find(|change| change.apps.is_shown());
        let had_flags = flags.and_then(|change| Some((change, !change.flags.before.as_ref()?.is_empty())));
        let had_apps = apps.and_then(|change| Some((change, !change.apps.before.as_ref()?.is_empty())));
        let shown = [had_flags, had_apps].into_iter().flatten();
        shown.max_by_key(|(_, had)| *had).map(|(change, had)| (change, !had))
    }

    /// Where an app came from; `None` if nothing shows it, or two records contradict each other. A registration of an
    /// app has an id of its own, so the record that added it stays true whatever comes later.
    pub fn app_came(&self, app: &MethodId, window: &Window) -> Option<Came<'_>> {
        let has = |side: &Option<BTreeSet<MethodId>>| side.as_ref().map(|apps| apps.contains(app));
        self.came(window, |change| Change {
            before: has(&change.apps.before),
            after: has(&change.apps.after),
        })
    }

    /// Where a phone number came from, in whatever slot; `None` as for an app. A number that was added twice proves
    /// nothing.
    pub fn number_came(&self, number: &str, window: &Window) -> Option<Came<'_>> {
        let have = |change: &RecordedChange| change.numbers.as_ref().map(|numbers| numbers.have(number));
        self.came(window, |change| have(change).unwrap_or_default())
    }

    fn came(&self, window: &Window, has: impl Fn(&RecordedChange) -> Change<bool>) -> Option<Came<'_>> {
        let first = self.since(window).find(|change| has(change).is_shown())?;
        let adds = |change: &&RecordedChange| {
            let there = has(change);
            there.before == Some(false) && there.after == Some(true)
        };
        if has(first).before == Some(true) {
            // A number may have gone and come again.
            let again = self.since(window).filter(adds).find(|change| change.at > window.end);
            return Some(again.map_or(Came::Before(first), Came::After));
        }
        let mut adding = self.since(window).filter(adds);
        let added = adding.next()?;
        if adding.next().is_some() {
            return None;
        }
        // Whatever shows it before it was added, or gone after that, casts doubt on the ids.
        let others = self.since(window).filter(|change| change.event_id != added.event_id);
        let is_odd = others.into_iter().any(|change| {
            let there = has(change);
            let shows = |it: bool| [there.before, there.after].contains(&Some(it));
            if change.at <= added.at { shows(true) } else { shows(false) }
        });
        match (is_odd, added.at <= window.end) {
            (true, _) => None,
            (false, true) => Some(Came::Within(added)),
            (false, false) => Some(Came::After(added)),
        }
    }
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
