//! What the audit log tells of one user, asked for before a method of theirs is deleted: poll may have read the log
//! an hour ago, reads only the window, and does not know what other services recorded.

use std::{
    fmt::Display,
    sync::atomic::{AtomicBool, Ordering},
};

use jiff::{SignedDuration, Timestamp};

use super::interrupted::Interrupted;
use crate::{
    audit::{DirectoryAudit, Event, RecordError, Registration, acts, interpret, is_about},
    domain::{
        facts::{Facts, RecordedAct, RecordedRegistration, Told},
        ids::UserId,
        story::{RecordedChange, worth_keeping},
        window::shift,
    },
    graph::GraphError,
    process::{Process, Scope},
};

/// For how long an answer may be used: at most 2 min pass until the first DELETE, whose other reads take a while.
pub(super) const GOOD_FOR: SignedDuration = SignedDuration::from_secs(100);

/// How near to its retention the log may already have lost a record.
const ABOUT_TO_GO: SignedDuration = SignedDuration::from_hours(24);

/// A file without event ids gives times at most this far from Graph's.
const SAME_EVENT: SignedDuration = SignedDuration::from_secs(5);

/// What the log tells of one user from the window's start until now.
pub(super) struct Story {
    pub(super) asked_at: Timestamp,
    told: Told,
    pub(super) registrations: Vec<RecordedRegistration>,
    pub(super) acts: Vec<RecordedAct>,
    pub(super) changes: Vec<RecordedChange>,
}

impl Story {
    /// Asks the log about a user of whom `on_record` is known. Returns `None` if it cannot be asked by user.
    pub(super) async fn ask(
        scope: &Scope,
        user: UserId,
        on_record: &[RecordedRegistration],
    ) -> Result<Option<Self>, Interrupted> {
        let process = &scope.process;
        let asked_at = process.clock.now();
        let start = process.settings.policy.window.start;
        let found = match process.graph.audit_records_of(user, start).await {
            Ok(found) => found,
            Err(error @ (GraphError::Refused { .. } | GraphError::NotFound)) => {
                say_refused(&error.to_string());
                return Ok(None);
            }
            Err(error @ GraphError::Unreadable { .. }) => {
                return Ok(Some(Self { told: unknown(&error), ..Self::untold(asked_at) }));
            }
            Err(error) => return Err(error.into()),
        };
        let records = found.records.iter().map(|record| record.get());
        let mut story = Self::of(process, user, on_record, asked_at, records);
        if story.told == Told::NotAsked {
            return Ok(None);
        }
        if let Some(missing) = found.missing {
            story.told = unknown(&missing);
        }
        Ok(Some(story))
    }

    /// Reads a story from all records about a user that the log held at `asked_at`.
    pub(super) fn of<'a>(
        process: &Process,
        user: UserId,
        on_record: &[RecordedRegistration],
        asked_at: Timestamp,
        records: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut story = Self::untold(asked_at);
        for record in records {
            match story.take(record, user, process) {
                Ok(true) => {}
                Ok(false) => {
                    say_refused("it answers with the records of others");
                    return Self::untold(asked_at);
                }
                Err(error) => {
                    story.told = unknown(&format!("a record: {error}"));
                    return story;
                }
            }
        }
        story.changes = worth_keeping(story.changes);
        let start = process.settings.policy.window.start;
        let kept_from = shift(asked_at, -process.settings.retention + ABOUT_TO_GO).max(start);
        let is_missing = |known: &&RecordedRegistration| {
            known.proves() && known.registered_at >= kept_from && !story.shows(known)
        };
        story.told = match on_record.iter().find(is_missing) {
            Some(missing) => Told::Unknown(format!(
                "the audit log does not show event {} of {} among the user's",
                missing.event_id, missing.registered_at
            )),
            None => Told::Whole,
        };
        story
    }

    /// Whether it is whole, and shows that the user registered.
    pub(super) fn is_whole(&self) -> bool {
        self.told == Told::Whole && !self.registrations.is_empty()
    }

    /// The story of somebody about whom the log can be asked neither by user nor all at once.
    pub(super) fn unreadable(asked_at: Timestamp, why: &str) -> Self {
        let why = format!("the audit log cannot be asked by user, and not be read for all of them: {why}");
        Self { told: Told::Unknown(why), ..Self::untold(asked_at) }
    }

    fn untold(asked_at: Timestamp) -> Self {
        Self {
            asked_at,
            told: Told::NotAsked,
            registrations: Vec::new(),
            acts: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Whether the answer may still be used.
    pub(super) fn is_recent(&self, now: Timestamp) -> bool {
        now < shift(self.asked_at, GOOD_FOR)
    }

    /// Adds what was told to what was read.
    pub(super) fn add_to(&self, facts: &mut Facts) {
        let is_new = |act: &&RecordedAct| facts.acts.iter().all(|known| known.event_id != act.event_id);
        let new: Vec<RecordedAct> = self.acts.iter().filter(is_new).cloned().collect();
        facts.acts.extend(new);
        facts.story = std::mem::take(&mut facts.story).with(&self.changes);
        facts.told = self.told.clone();
    }

    /// Takes one record. Returns whether it is about the user.
    fn take(&mut self, json: &str, user: UserId, process: &Process) -> Result<bool, RecordError> {
        if !is_about(json, user)? {
            return Ok(false);
        }
        let record = DirectoryAudit::from_graph(json)?;
        let change = record.change()?.filter(|(whose, _)| *whose == user);
        self.changes.extend(change.map(|(_, change)| change));
        let event = interpret(&record);
        let acts = acts(&record, &event).into_iter().map(|act| act.recorded(&process.settings.client_id));
        self.acts.extend(acts.filter(|(whose, _)| *whose == user).map(|(_, act)| act));
        if let Event::Registration(registration) = event
            && registration.user_id == user
        {
            self.registrations.push(recorded(registration, process.clock.now()));
        }
        Ok(true)
    }

    fn shows(&self, known: &RecordedRegistration) -> bool {
        self.registrations.iter().any(|told| {
            told.event_id == known.event_id
                || known.event_id.is_made()
                    && told.registered_at.duration_since(known.registered_at).abs() <= SAME_EVENT
        })
    }
}

fn unknown(why: &dyn Display) -> Told {
    Told::Unknown(format!("the user's story cannot be read: {why}"))
}

fn recorded(registration: Registration, now: Timestamp) -> RecordedRegistration {
    RecordedRegistration {
        event_id: registration.key(),
        registered_at: registration.registered_at,
        methods: registration.methods,
        first_seen_at: now,
        claim: None,
    }
}

fn say_refused(cause: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(cause, "the audit log cannot be asked by user: it is read for all of them");
    }
}
