//! Policies that make people register.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    answer::{Handled, Refusal, Success, context},
    call::Call,
    directory::{ConditionalAccess, Grant, MethodSetting},
    ids::object_id,
    state::State,
};

pub(super) fn security_defaults(state: &mut State, call: &Call) -> Handled {
    call.only(&[])?;
    Ok(Success::Json(json!({
        "@odata.context": context("policies/identitySecurityDefaultsEnforcementPolicy/$entity"),
        "id": "00000000-0000-0000-0000-000000000005",
        "displayName": "Security Defaults",
        "description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft.",
        "isEnabled": state.policies.security_defaults,
    })))
}

pub(super) fn authentication_methods(state: &mut State, call: &Call) -> Handled {
    call.only(&[])?;
    let campaign = if state.policies.registration_campaign { "enabled" } else { "disabled" };
    let policy = &state.policies.methods;
    Ok(Success::Json(json!({
        "@odata.context": context("policies/authenticationMethodsPolicy/$entity"),
        "id": "authenticationMethodsPolicy",
        "displayName": "Authentication Methods Policy",
        "lastModifiedDateTime": policy.modified_at,
        "policyVersion": "1.5",
        "policyMigrationState": policy.migration,
        "registrationEnforcement": {
            "authenticationMethodsRegistrationCampaign": {
                "snoozeDurationInDays": 1,
                "state": campaign,
                "excludeTargets": [],
                "includeTargets": [{
                    "id": "all_users",
                    "targetType": "group",
                    "targetedAuthenticationMethod": "microsoftAuthenticator",
                }],
            },
        },
        "authenticationMethodConfigurations": policy.methods.iter().map(setting).collect::<Vec<_>>(),
    })))
}

fn setting(method: &MethodSetting) -> Value {
    let target = |id: Value| json!({ "targetType": "group", "id": id, "isRegistrationRequired": false });
    let targets = |groups: &[Uuid]| groups.iter().map(|id| target(json!(id))).collect::<Vec<_>>();
    let mut include = targets(&method.include_groups);
    if include.is_empty() {
        include.push(target(json!("all_users")));
    }
    json!({
        "@odata.type": format!("#microsoft.graph.{}AuthenticationMethodConfiguration", method.id),
        "id": method.id,
        "state": if method.enabled { "enabled" } else { "disabled" },
        "excludeTargets": targets(&method.exclude_groups),
        "includeTargets": include,
    })
}

/// `allowedToUseSSPR` is about administrators only.
pub(super) fn authorization(state: &mut State, call: &Call) -> Handled {
    call.only(&[])?;
    Ok(Success::Json(json!({
        "@odata.context": context("policies/authorizationPolicy/$entity"),
        "id": "authorizationPolicy",
        "displayName": "Authorization Policy",
        "allowedToUseSSPR": !state.policies.no_reset_for_administrators,
        "allowInvitesFrom": "everyone",
    })))
}

pub(super) fn conditional_access(state: &mut State, call: &Call) -> Handled {
    call.only(&[])?;
    let policies: Vec<Value> =
        state.policies.conditional_access.iter().enumerate().map(|(at, policy)| shown(at, policy)).collect();
    Ok(Success::Json(json!({
        "@odata.context": context("identity/conditionalAccess/policies"),
        "value": policies,
    })))
}

