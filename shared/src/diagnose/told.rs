//! The user's events in order, each explained for an administrator.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    audit::{Activity, DirectoryAudit, Service, Status},
    domain::{ids::EventId, story::RecordedChange},
    text::clip,
};

/// One event of the user's security info, and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldEvent {
    /// When it was.
    pub at: Timestamp,
    /// The event's id; `None` if the record has none.
    pub event_id: Option<EventId>,
    /// The activity, as Microsoft names it.
    pub activity: String,
    /// How it ended: `success`, `failure`, …
    pub status: String,
    /// The record's own reason, with the digits of phone numbers as `X`; empty if it gives none.
    pub reason: String,
    /// What it means for an administrator.
    pub means: String,
    /// What to do about it; `None` if nothing is needed.
    pub next_step: Option<String>,
}

impl ToldEvent {
    /// Explains a record of a service that logs registrations; `None` for a record of another service.
    pub fn of(record: &DirectoryAudit) -> Option<Self> {
        if !Service::logs_registrations(&record.logged_by_service) {
            return None;
        }
        let activity = Activity::from_name(&record.activity_display_name);
        let status = Status::from_result(&record.result);
        let reason = without_numbers(&clip(&record.result_reason, 200));
        let (means, next_step) = explained(&activity, &status, &reason);
        Some(Self {
            at: record.activity_date_time,
            event_id: record.id.clone(),
            activity: activity.name().to_owned(),
            status: status.as_str().to_owned(),
            reason,
            means: means.to_owned(),
            next_step: next_step.map(str::to_owned),
        })
    }

    /// Explains the directory's own record of a change of MFA details.
    pub fn of_directory(change: &RecordedChange) -> Self {
        let who = if change.by_another { "somebody other than the user" } else { "the user" };
        let mut means = Vec::new();
        if let (Some(before), Some(after)) = (&change.flags.before, &change.flags.after) {
            means.push(match (before.is_empty(), after.is_empty()) {
                (true, false) => {
                    "the MFA flags went from none to some: from here on the user can be asked for MFA"
                }
                (false, true) => "the MFA flags are gone: from here on the user is no MFA user",
                _ => "the MFA flags changed",
            });
        }
        match (change.required.before, change.required.after) {
            (_, Some(true)) => means.push("per-user MFA was turned on"),
            (Some(true), _) => means.push("per-user MFA was turned off"),
            _ => {}
        }
        if means.is_empty() {
            means.push("apps or numbers changed");
        }
        Self {
            at: change.at,
            event_id: Some(change.event_id.clone()),
            activity: "Update user".to_owned(),
            status: Status::Success.as_str().to_owned(),
            reason: String::new(),
            means: format!("the directory recorded what {who} did: {}", means.join("; ")),
            next_step: None,
        }
    }
}

/// What an event means for an administrator, and what to do about it. The first nine are the rows of Microsoft's table.
/// Source: <https://learn.microsoft.com/en-us/entra/identity/authentication/howto-registration-mfa-sspr-combined-troubleshoot>.
fn explained(activity: &Activity, status: &Status, reason: &str) -> (&'static str, Option<&'static str>) {
    use Activity as A;
    let succeeded = *status == Status::Success;
    let unfinished = "ask what the page said, and have the user try again at https://aka.ms/mysecurityinfo; if it fails \
        again, look at the service's health and open a support case with this event's id";
    match (activity, succeeded) {
        (A::RegisteredAllRequired, true) => ("the user has registered everything that was asked for", None),
        (A::RegisteredAllRequired, false) if reason.to_lowercase().contains("cancel") => (
            "the user was interrupted at sign-in, asked to register, and canceled",
            Some("nothing is broken: the user is asked again at a later sign-in; tell them what it is for"),
        ),
        (A::RegisteredAllRequired, false) => {
            ("the user was interrupted at sign-in and did not finish registering", Some(unfinished))
        }
        (A::Registered, true) => ("the user registered one method, the one that the reason names", None),
        (A::Registered, false) => {
            ("the user tried to register a method, and it failed: nothing was registered", Some(unfinished))
        }
        (A::Reviewed, true) => ("the user looked at their methods and said that they look good", None),
        (A::Reviewed, false) => (
            "the user said that their methods look good, and the service failed to note it: no method changed",
            Some(
                "nothing is lost: the user is asked to review again; if it keeps failing, look at the service's health",
            ),
        ),
        (A::Deleted, true) => ("the user deleted one method, the one that the reason names", None),
        (A::Deleted, false) => (
            "the user tried to delete a method, and it failed: the method is still there",
            Some(
                "if it is the default method, the user first makes another one the default; if an administrator has to \
                 do it: Users, the user, Authentication methods",
            ),
        ),
        (A::ChangedDefault, true) => ("the user chose another default method for MFA", None),
        (A::ChangedDefault, false) => (
            "the user tried to choose another default method, and it failed: the old one still counts",
            Some(
                "check that the method is still registered, and whether system-preferred MFA overrides the choice",
            ),
        ),
        (A::Started, true) => ("the user began to register; what came of it is in a later event", None),
        (A::Updated, true) => ("the user changed a method, such as a number", None),
        (A::Canceled, _) => ("the user gave up registering a method: nothing was registered", None),
        (A::AdminRegistered, true) => ("an administrator registered a method for the user", None),
        (A::AdminUpdated, true) => ("an administrator changed a method of the user", None),
        (A::AdminDeleted, true) => {
            ("an administrator, or an app such as this program, deleted a method of the user", None)
        }
        (A::PasskeyCreationOptions, _) => ("somebody began to make a passkey for the user", None),
        (A::UserStartedPasswordReset, _) => ("the user began to reset their own password", None),
        (A::AdminStartedPasswordReset, _) => ("an administrator began to reset the user's password", None),
        (A::StartedPasswordChange, _) => ("the user began to change their password", None),
        (A::PolicyChanged, _) => ("an administrator changed the authentication methods policy", None),
        (A::Unknown(_), true) => ("an activity that this program does not know", None),
        (_, false) => ("it failed: nothing was changed", Some(unfinished)),
    }
}

/// Replaces the digits of everything that may be a phone number: a reason may name one.
fn without_numbers(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let run = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        if run.chars().filter(char::is_ascii_digit).count() >= 5 {
            shown.extend(run.chars().map(|c| if c.is_ascii_digit() { 'X' } else { c }));
        } else if run.is_empty() {
            shown.push(c);
        } else {
            shown.push_str(run);
        }
        rest = &rest[run.len().max(c.len_utf8())..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_a_reason_is_not_told() {
        for (reason, shown) in [
            (
                "User changed default security info to Call +1 2065550100.",
                "User changed default security info to Call +X XXXXXXXXXX.",
            ),
            ("Text a code to +49 (30) 123-456", "Text a code to +XX (XX) XXX-XXX"),
            ("User registered Fido2 Authentication Method", "User registered Fido2 Authentication Method"),
            ("é 12", "é 12"),
        ] {
            assert_eq!(without_numbers(reason), shown);
        }
    }
}
