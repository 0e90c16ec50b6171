//! `GET /v1.0/users/{id}`: the account itself.

use serde::Deserialize;

use super::{
    answer::Answer,
    call::Call,
    client::Graph,
    error::GraphError,
    url::{key, query},
};
use crate::domain::{account::User, ids::UserId, user_ref::UserRef};

/// The properties to ask for.
const SELECT: &str = "id,userPrincipalName,displayName,userType,accountEnabled,externalUserState,creationType,onPremisesSyncEnabled,createdDateTime,lastPasswordChangeDateTime";

/// The most ids that one `in` takes.
const MOST_IDS: usize = 15;

/// Any of these is enough to read accounts.
const NEEDS: &[&str] = &["Directory.Read.All", "User.Read.All", "Directory.ReadWrite.All"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    id: UserId,
    user_principal_name: Option<String>,
}

impl Graph {
    /// Reads one account. Returns [`GraphError::NotFound`] if it was deleted or never existed.
    pub async fn user(&self, user: &UserRef) -> Result<Answer<User>, GraphError> {
        let url =
            format!("{}/v1.0/users{}{}", self.base, key(&user.to_string())?, query(&[("$select", SELECT)]));
        self.get(Call::get(url, NEEDS)).await
    }

    /// Reads the principal names of users, 15 in a request. Whoever was deleted is left out.
    pub async fn principal_names(&self, users: &[UserId]) -> Result<Vec<(UserId, String)>, GraphError> {
        let mut names = Vec::with_capacity(users.len());
        for some in users.chunks(MOST_IDS) {
            let ids: Vec<String> = some.iter().map(|user| format!("'{user}'")).collect();
            let filter = format!("id in ({})", ids.join(","));
            let query = query(&[("$select", "id,userPrincipalName"), ("$filter", &filter)]);
            let found: Vec<Named> = self.list(format!("{}/v1.0/users{query}", self.base), NEEDS).await?;
            names.extend(found.into_iter().filter_map(|user| Some((user.id, user.user_principal_name?))));
        }
        Ok(names)
    }
}
