//! The services that log registrations.

use serde::{Deserialize, Serialize};

use crate::text::same_name;

/// A service that logs registrations. All of them use the same activity names.
///
/// Source: <https://learn.microsoft.com/en-us/entra/identity/monitoring-health/reference-audit-activities>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The service of combined registration.
    #[default]
    AuthenticationMethods,
    /// The MFA service, which logs the same activities.
    AzureMfa,
}

impl Service {
    /// All services, in the order in which the log is asked for them.
    pub const ALL: [Self; 2] = [Self::AuthenticationMethods, Self::AzureMfa];

    /// The name, as `loggedByService` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthenticationMethods => "Authentication Methods",
            Self::AzureMfa => "Azure MFA",
        }
    }

    /// The service to ask for after this one; `None` after the last.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::AuthenticationMethods => Some(Self::AzureMfa),
            Self::AzureMfa => None,
        }
    }

    /// Whether a record of this `loggedByService` may be a registration.
    pub fn is_known(name: &str) -> bool {
        Self::ALL.iter().any(|service| same_name(service.name(), name))
    }
}
