//! `status`: where things stand.

use std::{path::PathBuf, sync::Arc};

use serde_json::json;
use shared::{
    brake::BrakeState,
    clock::Clock,
    ledger::{Book, Key},
    poll::Position,
    settings::{Settings, environment},
};

use super::existing;
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output::{self, Rows},
    progress::clock_time,
};

pub(super) async fn status(ledger: Option<PathBuf>, format: Format) -> Result<Exit, CommandError> {
    let (store, tenant) = existing(ledger.as_ref())?;
    let store = Arc::new(store);
    let clock = Clock::system();
    let book = Book::open(store.clone(), tenant, clock.clone()).await?;
    let settings = Settings::read(environment).ok();
    let position: Position = book.load(Key::poll()).await?.value.unwrap_or_default();
    let brake = book.brake().await?.value;
    let counts = book.counts().await?;
    let depth = store.depth().map_err(shared::poll::PollError::from)?;
    let dead = store.dead_letters().map_err(shared::poll::PollError::from)?.len();
    let now = clock.now();
    let (users, failures) = brake.rate(now);
    let moved = brake.moves.last();
    if format == Format::Json {
        let counts: serde_json::Map<String, serde_json::Value> =
            counts.iter().map(|(name, count)| (name.clone(), json!(count))).collect();
        output::write_json(&json!({
            "tenant_id": tenant,
            "mode": settings.as_ref().map(|settings| settings.mode),
            "window": settings.as_ref().map(|settings| settings.policy.window),
            "scanned_from": position.scanned_from,
            "complete_to": position.complete_to,
            "scan_under_way": position.scan.is_some(),
            "missed": position.missed,
            "counts": counts,
            "queue_depth": depth,
            "dead_letters": dead,
            "slots_taken": brake.slots_taken(now),
            "max_rollbacks_per_day": settings.as_ref().map(|settings| settings.limits.max_rollbacks_per_day),
            "failure_rate": { "users": users, "failed": failures },
            "brake": { "state": brake.state, "last_move": moved },
        }))?;
        return Ok(Exit::Done);
    }
    let time = |at: Option<jiff::Timestamp>| at.map_or_else(|| "–".to_owned(), clock_time);
    let mut rows = vec![
        vec!["tenant".to_owned(), tenant.to_string()],
        vec!["scanned from".to_owned(), time(position.scanned_from)],
        vec!["complete to".to_owned(), time(position.complete_to)],
        vec!["missed registrations".to_owned(), position.missed.to_string()],
        vec!["messages waiting".to_owned(), depth.to_string()],
        vec!["dead letters".to_owned(), dead.to_string()],
        vec!["slots used in 24 h".to_owned(), brake.slots_taken(now).to_string()],
        vec!["failed in 24 h".to_owned(), format!("{failures} of {users}")],
        vec![
            "brake".to_owned(),
            match (brake.state, moved) {
                (BrakeState::Open, Some(moved)) => {
                    format!("OPEN since {} by {}: {}", clock_time(moved.at), moved.who, moved.why)
                }
                (_, Some(moved)) => {
                    format!("released at {} by {}: {}", clock_time(moved.at), moved.who, moved.why)
                }
                _ => "released".to_owned(),
            },
        ],
    ];
    if let Some(settings) = settings {
        rows.insert(1, vec!["mode".to_owned(), settings.mode.to_string()]);
        let window = settings.policy.window;
        rows.insert(
            2,
            vec!["window".to_owned(), format!("{} to {}", clock_time(window.start), clock_time(window.end))],
        );
    }
    rows.extend(counts.into_iter().map(|(name, count)| vec![name, count.to_string()]));
    output::write(format, &Rows { header: vec!["what", "value"], rows }, &())?;
    Ok(Exit::Done)
}
