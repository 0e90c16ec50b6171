//! Policies that make a rolled-back user register again.

use serde::Deserialize;
use serde_json::json;

use super::{
    answer::Answer,
    call::{Budget, Call},
    client::Graph,
    error::GraphError,
};
use crate::domain::{
    ids::UserId,
    policies::{ConditionalAccess, Policies, PolicyUsers, SignIn},
};

const NEEDS: &[&str] = &["Policy.Read.All"];
const WHAT_IF: &[&str] = &["Policy.Read.All", "Policy.Read.ConditionalAccess"];

/// SharePoint Online and Exchange Online, which stand for Office 365: What If takes the ids of applications.
const OFFICE_365: [&str; 2] =
    ["00000003-0000-0ff1-ce00-000000000000", "00000002-0000-0ff1-ce00-000000000000"];

/// Why a policy does not apply to a user, whatever the circumstances of a sign-in. All other reasons depend on
/// conditions that the question leaves out, or are not known here.
const DOES_NOT_CONCERN: [&str; 7] = [
    "users",
    "workloadIdentities",
    "application",
    "userActions",
    "authenticationContext",
    "emptyPolicy",
    "policyNotEnabled",
];

#[derive(Deserialize)]
struct SecurityDefaults {
    #[serde(rename = "isEnabled", default)]
    is_enabled: bool,
}

