//! What decides which methods somebody can register: the authentication methods policy with its groups, SSPR for
//! administrators, and the user's own line of the registration report.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    call::{Budget, Call},
    client::Graph,
    error::GraphError,
    objects::RegistrationDetails,
    url::query,
};
use crate::{
    domain::{
        ids::{GroupId, UserId},
        methods_policy::{Campaign, MethodSetting, MethodsPolicy, Migration, Target, Targets},
    },
    text::clip,
};

const METHODS_POLICY: &[&str] = &["Policy.Read.All", "Policy.Read.AuthenticationMethod"];
const AUTHORIZATION_POLICY: &[&str] = &["Policy.Read.All"];
const GROUPS: &[&str] =
    &["Directory.Read.All", "GroupMember.Read.All", "Group.Read.All", "Directory.ReadWrite.All"];

/// The most groups that Graph takes in one question.
const GROUPS_AT_ONCE: usize = 20;

/// Without this permission, Graph leaves groups with hidden membership out of its answers.
pub(crate) const HIDDEN_MEMBERS: &str = "Member.Read.Hidden";

/// A group as far as it concerns somebody whom a policy may name by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// The display name, cut to 120 characters, without control characters.
    pub name: String,
    /// Whether its membership is hidden from whoever lacks `Member.Read.Hidden`.
    pub is_hidden: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPolicy {
    #[serde(default)]
    last_modified_date_time: Option<String>,
    #[serde(default)]
    policy_migration_state: Option<String>,
    #[serde(default)]
    registration_enforcement: Option<RawEnforcement>,
    #[serde(default)]
    authentication_method_configurations: Option<Vec<RawMethod>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEnforcement {
    #[serde(default)]
    authentication_methods_registration_campaign: Option<RawMethod>,
}

/// The setting of a method, and that of the campaign, which has no id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMethod {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    is_self_service_registration_allowed: Option<bool>,
    #[serde(default)]
    include_targets: Option<Vec<RawTarget>>,
    #[serde(default)]
    exclude_targets: Option<Vec<RawTarget>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTarget {
    id: String,
    #[serde(default)]
    target_type: Option<String>,
}

#[derive(Deserialize)]
struct RawAuthorization {
    #[serde(rename = "allowedToUseSSPR")]
    allowed_to_use_sspr: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawGroup {
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    visibility: Option<String>,
}

#[derive(Deserialize)]
struct Groups {
    value: Vec<GroupId>,
}

/// The documented example wraps the line in `value`, and the metadata does not.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneLine {
    Wrapped { value: RegistrationDetails },
    Bare(RegistrationDetails),
}

fn unreadable(what: &str) -> GraphError {
    GraphError::Unreadable { what: what.to_owned() }
}

/// Reads targets. Everybody is a group in Graph, too.
fn targets(list: Option<Vec<RawTarget>>) -> Result<Vec<Target>, GraphError> {
    let read = |target: RawTarget| {
        let read = match (target.id.as_str(), target.target_type.as_deref()) {
            ("all_users", _) => Ok(Target::Everybody),
            (id, Some("user")) => id.parse().map(Target::User),
            (id, _) => id.parse().map(Target::Group),
        };
        read.map_err(|_| unreadable("a target of a policy with an object id"))
    };
    list.unwrap_or_default().into_iter().map(read).collect()
}

impl RawPolicy {
    fn read(self) -> Result<MethodsPolicy, GraphError> {
        let modified_at = self.last_modified_date_time.map(|text| text.parse::<Timestamp>());
        let migration = match self.policy_migration_state.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("premigration") => Migration::NotBegun,
            Some("migrationinprogress") => Migration::UnderWay,
            Some("migrationcomplete") => Migration::Complete,
            _ => Migration::Unknown,
        };
        let campaign = self
            .registration_enforcement
            .and_then(|enforcement| enforcement.authentication_methods_registration_campaign)
            .map(|campaign| {
                let on = matches!(campaign.state.as_deref(), Some("enabled" | "default"));
                let (include, exclude) = (campaign.include_targets, campaign.exclude_targets);
                let targets = Targets { include: targets(include)?, exclude: targets(exclude)? };
                Ok::<_, GraphError>(Campaign { on, targets })
            });
        let methods = self
            .authentication_method_configurations
            .ok_or_else(|| unreadable("an authentication methods policy with settings of methods"))?;
        Ok(MethodsPolicy {
            modified_at: modified_at.transpose().map_err(|_| unreadable("the date of a policy"))?,
            migration,
            campaign: campaign.transpose()?.unwrap_or_default(),
            methods: methods.into_iter().map(RawMethod::read).collect::<Result<_, _>>()?,
        })
    }
}

