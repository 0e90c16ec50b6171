//! `release`: a person's word that lifts held reasons.

use serde_json::json;
use shared::{
    domain::{
        ids::{EventId, UserId},
        outcome::Held,
        user_ref::UserRef,
    },
    ledger::Ledger,
    settings::{Settings, environment},
};

use super::who;
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output,
};

pub(super) async fn release(
    ledger: &Ledger,
    user: Option<UserRef>,
    event: Option<EventId>,
    reason: &str,
    format: Format,
) -> Result<Exit, CommandError> {
    if let Some(event) = event {
        if ledger.end_ambiguous(&event, &who(), reason).await?.is_none() {
            return Err(CommandError::input(format!("no event {} is on record", output::plain(&event.0))));
        }
        return show_ended(&event, format);
    }
    let user = by_id(user.as_ref())?;
    let listed = Settings::read_releasable(environment)?;
    let released = ledger
        .release(user, &who(), reason, &listed)
        .await?
        .map_err(|refused| CommandError::input(format!("user {user}: {refused}")))?;
    show(user, &released.reasons.into_iter().collect::<Vec<_>>(), format)
}

/// Returns the user's id, or a usage error if the user is not named by object id.
pub(super) fn by_id(user: Option<&UserRef>) -> Result<UserId, CommandError> {
    match user {
        Some(UserRef::Id(user)) => Ok(*user),
        _ => Err(CommandError::usage("name the user by object id: `report --held` lists them")),
    }
}

/// Writes that an event is ended.
pub(super) fn show_ended(event: &EventId, format: Format) -> Result<Exit, CommandError> {
    match format {
        Format::Json | Format::Ndjson => {
            output::write_json(format, &json!({ "event_id": event, "ended": true }))?;
        }
        _ => output::say!("the event is ended"),
    }
    Ok(Exit::Done)
}

/// Writes which reasons a release lifted.
pub(super) fn show(user: UserId, lifted: &[Held], format: Format) -> Result<Exit, CommandError> {
    let lifted: Vec<String> = lifted.iter().map(Held::to_string).collect();
    match format {
        Format::Json | Format::Ndjson => {
            output::write_json(format, &json!({ "user_id": user, "lifted": lifted }))?;
        }
        _ => output::say!("{user}: lifted {}; decided on again with the next run", lifted.join(", ")),
    }
    Ok(Exit::Done)
}
