//! The stories of many users at once: a few requests for all of them instead of one for each, out of the smallest
//! budget of all. They are known before anything else is read about a user, which is still fresh then when the first
//! DELETE goes out.

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

/// The most pages of one service: what they hold stays in memory.
const MOST_PAGES: usize = 8;

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
    /// There are more records than reading them in bulk is worth, or they cannot all be read.
    TooMany,
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
        let Some(records) = self.records(scope).await? else { return Ok(None) };
        let Some(of_user) = records.of_user.get(&user) else { return Ok(None) };
        let of_user = of_user.iter().map(|record| record.get());
        let story = Story::of(&scope.process, user, on_record, records.asked_at, of_user);
        Ok(Some(story).filter(Story::is_whole))
    }

    async fn records(&self, scope: &Scope) -> Result<Option<Arc<Records>>, Interrupted> {
        let mut reading = self.reading.lock().await;
        let now = scope.process.clock.now();
        match &*reading {
            Reading::Read(records) if now < shift(records.asked_at, SERVES_FOR) => {
                return Ok(Some(Arc::clone(records)));
            }
            Reading::TooMany => return Ok(None),
            Reading::None | Reading::Read(_) => {}
        }
        let users = self.handlings.load(Ordering::Relaxed);
        if users < LEAST {
            return Ok(None);
        }
        let read = Records::read(scope, users.min(MOST_PAGES)).await?.map(Arc::new);
        *reading = read.clone().map_or(Reading::TooMany, Reading::Read);
        Ok(read)
    }
}

impl Records {
    /// Reads what each service recorded from the window's start until now; `None` if that is more than so many
    /// pages, or something of it cannot be read.
    async fn read(scope: &Scope, most_pages: usize) -> Result<Option<Self>, Interrupted> {
        let process = &scope.process;
        let asked_at = process.clock.now();
        let range = Range { from: process.settings.policy.window.start, to: shift(asked_at, AHEAD) };
        let mut of_user: HashMap<UserId, Vec<Arc<RawValue>>> = HashMap::new();
        for service in Service::ALL {
            let found = match process.graph.audit_records_of_service(service, range, most_pages).await {
                Ok(found) => found,
                Err(error) if error.comes_back() || error.stops_everything() => return Err(error.into()),
                Err(_) => return Ok(None),
            };
            // The directory records changes all the time: an empty answer shows that the filter finds nothing.
            if found.missing.is_some() || (service == Service::CoreDirectory && found.records.is_empty()) {
                return Ok(None);
            }
            for record in found.records {
                let record: Arc<RawValue> = record.into();
                let Ok(users) = targets(record.get()) else { return Ok(None) };
                for user in users {
                    of_user.entry(user).or_default().push(Arc::clone(&record));
                }
            }
        }
        Ok(Some(Self { asked_at, of_user }))
    }
}
