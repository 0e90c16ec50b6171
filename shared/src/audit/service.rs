//! The services that log registrations.

use serde::{Deserialize, Serialize};

use crate::text::same_name;

/// A service that logs registrations under the same names of activities.
///
/// Source: <https://learn.microsoft.com/en-us/entra/identity/monitoring-health/reference-audit-activities>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The service of combined registration.
    #[default]
    AuthenticationMethods,
    /// The MFA service.
    AzureMfa,
}

impl Service {
    /// All of them, in the order in which the log is asked for them.
    pub const ALL: [Self; 2] = [Self::AuthenticationMethods, Self::AzureMfa];

    /// The name, as `loggedByService` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthenticationMethods => "Authentication Methods",
            Self::AzureMfa => "Azure MFA",
        }
    }

    /// The service that is asked for behind this one.
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
