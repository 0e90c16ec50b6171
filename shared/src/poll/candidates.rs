//! Puts candidates on record: makes them pending in the ledger, then sends a message, then marks the event
//! seen. A crash in between costs repeats, never a user.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::{lag::Lags, polled::PollError};
use crate::{
    audit::{AmbiguousRegistration, MethodAct, Registration},
    domain::{
        facts::{Claimed, RecordedRegistration},
        ids::{EventId, RunId, UserId},
        state::{ByHand, UserState},
    },
    ledger::{self, AmbiguousEvent, Entry, HistoryEntry, LedgerError, OutcomeQuery},
    process::{Process, Scope},
    queue::{Message, QueueError, SCHEMA},
};

/// How many users are put on record concurrently.
const AT_ONCE: usize = 16;

/// Registrations that were not seen before, by user.
type New = BTreeMap<UserId, Vec<RecordedRegistration>>;

/// How many registrations an [`Intake`] took, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Users with a registration that was not seen before.
    pub candidates: u64,
    /// Messages sent, one for each user who is pending now.
    pub enqueued: u64,
    /// Registrations that were seen before.
    pub duplicates: u64,
    /// Unseen registrations from before the watermark that a sweep found.
    pub missed: u64,
    /// Registrations outside the window, which are left alone.
    pub outside_window: u64,
    /// How late the registrations appeared, except those that were seen before.
    pub lags: Lags,
}

/// Puts candidates into ledger and queue, for poll, for exports and for users named by hand.
pub struct Intake<'r> {
    run_id: RunId,
    pub(super) process: &'r Process,
}

/// Wakes every pending user for whom `has_message` finds no message: a run may have been killed between
/// ledger and queue. Returns how many it woke.
pub(crate) async fn wake_pending(
    scope: &Scope,
    has_message: impl Fn(UserId) -> Result<bool, QueueError>,
) -> Result<u64, PollError> {
    let mut query = OutcomeQuery { outcome: "pending".to_owned(), until: None, after: None, limit: 100 };
    let mut woken = 0;
    loop {
        let page = scope.process.ledger.list(&query).await?;
        let mut users = Vec::new();
        for entry in &page.entries {
            if let Entry::User(state) = entry
                && !has_message(state.user_id)?
            {
                users.push(state.user_id);
            }
        }
        woken += users.len() as u64;
        Intake::of(scope).send(&users).await?;
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(woken),
        }
    }
}

impl<'r> Intake<'r> {
    /// Returns the intake for the candidates of a run.
    pub(crate) fn of(scope: &'r Scope) -> Self {
        Self { run_id: scope.run_id, process: &scope.process }
    }
}

