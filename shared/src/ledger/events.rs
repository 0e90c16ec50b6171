//! Audit events: which were seen, and which do not clearly name one user.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{AmbiguousEvent, CHUNK, Key, Ledger, LedgerError, TRIES, Versioned, Write};
use crate::{
    domain::{
        ids::EventId,
        outcome::{self, Outcome},
        window::shift,
    },
    ledger::Expect,
};

/// How long seen events are remembered after the first sighting.
pub(super) const SEEN_FOR: SignedDuration = SignedDuration::from_hours(45 * 24);

#[derive(Serialize, Deserialize)]
struct Seen {}

impl Ledger {
    /// Returns, for each of these events, whether it was seen before.
    pub async fn seen(&self, events: &[EventId]) -> Result<Vec<bool>, LedgerError> {
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

    /// Marks events as seen, for 45 days.
    pub async fn mark_seen(&self, events: &[EventId]) -> Result<(), LedgerError> {
        let expires_at = shift(self.clock.now(), SEEN_FOR);
        for chunk in events.chunks(CHUNK) {
            let writes: Vec<Write> = chunk
                .iter()
                .map(|event| Write {
                    expect: Expect::Any,
                    ..self.write(Key::seen(event), 0, &Seen {}, None, Some(expires_at))
                })
                .collect();
            for result in self.store.commit_each(&writes).await? {
                result?;
            }
        }
        Ok(())
    }

    /// Records a registration without one clear user. A known one stays as it is, unless its record could not be
    /// read then and can be now. Returns whether it is held: not if it was ended before.
    pub async fn record_ambiguous(&self, event: &AmbiguousEvent) -> Result<bool, LedgerError> {
        for _ in 0..TRIES {
            let held: Versioned<Option<AmbiguousEvent>> = self.load(Key::ambiguous(&event.event_id)).await?;
            let new = match held.value {
                Some(known) if known.ended.is_some() || event.unread || !known.unread => {
                    return Ok(known.ended.is_none());
                }
                Some(known) => AmbiguousEvent { first_seen_at: known.first_seen_at, ..event.clone() },
                None => event.clone(),
            };
            match self.commit(&[self.ambiguous_write(&new, held.version)]).await {
                Ok(()) => return Ok(true),
                Err(LedgerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable("the event's item is written too often".to_owned()))
    }

    /// Ends a registration without one clear user. Returns `None` if no such event is on record.
    pub async fn end_ambiguous(
        &self,
        event: &EventId,
        who: &str,
        why: &str,
    ) -> Result<Option<AmbiguousEvent>, LedgerError> {
        for _ in 0..TRIES {
            let held: Versioned<Option<AmbiguousEvent>> = self.load(Key::ambiguous(event)).await?;
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

    fn ambiguous_write(&self, event: &AmbiguousEvent, version: u64) -> Write {
        let outcome = event.ended.is_none().then(|| Outcome::Held(outcome::Held::AmbiguousEvent).to_string());
        self.write(Key::ambiguous(&event.event_id), version, event, outcome, None)
    }
}
