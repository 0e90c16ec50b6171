//! What `run` and `rollback` print at the end.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
};

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    domain::{ids::UserId, method::MethodName, outcome::Outcome, state::UserState},
    poll::Polled,
    settings::Mode,
    view::next_step,
};

use super::{names, plan::line_of};
use crate::{
    args::Format,
    engine::{Drained, Engine},
    error::{CommandError, Exit},
    output::{self, Rows},
    progress::clock_time,
};

/// What `run` and `rollback` write as JSON.
#[derive(Serialize, JsonSchema)]
pub(super) struct Results<'a> {
    /// What is done with whom a decision rolls back.
    mode: Mode,
    /// What the scan found; null if there was none.
    poll: Option<&'a Polled>,
    /// Everybody who was handled.
    users: Vec<UserResult<'a>>,
}

/// One user who was handled.
#[derive(Serialize, JsonSchema)]
struct UserResult<'a> {
    /// The user's object id.
    user_id: UserId,
    /// The outcome without its reason.
    outcome: &'static str,
    /// The outcome's reason, if it has one.
    reason: Option<String>,
    /// The methods that are gone.
    methods_deleted: &'a [MethodName],
    /// The methods that are left.
    methods_left: &'a [MethodName],
}

fn result(state: &UserState) -> Option<UserResult<'_>> {
    let concluded = state.concluded.as_ref()?;
    Some(UserResult {
        user_id: state.user_id,
        outcome: concluded.outcome.kind(),
        reason: concluded.outcome.reason(),
        methods_deleted: &concluded.methods_deleted,
        methods_left: &concluded.methods_left,
    })
}

/// Writes the results, and returns the exit code of the command.
pub(super) async fn write(
    engine: &Engine,
    summary: Option<&Polled>,
    drained: Drained,
    format: Format,
) -> Result<Exit, CommandError> {
    let users: Vec<UserResult<'_>> = drained.users.values().filter_map(result).collect();
    match format {
        Format::Json => {
            let mode = engine.run.process.settings.mode;
            output::write_json(format, &Results { mode, poll: summary, users })?;
        }
        Format::Ndjson => output::write_json(format, &users)?,
        Format::Csv => output::write(format, &rows("user_id", &users, |user| user.user_id.to_string()), &())?,
        Format::Table | Format::Html | Format::Mail => write_table(engine, summary, &drained, &users).await?,
    }
    if let Some(stop) = drained.stop {
        return Err(stop.into());
    }
    if engine.run.process.settings.mode == Mode::Report {
        make_plan(engine, format).await?;
    }
    let incomplete = drained.dead_letters > 0
        || !drained.newer.is_empty()
        || summary.is_some_and(|summary| summary.gaps > 0)
        || drained
            .users
            .values()
            .any(|state| matches!(state.outcome(), Some(Outcome::Failed(_) | Outcome::Partial(_))));
    Ok(if incomplete { Exit::Incomplete } else { Exit::Done })
}

/// A report is what people approve, if somebody would be rolled back.
async fn make_plan(engine: &Engine, format: Format) -> Result<(), CommandError> {
    let process = &engine.run.process;
    let (fingerprint, who) = (process.settings.policy.fingerprint(), super::who());
    let plan = shared::plan::make(&process.ledger, fingerprint, &who, process.clock.now()).await?;
    match format {
        _ if plan.users == 0 => {}
        Format::Table | Format::Html => output::say!("{}", line_of(&plan.into())),
        _ => eprintln!("{}", line_of(&plan.into())),
    }
    Ok(())
}

fn rows(user: &'static str, users: &[UserResult<'_>], shown: impl Fn(&UserResult<'_>) -> String) -> Rows {
    Rows {
        header: vec![user, "outcome", "reason", "methods_deleted", "methods_left"],
        rows: users
            .iter()
            .map(|user| {
                vec![
                    shown(user),
                    user.outcome.to_owned(),
                    user.reason.clone().unwrap_or_default(),
                    output::kinds(user.methods_deleted),
                    output::kinds(user.methods_left),
                ]
            })
            .collect(),
    }
}

/// The users with their names, in a terminal: what the tenant says now, or else the display name on record.
async fn by_name(engine: &Engine, drained: &Drained, users: &[UserResult<'_>]) -> Rows {
    let ids: Vec<UserId> = users.iter().map(|user| user.user_id).collect();
    let names = names::of(&engine.run.process.graph, &ids).await;
    rows(output::USER, users, |user| {
        let known = drained.users.get(&user.user_id).and_then(|state| state.about.display_name.as_ref());
        let name = names.get(&user.user_id).or(known).map(String::as_str);
        output::person(name, &user.user_id.to_string())
    })
}

/// Makes a table of outcomes with their reasons, and what comes next for each.
pub(super) fn outcomes_table<'a>(users: impl Iterator<Item = &'a UserState>) -> Rows {
    let mut counts: BTreeMap<Outcome, u64> = BTreeMap::new();
    for outcome in users.filter_map(UserState::outcome) {
        *counts.entry(outcome).or_default() += 1;
    }
    Rows {
        header: vec!["users", "outcome", "reason", "what comes next"],
        rows: counts
            .into_iter()
            .map(|(outcome, count)| {
                vec![
                    count.to_string(),
                    outcome.kind().to_owned(),
                    outcome.reason().unwrap_or_default(),
                    next_step(outcome, None).to_owned(),
                ]
            })
            .collect(),
    }
}

async fn write_table(
    engine: &Engine,
    summary: Option<&Polled>,
    drained: &Drained,
    users: &[UserResult<'_>],
) -> Result<(), CommandError> {
    if users.is_empty() {
        output::say!("nobody to handle");
    } else if users.len() <= 40 {
        let rows = if io::stdout().is_terminal() {
            by_name(engine, drained, users).await
        } else {
            rows("user_id", users, |user| user.user_id.to_string())
        };
        output::say!("{}", output::table(&rows));
    }
    if !users.is_empty() {
        output::say!("{}", output::table(&outcomes_table(drained.users.values())));
    }
    if let Some(summary) = summary {
        output::say!(
            "audit log: {} events read, {} new candidates, {} registrations seen before{}",
            summary.events_read,
            summary.candidates,
            summary.duplicates,
            if summary.window_closed { "; the window is closed" } else { "" }
        );
        if summary.gaps > 0 {
            output::say!("parts of the audit log could not be read: {}; status names them", summary.gaps);
        }
    }
    let now = engine.run.process.clock.now();
    let brake = engine.run.process.ledger.brake().await?.value;
    let limits = engine.run.process.settings.limits;
    output::say!(
        "mode {}; slots used in 24 h: {} of {}; brake {}",
        engine.run.process.settings.mode,
        brake.slots_taken(now),
        limits.max_rollbacks_per_day,
        if brake.is_open() { "OPEN" } else { "released" }
    );
    if let Some(at) = brake.next_free_at(limits, now) {
        output::say!("the next slot frees up at {}", clock_time(at));
    }
    if let Some(path) = engine.database.path() {
        output::say!("ledger: {}", path.display());
    }
    Ok(())
}
