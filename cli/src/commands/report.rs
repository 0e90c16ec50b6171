//! `report`: everything on record, a page at a time.

use shared::{
    ledger::{Book, OutcomeQuery},
    view::{Line, listed},
};

use super::results::kinds;
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output::{self, Rows},
};

pub(super) async fn report(
    book: &Book,
    held: bool,
    outcome: Option<&str>,
    names: bool,
    format: Format,
) -> Result<Exit, CommandError> {
    let mut lines = Vec::new();
    for listed in wanted(held, outcome)? {
        let mut query = OutcomeQuery { outcome: listed, until: None, after: None, limit: 500 };
        loop {
            let page = book.list(&query).await?;
            lines.extend(page.entries.iter().map(|entry| Line::of(entry, names)));
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
    }
    show(&lines, names, format)
}

/// Writes the lines.
pub(super) fn show(lines: &[Line], names: bool, format: Format) -> Result<Exit, CommandError> {
    output::write(format, &rows(lines, names, format), &lines)?;
    Ok(Exit::Done)
}

/// The names under which the wanted users are listed.
fn wanted(held: bool, outcome: Option<&str>) -> Result<Vec<String>, CommandError> {
    listed(if held { Some("held") } else { outcome }).ok_or_else(|| {
        CommandError::usage(format!(
            "no such outcome: {} (pending, rolled_back, partial, failed, would_roll_back, deferred, not_eligible, held, or with a reason, like held(administrator))",
            outcome.unwrap_or_default()
        ))
    })
}

fn rows(lines: &[Line], names: bool, format: Format) -> Rows {
    let all = format == Format::Csv;
    let mut header = vec!["user_id"];
    if names {
        header.extend(["user_principal_name", "display_name"]);
    }
    header.extend(["outcome", "reason", "methods_deleted", "methods_left", "next_step"]);
    if all {
        header.extend([
            "event_id",
            "registered_at",
            "decided_at",
            "enabled",
            "external",
            "synced",
            "administrator",
            "per_user_mfa",
            "methods_before",
            "asked_by",
            "request_ids",
        ]);
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let flag = |value: Option<bool>| value.map(|value| value.to_string()).unwrap_or_default();
    let rows = lines
        .iter()
        .map(|line| {
            let event = line.event_id.as_ref().map(ToString::to_string).unwrap_or_default();
            let user = line.user_id.map_or_else(
                || if all { String::new() } else { format!("event {event}") },
                |user| user.to_string(),
            );
            let mut row = vec![user];
            if names {
                row.extend([text(&line.user_principal_name), text(&line.display_name)]);
            }
            row.extend([
                line.outcome.clone(),
                text(&line.reason),
                kinds(&line.methods_deleted),
                kinds(&line.methods_left),
                line.next_step.clone(),
            ]);
            if all {
                let registered = line.registrations.last().map(|last| last.registered_at.to_string());
                row.extend([
                    event,
                    registered.unwrap_or_default(),
                    line.at.map(|at| at.to_string()).unwrap_or_default(),
                    flag(line.enabled),
                    text(&line.external),
                    flag(line.synced),
                    text(&line.administrator),
                    text(&line.per_user_mfa),
                    kinds(&line.methods_before),
                    text(&line.asked_by),
                    line.request_ids.join(" "),
                ]);
            }
            row
        })
        .collect();
    Rows { header, rows }
}
