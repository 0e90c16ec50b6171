//! `--wait`: users who wait for their second look are handled in the same command.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use shared::domain::{
    ids::UserId,
    outcome::{Deferred, Outcome},
};

use super::rollback::wake;
use crate::{
    engine::{Drained, Engine},
    error::CommandError,
    progress::{Progress, clock_time},
};

const WAITS: Outcome = Outcome::Deferred(Deferred::SecondLook);

/// The users who wait for a second look, and when the last of them may have it.
fn waiting(engine: &Engine, drained: &Drained) -> Option<(BTreeSet<UserId>, Timestamp)> {
    let waits = drained.users.values().filter(|state| state.outcome() == Some(WAITS) && !state.is_pending());
    let looked = waits.filter_map(|state| Some((state.user_id, state.concluded.as_ref()?.at)));
    let (users, at): (BTreeSet<UserId>, BTreeSet<Timestamp>) = looked.unzip();
    Some((users, at.last()?.checked_add(engine.run.process.settings.second_look).ok()?))
}

/// Says until when users wait, and handles them then if `wait`. A method that came meanwhile makes its user wait
/// again.
pub(super) async fn second_look(
    engine: &Engine,
    mut drained: Drained,
    wait: bool,
) -> Result<Drained, CommandError> {
    while drained.stop.is_none()
        && let Some((users, due_at)) = waiting(engine, &drained)
    {
        eprintln!(
            "{} users wait for a second look, until {}{}",
            users.len(),
            clock_time(due_at),
            if wait { "" } else { ": run again then, or with --wait" }
        );
        if !wait {
            break;
        }
        let left = due_at.duration_since(engine.run.process.clock.now());
        tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
        wake(engine, &users).await?;
        let progress = Progress::start("");
        progress.handling(users.len() as u64);
        let again = engine.drain(Some(&users), |step| progress.handled(step)).await;
        progress.done();
        let again = again?;
        drained.users.extend(again.users);
        drained.stop = again.stop;
        drained.dead_letters += again.dead_letters;
        drained.newer.extend(again.newer);
    }
    Ok(drained)
}
