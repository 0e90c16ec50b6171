//! Who holds directory roles, now or on request.

use serde_json::{Value, json};
use uuid::Uuid;

use super::groups::{existing, principal};
use crate::{
    answer::{Handled, Refusal},
    call::Call,
    cursor,
    directory::{RoleGrant, RoleKind},
    ids::object_id,
    state::State,
};

/// The role definition of Global Administrator.
const ROLE: &str = "62e90394-69f5-4237-9190-012177145e10";

pub(super) fn assignments(state: &mut State, call: &Call) -> Handled {
    list(state, call, RoleKind::Active, |grant| {
        json!({
            "id": grant.id,
            "principalId": grant.principal,
            "directoryScopeId": grant.scope,
            "roleDefinitionId": ROLE,
        })
    })
}

pub(super) fn eligibilities(state: &mut State, call: &Call) -> Handled {
    state.options.premium.require_pim()?;
    list(state, call, RoleKind::Eligible, |grant| {
        json!({
            "id": grant.id,
            "principalId": grant.principal,
            "roleDefinitionId": ROLE,
            "directoryScopeId": grant.scope,
            "appScopeId": null,
            "startDateTime": "2025-01-01T00:00:00Z",
            "endDateTime": null,
            "memberType": "Direct",
            "roleEligibilityScheduleId": grant.id,
        })
    })
}

fn list(state: &State, call: &Call, kind: RoleKind, show: impl Fn(&RoleGrant) -> Value) -> Handled {
    call.only(&["$expand", "$filter", "$skiptoken"])?;
    let expand = match call.option("$expand") {
        None => false,
        Some("principal") => true,
        Some(other) => return Err(Refusal::bad(format!("Could not expand '{other}'."))),
    };
    let holder = call.option("$filter").map(principal_of).transpose()?;
    let is_theirs = |grant: &&RoleGrant| holder.is_none_or(|holder| grant.principal == holder);
    let grants = state.grants.values().filter(|grant| grant.kind == kind).filter(is_theirs);
    let sorted: Vec<_> = grants.map(|grant| (grant.id.to_string(), grant)).collect();
    cursor::page(state, call, ("roleManagement/directory", state.options.page_size), &sorted, |grant| {
        let mut body = show(grant);
        if expand {
            body["principal"] = principal(state, grant.principal);
        }
        body
    })
}

/// Reads `principalId eq '…'`.
fn principal_of(filter: &str) -> Result<Uuid, Refusal> {
    filter
        .strip_prefix("principalId eq '")
        .and_then(|rest| rest.strip_suffix('\''))
        .and_then(object_id)
        .ok_or_else(|| Refusal::bad("Invalid filter clause."))
}

pub(super) fn group_eligibilities(state: &mut State, call: &Call) -> Handled {
    state.options.premium.require_pim()?;
    call.only(&["$filter", "$skiptoken"])?;
    let filter = call
        .option("$filter")
        .and_then(|filter| filter.strip_prefix("groupId eq '").and_then(|rest| rest.strip_suffix('\'')));
    let Some(group) = filter else {
        let message = "The filter must contain principalId or groupId.";
        return Err(Refusal::graph(400, "MissingFilter", message));
    };
    let group = existing(state, group)?.id;
    let found = state.group_eligibilities.values().filter(|eligible| eligible.group == group);
    let sorted: Vec<_> = found.map(|eligible| (eligible.id.to_string(), eligible)).collect();
    let size = state.options.page_size;
    cursor::page(state, call, ("identityGovernance/privilegedAccess/group", size), &sorted, |eligible| {
        json!({
            "id": eligible.id,
            "principalId": eligible.principal,
            "groupId": eligible.group,
            "accessId": "member",
            "memberType": "direct",
            "startDateTime": "2025-01-01T00:00:00Z",
            "endDateTime": null,
            "eligibilityScheduleId": eligible.id,
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        Premium, RoleKind,
        testing::{client, options},
    };

    const ACTIVE: &str = "/v1.0/roleManagement/directory/roleAssignments";
    const ELIGIBLE: &str = "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances";
    const GROUP: &str = "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances";

    #[tokio::test(start_paused = true)]
    async fn assignments_name_their_principals_kind_and_come_in_pages() {
        let mut options = options();
        options.page_size = 2;
        let client = client(options).await;
        let (user, group) = (client.user("ada"), client.tenant.add_group("helpdesk"));
        let application = uuid::Uuid::from_u128(7);
        for principal in [user, group, application] {
            client.tenant.assign_role(principal, RoleKind::Active, "/");
        }
        client.tenant.assign_role(user, RoleKind::Eligible, "/");
        let all = client.all(&format!("{ACTIVE}?$expand=principal")).await;
        let kind = |id: uuid::Uuid| {
            let found = all.iter().find(|grant| grant["principalId"] == id.to_string()).unwrap();
            found["principal"]["@odata.type"].as_str().unwrap().to_owned()
        };
        assert_eq!(kind(user), "#microsoft.graph.user");
        assert_eq!(kind(group), "#microsoft.graph.group");
        assert_eq!(kind(application), "#microsoft.graph.servicePrincipal");
        assert_eq!(all.len(), 3);
        assert!(client.all(ACTIVE).await[0].get("principal").is_none());
        assert_eq!(client.all(ELIGIBLE).await.len(), 1);
        assert_eq!(client.get(&format!("{ACTIVE}?$expand=roleDefinition")).await.status, 400);
        let of = |id: &str| format!("{ACTIVE}?$filter=principalId eq '{id}'&$expand=principal");
        assert_eq!(client.all(&of(&user.to_string())).await.len(), 1);
        assert_eq!(client.get(&of("x")).await.status, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn group_eligibility_needs_a_filter() {
        let client = client(options()).await;
        let (user, group) = (client.user("ada"), client.tenant.add_group("helpdesk"));
        client.tenant.make_group_eligible(group, user);
        let found = client.all(&format!("{GROUP}?$filter=groupId eq '{group}'")).await;
        assert_eq!(found[0]["principalId"], user.to_string());
        assert_eq!(client.get(GROUP).await.status, 400);
        assert_eq!(client.get(&format!("{GROUP}?$filter=groupId eq {group}")).await.status, 400);
        assert_eq!(client.get(&format!("{GROUP}?$filter=groupId eq '{user}'")).await.status, 404);
    }

    #[tokio::test(start_paused = true)]
    async fn eligibility_takes_a_licence_and_its_own_permission() {
        let mut p1 = options();
        p1.premium = Premium::P1;
        let p1 = client(p1).await;
        let group = p1.tenant.add_group("helpdesk");
        for path in [ELIGIBLE.to_owned(), format!("{GROUP}?$filter=groupId eq '{group}'")] {
            let reply = p1.get(&path).await;
            assert_eq!((reply.status, reply.code().as_str()), (400, "AadPremiumLicenseRequired"));
        }
        assert_eq!(p1.get(ACTIVE).await.status, 200);
        let mut reader = options();
        reader.permissions = vec!["Directory.Read.All".to_owned()];
        let reader = client(reader).await;
        assert_eq!(reader.get(ACTIVE).await.status, 200);
        assert_eq!(reader.get(ELIGIBLE).await.status, 403);
        assert_eq!(reader.get(GROUP).await.status, 403);
    }
}