impl Intake<'_> {
    /// Puts on record what was done to users' methods besides registering them. A deletion by the app
    /// `client_id` is this program's own.
    pub async fn record_acts(&self, acts: Vec<MethodAct>, client_id: &str) -> Result<(), LedgerError> {
        let acts: Vec<_> = acts.into_iter().map(|act| act.recorded(client_id)).collect();
        self.process.ledger.record_acts(&acts).await
    }

    /// Takes registrations that Graph has shown. Unseen ones up to `missed_before` count as missed.
    pub async fn take(
        &self,
        registrations: Vec<Registration>,
        ambiguous: &[AmbiguousRegistration],
        missed_before: Option<Timestamp>,
    ) -> Result<Taken, PollError> {
        self.take_as(None, registrations, ambiguous, missed_before).await
    }

    /// Takes registrations that came by file or API. Those of them that Graph could not show are unread no longer.
    pub async fn take_claims(
        &self,
        claim: Claimed,
        registrations: Vec<Registration>,
        ambiguous: &[AmbiguousRegistration],
    ) -> Result<Taken, PollError> {
        self.take_as(Some(claim), registrations, ambiguous, None).await
    }

    async fn take_as(
        &self,
        claim: Option<Claimed>,
        registrations: Vec<Registration>,
        ambiguous: &[AmbiguousRegistration],
        missed_before: Option<Timestamp>,
    ) -> Result<Taken, PollError> {
        let window = self.process.settings.policy.window;
        let mut taken = Taken::default();
        let of_window = registrations.len();
        let registrations: Vec<Registration> =
            registrations.into_iter().filter(|r| window.contains(r.registered_at)).collect();
        taken.outside_window = (of_window - registrations.len()) as u64;
        for event in ambiguous.iter().filter(|event| window.contains(event.registered_at)) {
            self.take_ambiguous(event).await?;
        }
        let keys: Vec<EventId> = registrations.iter().map(Registration::key).collect();
        let mut read: Vec<EventId> = Vec::new();
        if claim.is_some() {
            let unread = self.unread().await?;
            read.extend(keys.iter().filter(|key| unread.contains(*key)).cloned());
        }
        let seen = self.process.ledger.seen(&keys).await?;
        let now = self.process.clock.now();
        let mut new = New::new();
        let mut events = Vec::new();
        for ((registration, event_id), seen) in registrations.into_iter().zip(keys).zip(seen) {
            if seen {
                taken.duplicates += 1;
                continue;
            }
            if missed_before.is_some_and(|before| registration.registered_at <= before) {
                taken.missed += 1;
            }
            let lag = now.duration_since(registration.registered_at);
            taken.lags.count(lag);
            tracing::debug!(
                event.id = %event_id,
                user.id = %registration.user_id,
                event.lag_seconds = lag.as_secs(),
                "registration found"
            );
            events.push((registration.user_id, event_id.clone()));
            new.entry(registration.user_id).or_default().push(RecordedRegistration {
                event_id,
                registered_at: registration.registered_at,
                methods: registration.methods,
                first_seen_at: now,
                claim: claim.clone(),
            });
        }
        let (woken, recorded) = self.record(&new).await?;
        let events: Vec<EventId> =
            events.into_iter().filter(|(user, _)| recorded.contains(user)).map(|(_, event)| event).collect();
        taken.candidates = new.len() as u64;
        taken.enqueued = woken.len() as u64;
        self.send(&woken).await?;
        // An event that is only claimed may still be seen: Graph may show it.
        let seen: Vec<EventId> =
            events.into_iter().filter(|event| claim.is_none() || event.is_made()).collect();
        self.process.ledger.mark_seen(&seen).await?;
        self.end_read(&read).await?;
        Ok(taken)
    }

    /// Puts users that a person named on record, and wakes drain for them. Skips users whose item is damaged
    /// or for newer code, and returns them with what is wrong.
    pub async fn name_by_hand(
        &self,
        users: &[UserId],
        by_hand: &ByHand,
    ) -> Result<BTreeMap<UserId, LedgerError>, PollError> {
        let (mut taken, mut passed_over) = (Vec::new(), BTreeMap::new());
        let mut named = stream::iter(users.iter().copied())
            .map(|user| async move {
                let named = self.process.ledger.change_user(user, |state, now| {
                    let state = state.get_or_insert_with(|| UserState::new(user, now));
                    state.name_by_hand(by_hand.clone(), now);
                    let ByHand { who, why, at } = by_hand.clone();
                    Ok::<_, std::convert::Infallible>(Some(HistoryEntry::ByHand { who, why, at }))
                });
                (user, named.await)
            })
            .buffered(AT_ONCE);
        while let Some((user, named)) = named.next().await {
            match named {
                Ok(Ok(_)) => taken.push(user),
                Err(error @ (LedgerError::Item(_) | LedgerError::Newer(_))) => {
                    passed_over.insert(user, error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.send(&taken).await?;
        let is_named = |event: &AmbiguousEvent| event.users.iter().any(|user| taken.contains(user));
        self.end_ambiguous(&by_hand.who, |event| is_named(event).then_some(&*by_hand.why)).await?;
        Ok(passed_over)
    }

    /// Wakes drain for these users.
    pub async fn send(&self, users: &[UserId]) -> Result<(), PollError> {
        let messages: Vec<Message> = users
            .iter()
            .map(|user_id| Message {
                schema: SCHEMA,
                user_id: *user_id,
                run_id: self.run_id,
                enqueued_at: self.process.clock.now(),
            })
            .collect();
        if !messages.is_empty() {
            self.process.queue.send(&messages).await?;
        }
        Ok(())
    }

    /// Merges new registrations into the state items. Returns whom to wake: everyone who is pending now, even
    /// if a crashed run had already put the registration on record without sending a message. Also returns
    /// whose registrations are on record now: not those of an item for newer code, which are left to that.
    async fn record(&self, new: &New) -> Result<(Vec<UserId>, BTreeSet<UserId>), PollError> {
        let users: Vec<UserId> = new.keys().copied().collect();
        let mut changed: Vec<ledger::Versioned<UserState>> = Vec::new();
        let (mut woken, mut recorded) = (Vec::new(), BTreeSet::new());
        let now = self.process.clock.now();
        for (user, held) in self.process.ledger.users(&users).await? {
            recorded.insert(user);
            let mut state = held.value.unwrap_or_else(|| UserState::new(user, now));
            if state.add_registrations(new[&user].iter().cloned(), now) {
                changed.push(ledger::Versioned { value: state, version: held.version });
            } else if state.is_pending() {
                woken.push(user);
            }
        }
        let done = self.process.ledger.save_users(&changed).await?;
        for (state, done) in changed.iter().zip(done) {
            let user = state.value.user_id;
            woken.push(user);
            if !done {
                self.merge(user, &new[&user]).await?;
            }
        }
        Ok((woken, recorded))
    }

    async fn merge(&self, user: UserId, new: &[RecordedRegistration]) -> Result<(), LedgerError> {
        let merged = self
            .process
            .ledger
            .change_user(user, |state, now| {
                let state = state.get_or_insert_with(|| UserState::new(user, now));
                state.add_registrations(new.iter().cloned(), now);
                Ok::<_, std::convert::Infallible>(None)
            })
            .await?;
        match merged {
            Ok(_) => Ok(()),
        }
    }
}
