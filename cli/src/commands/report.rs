//! `report`: everything on record, a page at a time.

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    facts::RecordedRegistration,
    ids::{EventId, UserId},
    ledger::{Book, Entry, OutcomeQuery},
    outcome::{Held, Outcome},
    state::{MethodName, UserState},
};

use super::results::{kinds, next_step};
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output::{self, Rows},
};

/// One line of the report.
#[derive(Serialize)]
struct Line {
    user_id: Option<UserId>,
    event_id: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_principal_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    outcome: String,
    reason: Option<String>,
    at: Option<Timestamp>,
    registrations: Vec<RecordedRegistration>,
    enabled: Option<bool>,
    external: Option<String>,
    synced: Option<bool>,
    administrator: Option<String>,
    per_user_mfa: Option<String>,
    methods_before: Vec<MethodName>,
    methods_deleted: Vec<MethodName>,
    methods_left: Vec<MethodName>,
    asked_by: Option<String>,
    next_step: String,
    request_ids: Vec<String>,
}

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
            lines.extend(page.entries.iter().map(|entry| line(entry, names)));
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
    }
    output::write(format, &rows(&lines, names, format), &lines)?;
    Ok(Exit::Done)
}

/// The names under which the wanted users are listed.
fn wanted(held: bool, outcome: Option<&str>) -> Result<Vec<String>, CommandError> {
    let mut all: Vec<String> = Outcome::all().into_iter().map(|outcome| outcome.to_string()).collect();
    all.insert(0, "pending".to_owned());
    if held {
        all.retain(|name| name.starts_with("held("));
    }
    if let Some(outcome) = outcome {
        let kind = format!("{outcome}(");
        all.retain(|name| name == outcome || name.starts_with(&kind));
        if all.is_empty() {
            return Err(CommandError::usage(format!(
                "no such outcome: {outcome} (pending, rolled_back, partial, failed, would_roll_back, deferred, not_eligible, held, or with a reason, like held(administrator))"
            )));
        }
    }
    Ok(all)
}

fn line(entry: &Entry, names: bool) -> Line {
    match entry {
        Entry::User(state) => user_line(state, names),
        Entry::Event(event) => Line {
            user_id: None,
            event_id: Some(event.event_id.clone()),
            user_principal_name: None,
            display_name: None,
            outcome: "held".to_owned(),
            reason: Some(Held::AmbiguousEvent.as_str().to_owned()),
            at: Some(event.first_seen_at),
            registrations: Vec::new(),
            enabled: None,
            external: None,
            synced: None,
            administrator: None,
            per_user_mfa: None,
            methods_before: Vec::new(),
            methods_deleted: Vec::new(),
            methods_left: Vec::new(),
            asked_by: None,
            next_step: format!("{}: release --event ID --reason …, or name the user by hand", event.why),
            request_ids: Vec::new(),
        },
    }
}

fn user_line(state: &UserState, names: bool) -> Line {
    let about = state.about.clone();
    let concluded = state.concluded.as_ref();
    let outcome =
        state.outcome().filter(|_| !state.is_pending() || state.outcome() == Some(Outcome::RolledBack));
    Line {
        user_id: Some(state.user_id),
        event_id: state.registrations.last().map(|registration| registration.event_id.clone()),
        user_principal_name: about.user_principal_name.filter(|_| names),
        display_name: about.display_name.filter(|_| names),
        outcome: outcome.map_or("pending", Outcome::kind).to_owned(),
        reason: outcome.and_then(Outcome::reason).map(str::to_owned),
        at: concluded.map(|concluded| concluded.at),
        registrations: state.registrations.clone(),
        enabled: about.enabled,
        external: about.external,
        synced: about.synced,
        administrator: about.administrator,
        per_user_mfa: about.per_user_mfa,
        methods_before: about.methods_before,
        methods_deleted: concluded.map(|concluded| concluded.methods_deleted.clone()).unwrap_or_default(),
        methods_left: concluded.map(|concluded| concluded.methods_left.clone()).unwrap_or_default(),
        asked_by: state.by_hand.as_ref().map(|by_hand| by_hand.who.clone()),
        next_step: outcome.map_or("run", next_step).to_owned(),
        request_ids: concluded.map(|concluded| concluded.request_ids.clone()).unwrap_or_default(),
    }
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
