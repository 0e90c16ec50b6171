//! Typed access to a ledger: loads documents, makes changes durable, and tells a lost answer from a
//! lost race.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Cursor, Document, Expect, Key, Ledger, LedgerError, OutcomeQuery, SCHEMA, Write};
use crate::{
    brake::{Brake, BrakeState},
    clock::Clock,
    facts::ReportLine,
    ids::{EventId, RunId, TenantId, UserId},
    intent::{DurableIntent, Intent},
    outcome,
    settings::Limits,
    state::{Concluded, UserState},
    window::shift,
};

/// How often a write is tried again when the ledger does not answer or another writer was first.
const TRIES: usize = 8;

/// Seen events are remembered this long after the first sighting.
const SEEN_FOR: SignedDuration = SignedDuration::from_hours(45 * 24);

/// Items in one write or read of many.
const CHUNK: usize = 100;

/// Why the book could not be kept.
pub type BookError = LedgerError;

/// A document as it was read, with the version that a change of it is conditional on.
#[derive(Debug, Clone)]
pub struct Held<T> {
    /// What it says.
    pub value: T,
    /// Its version; 0 where there is none yet.
    pub version: u64,
}

/// One entry of a user's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum HistoryEntry {
    /// A handling's outcome, whether or not it replaced the one before.
    Outcome(Box<Concluded>),
    /// What was about to be deleted.
    Intent {
        /// By which run.
        run_id: RunId,
        /// What.
        intent: Intent,
    },
    /// A person's release.
    Release {
        /// Who.
        who: String,
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// A person named the user.
    ByHand {
        /// Who.
        who: String,
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
}

/// A registration without one clear user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmbiguousEvent {
    /// The event.
    pub event_id: EventId,
    /// When it happened.
    pub registered_at: Timestamp,
    /// What is unclear.
    pub why: String,
    /// The users it may be about.
    pub users: Vec<UserId>,
    /// When this program first saw it.
    pub first_seen_at: Timestamp,
    /// What ended it: who, and why.
    pub ended: Option<(String, String)>,
}

/// When the registration report was read, and where a reading under way goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportState {
    /// When it was last read to its end.
    pub read_at: Option<Timestamp>,
    /// The link to the next page.
    pub next: Option<String>,
}

/// An item of a list: a user, or an event without one.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A user.
    User(Box<UserState>),
    /// An event.
    Event(AmbiguousEvent),
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// Its items.
    pub entries: Vec<Entry>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

#[derive(Serialize, Deserialize)]
struct TenantDocument {
    tenant_id: TenantId,
}

#[derive(Serialize, Deserialize)]
struct Seen {}

/// The ledger, with words for what is in it.
#[derive(Clone)]
pub struct Book {
    ledger: Arc<dyn Ledger>,
    clock: Clock,
}

impl Book {
    /// Opens a tenant's ledger: a new one is bound to the tenant, another tenant's is refused.
    pub async fn open(ledger: Arc<dyn Ledger>, tenant: TenantId, clock: Clock) -> Result<Self, BookError> {
        let book = Self { ledger, clock };
        let there: Held<Option<TenantDocument>> = book.load(Key::tenant()).await?;
        let bound = if let Some(there) = there.value {
            there.tenant_id
        } else {
            let write = book.write(Key::tenant(), 0, &TenantDocument { tenant_id: tenant }, None, None);
            match book.commit(&[write]).await {
                Ok(()) => tenant,
                Err(LedgerError::Conflict) => {
                    let there: Held<Option<TenantDocument>> = book.load(Key::tenant()).await?;
                    there.value.map_or(tenant, |there| there.tenant_id)
                }
                Err(error) => return Err(error),
            }
        };
        if bound == tenant {
            Ok(book)
        } else {
            Err(LedgerError::Unusable(format!(
                "this ledger belongs to tenant {bound}, not to {tenant}: name another ledger or look at AZURE_TENANT_ID"
            )))
        }
    }

