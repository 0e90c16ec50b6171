//! An account of the directory.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::ids::UserId;

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
