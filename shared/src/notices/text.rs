//! What people are told, as an email that is read on a phone. It names users by object id alone, and leaves
//! out a person's words and account name: those may name somebody.

use std::{collections::BTreeMap, fmt::Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        brake::{MFA_ROLLBACK, Move},
        ids::TenantId,
        state::UserState,
    },
    view::{Status, next_step},
};

/// How many users of one outcome a digest names by id; it only counts the others.
pub(super) const NAMED: usize = 20;

/// SNS accepts only ASCII subjects, shorter than 100 characters.
const SUBJECT: usize = 99;

/// What people were told last, as the ledger keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    /// When the last digest was sent.
    pub(super) at: Option<Timestamp>,
    /// When a digest was last begun, sent or not.
    pub(super) begun_at: Option<Timestamp>,
    /// The counts by outcome that the last digest told.
    pub(super) counts: BTreeMap<String, u64>,
    /// Registrations that only sweeps found, as the last digest told.
    pub(super) missed: u64,
    /// The last opening of the brake that people were told about.
    pub(super) brake_moved_at: Option<Timestamp>,
}

impl Told {
    /// Whether a digest would have something to tell.
    pub(super) fn differs(&self, status: &Status) -> bool {
        self.counts != status.counts || self.missed != status.missed
    }

    /// Records that a digest told this status.
    pub(super) fn tell(&mut self, status: &Status, now: Timestamp) {
        self.at = Some(now);
        self.counts.clone_from(&status.counts);
        self.missed = status.missed;
    }
}

/// One message to people.
#[derive(Debug, PartialEq, Eq)]
pub struct Notice {
    /// ASCII, shorter than 100 characters.
    pub subject: String,
    /// Plain text; it names users by object id alone.
    pub text: String,
}

impl Notice {
    fn new(subject: &str, text: String) -> Self {
        Self { subject: subject.chars().take(SUBJECT).collect(), text }
    }
}

/// The notice that the brake is open.
pub(super) fn brake(tenant: TenantId, last: &Move) -> Notice {
    let why = if last.who == MFA_ROLLBACK {
        format!("mfa-rollback opened it at {}: {}.", last.at, last.why)
    } else {
        format!("A person opened it at {}; `mfa-rollback status --stack URL` says who, and why.", last.at)
    };
    let text = format!(
        "Tenant {tenant}\n\nThe brake is open: nothing is deleted until a person releases it.\n{why}\n\nWhat to do: docs/runbook.md, BrakeOpen. When it is understood:\n  mfa-rollback brake release --reason \"...\" --stack URL\n"
    );
    Notice::new("mfa-rollback: the brake is open", text)
}

/// The notice that users are partial.
pub(super) fn partial(tenant: TenantId, users: &[&UserState]) -> Notice {
    let mut text =
        format!("Tenant {tenant}\n\nSome methods of these users are deleted, and some are not:\n\n");
    for state in users {
        let Some(outcome) = state.outcome() else { continue };
        let _ = writeln!(
            text,
            "  {}  {outcome}\n    {}",
            state.user_id,
            next_step(outcome, state.consequences())
        );
    }
    text.push_str("\nWhat to do: docs/runbook.md, UsersPartial. What was decided and done:\n  mfa-rollback explain USER_ID --stack URL\n");
    let subject = match users.len() {
        1 => "mfa-rollback: a rollback is partial".to_owned(),
        many => format!("mfa-rollback: {many} rollbacks are partial"),
    };
    Notice::new(&subject, text)
}

/// The digest of what has changed. `look` names the users to look at, by outcome.
pub(super) fn digest(told: &Told, status: &Status, look: &[(String, Vec<String>)]) -> Notice {
    let mut text = format!("Tenant {}\n", status.tenant_id);
    let since = told.at.map_or("first digest".to_owned(), |at| format!("since {at:.0}"));
    let _ = writeln!(text, "\n{:<34} {:>7}  {since}", "outcome", "now");
    let names: std::collections::BTreeSet<&String> = told.counts.keys().chain(status.counts.keys()).collect();
    let count = |counts: &BTreeMap<String, u64>, name: &str| counts.get(name).copied().unwrap_or_default();
    let mut changes = Vec::new();
    for name in names {
        let (before, now) = (count(&told.counts, name), count(&status.counts, name));
        let change = signed(before, now);
        let _ = writeln!(text, "{name:<34} {now:>7}  {change}");
        if now > before {
            changes.push(format!("{name} {change}"));
        }
    }
    if !look.is_empty() {
        text.push_str("\nTo look at (docs/runbook.md; mfa-rollback explain USER_ID --stack URL):\n");
    }
    for (outcome, users) in look {
        let more = count(&status.counts, outcome).saturating_sub(users.len() as u64);
        let more = if more > 0 { format!("\n    and {more} more") } else { String::new() };
        let _ = writeln!(text, "  {outcome}\n    {}{more}", users[..users.len().min(NAMED)].join("\n    "));
    }
    let held: u64 =
        status.counts.iter().filter(|(name, _)| name.starts_with("held")).map(|(_, count)| count).sum();
    if held > 0 {
        let _ = writeln!(
            text,
            "\n{held} held, which a person decides on: mfa-rollback report --held --stack URL"
        );
    }
    let cap = status.max_rollbacks_per_day.map(|cap| format!(" of {cap}")).unwrap_or_default();
    let _ = writeln!(
        text,
        "\nbrake {}; {}{cap} users begun in the last 24 h",
        status.brake.state.as_str(),
        status.slots_taken
    );
    if let Some(to) = status.complete_to {
        let _ = writeln!(text, "audit log scanned up to {to:.0}; {} registrations missed", status.missed);
    }
    if status.missed > told.missed {
        changes.insert(0, format!("missed registrations {}", signed(told.missed, status.missed)));
    }
    let subject = if changes.is_empty() { "fewer users wait".to_owned() } else { changes.join(", ") };
    Notice::new(&format!("mfa-rollback: {subject}"), text)
}

fn signed(before: u64, now: u64) -> String {
    match (before, now) {
        (before, now) if now > before => format!("+{}", now - before),
        (before, now) if now < before => format!("-{}", before - now),
        _ => String::new(),
    }
}
