//! `scan`: registrations in exported audit logs, and who was stamped.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    audit::{DirectoryAudit, Event, Registration, Tally},
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
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found {
    /// The user's object id.
    user_id: UserId,
    /// The principal name in the latest record that has one.
    user_principal_name: Option<String>,
    /// When the latest registration was.
    registered_at: Timestamp,
    /// The id of its event; null if the export has none.
    event_id: Option<EventId>,
    /// The kinds of method that the registrations name.
    methods: Vec<MethodKind>,
    /// Whether one of them lies in the window; absent if no window is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_window: Option<bool>,
}

/// One user whose MFA flags went from none to some, with the latest time that they did.
#[derive(Debug, Serialize)]
struct Stamped {
    user_id: UserId,
    user_principal_name: Option<String>,
    #[serde(rename = "stamped_at")]
    at: Timestamp,
    event_id: Option<EventId>,
    /// The user's latest registration; `None` if these files have none.
    registered_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_window: Option<bool>,
}

pub(super) fn scan(files: &[PathBuf], list_stamped: bool, format: Format) -> Result<Exit, CommandError> {
    let window = Settings::read_window(environment)?;
    let mut users: BTreeMap<UserId, Found> = BTreeMap::new();
    let mut stamped: BTreeMap<UserId, Stamped> = BTreeMap::new();
    let mut tally = Tally::default();
    let mut read = exports::read(files, |record, event| {
        tally.add(&event);
        if let Some(stamp) = stamp(record, window.as_ref()) {
            let known = stamped.get(&stamp.user_id).is_some_and(|known| known.at >= stamp.at);
            if !known {
                stamped.insert(stamp.user_id, stamp);
            }
        }
        if let Event::Registration(registration) = event {
            merge(&mut users, registration, window.as_ref());
        }
    });
    let found: Vec<&Found> = users.values().collect();
    for stamp in stamped.values_mut() {
        stamp.registered_at = users.get(&stamp.user_id).map(|found| found.registered_at);
    }
    let stamped: Vec<&Stamped> = stamped.values().collect();
    if list_stamped {
        output::write(format, &rows_of_stamped(&stamped, window.is_some()), &stamped)?;
    } else {
        output::write(format, &rows(&found, window.is_some()), &found)?;
        say_stamped(&stamped);
    }
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

fn stamp(record: &DirectoryAudit, window: Option<&Window>) -> Option<Stamped> {
    // What cannot be read is no stamp that is shown.
    let (user_id, change) = record.change().ok().flatten().filter(|(_, change)| change.stamps())?;
    let mut names = record.target_resources.iter().filter_map(|target| target.user_principal_name.clone());
    Some(Stamped {
        user_id,
        user_principal_name: names.next(),
        at: change.at,
        event_id: record.id.clone(),
        registered_at: None,
        in_window: window.map(|window| window.contains(change.at)),
    })
}

/// Says how many users were stamped although no registration of theirs is in the files.
fn say_stamped(stamped: &[&Stamped]) {
    let is_odd = |stamp: &&&Stamped| stamp.registered_at.is_none() && stamp.in_window != Some(false);
    let count = stamped.iter().filter(is_odd).count();
    if count > 0 {
        let (of, where_) =
            (stamped.len(), if stamped[0].in_window.is_some() { " in the window" } else { "" });
        eprintln!(
            "{count} of {of} users who were stamped (StrongAuthenticationMethod went from none to some){where_} have no registration in these files: scan --stamped lists them"
        );
    }
}

fn rows_of_stamped(stamped: &[&Stamped], with_window: bool) -> Rows {
    let mut header = vec!["user_id", "user_principal_name", "stamped_at", "event_id", "registered_at"];
    if with_window {
        header.push("in_window");
    }
    let row = |stamp: &&Stamped| {
        let mut row = vec![
            stamp.user_id.to_string(),
            stamp.user_principal_name.clone().unwrap_or_default(),
            stamp.at.to_string(),
            stamp.event_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            stamp.registered_at.map(|at| at.to_string()).unwrap_or_default(),
        ];
        row.extend(stamp.in_window.filter(|_| with_window).map(|inside| inside.to_string()));
        row
    };
    Rows { header, rows: stamped.iter().map(row).collect() }
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
