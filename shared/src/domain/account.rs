//! An account of the directory.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{ids::UserId, method::MethodName};

/// An account as Graph returns it. In an `Option<Option<…>>`, `None` means that the property was absent;
/// `Some(None)` means that it was null.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The account's Entra object id.
    pub id: UserId,
    /// The user principal name; a guest's usually contains `#EXT#`.
    #[serde(default)]
    pub user_principal_name: Option<String>,
    /// The display name; no rule reads it.
    #[serde(default)]
    pub display_name: Option<String>,
    /// `Member` or `Guest`; null on old accounts.
    #[serde(default, deserialize_with = "present")]
    pub user_type: Option<Option<String>>,
    /// Whether it can sign in.
    #[serde(default)]
    pub account_enabled: Option<bool>,
    /// State of a B2B invitation; null for everybody else.
    #[serde(default, deserialize_with = "present")]
    pub external_user_state: Option<Option<String>>,
    /// `Invitation` for B2B users; null for most others.
    #[serde(default, deserialize_with = "present")]
    pub creation_type: Option<Option<String>>,
    /// Whether it is synchronised from on premises.
    #[serde(default)]
    pub on_premises_sync_enabled: Option<bool>,
    /// When it was created.
    #[serde(default, rename = "createdDateTime")]
    pub created: Option<Timestamp>,
    /// When the password was last changed, or set at the account's creation.
    #[serde(default, rename = "lastPasswordChangeDateTime")]
    pub password_changed: Option<Timestamp>,
}

/// Tells a null from an absent property.
#[expect(clippy::option_option, reason = "absent and null mean different things here")]
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What reports say about a user, as of the latest handling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct About {
    /// Whether the account is enabled; `None` if Graph did not say.
    pub enabled: Option<bool>,
    /// What makes the user external; `None` if nothing does, or if Graph did not say.
    pub external: Option<String>,
    /// Whether the account is synchronised from on premises.
    pub synced: Option<bool>,
    /// What makes the user an administrator, such as `active role`; `None` if nothing is known to.
    pub administrator: Option<String>,
    /// The display name; unlike the principal name, it is always kept.
    pub display_name: Option<String>,
    /// The principal name; kept only if `LOG_USER_PRINCIPAL_NAMES` is set.
    pub user_principal_name: Option<String>,
    /// The per-user MFA state in lower case; `None` if it could not be read.
    pub per_user_mfa: Option<String>,
    /// All methods before anything was deleted.
    pub methods_before: Vec<MethodName>,
}
