//! `--wait`: users who wait for their second look are handled in the same command.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use shared::{
    domain::{
        ids::UserId,
        outcome::{Deferred, Outcome},
    },
    ledger::{Entry, OutcomeQuery},
};

use super::wake::wake;
use crate::{
    engine::{Drained, Engine},
    error::CommandError,
    progress::{Progress, clock_time},
};

const WAITS: Outcome = Outcome::Deferred(Deferred::SecondLook);

/// The users who wait for a second look, and when the last of them may have it; `None` if nobody does.
async fn waiting(
    engine: &Engine,
    only: Option<&BTreeSet<UserId>>,
) -> Result<Option<(BTreeSet<UserId>, Timestamp)>, CommandError> {
    let process = &engine.run.process;
    let mut query = OutcomeQuery { outcome: WAITS.to_string(), until: None, after: None, limit: 100 };
    let mut users = BTreeSet::new();
    let mut looked_at = None;
    loop {
        let page = process.ledger.list(&query).await?;
        for entry in page.entries {
            if let Entry::User(state) = entry
                && only.is_none_or(|only| only.contains(&state.user_id))
            {
                users.insert(state.user_id);
                looked_at = looked_at.max(state.concluded.map(|concluded| concluded.at));
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    let due_at = looked_at.and_then(|at| at.checked_add(process.settings.second_look).ok());
    Ok(due_at.map(|due_at| (users, due_at)))
}

/// Says until when users wait, and handles them then if `wait`. A method that came meanwhile makes its user wait
/// again.
pub(super) async fn second_look(
    engine: &Engine,
    mut drained: Drained,
    only: Option<&BTreeSet<UserId>>,
    wait: bool,
) -> Result<Drained, CommandError> {
    while drained.stop.is_none()
        && let Some((users, due_at)) = waiting(engine, only).await?
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
