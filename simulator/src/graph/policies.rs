//! Policies that make people register.

use serde_json::{Value, json};

use crate::{
    answer::{Handled, Success, context},
    call::Call,
    directory::ConditionalAccess,
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
    Ok(Success::Json(json!({
        "@odata.context": context("policies/authenticationMethodsPolicy/$entity"),
        "id": "authenticationMethodsPolicy",
        "displayName": "Authentication Methods Policy",
        "policyVersion": "1.5",
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
        "authenticationMethodConfigurations": [],
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

fn shown(at: usize, policy: &ConditionalAccess) -> Value {
    let controls: &[&str] = if policy.demands_mfa { &["mfa"] } else { &[] };
    let strength = policy.demands_strength.then(|| {
        json!({ "id": "00000000-0000-0000-0000-000000000002", "displayName": "Multifactor authentication" })
    });
    let (applications, actions): (&[&str], &[&str]) =
        if policy.guards_registration { (&[], &["urn:user:registersecurityinfo"]) } else { (&["All"], &[]) };
    let users: Vec<String> = if policy.include_users.is_empty() {
        vec!["All".to_owned()]
    } else {
        policy.include_users.iter().map(ToString::to_string).collect()
    };
    json!({
        "id": uuid::Uuid::from_u128(0xca00 + at as u128),
        "displayName": policy.name,
        "state": policy.state,
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": {
                "includeApplications": applications,
                "excludeApplications": [],
                "includeUserActions": actions,
            },
            "users": {
                "includeUsers": users,
                "excludeUsers": [],
                "includeGroups": [],
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
            name: "Guard registration".into(),
            state: "enabled".into(),
            demands_mfa: true,
            demands_strength: false,
            guards_registration: true,
            include_users: Vec::new(),
        };
        client.tenant.set_policies(Policies {
            security_defaults: true,
            conditional_access: vec![policy],
            registration_campaign: true,
        });
        let defaults = client.get("/v1.0/policies/identitySecurityDefaultsEnforcementPolicy").await;
        assert_eq!(defaults.json()["isEnabled"], true);
        let methods = client.get("/v1.0/policies/authenticationMethodsPolicy").await.json();
        let campaign = &methods["registrationEnforcement"]["authenticationMethodsRegistrationCampaign"];
        assert_eq!(campaign["state"], "enabled");
        let access = client.get("/v1.0/identity/conditionalAccess/policies").await.items();
        assert_eq!(access[0]["grantControls"]["builtInControls"][0], "mfa");
        assert!(access[0]["grantControls"]["authenticationStrength"].is_null());
        let actions = &access[0]["conditions"]["applications"]["includeUserActions"];
        assert_eq!(actions[0], "urn:user:registersecurityinfo");
        assert_eq!(client.get("/v1.0/policies/tokenLifetimePolicies").await.status, 400);
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