/// What If, for one user and one sign-in, without conditions.
pub(super) fn evaluate(state: &mut State, call: &Call) -> Handled {
    call.only(&[])?;
    let bad = |what: &str| Refusal::bad(format!("The property '{what}' is missing or invalid."));
    let asked: Value = serde_json::from_slice(&call.body).map_err(|_| bad("signInIdentity"))?;
    let identity = &asked["signInIdentity"];
    let user = identity["userId"].as_str().and_then(object_id).ok_or_else(|| bad("userId"))?;
    if identity["@odata.type"] != "#microsoft.graph.userSignIn" || !state.accounts.contains_key(&user) {
        return Err(bad("signInIdentity"));
    }
    if !asked["signInConditions"].is_object() {
        return Err(bad("signInConditions"));
    }
    let about = &asked["signInContext"];
    let registers = match about["@odata.type"].as_str() {
        Some("#microsoft.graph.applicationContext") if about["includeApplications"][0].is_string() => false,
        Some("#microsoft.graph.userActionContext")
            if about["userAction"] == "registerSecurityInformation" =>
        {
            true
        }
        _ => return Err(bad("signInContext")),
    };
    let applied_only = asked["appliedPoliciesOnly"] == true;
    let results: Vec<Value> = state
        .policies
        .conditional_access
        .iter()
        .enumerate()
        .filter_map(|(at, policy)| {
            let why_not = why_it_does_not_apply(state, policy, user, registers);
            let mut result = shown(at, policy);
            result["policyApplies"] = json!(why_not.is_none());
            result["analysisReasons"] = json!(why_not.unwrap_or("notSet"));
            (why_not.is_none() || !applied_only).then_some(result)
        })
        .collect();
    Ok(Success::Json(json!({
        "@odata.context": context("Collection(microsoft.graph.whatIfAnalysisResult)"),
        "value": results,
    })))
}

/// Report-only policies are judged, too.
fn why_it_does_not_apply(
    state: &State,
    policy: &ConditionalAccess,
    user: Uuid,
    registers: bool,
) -> Option<&'static str> {
    if policy.state == "disabled" {
        Some("policyNotEnabled")
    } else if !state.is_for(policy, user) {
        Some("users")
    } else if policy.guards_registration != registers {
        Some(if registers { "userActions" } else { "application" })
    } else {
        policy.depends_on_place.then_some("notEnoughInformation")
    }
}

