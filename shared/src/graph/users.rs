//! `GET /v1.0/users/{id}`: the account itself.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::{
    Answer, Budget, Call, Graph, GraphError,
    url::{query, segment},
};
use crate::{ids::UserId, user_ref::UserRef};

/// The properties that are asked for.
const SELECT: &str = "id,userPrincipalName,displayName,userType,accountEnabled,externalUserState,creationType,onPremisesSyncEnabled,createdDateTime";

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

impl Graph {
    /// Reads one account. [`GraphError::NotFound`] where it is deleted or was never there.
    pub async fn user(&self, user: &UserRef) -> Result<Answer<User>, GraphError> {
        let url = format!(
            "{}/v1.0/users/{}{}",
            self.base,
            segment(&user.to_string())?,
            query(&[("$select", SELECT)])
        );
        let needs = &["Directory.Read.All", "User.Read.All", "Directory.ReadWrite.All"];
        self.get(Call { method: http::Method::GET, url, budget: Budget::Rest, needs }).await
    }
}