#[derive(Deserialize)]
struct WhatIfAnswer {
    value: Vec<WhatIfResult>,
    #[serde(rename = "@odata.nextLink", default)]
    next: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPolicy {
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    grant_controls: Option<GrantControls>,
    #[serde(default)]
    conditions: Option<Conditions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GrantControls {
    #[serde(default)]
    built_in_controls: Option<Vec<String>>,
    #[serde(default)]
    authentication_strength: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Conditions {
    #[serde(default)]
    applications: Option<Applications>,
    #[serde(default)]
    users: Option<Users>,
}

#[derive(Deserialize)]
struct Users {
    #[serde(default, rename = "includeUsers")]
    named: Option<Vec<String>>,
    #[serde(default, rename = "includeGroups")]
    groups: Option<Vec<String>>,
    #[serde(default, rename = "includeRoles")]
    roles: Option<Vec<String>>,
    #[serde(default, rename = "includeGuestsOrExternalUsers")]
    external: Option<serde::de::IgnoredAny>,
}

impl Users {
    /// Ignores exclusions: they only make a policy apply to fewer users.
    fn named(self) -> PolicyUsers {
        let is_empty = |list: Option<Vec<String>>| list.is_none_or(|list| list.is_empty());
        let others = !is_empty(self.groups) || !is_empty(self.roles) || self.external.is_some();
        let named: Option<Vec<String>> = self.named.filter(|_| !others);
        let ids = named.map(|names| {
            names.iter().filter(|name| *name != "None").map(|name| name.parse()).collect::<Result<_, _>>()
        });
        match ids {
            Some(Ok(users)) => PolicyUsers::Only(users),
            _ => PolicyUsers::Perhaps,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Applications {
    #[serde(default)]
    include_user_actions: Option<Vec<String>>,
}

/// A policy as What If answers it: the policy itself, and whether it applies.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WhatIfResult {
    policy_applies: bool,
    #[serde(default)]
    analysis_reasons: Option<String>,
    #[serde(flatten)]
    policy: RawPolicy,
}

impl WhatIfResult {
    /// Whether it applies for sure (true), or perhaps; `None` if it does not concern the user, or demands no MFA.
    fn demanding(self) -> Option<(bool, ConditionalAccess, String)> {
        let reasons = self.analysis_reasons.unwrap_or_default();
        let concerns = self.policy_applies
            || !reasons.split(',').any(|reason| DOES_NOT_CONCERN.contains(&reason.trim()));
        let policy = self.policy.bearing().filter(|policy| policy.demands_mfa && concerns)?;
        Some((self.policy_applies, policy, reasons))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MethodsPolicy {
    #[serde(default)]
    registration_enforcement: Option<RegistrationEnforcement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegistrationEnforcement {
    #[serde(default)]
    authentication_methods_registration_campaign: Option<Campaign>,
}

#[derive(Deserialize)]
struct Campaign {
    #[serde(default)]
    state: Option<String>,
}

impl RawPolicy {
    fn bearing(self) -> Option<ConditionalAccess> {
        if self.state.as_deref() != Some("enabled") {
            return None;
        }
        let demands_mfa = self.grant_controls.is_some_and(|grant| {
            grant.authentication_strength.is_some()
                || grant.built_in_controls.is_some_and(|controls| controls.iter().any(|c| c == "mfa"))
        });
        let (applications, users) =
            self.conditions.map_or((None, None), |conditions| (conditions.applications, conditions.users));
        let users = users.map_or(PolicyUsers::Perhaps, Users::named);
        let guards_registration = applications
            .and_then(|applications| applications.include_user_actions)
            .is_some_and(|actions| actions.iter().any(|a| a == "urn:user:registersecurityinfo"));
        (demands_mfa || guards_registration).then(|| ConditionalAccess {
            name: self
                .display_name
                .unwrap_or_default()
                .chars()
                .filter(|c| !c.is_control())
                .take(120)
                .collect(),
            demands_mfa,
            guards_registration,
            users,
        })
    }
}

impl Graph {
    /// Reads the policies that preflight reports.
    pub async fn policies(&self) -> Result<Policies, GraphError> {
        let security_defaults: Answer<SecurityDefaults> =
            self.policy("policies/identitySecurityDefaultsEnforcementPolicy").await?;
        let methods: Answer<MethodsPolicy> = self.policy("policies/authenticationMethodsPolicy").await?;
        let url = format!("{}/v1.0/identity/conditionalAccess/policies", self.base);
        let access: Vec<RawPolicy> = self.list_within(Budget::ConditionalAccess, url, NEEDS).await?;
        let campaign = methods
            .body
            .registration_enforcement
            .and_then(|enforcement| enforcement.authentication_methods_registration_campaign)
            .and_then(|campaign| campaign.state);
        Ok(Policies {
            security_defaults: security_defaults.body.is_enabled,
            conditional_access: access.into_iter().filter_map(RawPolicy::bearing).collect(),
            registration_campaign: matches!(campaign.as_deref(), Some("enabled" | "default")),
        })
    }

    async fn policy<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, GraphError> {
        let url = format!("{}/v1.0/{path}", self.base);
        self.get(Call::get(url, NEEDS)).await
    }

    /// Asks which policies would apply if a user signed in, and returns what the first one demands that demands
    /// MFA, in words. Conditions such as place, device and risk are left out: a policy that depends on them
    /// counts. Source: <https://learn.microsoft.com/en-us/graph/api/conditionalaccessroot-evaluate>.
    pub async fn what_if(&self, user: UserId, sign_in: SignIn) -> Result<Option<String>, GraphError> {
        let context = match sign_in {
            SignIn::Office365 => json!({
                "@odata.type": "#microsoft.graph.applicationContext",
                "includeApplications": OFFICE_365,
            }),
            SignIn::RegisterSecurityInfo => json!({
                "@odata.type": "#microsoft.graph.userActionContext",
                "userAction": "registerSecurityInformation",
            }),
        };
        let question = json!({
            "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": user },
            "signInContext": context,
            "signInConditions": {},
            // With the others come the reasons why they do not apply.
            "appliedPoliciesOnly": false,
        });
        let url = format!("{}/v1.0/identity/conditionalAccess/evaluate", self.base);
        let call = Call {
            method: http::Method::POST,
            budget: Budget::ConditionalAccess,
            body: question.to_string().into(),
            ..Call::get(url, WHAT_IF)
        };
        let answer: Answer<WhatIfAnswer> = self.get(call).await?;
        if answer.body.next.is_some() {
            return Err(GraphError::Unreadable { what: "all policies in one answer".to_owned() });
        }
        let demanding = answer.body.value.into_iter().filter_map(WhatIfResult::demanding);
        Ok(demanding.max_by_key(|(applies, ..)| *applies).map(|(applies, policy, reasons)| {
            let name = policy.name;
            if applies {
                format!("the Conditional Access policy \"{name}\" demands MFA of this user {sign_in}")
            } else {
                format!("the Conditional Access policy \"{name}\" may demand MFA of this user {sign_in} ({reasons})")
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "dd44fd36-4511-4889-801e-dc8e367e5d6d";
    const BEN: &str = "0b8ff2ab-8ad3-4c11-8d56-3e4b1a1a6a11";

    fn demands(users: &str, who: &str) -> bool {
        let json = format!(
            r#"{{"displayName": "MFA", "state": "enabled", "conditions": {{"users": {users}}},
                "grantControls": {{"builtInControls": ["mfa"]}}}}"#
        );
        let policy = serde_json::from_str::<RawPolicy>(&json).unwrap().bearing().unwrap();
        let policies = Policies { conditional_access: vec![policy], ..Policies::default() };
        policies.demanding(who.parse().unwrap()).next().is_some()
    }

    #[test]
    fn what_if_counts_whatever_it_cannot_tell_and_nothing_that_is_not_on() {
        for (state, applies, reason, grant, expected) in [
            ("enabled", true, "notSet", r#"["mfa"]"#, Some(true)),
            ("enabled", false, "notEnoughInformation", r#"["mfa"]"#, Some(false)),
            ("enabled", false, "location, signInRisk", r#"["mfa"]"#, Some(false)),
            ("enabled", false, "something new", r#"["mfa", "compliantDevice"]"#, Some(false)),
            ("enabled", false, "users", r#"["mfa"]"#, None),
            ("enabled", false, "application", r#"["mfa"]"#, None),
            ("enabled", true, "notSet", r#"["block"]"#, None),
            ("enabledForReportingButNotEnforced", true, "notSet", r#"["mfa"]"#, None),
            ("disabled", false, "policyNotEnabled", r#"["mfa"]"#, None),
        ] {
            let json = format!(
                r#"{{"displayName": "MFA", "state": "{state}", "policyApplies": {applies},
                    "analysisReasons": "{reason}", "grantControls": {{"builtInControls": {grant}}}}}"#
            );
            let result: WhatIfResult = serde_json::from_str(&json).unwrap();
            assert_eq!(result.demanding().map(|(applies, ..)| applies), expected, "{json}");
        }
    }

    #[test]
    fn a_policy_is_for_everybody_who_is_not_plainly_left_out() {
        let named = format!(r#"{{"includeUsers": ["{ADA}"], "includeGroups": [], "includeRoles": null}}"#);
        assert!(demands(&named, ADA) && !demands(&named, BEN));
        assert!(!demands(r#"{"includeUsers": ["None"]}"#, BEN));
        for users in [
            r#"{"includeUsers": ["All"], "excludeUsers": []}"#.to_owned(),
            r#"{"includeUsers": ["GuestsOrExternalUsers"]}"#.to_owned(),
            r#"{"includeUsers": [], "includeGroups": ["g"]}"#.to_owned(),
            format!(r#"{{"includeUsers": ["{ADA}"], "includeRoles": ["r"]}}"#),
            format!(r#"{{"includeUsers": ["{ADA}"], "includeGuestsOrExternalUsers": {{}}}}"#),
            "{}".to_owned(),
            "null".to_owned(),
        ] {
            assert!(demands(&users, BEN), "{users}");
        }
    }
}