    /// The tenant in the body of a ledger's [`Key::tenant`] document.
    pub fn tenant_of(body: &str) -> Result<TenantId, BookError> {
        serde_json::from_str::<TenantDocument>(body)
            .map(|document| document.tenant_id)
            .map_err(|error| LedgerError::Unusable(format!("the ledger does not say whose it is: {error}")))
    }

    /// The time as this book has it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the process behind a lease is known to be dead.
    pub fn owner_is_dead(&self, owner: &str) -> bool {
        self.ledger.owner_is_dead(owner)
    }

    /// A user's state item.
    pub async fn user(&self, user: UserId) -> Result<Held<Option<UserState>>, BookError> {
        self.load(Key::user(user)).await
    }

    /// Several users' state items, in their order.
    pub async fn users(&self, users: &[UserId]) -> Result<Vec<Held<Option<UserState>>>, BookError> {
        let mut all = Vec::with_capacity(users.len());
        for chunk in users.chunks(CHUNK) {
            let keys: Vec<Key> = chunk.iter().map(|user| Key::user(*user)).collect();
            for document in self.get(&keys).await? {
                all.push(read(document)?);
            }
        }
        Ok(all)
    }

    /// Makes a changed state item durable, and with it an entry of the history.
    pub async fn save_user(
        &self,
        state: &Held<UserState>,
        entry: Option<&HistoryEntry>,
    ) -> Result<u64, BookError> {
        let mut writes = vec![self.user_write(state)];
        writes.extend(entry.map(|entry| self.history_write(state.value.user_id, entry)));
        self.commit(&writes).await?;
        Ok(state.version + 1)
    }