fn shown(at: usize, policy: &ConditionalAccess) -> Value {
    let controls: &[&str] = if policy.grants == Grant::WithMfa { &["mfa"] } else { &[] };
    let strength = (policy.grants == Grant::WithStrength).then(|| {
        json!({ "id": "00000000-0000-0000-0000-000000000002", "displayName": "Multifactor authentication" })
    });
    let (applications, actions): (&[&str], &[&str]) =
        if policy.guards_registration { (&[], &["urn:user:registersecurityinfo"]) } else { (&["All"], &[]) };
    let is_for_all = policy.include_users.is_empty() && policy.include_groups.is_empty();
    let users: Vec<String> = if is_for_all {
        vec!["All".to_owned()]
    } else {
        policy.include_users.iter().map(ToString::to_string).collect()
    };
    let locations = policy
        .depends_on_place
        .then(|| json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] }));
    json!({
        "id": uuid::Uuid::from_u128(0xca00 + at as u128),
        "displayName": policy.name,
        "state": policy.state,
        "conditions": {
            "clientAppTypes": ["all"],
            "locations": locations,
            "applications": {
                "includeApplications": applications,
                "excludeApplications": [],
                "includeUserActions": actions,
            },
            "users": {
                "includeUsers": users,
                "excludeUsers": [],
                "includeGroups": policy.include_groups,
                "excludeGroups": [],
                "includeRoles": [],
                "excludeRoles": [],
            },
        },
        "grantControls": {
            "operator": "OR",
            "builtInControls": controls,
            "customAuthenticationFactors": [],
            "termsOfUse": [],
            "authenticationStrength": strength,
        },
        "sessionControls": null,
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        ConditionalAccess, Policies,
        testing::{client, options},
    };

    #[tokio::test(start_paused = true)]
    async fn policies_show_as_they_are_set() {
        let client = client(options()).await;
        let policy = ConditionalAccess {
            guards_registration: true,
            ..ConditionalAccess::demanding_mfa("Guard registration", Vec::new())
        };
        client.tenant.set_policies(Policies {
            security_defaults: true,
            conditional_access: vec![policy],
            registration_campaign: true,
            no_reset_for_administrators: true,
            ..Policies::default()
        });
        let defaults = client.get("/v1.0/policies/identitySecurityDefaultsEnforcementPolicy").await;
        assert_eq!(defaults.json()["isEnabled"], true);
        let methods = client.get("/v1.0/policies/authenticationMethodsPolicy").await.json();
        let campaign = &methods["registrationEnforcement"]["authenticationMethodsRegistrationCampaign"];
        assert_eq!(campaign["state"], "enabled");
        let sms = &methods["authenticationMethodConfigurations"][1];
        assert_eq!((&sms["id"], &sms["state"]), (&"Sms".into(), &"enabled".into()));
        assert_eq!(sms["includeTargets"][0]["id"], "all_users");
        let authorization = client.get("/v1.0/policies/authorizationPolicy").await.json();
        assert_eq!(authorization["allowedToUseSSPR"], false);
        let access = client.get("/v1.0/identity/conditionalAccess/policies").await.items();
        assert_eq!(access[0]["grantControls"]["builtInControls"][0], "mfa");
        assert!(access[0]["grantControls"]["authenticationStrength"].is_null());
        let actions = &access[0]["conditions"]["applications"]["includeUserActions"];
        assert_eq!(actions[0], "urn:user:registersecurityinfo");
        assert_eq!(client.get("/v1.0/policies/tokenLifetimePolicies").await.status, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn what_if_says_for_one_user_what_each_policy_does() {
        let client = client(options()).await;
        let (ada, ben) = (client.user("ada"), client.user("ben"));
        let group = client.tenant.add_group("Pilot");
        client.tenant.add_member(group, ada);
        let of_group = ConditionalAccess::demanding_mfa_of("Pilot", group);
        let of_place = ConditionalAccess {
            depends_on_place: true,
            ..ConditionalAccess::demanding_mfa("Abroad", vec![ben])
        };
        let guard = ConditionalAccess {
            guards_registration: true,
            state: "enabledForReportingButNotEnforced".to_owned(),
            ..ConditionalAccess::demanding_mfa("Guard", Vec::new())
        };
        client.tenant.set_policies(Policies {
            conditional_access: vec![of_group, of_place, guard],
            ..Policies::default()
        });
        let ask = async |user, context| {
            let question = serde_json::json!({
                "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": user },
                "signInContext": context,
                "signInConditions": {},
                "appliedPoliciesOnly": false,
            });
            let answer = client.post("/v1.0/identity/conditionalAccess/evaluate", &question).await;
            assert_eq!(answer.status, 200, "{}", answer.json());
            let reason = |result: &serde_json::Value| result["analysisReasons"].as_str().map(str::to_owned);
            answer.items().iter().filter_map(reason).collect::<Vec<_>>()
        };
        let office = serde_json::json!({
            "@odata.type": "#microsoft.graph.applicationContext",
            "includeApplications": ["00000003-0000-0ff1-ce00-000000000000"],
        });
        let registering = serde_json::json!({
            "@odata.type": "#microsoft.graph.userActionContext",
            "userAction": "registerSecurityInformation",
        });
        assert_eq!(ask(ada, office.clone()).await, ["notSet", "users", "application"]);
        assert_eq!(ask(ben, office).await, ["users", "notEnoughInformation", "application"]);
        assert_eq!(ask(ada, registering).await, ["userActions", "users", "notSet"]);
        let get = client.get("/v1.0/identity/conditionalAccess/evaluate").await;
        assert_eq!(get.status, 405);
    }

    #[tokio::test(start_paused = true)]
    async fn policies_need_their_permission() {
        let mut options = options();
        options.permissions = vec!["Directory.Read.All".to_owned()];
        let client = client(options).await;
        assert_eq!(client.get("/v1.0/policies/authenticationMethodsPolicy").await.status, 403);
        assert_eq!(client.get("/v1.0/identity/conditionalAccess/policies").await.status, 403);
    }
}
