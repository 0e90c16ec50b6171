//! Waking users who are on record.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    domain::{ids::UserId, outcome::Outcome, state::UserState},
    ledger::LedgerError,
    poll::PollError,
};

use crate::{engine::Engine, error::CommandError};

/// Wakes users whose registrations were already on record: those who are pending without a message, and, in a
/// mode that deletes, those whose outcome waits, such as `would_roll_back`. Returns the users whose item is
/// damaged or written by newer code, each with the error.
pub(super) async fn wake(
    engine: &Engine,
    users: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, LedgerError>, CommandError> {
    let ids: Vec<UserId> = users.iter().copied().collect();
    let mut asleep = Vec::new();
    let mut unread = users.clone();
    for (user, held) in engine.run.process.ledger.users(&ids).await? {
        unread.remove(&user);
        let Some(state) = held.value else { continue };
        let waits = |state: &UserState| !state.is_pending() && state.outcome().is_some_and(Outcome::waits);
        if waits(&state) && engine.run.process.deletes() {
            let woken = engine.run.process.ledger.change_user(state.user_id, |state, now| {
                if let Some(state) = state.as_mut().filter(|state| waits(state)) {
                    state.make_pending(now);
                }
                Ok::<_, std::convert::Infallible>(None)
            });
            let Ok(_) = woken.await?;
            asleep.push(state.user_id);
        } else if state.is_pending()
            && !engine.database.has_message_for(state.user_id).map_err(PollError::from)?
        {
            asleep.push(state.user_id);
        }
    }
    engine.run.intake().send(&asleep).await?;
    let mut passed_over = BTreeMap::new();
    for user in unread {
        if let Err(error) = engine.run.process.ledger.user(user).await {
            passed_over.insert(user, error);
        }
    }
    Ok(passed_over)
}