    /// Makes changed state items durable, each by itself. Says for each whether it was done.
    pub async fn save_users(&self, states: &[Held<UserState>]) -> Result<Vec<bool>, BookError> {
        let mut done = Vec::with_capacity(states.len());
        for chunk in states.chunks(CHUNK) {
            let writes: Vec<Write> = chunk.iter().map(|state| self.user_write(state)).collect();
            for result in self.ledger.commit_each(&writes).await? {
                match result {
                    Ok(()) => done.push(true),
                    Err(LedgerError::Conflict) => done.push(false),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(done)
    }

    /// Takes a slot of the daily cap (unless the intent keeps its old one) and writes the intent, in
    /// one transaction, conditional on the state item (and so the lease) and on the brake.
    pub async fn write_intent(
        &self,
        state: &mut Held<UserState>,
        mut intent: Intent,
        keeps_slot: bool,
        limits: Limits,
        run_id: RunId,
    ) -> Result<IntentWritten, BookError> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let mut brake = self.brake().await?;
            if brake.value.is_open() {
                return Ok(IntentWritten::BrakeOpen);
            }
            if !keeps_slot {
                intent.slot_at = now;
                if !brake.value.take_slot(limits, now) {
                    return Ok(IntentWritten::NoSlot);
                }
            }
            let mut changed = state.clone();
            changed.value.intend(intent.clone());
            let entry = HistoryEntry::Intent { run_id, intent: intent.clone() };
            let writes = [
                self.user_write(&changed),
                self.brake_write(&brake),
                self.history_write(changed.value.user_id, &entry),
            ];
            match self.commit(&writes).await {
                Ok(()) => {
                    changed.version += 1;
                    *state = changed;
                    return Ok(IntentWritten::Durable(DurableIntent::of(state.value.user_id, intent)));
                }
                Err(LedgerError::Conflict) if self.is_unchanged(state).await? => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable("the brake's item is written too often".to_owned()))
    }

    /// The open intent of a state item that was just read or written.
    pub fn durable_intent(state: &Held<UserState>) -> Option<DurableIntent> {
        let intent = state.value.intent.clone()?;
        (state.version > 0).then(|| DurableIntent::of(state.value.user_id, intent))
    }

    /// Makes an outcome durable: state item, history and the brake's counts in one transaction.
    /// [`LedgerError::Conflict`] where the state item was changed meanwhile.
    pub async fn conclude(
        &self,
        state: &Held<UserState>,
        concluded: &Concluded,
        limits: Limits,
    ) -> Result<UserState, BookError> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let mut changed = state.clone();
            changed.value.conclude(concluded.clone());
            let mut writes = Vec::with_capacity(3);
            let replaced = changed.value.concluded.as_ref() == Some(concluded);
            let counts = counts(concluded.outcome);
            if replaced && (state.value.counted.is_some() || !matches!(counts, Counts::Apart)) {
                let mut brake = self.brake().await?;
                changed.value.counted = match counts {
                    Counts::As { failed } => {
                        Some(brake.value.count(failed, state.value.counted, limits, now))
                    }
                    Counts::Apart => {
                        brake.value.uncount(state.value.counted);
                        None
                    }
                };
                writes.push(self.brake_write(&brake));
            }
            // First, because it tells an own write whose answer was lost: the brake's item is written
            // by everybody.
            writes.insert(0, self.user_write(&changed));
            let entry = HistoryEntry::Outcome(Box::new(concluded.clone()));
            writes.push(self.history_write(changed.value.user_id, &entry));
            match self.commit(&writes).await {
                Ok(()) => return Ok(changed.value),
                Err(LedgerError::Conflict) if self.is_unchanged(state).await? => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable("the brake's item is written too often".to_owned()))
    }

    async fn is_unchanged(&self, state: &Held<UserState>) -> Result<bool, BookError> {
        Ok(self.user(state.value.user_id).await?.version == state.version)
    }

    /// Cap and brake.
    pub async fn brake(&self) -> Result<Held<Brake>, BookError> {
        let held: Held<Option<Brake>> = self.load(Key::brake()).await?;
        Ok(Held { value: held.value.unwrap_or_default(), version: held.version })
    }

    /// Opens or releases the brake.
    pub async fn move_brake(&self, to: BrakeState, who: &str, why: &str) -> Result<Brake, BookError> {
        for _ in 0..TRIES {
            let mut brake = self.brake().await?;
            let now = self.clock.now();
            match to {
                BrakeState::Open => brake.value.open(now, who, why),
                BrakeState::Released => brake.value.release(now, who, why),
            }
            match self.commit(&[self.brake_write(&brake)]).await {
                Ok(()) => return Ok(brake.value),
                Err(LedgerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable("the brake's item is written too often".to_owned()))
    }

    /// Changes a user's state item, reading it again as often as somebody else was first. `change`
    /// says what to add to the history, or that there is nothing to do.
    pub async fn change_user<E>(
        &self,
        user: UserId,
        mut change: impl FnMut(&mut Option<UserState>, Timestamp) -> Result<Option<HistoryEntry>, E>,
    ) -> Result<Result<UserState, E>, BookError> {
        for _ in 0..TRIES {
            let mut held = self.user(user).await?;
            let entry = match change(&mut held.value, self.clock.now()) {
                Ok(entry) => entry,
                Err(error) => return Ok(Err(error)),
            };
            let Some(value) = held.value else {
                return Err(LedgerError::Unusable(format!("nothing is on record for user {user}")));
            };
            let state = Held { value, version: held.version };
            match self.save_user(&state, entry.as_ref()).await {
                Ok(_) => return Ok(Ok(state.value)),
                Err(LedgerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable(format!("the item of user {user} is written too often")))
    }

    /// A user's history, oldest first.
    pub async fn history(&self, user: UserId) -> Result<Vec<HistoryEntry>, BookError> {
        let documents = self.ledger.children(&Key::user(user).pk, "H#").await?;
        documents.iter().map(parse).collect()
    }

    /// Which of these events were seen before.
    pub async fn seen(&self, events: &[EventId]) -> Result<Vec<bool>, BookError> {
        let now = self.clock.now();
        let mut seen = Vec::with_capacity(events.len());
        for chunk in events.chunks(CHUNK) {
            let keys: Vec<Key> = chunk.iter().map(Key::seen).collect();
            seen.extend(self.get(&keys).await?.into_iter().map(|document| {
                document.is_some_and(|document| document.expires_at.is_none_or(|at| at > now))
            }));
        }
        Ok(seen)
    }

    /// Marks events as seen.
    pub async fn mark_seen(&self, events: &[EventId]) -> Result<(), BookError> {
        let expires_at = shift(self.clock.now(), SEEN_FOR);
        for chunk in events.chunks(CHUNK) {
            let writes: Vec<Write> = chunk
                .iter()
                .map(|event| Write {
                    expect: Expect::Any,
                    ..self.write(Key::seen(event), 0, &Seen {}, None, Some(expires_at))
                })
                .collect();
            for result in self.ledger.commit_each(&writes).await? {
                result?;
            }
        }
        Ok(())
    }

    /// Records a registration without one clear user; a known one stays as it is.
    pub async fn record_ambiguous(&self, event: &AmbiguousEvent) -> Result<(), BookError> {
        let write = self.ambiguous_write(event, 0);
        match self.commit(&[write]).await {
            Ok(()) | Err(LedgerError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends a registration without one clear user. `None` where there is no such event on record.
    pub async fn end_ambiguous(
        &self,
        event: &EventId,
        who: &str,
        why: &str,
    ) -> Result<Option<AmbiguousEvent>, BookError> {
        for _ in 0..TRIES {
            let held: Held<Option<AmbiguousEvent>> = self.load(Key::ambiguous(event)).await?;
            let Some(mut value) = held.value else { return Ok(None) };
            value.ended = Some((who.to_owned(), why.to_owned()));
            match self.commit(&[self.ambiguous_write(&value, held.version)]).await {
                Ok(()) => return Ok(Some(value)),
                Err(LedgerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable("the event's item is written too often".to_owned()))
    }

    /// Any document of this crate's own, such as the scan position.
    pub async fn load<T: DeserializeOwned>(&self, key: Key) -> Result<Held<Option<T>>, BookError> {
        let document = self.get(std::slice::from_ref(&key)).await?.pop().flatten();
        read(document)
    }

    /// Makes such a document durable.
    pub async fn save<T: Serialize>(&self, key: Key, held: &Held<T>) -> Result<u64, BookError> {
        self.commit(&[self.write(key, held.version, &held.value, None, None)]).await?;
        Ok(held.version + 1)
    }

    /// Remembers what the registration report says; it is stale after two days.
    pub async fn save_report(&self, lines: &[(UserId, ReportLine)]) -> Result<(), BookError> {
        let expires_at = shift(self.clock.now(), SignedDuration::from_hours(48));
        for chunk in lines.chunks(CHUNK) {
            let writes: Vec<Write> = chunk
                .iter()
                .map(|(user, line)| Write {
                    expect: Expect::Any,
                    ..self.write(Key::report_line(*user), 0, line, None, Some(expires_at))
                })
                .collect();
            for result in self.ledger.commit_each(&writes).await? {
                result?;
            }
        }
        Ok(())
    }

    /// What the registration report says about a user, where it is known.
    pub async fn report_line(&self, user: UserId) -> Result<Option<ReportLine>, BookError> {
        let now = self.clock.now();
        let document = self.get(&[Key::report_line(user)]).await?.pop().flatten();
        document
            .filter(|document| document.expires_at.is_none_or(|at| at > now))
            .map(|document| parse(&document))
            .transpose()
    }

    /// One page of the users (and events) that are listed under `outcome`.
    pub async fn list(&self, query: &OutcomeQuery) -> Result<Page, BookError> {
        let documents = self.ledger.by_outcome(query).await?;
        let next = (documents.len() == query.limit)
            .then(|| documents.last())
            .flatten()
            .map(|last| Cursor { updated_at: last.updated_at, key: last.key.clone() });
        let entries = documents
            .iter()
            .map(|document| {
                if document.key.pk.starts_with("EVENT#") {
                    parse(document).map(Entry::Event)
                } else {
                    parse(document).map(|state| Entry::User(Box::new(state)))
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Page { entries, next })
    }

    /// How many are listed under `outcome`.
    pub async fn count(&self, outcome: &str) -> Result<u64, BookError> {
        self.ledger.count(outcome).await
    }

    /// How many are listed under each outcome; those with none are left out.
    pub async fn counts(&self) -> Result<Vec<(String, u64)>, BookError> {
        let mut counts = Vec::new();
        let names = std::iter::once("pending".to_owned())
            .chain(outcome::Outcome::all().into_iter().map(|outcome| outcome.to_string()));
        for name in names {
            let count = self.count(&name).await?;
            if count > 0 {
                counts.push((name, count));
            }
        }
        Ok(counts)
    }

    fn user_write(&self, state: &Held<UserState>) -> Write {
        let outcome = Some(state.value.listed_as());
        self.write(Key::user(state.value.user_id), state.version, &state.value, outcome, None)
    }

    fn brake_write(&self, brake: &Held<Brake>) -> Write {
        self.write(Key::brake(), brake.version, &brake.value, None, None)
    }

    fn ambiguous_write(&self, event: &AmbiguousEvent, version: u64) -> Write {
        let outcome =
            event.ended.is_none().then(|| outcome::Outcome::Held(outcome::Held::AmbiguousEvent).to_string());
        self.write(Key::ambiguous(&event.event_id), version, event, outcome, None)
    }

    fn history_write(&self, user: UserId, entry: &HistoryEntry) -> Write {
        self.write(Key::history(user, self.clock.now(), Uuid::new_v4()), 0, entry, None, None)
    }

    fn write<T: Serialize>(
        &self,
        key: Key,
        version: u64,
        value: &T,
        outcome: Option<String>,
        expires_at: Option<Timestamp>,
    ) -> Write {
        Write {
            expect: if version == 0 { Expect::Absent } else { Expect::Version(version) },
            document: Document {
                key,
                version: version + 1,
                write_id: Uuid::new_v4(),
                schema: SCHEMA,
                body: serde_json::to_string(value).expect("the ledger's items are plain data"),
                outcome,
                updated_at: self.clock.now(),
                expires_at,
            },
        }
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Document>>, BookError> {
        self.ledger.get(keys).await
    }

    /// A condition that fails, or an answer that is lost, may hide an own write that was done: the
    /// first item's `write_id` tells.
    async fn commit(&self, writes: &[Write]) -> Result<(), BookError> {
        let error = match self.ledger.commit(writes).await {
            Ok(()) => return Ok(()),
            Err(error @ LedgerError::Unusable(_)) => return Err(error),
            Err(error) => error,
        };
        let Some(first) = writes.first() else { return Err(error) };
        let there = self.get(std::slice::from_ref(&first.document.key)).await?.pop().flatten();
        match there {
            Some(there) if there.write_id == first.document.write_id => Ok(()),
            _ => Err(error),
        }
    }
}

/// Whether an intent was written.
#[derive(Debug)]
pub enum IntentWritten {
    /// It is in the ledger.
    Durable(DurableIntent),
    /// The brake is open.
    BrakeOpen,
    /// No slot of the daily cap is free.
    NoSlot,
}

enum Counts {
    As { failed: bool },
    Apart,
}

/// How an outcome counts towards the failure rate.
fn counts(outcome: outcome::Outcome) -> Counts {
    use outcome::{Failed, Outcome, Partial};
    match outcome {
        Outcome::RolledBack => Counts::As { failed: false },
        Outcome::Failed(Failed::Throttled) | Outcome::Partial(Partial::Throttled) => Counts::Apart,
        Outcome::Failed(_) | Outcome::Partial(_) => Counts::As { failed: true },
        _ => Counts::Apart,
    }
}

fn read<T: DeserializeOwned>(document: Option<Document>) -> Result<Held<Option<T>>, LedgerError> {
    match document {
        None => Ok(Held { value: None, version: 0 }),
        Some(document) => Ok(Held { value: Some(parse(&document)?), version: document.version }),
    }
}

fn parse<T: DeserializeOwned>(document: &Document) -> Result<T, LedgerError> {
    if document.schema > SCHEMA {
        return Err(LedgerError::Unusable(format!(
            "the ledger's item {} / {} was written by a newer version of mfa-rollback: use that one",
            document.key.pk, document.key.sk
        )));
    }
    serde_json::from_str(&document.body).map_err(|error| {
        LedgerError::Unusable(format!(
            "the ledger's item {} / {} cannot be read: {error}",
            document.key.pk, document.key.sk
        ))
    })
}
