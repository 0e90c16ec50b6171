//! `GET /users` and `GET /users/{id}`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    account::{Account, PROPERTIES},
    answer::{Handled, Refusal, Success, context},
    call::Call,
    cursor,
    ids::object_id,
    state::State,
};

/// The properties that Graph returns without `$select`, as far as they are known here.
const DEFAULT: [&str; 3] = ["id", "userPrincipalName", "displayName"];

/// The most ids that `in` takes.
const MOST_IDS: usize = 15;

pub(super) fn get(state: &mut State, user: &str, call: &Call) -> Handled {
    call.only(&["$select"])?;
    let select = call.select("user", &PROPERTIES)?;
    let account = existing(state, user)?;
    let mut body = shown(account, select.as_deref());
    body["@odata.context"] = json!(context("users/$entity"));
    Ok(Success::Json(body))
}

/// All users, or those that `$filter` names.
pub(super) fn list(state: &mut State, call: &Call) -> Handled {
    call.only(&["$select", "$filter", "$top", "$skiptoken"])?;
    let select = call.select("user", &PROPERTIES)?;
    let size = call.top(999)?.unwrap_or(state.options.page_size);
    let named = call.option("$filter").map(ids).transpose()?;
    let accounts: Vec<&Account> = match &named {
        Some(ids) => ids.iter().filter_map(|id| state.accounts.get(id)).collect(),
        None => state.accounts.values().collect(),
    };
    let there = accounts.into_iter().filter(|account| !account.deleted);
    let sorted: Vec<_> = there.map(|account| (account.id.to_string(), account)).collect();
    cursor::page(state, call, ("users", size), &sorted, |account| shown(account, select.as_deref()))
}

/// Returns the user with this id or principal name, unless deleted.
pub(super) fn existing<'a>(state: &'a State, user: &str) -> Result<&'a Account, Refusal> {
    state.find(user).filter(|account| !account.deleted).ok_or_else(|| Refusal::no_object(user))
}

/// Returns the user, unless the application may not reach them.
pub(super) fn reachable<'a>(state: &'a State, user: &str) -> Result<&'a Account, Refusal> {
    let account = existing(state, user)?;
    let id = account.id;
    if state.restricted.contains(&id) || state.options.faults.restricted_users.contains(&id) {
        return Err(Refusal::denied());
    }
    Ok(account)
}

fn shown(account: &Account, select: Option<&[&str]>) -> Value {
    let names = select.unwrap_or(&DEFAULT);
    let properties: Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), account.property(name))).collect();
    Value::Object(properties)
}

/// Reads `id in ('…','…')`.
fn ids(filter: &str) -> Result<BTreeSet<Uuid>, Refusal> {
    let unsupported = || {
        Refusal::graph(
            400,
            "Request_UnsupportedQuery",
            "Unsupported or invalid query filter clause specified.",
        )
    };
    let list = filter
        .strip_prefix("id in")
        .and_then(|rest| rest.trim_start().strip_prefix('('))
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(unsupported)?;
    let items: Vec<&str> = list.split(',').map(str::trim).collect();
    if items.len() > MOST_IDS {
        return Err(Refusal::graph(
            400,
            "Request_UnsupportedQuery",
            format!(
                "Too many child clauses specified in search filter expression containing 'OR' operators: {}. Max allowed: {MOST_IDS}.",
                items.len()
            ),
        ));
    }
    let id = |item: &str| {
        let text = item.strip_prefix('\'')?.strip_suffix('\'')?;
        object_id(text)
    };
    items.into_iter().map(|item| id(item).ok_or_else(unsupported)).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        NewUser,
        testing::{client, options},
    };

    #[tokio::test(start_paused = true)]
    async fn only_selected_properties_are_there() {
        let client = client(options()).await;
        let id = client.user("ada");
        let user = client
            .get(&format!("/v1.0/users/{id}?$select=id,userType,accountEnabled,creationType"))
            .await
            .json();
        assert_eq!(user["userType"], "Member");
        assert_eq!(user["accountEnabled"], true);
        assert!(user["creationType"].is_null() && user.as_object().unwrap().contains_key("creationType"));
        assert!(user.get("userPrincipalName").is_none());
        assert!(client.get(&format!("/beta/users/{id}")).await.json().get("userType").is_none());
        assert_eq!(client.get(&format!("/v1.0/users/{id}?$select=shoeSize")).await.status, 400);
        assert_eq!(client.get(&format!("/v1.0/users/{id}?$expand=manager")).await.status, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn a_principal_name_finds_its_user() {
        let client = client(options()).await;
        let id = client.tenant.add_user(NewUser::named("p_x.example#EXT#@contoso.example"));
        let user = client.get("/v1.0/users/P_x.example%23EXT%23%40contoso.example?$select=id").await;
        assert_eq!(user.json()["id"], id.to_string());
    }

    #[tokio::test(start_paused = true)]
    async fn deleted_and_unknown_users_are_not_found_until_restored() {
        let client = client(options()).await;
        let id = client.user("ada");
        let path = format!("/v1.0/users/{id}");
        client.tenant.delete_user(id);
        let reply = client.get(&path).await;
        assert_eq!((reply.status, reply.code().as_str()), (404, "Request_ResourceNotFound"));
        assert!(client.get(&format!("/v1.0/users?$filter=id in ('{id}')")).await.items().is_empty());
        assert_eq!(client.get("/v1.0/users/nobody@contoso.example").await.status, 404);
        client.tenant.restore_user(id);
        assert_eq!(client.get(&path).await.status, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn fifteen_ids_pass_and_sixteen_do_not() {
        let client = client(options()).await;
        let ids: Vec<String> = (0..16).map(|n| format!("'{}'", client.user(&format!("user{n}")))).collect();
        let list =
            |count: usize| format!("/v1.0/users?$select=id&$filter=id in ({})", ids[..count].join(", "));
        assert_eq!(client.get(&list(15)).await.items().len(), 15);
        assert_eq!(client.get(&list(16)).await.status, 400);
        for filter in ["id in ()", "id in ('x')", "id eq 'x'", "startswith(displayName,'a')"] {
            assert_eq!(client.get(&format!("/v1.0/users?$filter={filter}")).await.status, 400, "{filter}");
        }
        assert_eq!(client.all("/v1.0/users?$top=5").await.len(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn a_permission_is_needed() {
        let mut options = options();
        options.permissions = vec!["AuditLog.Read.All".to_owned()];
        let reply = client(options).await.get("/v1.0/users").await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "Authorization_RequestDenied"));
    }
}