impl RawMethod {
    fn read(self) -> Result<MethodSetting, GraphError> {
        let name = self.id.ok_or_else(|| unreadable("the setting of a method with a name"))?;
        Ok(MethodSetting {
            name: name.chars().filter(char::is_ascii_alphanumeric).take(60).collect(),
            enabled: self.state.as_deref() == Some("enabled"),
            self_service: self.is_self_service_registration_allowed,
            targets: Targets {
                include: targets(self.include_targets)?,
                exclude: targets(self.exclude_targets)?,
            },
        })
    }
}

impl Graph {
    /// Reads which methods are enabled, and for whom.
    /// Source: <https://learn.microsoft.com/en-us/graph/api/authenticationmethodspolicy-get>.
    pub async fn methods_policy(&self) -> Result<MethodsPolicy, GraphError> {
        let url = format!("{}/v1.0/policies/authenticationMethodsPolicy", self.base);
        self.get::<RawPolicy>(Call::get(url, METHODS_POLICY)).await?.body.read()
    }

    /// Reads whether administrators may reset their own passwords. The property is about them alone, whatever its name
    /// says. Source: <https://learn.microsoft.com/en-us/entra/identity/authentication/concept-sspr-policy>.
    pub async fn administrators_may_reset(&self) -> Result<bool, GraphError> {
        let url = format!("{}/v1.0/policies/authorizationPolicy", self.base);
        let answer = self.get::<RawAuthorization>(Call::get(url, AUTHORIZATION_POLICY)).await?;
        Ok(answer.body.allowed_to_use_sspr)
    }

    /// Reads a group's name, and whether its membership is hidden.
    pub async fn group(&self, group: GroupId) -> Result<GroupView, GraphError> {
        let query = query(&[("$select", "displayName,visibility")]);
        let url = format!("{}/v1.0/groups/{group}{query}", self.base);
        let raw = self.get::<RawGroup>(Call::get(url, GROUPS)).await?.body;
        Ok(GroupView {
            name: clip(&raw.display_name.unwrap_or_default(), 120),
            is_hidden: raw.visibility.as_deref() == Some("HiddenMembership"),
        })
    }

    /// Asks which of these groups a user is in, directly or through other groups.
    pub async fn groups_of(
        &self,
        user: UserId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, GraphError> {
        let url = format!("{}/v1.0/users/{user}/checkMemberGroups", self.base);
        let groups: Vec<&GroupId> = groups.iter().collect();
        let mut found = BTreeSet::new();
        for some in groups.chunks(GROUPS_AT_ONCE) {
            let body = json!({ "groupIds": some }).to_string().into();
            let call = Call { method: http::Method::POST, body, ..Call::get(url.clone(), GROUPS) };
            found.extend(self.get::<Groups>(call).await?.body.value);
        }
        Ok(found)
    }

    /// Reads one user's line of the registration report, which is hours old.
    pub async fn registration_details_of(&self, user: UserId) -> Result<RegistrationDetails, GraphError> {
        let url = format!("{}/v1.0/reports/authenticationMethods/userRegistrationDetails/{user}", self.base);
        let call = Call { budget: Budget::Reports, ..Call::get(url, &["AuditLog.Read.All"]) };
        Ok(match self.get::<OneLine>(call).await?.body {
            OneLine::Wrapped { value } | OneLine::Bare(value) => value,
        })
    }
}
