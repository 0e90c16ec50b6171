//! `erase`: removes what is on record about one user.

use shared::{api::Erased, domain::user_ref::UserRef, ledger::Ledger};

use super::{release::by_id, who};
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output,
};

pub(super) async fn erase(
    ledger: &Ledger,
    user: &UserRef,
    reason: &str,
    format: Format,
) -> Result<Exit, CommandError> {
    let user_id = by_id(Some(user))?;
    let entries = ledger
        .erase(user_id, &who(), reason)
        .await?
        .map_err(|refused| CommandError::input(format!("user {user_id}: {refused}")))?;
    show(&Erased { user_id, entries: entries as u64 }, format)
}

/// Writes what was erased.
pub(super) fn show(erased: &Erased, format: Format) -> Result<Exit, CommandError> {
    match format {
        Format::Json | Format::Ndjson => output::write_json(format, erased)?,
        _ => output::say!("{}: erased, with {} entries of the history", erased.user_id, erased.entries),
    }
    Ok(Exit::Done)
}
