//! What was done and how it ended, by the names of the service "Authentication Methods".

use std::fmt;

use serde::{Serialize, Serializer};

use crate::text::{clip, same_name};

const NAME_LIMIT: usize = 100;

/// An activity of the service "Authentication Methods".
///
/// The first five are those of combined registration's own table; the names are Microsoft's
/// (`reference-audit-activities.md`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// A user registered one method.
    Registered,
    /// A user registered all methods that are asked for, or canceled doing so.
    RegisteredAllRequired,
    /// A user reviewed the registered methods and confirmed them.
    Reviewed,
    /// A user deleted a method.
    Deleted,
    /// A user changed the default method.
    ChangedDefault,
    /// A user began to register a method.
    Started,
    /// A user changed a method.
    Updated,
    /// A user gave up registering a method.
    Canceled,
    /// An administrator registered a method for a user.
    AdminRegistered,
    /// An administrator changed a method of a user.
    AdminUpdated,
    /// An administrator, or this program, deleted a method of a user.
    AdminDeleted,
    /// Somebody asked for the options to make a passkey.
    PasskeyCreationOptions,
    /// A user began to reset their own password.
    UserStartedPasswordReset,
    /// An administrator began to reset a user's password.
    AdminStartedPasswordReset,
    /// A user began to change their own password.
    StartedPasswordChange,
    /// An administrator changed the authentication methods policy.
    PolicyChanged,
    /// A name that this program does not know: counted and reported, never an error.
    Unknown(String),
}

const NAMES: [(&str, Activity); 18] = [
    ("User registered security info", Activity::Registered),
    ("User registered all required security info", Activity::RegisteredAllRequired),
    ("User reviewed security info", Activity::Reviewed),
    ("User deleted security info", Activity::Deleted),
    ("User changed default security info", Activity::ChangedDefault),
    ("User started security info registration", Activity::Started),
    ("User updated security info", Activity::Updated),
    ("User canceled security info registration", Activity::Canceled),
    ("User cancelled security info registration", Activity::Canceled),
    ("Admin registered security info", Activity::AdminRegistered),
    ("Admin updated security info", Activity::AdminUpdated),
    ("Admin deleted security info", Activity::AdminDeleted),
    ("Get passkey creation options", Activity::PasskeyCreationOptions),
    ("User started password reset", Activity::UserStartedPasswordReset),
    ("Admin started password reset", Activity::AdminStartedPasswordReset),
    ("User started password change", Activity::StartedPasswordChange),
    ("Update authentication methods policy", Activity::PolicyChanged),
    ("Authentication Methods Policy Update", Activity::PolicyChanged),
];

impl Activity {
    /// The activity of that name, in any case, with or without a final period.
    pub fn from_name(name: &str) -> Self {
        NAMES
            .iter()
            .find(|(known, _)| same_name(known, name))
            .map_or_else(|| Self::Unknown(clip(name.trim(), NAME_LIMIT)), |(_, activity)| activity.clone())
    }

    /// The name as Microsoft writes it.
    pub fn name(&self) -> &str {
        if let Self::Unknown(name) = self {
            return name;
        }
        NAMES.iter().find(|(_, activity)| activity == self).map_or("", |(name, _)| name)
    }

    /// Whether it is a registration if it succeeds.
    pub fn registers(&self) -> bool {
        matches!(self, Self::Registered | Self::RegisteredAllRequired)
    }
}

/// What switches the preview of combined registration, or may, or the policy that it became part of. The last is
/// Microsoft's own name (`reference-audit-activities.md`), the others have been seen.
/// Source: <https://github.com/MicrosoftDocs/azure-docs/issues/101446>.
pub const PREVIEW_SWITCHES: [&str; 4] = [
    "Updated ConvergedUXV2 feature value",
    "Update preview settings",
    "Update authentication methods policy",
    "Authentication Methods Policy Update",
];

/// Whether an activity, of any service, may have switched the preview on or off.
pub fn is_preview_switch(activity: &str) -> bool {
    PREVIEW_SWITCHES.iter().any(|name| same_name(name, activity))
}

/// How an activity ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// `success`: without it, nothing counts as a registration.
    Success,
    /// `failure` or `failed`: it was not done.
    Failure,
    /// It was not done in time.
    Timeout,
    /// A result that this program does not know; not a success.
    Unknown(String),
}

impl Status {
    /// The status of a record's `result`.
    pub fn from_result(result: &str) -> Self {
        if same_name(result, "success") {
            Self::Success
        } else if same_name(result, "failure") || same_name(result, "failed") {
            Self::Failure
        } else if same_name(result, "timeout") {
            Self::Timeout
        } else {
            Self::Unknown(clip(result.trim(), NAME_LIMIT))
        }
    }

    /// The status as Graph writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
            Self::Unknown(result) => result,
        }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Activity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_recognised_in_any_writing() {
        for (name, activity) in NAMES {
            assert_eq!(Activity::from_name(name), activity);
            assert_eq!(Activity::from_name(&format!(" {}. ", name.to_uppercase())), activity);
            assert_eq!(Activity::from_name(activity.name()), activity);
        }
    }

    #[test]
    fn an_unknown_name_is_kept_short_and_printable() {
        let name = format!("User juggled\u{7} {}", "x".repeat(500));
        let Activity::Unknown(kept) = Activity::from_name(&name) else { panic!("known") };
        assert!(kept.starts_with("User juggled  xxx"));
        assert!(kept.chars().count() <= NAME_LIMIT + 1);
        assert!(!Activity::Unknown(kept).registers());
    }

    #[test]
    fn only_success_is_a_success() {
        assert_eq!(Status::from_result("Success"), Status::Success);
        assert_eq!(Status::from_result("failed"), Status::Failure);
        assert_eq!(Status::from_result("timeout"), Status::Timeout);
        for result in ["", "unknownFutureValue", "successful", "0"] {
            assert_eq!(Status::from_result(result), Status::Unknown(result.to_owned()));
        }
    }
}
