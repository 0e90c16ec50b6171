//! The two transactions around a rollback: slot and intent before it, outcome and counts after it.

use super::{HistoryEntry, IntentWritten, Ledger, LedgerError, TRIES, Versioned};
use crate::domain::{
    brake::Limits,
    ids::RunId,
    intent::{DurableIntent, Intent},
    outcome::{Failed, Outcome, Partial},
    state::{Concluded, UserState},
};

enum Counts {
    As { failed: bool },
    Apart,
}

/// How an outcome counts towards the failure rate.
fn counts(outcome: Outcome) -> Counts {
    match outcome {
        Outcome::RolledBack => Counts::As { failed: false },
        Outcome::Failed(Failed::Throttled) | Outcome::Partial(Partial::Failed(Failed::Throttled)) => {
            Counts::Apart
        }
        Outcome::Failed(_) | Outcome::Partial(_) => Counts::As { failed: true },
        _ => Counts::Apart,
    }
}

impl Ledger {
    /// Takes a slot of the daily cap (unless the intent keeps its old one) and writes the intent, in
    /// one transaction, conditional on the state item (and so the lease) and on the brake.
    pub async fn write_intent(
        &self,
        state: &mut Versioned<UserState>,
        mut intent: Intent,
        keeps_slot: bool,
        limits: Limits,
        run_id: RunId,
    ) -> Result<IntentWritten, LedgerError> {
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

    /// The open intent of a state item that was just read or written; `None` if there is none.
    pub fn durable_intent(state: &Versioned<UserState>) -> Option<DurableIntent> {
        let intent = state.value.intent.clone()?;
        (state.version > 0).then(|| DurableIntent::of(state.value.user_id, intent))
    }

    /// Makes an outcome durable: state item, history and the brake's counts in one transaction. Returns
    /// [`LedgerError::Conflict`] if the state item was changed meanwhile.
    pub async fn conclude(
        &self,
        state: &Versioned<UserState>,
        concluded: &Concluded,
        limits: Limits,
    ) -> Result<UserState, LedgerError> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let mut changed = state.clone();
            changed.value.conclude(concluded.clone());
            let mut writes = Vec::with_capacity(3);
            let mut opened = None;
            let replaced = changed.value.concluded.as_ref().is_some_and(|now| now.at == concluded.at);
            let counts = changed.value.outcome().map_or(Counts::Apart, counts);
            if replaced && (state.value.counted.is_some() || !matches!(counts, Counts::Apart)) {
                let mut brake = self.brake().await?;
                let was_open = brake.value.is_open();
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
                opened = (brake.value.is_open() && !was_open).then_some(brake.value);
            }
            // First in the list, because it tells whether a write of our own succeeded whose answer was lost:
            // everybody writes the brake's item.
            writes.insert(0, self.user_write(&changed));
            let entry = HistoryEntry::Outcome(Box::new(concluded.clone()));
            writes.push(self.history_write(changed.value.user_id, &entry));
            match self.commit(&writes).await {
                Ok(()) => {
                    opened.iter().for_each(super::say_moved);
                    return Ok(changed.value);
                }
                Err(LedgerError::Conflict) if self.is_unchanged(state).await? => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable("the brake's item is written too often".to_owned()))
    }

    async fn is_unchanged(&self, state: &Versioned<UserState>) -> Result<bool, LedgerError> {
        Ok(self.user(state.value.user_id).await?.version == state.version)
    }
}
