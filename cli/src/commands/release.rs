//! `release`: a person's word that lifts held reasons.

use serde_json::json;
use shared::{
    ids::EventId,
    ledger::{Book, HistoryEntry},
    state::ReleaseRefused,
    user_ref::UserRef,
};

use super::who;
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output,
};

pub(super) async fn release(
    book: &Book,
    user: Option<UserRef>,
    event: Option<EventId>,
    reason: &str,
    format: Format,
) -> Result<Exit, CommandError> {
    if let Some(event) = event {
        if book.end_ambiguous(&event, &who(), reason).await?.is_none() {
            return Err(CommandError::input(format!("no event {} is on record", output::plain(&event.0))));
        }
        match format {
            Format::Json => output::write_json(&json!({ "event_id": event, "ended": true }))?,
            _ => output::say!("the event is ended"),
        }
        return Ok(Exit::Done);
    }
    let Some(UserRef::Id(user)) = user else {
        return Err(CommandError::usage("name the user by object id: `report --held` lists them"));
    };
    if book.user(user).await?.value.is_none() {
        return Err(CommandError::input(format!("nothing is on record for user {user}")));
    }
    let released = book
        .change_user(user, |state, now| -> Result<_, ReleaseRefused> {
            if let Some(state) = state {
                state.release(&who(), reason, now)?;
            }
            Ok(Some(HistoryEntry::Release { who: who(), why: reason.to_owned(), at: now }))
        })
        .await?
        .map_err(|refused| CommandError::input(format!("user {user}: {refused}")))?;
    let lifted: Vec<&str> =
        released.release.iter().flat_map(|release| &release.reasons).map(|reason| reason.as_str()).collect();
    match format {
        Format::Json => output::write_json(&json!({ "user_id": user, "lifted": lifted }))?,
        _ => output::say!("{user}: lifted {}; decided on again with the next run", lifted.join(", ")),
    }
    Ok(Exit::Done)
}
