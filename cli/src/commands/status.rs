//! `status`: where things stand.

use std::{path::PathBuf, sync::Arc};

use shared::{
    clock::Clock,
    domain::brake::{BrakeState, Move},
    ledger::Ledger,
    settings::{Settings, environment},
    view::{BrakeView, FailureRate, Messages, Status, listed},
};

use super::existing;
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output::{self, Rows},
    progress::clock_time,
};

pub(super) async fn status(path: Option<PathBuf>, format: Format) -> Result<Exit, CommandError> {
    show(&read(path).await?, format)
}

/// Reads the status from a ledger file.
pub(super) async fn read(path: Option<PathBuf>) -> Result<Status, CommandError> {
    let (database, tenant) = existing(path.as_ref())?;
    let database = Arc::new(database);
    let clock = Clock::system();
    let ledger = Ledger::open(database.clone(), tenant, clock.clone()).await?;
    let settings = Settings::read(environment).ok();
    let messages = Messages {
        waiting: database.depth().map_err(shared::poll::PollError::from)?,
        dead: database.dead_letters().map_err(shared::poll::PollError::from)?.len() as u64,
    };
    Ok(Status::read(&ledger, tenant, settings.as_ref(), messages).await?)
}

/// Writes a status, whether it comes from a ledger or from a stack.
pub(super) fn show(status: &Status, format: Format) -> Result<Exit, CommandError> {
    output::write(format, &Rows { header: vec!["what", "value"], rows: rows(status) }, status)?;
    Ok(Exit::Done)
}

fn rows(status: &Status) -> Vec<Vec<String>> {
    let time = |at: Option<jiff::Timestamp>| at.map_or_else(|| "–".to_owned(), clock_time);
    let mut rows = vec![("tenant", status.tenant_id.to_string())];
    rows.extend(status.mode.map(|mode| ("mode", mode.to_string())));
    rows.extend(
        status
            .window
            .map(|window| ("window", format!("{} to {}", clock_time(window.start), clock_time(window.end)))),
    );
    rows.extend([
        ("scanned from", time(status.scanned_from)),
        ("complete to", time(status.complete_to)),
        ("missed registrations", status.missed.to_string()),
    ]);
    rows.extend(status.unread.iter().map(|what| ("NOT READ", what.clone())));
    rows.extend(status.lag.map(|lag| {
        let text = format!("{} s; 99 % within {} s", lag.p50_seconds, lag.p99_seconds);
        ("half of the registrations showed within", text)
    }));
    let cap = status.max_rollbacks_per_day.map(|cap| format!(" of {cap}")).unwrap_or_default();
    let FailureRate { users, failed } = status.failure_rate;
    rows.extend([
        ("messages waiting", status.queue_depth.to_string()),
        ("dead letters", status.dead_letters.to_string()),
        ("slots used in 24 h", format!("{}{cap}", status.slots_taken)),
        ("failed in 24 h", format!("{failed} of {users}")),
        ("brake", brake(&status.brake)),
    ]);
    let counts = listed(None).unwrap_or_default().into_iter().filter_map(|name| {
        let count = status.counts.get(&name)?.to_string();
        Some(vec![name, count])
    });
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).chain(counts).collect()
}

fn brake(brake: &BrakeView) -> String {
    let by = |moved: &Move| format!("{} by {}: {}", clock_time(moved.at), moved.who, moved.why);
    match (brake.state, &brake.last_move) {
        (BrakeState::Open, Some(moved)) => format!("OPEN since {}", by(moved)),
        (BrakeState::Open, None) => "OPEN".to_owned(),
        (BrakeState::Released, Some(moved)) => format!("released at {}", by(moved)),
        (BrakeState::Released, None) => "released".to_owned(),
    }
}
