//! The stories of many users at once: a few requests for all of them instead of one for each, out of the smallest
//! budget of all. They are known before anything else is read about a user, which is still fresh then when the first
//! DELETE goes out. Where the log cannot be asked by user, they are all there is.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use super::{interrupted::Interrupted, story::Story};
use crate::{
    audit::{Service, targets},
    domain::{
        facts::RecordedRegistration,
        ids::UserId,
        window::{Range, shift},
    },
    process::Scope,
};

/// For how long a reading serves the handlings that begin: a handling may use a story for 40 s more.
const SERVES_FOR: SignedDuration = SignedDuration::from_secs(60);

/// Fewer users than this are asked for one by one.
const LEAST: usize = 5;

/// The most pages of all services: what they hold stays in memory, and at drain's share of the budget (3 in 10 s) more
/// take longer than a story is good for.
const MOST_PAGES: usize = 24;

/// How far ahead of this clock Graph's may be.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// The handlings of a run, and what was read for all of them.
#[derive(Default)]
pub(super) struct Bulk {
    handlings: AtomicUsize,
    reading: Mutex<Reading>,
}

#[derive(Default)]
enum Reading {
    #[default]
    None,
    Read(Arc<Records>),
    /// There are more pages than these, or they cannot all be read.
    Missed {
        pages: usize,
        why: String,
    },
}

struct Records {
    asked_at: Timestamp,
    of_user: HashMap<UserId, Vec<Arc<RawValue>>>,
}

/// A handling that may need a story, until it is dropped.
pub(super) struct Counted<'a>(&'a Bulk);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.handlings.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Bulk {
    /// Counts a handling.
    pub(super) fn count(&self) -> Counted<'_> {
        self.handlings.fetch_add(1, Ordering::Relaxed);
        Counted(self)
    }

    /// Returns the story of one user as a reading for all users tells it. `None` means that it does not tell
    /// enough, or is not worth its requests: then the log has to be asked about this user.
    pub(super) async fn story(
        &self,
        scope: &Scope,
        user: UserId,
        on_record: &[RecordedRegistration],
    ) -> Result<Option<Story>, Interrupted> {
        let users = self.handlings.load(Ordering::Relaxed);
        let pages = if users < LEAST { 0 } else { users.min(MOST_PAGES) };
        if pages == 0 {
            return Ok(None);
        }
        let Ok(records) = self.records(scope, pages).await? else { return Ok(None) };
        Ok(records.story(scope, user, on_record).filter(Story::is_whole))
    }

    /// Returns the story of one user, in the way that costs the fewest requests: from a reading for all, from the log
    /// asked by user, or, where it refuses that, from a reading for all after all.
    pub(super) async fn ask(
        &self,
        scope: &Scope,
        user: UserId,
        on_record: &[RecordedRegistration],
    ) -> Result<Story, Interrupted> {
        if let Some(story) = self.story(scope, user, on_record).await? {
            return Ok(story);
        }
        if let Some(story) = Story::ask(scope, user, on_record).await? {
            return Ok(story);
        }
        let story = match self.records(scope, MOST_PAGES).await? {
            Ok(records) => {
                records.story(scope, user, on_record).ok_or("it shows nothing of the user".to_owned())
            }
            Err(why) => Err(why),
        };
        Ok(story.unwrap_or_else(|why| Story::unreadable(scope.process.clock.now(), &why)))
    }

    /// What was read for all, or why it cannot be.
    async fn records(
        &self,
        scope: &Scope,
        pages: usize,
    ) -> Result<Result<Arc<Records>, String>, Interrupted> {
        let mut reading = self.reading.lock().await;
        let now = scope.process.clock.now();
        match &*reading {
            Reading::Read(records) if now < shift(records.asked_at, SERVES_FOR) => {
                return Ok(Ok(Arc::clone(records)));
            }
            // Not anew with each handling that begins: once more at most, for all the pages.
            Reading::Missed { pages: asked, why } if pages <= *asked || pages < MOST_PAGES => {
                return Ok(Err(why.clone()));
            }
            _ => {}
        }
        let read = Records::read(scope, pages).await?.map(Arc::new);
        *reading = match &read {
            Ok(records) => Reading::Read(Arc::clone(records)),
            Err(why) => Reading::Missed { pages, why: why.clone() },
        };
        Ok(read)
    }
}

impl Records {
    /// Reads what each service recorded from the window's start until now. Says why if that is more than so many
    /// pages, or something of it cannot be read.
    async fn read(scope: &Scope, mut pages: usize) -> Result<Result<Self, String>, Interrupted> {
        let process = &scope.process;
        let asked_at = process.clock.now();
        let range = Range { from: process.settings.policy.window.start, to: shift(asked_at, AHEAD) };
        let mut of_user: HashMap<UserId, Vec<Arc<RawValue>>> = HashMap::new();
        for service in Service::ALL {
            let found = match process.graph.audit_records_of_service(service, range, pages).await {
                Ok(found) => found,
                Err(error) if error.comes_back() || error.stops_everything() => return Err(error.into()),
                Err(error) => return Ok(Err(error.to_string())),
            };
            // The directory records changes all the time: an empty answer shows that the filter finds nothing.
            if let Some(missing) = found.missing {
                return Ok(Err(missing));
            }
            if service == Service::CoreDirectory && found.records.is_empty() {
                return Ok(Err("it shows nothing of the directory".to_owned()));
            }
            pages = pages.saturating_sub(found.pages);
            for record in found.records {
                let record: Arc<RawValue> = record.into();
                let users = match targets(record.get()) {
                    Ok(users) => users,
                    Err(error) => return Ok(Err(format!("a record: {error}"))),
                };
                for user in users {
                    of_user.entry(user).or_default().push(Arc::clone(&record));
                }
            }
        }
        Ok(Ok(Self { asked_at, of_user }))
    }

    /// The story of one user, if anything is recorded about them.
    fn story(&self, scope: &Scope, user: UserId, on_record: &[RecordedRegistration]) -> Option<Story> {
        let of_user = self.of_user.get(&user)?.iter().map(|record| record.get());
        Some(Story::of(&scope.process, user, on_record, self.asked_at, of_user))
    }
}
