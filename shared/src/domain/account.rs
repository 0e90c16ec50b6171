//! An account of the directory.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::ids::UserId;

/// An account. `None` in a property means that the answer did not hold it; `Some(None)` that it was
/// null.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its object id.
    pub id: UserId,
    /// Its principal name.
    #[serde(default)]
    pub user_principal_name: Option<String>,
    /// Its display name.
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
}

/// Tells a null from an absent property.
#[expect(clippy::option_option, reason = "absent and null mean different things here")]
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
