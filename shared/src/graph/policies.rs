//! Policies that make a rolled-back user register again.

use serde::Deserialize;

use super::{Answer, Budget, Call, Graph, GraphError};

const NEEDS: &[&str] = &["Policy.Read.All"];

/// What makes people register again, as far as it could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// Whether security defaults are on.
    pub security_defaults: bool,
    /// Conditional Access policies that bear on registration, in force or report-only left out.
    pub conditional_access: Vec<ConditionalAccess>,
    /// Whether the registration campaign nudges users to the Authenticator.
    pub registration_campaign: bool,
}

/// One enabled Conditional Access policy that demands MFA or guards registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionalAccess {
    /// Its display name.
    pub name: String,
    /// Whether it demands MFA or an authentication strength.
    pub demands_mfa: bool,
    /// Whether it guards the user action "register security information".
    pub guards_registration: bool,
}

#[derive(Deserialize)]
struct SecurityDefaults {
    #[serde(rename = "isEnabled", default)]
    is_enabled: bool,
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
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Applications {
    #[serde(default)]
    include_user_actions: Option<Vec<String>>,
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
        let guards_registration = self
            .conditions
            .and_then(|conditions| conditions.applications)
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
        })
    }
}

impl Graph {
    /// Reads the policies that preflight tells about.
    pub async fn policies(&self) -> Result<Policies, GraphError> {
        let security_defaults: Answer<SecurityDefaults> =
            self.policy("policies/identitySecurityDefaultsEnforcementPolicy").await?;
        let methods: Answer<MethodsPolicy> = self.policy("policies/authenticationMethodsPolicy").await?;
        let url = format!("{}/v1.0/identity/conditionalAccess/policies", self.base);
        let access: Vec<RawPolicy> = self.list(url, NEEDS).await?;
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
        self.get(Call { method: http::Method::GET, url, budget: Budget::Rest, needs: NEEDS }).await
    }
}
