//! `GET /groups/{id}` and its transitive members.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    answer::{Handled, Refusal, Success, context},
    call::Call,
    cursor,
    directory::Group,
    ids::object_id,
    permissions::{Granted, HIDDEN_MEMBERS},
    state::State,
};

use super::users;

/// The most groups in one question.
const MOST_IDS: usize = 20;

pub(super) fn get(state: &mut State, group: &str, call: &Call) -> Handled {
    call.only(&["$select"])?;
    let select =
        call.select("group", &["id", "displayName", "securityEnabled", "mailEnabled", "visibility"])?;
    let group = existing(state, group)?;
    let all = json!({
        "id": group.id,
        "displayName": group.name,
        "securityEnabled": true,
        "mailEnabled": false,
        "visibility": group.is_hidden.then_some("HiddenMembership"),
    });
    let mut body = match select {
        None => all,
        Some(names) => Value::Object(
            names.iter().map(|name| ((*name).to_owned(), all[*name].clone())).collect::<Map<_, _>>(),
        ),
    };
    body["@odata.context"] = json!(context("groups/$entity"));
    Ok(Success::Json(body))
}

/// Which of the groups in the body hold the user. One whose members are hidden is left out in silence.
pub(super) fn that_hold(state: &mut State, user: &str, granted: &Granted, call: &Call) -> Handled {
    call.only(&[])?;
    let user = users::existing(state, user)?.id;
    let asked: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let ids = asked["groupIds"].as_array().filter(|ids| ids.len() <= MOST_IDS);
    let ids = ids.ok_or_else(|| Refusal::bad("The property 'groupIds' is missing or has too many ids."))?;
    let may_look = |group: &Group| !group.is_hidden || granted.has(HIDDEN_MEMBERS);
    let holding: Vec<&Value> = ids
        .iter()
        .filter(|id| {
            let group = id.as_str().and_then(object_id).and_then(|id| state.groups.get(&id));
            group.is_some_and(|group| may_look(group) && state.transitive_members(group.id).contains(&user))
        })
        .collect();
    Ok(Success::Json(json!({ "@odata.context": context("Collection(Edm.String)"), "value": holding })))
}

pub(super) fn members(state: &mut State, group: &str, call: &Call) -> Handled {
    listed(state, (group, false), call)
}

/// Lists only the users among the members.
pub(super) fn users(state: &mut State, group: &str, call: &Call) -> Handled {
    listed(state, (group, true), call)
}

fn listed(state: &State, (group, users_only): (&str, bool), call: &Call) -> Handled {
    call.only(&["$select", "$top", "$skiptoken"])?;
    let select = call.select("directoryObject", &["id", "displayName", "userPrincipalName"])?;
    let size = call.top(999)?.unwrap_or(state.options.page_size);
    let group = existing(state, group)?;
    let sorted: Vec<_> = state
        .transitive_members(group.id)
        .into_iter()
        .filter(|id| !users_only || state.accounts.contains_key(id))
        .map(|id| (id.to_string(), id))
        .collect();
    cursor::page(state, call, ("directoryObjects", size), &sorted, |id| {
        let mut body = principal(state, *id);
        if let (Some(names), Some(body)) = (&select, body.as_object_mut()) {
            body.retain(|key, _| key == "@odata.type" || names.contains(&key.as_str()));
        }
        body
    })
}

pub(super) fn existing<'a>(state: &'a State, group: &str) -> Result<&'a Group, Refusal> {
    let id = object_id(group).ok_or_else(|| Refusal::bad(format!("Invalid object identifier '{group}'.")))?;
    state.groups.get(&id).ok_or_else(|| Refusal::no_object(group))
}

/// A user, a group, or else a service principal.
pub(super) fn principal(state: &State, id: Uuid) -> Value {
    if let Some(account) = state.accounts.get(&id) {
        json!({
            "@odata.type": "#microsoft.graph.user",
            "id": id,
            "displayName": account.user.display_name,
            "userPrincipalName": account.user.user_principal_name,
        })
    } else if let Some(group) = state.groups.get(&id) {
        json!({ "@odata.type": "#microsoft.graph.group", "id": id, "displayName": group.name })
    } else {
        json!({ "@odata.type": "#microsoft.graph.servicePrincipal", "id": id, "displayName": "Some application" })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{client, options};

    #[tokio::test(start_paused = true)]
    async fn members_of_nested_groups_come_in_pages() {
        let client = client(options()).await;
        let (outer, inner) = (client.tenant.add_group("outer"), client.tenant.add_group("inner"));
        client.tenant.add_member(outer, inner);
        client.tenant.add_member(inner, outer);
        let gone = client.user("gone");
        client.tenant.add_member(inner, gone);
        client.tenant.delete_user(gone);
        for n in 0..5 {
            client.tenant.add_member(inner, client.user(&format!("user{n}")));
        }
        let path = format!("/v1.0/groups/{outer}/transitiveMembers");
        let members = client.all(&format!("{path}?$select=id&$top=2")).await;
        assert_eq!(members.len(), 6);
        assert!(members.iter().all(|member| member.as_object().unwrap().len() == 2));
        assert_eq!(client.all(&format!("{path}/microsoft.graph.user?$select=id")).await.len(), 5);
        assert_eq!(client.get(&format!("{path}?$top=1000")).await.status, 400);
        assert_eq!(client.get(&format!("{path}?$filter=id eq 'x'")).await.status, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_is_in_the_groups_of_groups_and_in_hidden_ones_for_those_who_may_look() {
        for (may_look, expected) in [(false, 1), (true, 2)] {
            let mut options = options();
            options.permissions.extend(may_look.then(|| "Member.Read.Hidden".to_owned()));
            let client = client(options).await;
            let groups = ["outer", "inner", "hidden", "other"].map(|name| client.tenant.add_group(name));
            let ada = client.user("ada");
            client.tenant.add_member(groups[0], groups[1]);
            client.tenant.add_member(groups[1], ada);
            client.tenant.add_member(groups[2], ada);
            client.tenant.hide_members(groups[2]);
            let asked = serde_json::json!({ "groupIds": [groups[0], groups[2], groups[3]] });
            let path = format!("/v1.0/users/{ada}/checkMemberGroups");
            let found = client.post(&path, &asked).await.json();
            assert_eq!(found["value"].as_array().unwrap().len(), expected, "{found}");
            assert_eq!(client.get(&path).await.status, 405);
            let shown = client.get(&format!("/v1.0/groups/{}?$select=visibility", groups[2])).await.json();
            assert_eq!(shown["visibility"], "HiddenMembership");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_group_is_not_found() {
        let client = client(options()).await;
        let (user, group) = (client.user("ada"), client.tenant.add_group("g"));
        assert_eq!(
            client.get(&format!("/v1.0/groups/{group}?$select=displayName")).await.json()["displayName"],
            "g"
        );
        assert_eq!(client.get(&format!("/v1.0/groups/{user}")).await.status, 404);
        assert_eq!(client.get(&format!("/v1.0/groups/{user}/transitiveMembers")).await.status, 404);
        assert_eq!(client.get("/v1.0/groups/none/transitiveMembers").await.status, 400);
    }
}
