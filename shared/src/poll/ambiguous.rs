//! Registrations without one clear user, and records that cannot be read: held until a person ends them, or until
//! another reading does.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Intake;
use crate::{
    audit::{AmbiguousRegistration, glimpse},
    digest::digest,
    domain::{
        ids::EventId,
        outcome::{Held, Outcome},
    },
    ledger::{AmbiguousEvent, Entry, LedgerError, OutcomeQuery},
};

/// Who ends a record that could not be read, and is read later.
const PROGRAM: &str = "mfa-rollback";

impl Intake<'_> {
    /// Returns the ids of records that are held because they could not be read.
    pub async fn unread(&self) -> Result<BTreeSet<EventId>, LedgerError> {
        let mut unread = BTreeSet::new();
        self.each_ambiguous(async |event| {
            if event.unread {
                unread.insert(event.event_id.clone());
            }
            Ok(())
        })
        .await?;
        Ok(unread)
    }

    /// Ends those events that are held for which `why` has a reason.
    pub async fn end_ambiguous<'w>(
        &self,
        who: &str,
        why: impl Fn(&AmbiguousEvent) -> Option<&'w str>,
    ) -> Result<(), LedgerError> {
        self.each_ambiguous(async |event| {
            if let Some(why) = why(event) {
                self.process.ledger.end_ambiguous(&event.event_id, who, why).await?;
            }
            Ok(())
        })
        .await
    }

    /// Ends records that could not be read before.
    pub(super) async fn end_read(&self, read: &[EventId]) -> Result<(), LedgerError> {
        for event in read {
            self.process.ledger.end_ambiguous(event, PROGRAM, "its record was read later").await?;
        }
        Ok(())
    }

    async fn each_ambiguous(
        &self,
        mut each: impl AsyncFnMut(&AmbiguousEvent) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut query = OutcomeQuery {
            outcome: Outcome::Held(Held::AmbiguousEvent).to_string(),
            until: None,
            after: None,
            limit: 100,
        };
        loop {
            let page = self.process.ledger.list(&query).await?;
            for entry in &page.entries {
                if let Entry::Event(event) = entry {
                    each(event).await?;
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Takes an unreadable audit record as ambiguous: it may be a registration, so a person has to look. Returns
    /// whether it is held: not if a person, or a reading elsewhere, has ended it.
    pub(super) async fn take_unreadable(
        &self,
        raw: &str,
        why: &str,
        about: Timestamp,
    ) -> Result<bool, LedgerError> {
        let seen = glimpse(raw);
        let made = || format!("unreadable_{}", digest([raw.as_bytes()], 16));
        let event_id = EventId(seen.id.filter(|id| !id.is_empty()).unwrap_or_else(made));
        tracing::error!(event.id = %event_id, error = why, "audit record not read");
        self.process
            .ledger
            .record_ambiguous(&AmbiguousEvent {
                event_id,
                registered_at: seen.at.unwrap_or(about),
                why: format!("the record cannot be read: {why}"),
                unread: true,
                users: Vec::new(),
                first_seen_at: self.process.clock.now(),
                ended: None,
            })
            .await
    }

    pub(super) async fn take_ambiguous(&self, event: &AmbiguousRegistration) -> Result<(), LedgerError> {
        self.process
            .ledger
            .record_ambiguous(&AmbiguousEvent {
                event_id: event.key(),
                registered_at: event.registered_at,
                why: event.why.to_string(),
                unread: false,
                users: event.users(),
                first_seen_at: self.process.clock.now(),
                ended: None,
            })
            .await?;
        Ok(())
    }
}
