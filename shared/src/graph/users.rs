//! `GET /v1.0/users/{id}`: the account itself.

use super::{
    answer::Answer,
    call::Call,
    client::Graph,
    error::GraphError,
    url::{key, query},
};
use crate::domain::{account::User, user_ref::UserRef};

/// The properties to ask for.
const SELECT: &str = "id,userPrincipalName,displayName,userType,accountEnabled,externalUserState,creationType,onPremisesSyncEnabled,createdDateTime,lastPasswordChangeDateTime";

impl Graph {
    /// Reads one account. Returns [`GraphError::NotFound`] if it was deleted or never existed.
    pub async fn user(&self, user: &UserRef) -> Result<Answer<User>, GraphError> {
        let url =
            format!("{}/v1.0/users{}{}", self.base, key(&user.to_string())?, query(&[("$select", SELECT)]));
        let needs = &["Directory.Read.All", "User.Read.All", "Directory.ReadWrite.All"];
        self.get(Call::get(url, needs)).await
    }
}
