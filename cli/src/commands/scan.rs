//! `scan`: registrations in exported audit logs.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    audit::{Event, Registration, Tally},
    clock::Clock,
    domain::{
        ids::{EventId, UserId},
        method::MethodKind,
        window::Window,
    },
    settings::{Settings, environment},
};

use crate::{
    args::Format,
    error::{CommandError, Exit},
    exports,
    output::{self, Rows},
};

/// One user with the latest registration.
#[derive(Debug, Serialize)]
struct Found {
    user_id: UserId,
    user_principal_name: Option<String>,
    registered_at: Timestamp,
    event_id: Option<EventId>,
    methods: Vec<MethodKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_window: Option<bool>,
}

pub(super) fn scan(files: &[PathBuf], format: Format) -> Result<Exit, CommandError> {
    let window = Settings::read_window(environment)?;
    let mut users: BTreeMap<UserId, Found> = BTreeMap::new();
    let mut tally = Tally::default();
    let mut read = exports::read(files, |_, event| {
        tally.add(&event);
        if let Event::Registration(registration) = event {
            merge(&mut users, registration, window.as_ref());
        }
    });
    let found: Vec<&Found> = users.values().collect();
    output::write(format, &rows(&found, window.is_some()), &found)?;
    if format == Format::Table {
        eprintln!(
            "{} records, {} of other services; {} users with a registration, {} registrations without one clear user",
            read.records,
            tally.other_services(),
            found.len(),
            read.unclear
        );
        for (activity, status, count) in tally.iter() {
            eprintln!("{count:>8} {} ({})", output::plain(activity.name()), output::plain(status.as_str()));
        }
    }
    if let Some(window) = &window {
        read.compare(window, Clock::system().now());
    }
    Ok(if read.is_incomplete { Exit::Incomplete } else { Exit::Done })
}

/// Merges a registration into its user's line, which shows the latest one and the kinds of all of them.
fn merge(users: &mut BTreeMap<UserId, Found>, new: Registration, window: Option<&Window>) {
    let in_window = window.map(|window| window.contains(new.registered_at));
    let found = users.entry(new.user_id).or_insert_with(|| Found {
        user_id: new.user_id,
        user_principal_name: None,
        registered_at: Timestamp::MIN,
        event_id: None,
        methods: Vec::new(),
        in_window,
    });
    for kind in new.methods {
        if !found.methods.contains(&kind) {
            found.methods.push(kind);
        }
    }
    found.methods.sort();
    found.in_window = found.in_window.max(in_window);
    if new.registered_at > found.registered_at {
        found.registered_at = new.registered_at;
        found.event_id = new.event_id;
        found.user_principal_name = new.user_principal_name.or(found.user_principal_name.take());
    }
}

fn rows(found: &[&Found], with_window: bool) -> Rows {
    let mut header = vec!["user_id", "user_principal_name", "registered_at", "event_id", "methods"];
    if with_window {
        header.push("in_window");
    }
    let rows = found
        .iter()
        .map(|found| {
            let kinds: Vec<&str> = found.methods.iter().map(MethodKind::as_str).collect();
            let mut row = vec![
                found.user_id.to_string(),
                found.user_principal_name.clone().unwrap_or_default(),
                found.registered_at.to_string(),
                found.event_id.as_ref().map(ToString::to_string).unwrap_or_default(),
                kinds.join(" "),
            ];
            if with_window {
                row.push(found.in_window.unwrap_or(false).to_string());
            }
            row
        })
        .collect();
    Rows { header, rows }
}
