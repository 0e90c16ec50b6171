//! The services whose records are read.

use serde::{Deserialize, Serialize};

use crate::text::same_name;

/// A service whose records tell of registrations: two log them under the same names of activities, and the directory
/// records what they changed about a user.
///
/// Source: <https://learn.microsoft.com/en-us/entra/identity/monitoring-health/reference-audit-activities>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The service of combined registration.
    #[default]
    AuthenticationMethods,
    /// The MFA service, which logs the same registrations under another name.
    AzureMfa,
    /// The directory, of whose records only "Update user" is read.
    CoreDirectory,
}

impl Service {
    /// Every service, in the order in which the log is read: what a registration changed is on record before the
    /// registration makes anybody a candidate.
    pub const ALL: [Self; 3] = [Self::CoreDirectory, Self::AuthenticationMethods, Self::AzureMfa];

    /// The service's name as `loggedByService` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthenticationMethods => "Authentication Methods",
            Self::AzureMfa => "Azure MFA",
            Self::CoreDirectory => "Core Directory",
        }
    }

    /// Whether `loggedByService` names this service.
    pub fn is_named(self, name: &str) -> bool {
        same_name(self.name(), name)
    }

    /// The one activity that is asked for; `None` to ask for all of them.
    pub fn activity(self) -> Option<&'static str> {
        (self == Self::CoreDirectory).then_some("Update user")
    }

    /// The service that is read after this one; `None` after the last.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::CoreDirectory => Some(Self::AuthenticationMethods),
            Self::AuthenticationMethods => Some(Self::AzureMfa),
            Self::AzureMfa => None,
        }
    }

    /// Whether a record of this `loggedByService` may be a registration.
    pub fn logs_registrations(name: &str) -> bool {
        [Self::AuthenticationMethods, Self::AzureMfa].iter().any(|service| same_name(service.name(), name))
    }
}
