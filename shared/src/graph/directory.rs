//! Directory roles and groups.

use serde::Deserialize;

use super::{
    client::Graph,
    error::{GraphError, Refusal},
    objects::{Eligibilities, Principal, PrincipalKind, RoleGrant},
    url::{query, quoted, segment},
};
use crate::domain::ids::{GroupId, UserId};

const ROLES: &[&str] =
    &["RoleManagement.Read.Directory", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory"];
const ACTIVE_ROLES: &[&str] = &[
    "RoleManagement.Read.Directory",
    "Directory.Read.All",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
];
const GROUPS: &[&str] =
    &["Directory.Read.All", "GroupMember.Read.All", "Group.Read.All", "Directory.ReadWrite.All"];
const GROUP_ELIGIBILITY: &[&str] = &[
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
];

#[derive(Deserialize)]
struct RawGrant {
    #[serde(rename = "principalId")]
    principal_id: String,
    #[serde(default)]
    principal: Option<RawPrincipal>,
}

#[derive(Deserialize)]
struct RawPrincipal {
    #[serde(rename = "@odata.type", default)]
    odata_type: String,
}

#[derive(Deserialize)]
struct RawMember {
    id: String,
}

impl RawGrant {
    fn read(self) -> RoleGrant {
        let kind = match self.principal.map(|principal| principal.odata_type).as_deref() {
            Some("#microsoft.graph.user") => PrincipalKind::User,
            Some("#microsoft.graph.group") => PrincipalKind::Group,
            None | Some("") => PrincipalKind::Unknown,
            Some(_) => PrincipalKind::Other,
        };
        RoleGrant { principal: Principal { id: self.principal_id, kind } }
    }
}

fn eligibilities(list: Result<Vec<RawGrant>, GraphError>) -> Result<Eligibilities, GraphError> {
    match list {
        Ok(list) => Ok(Eligibilities::Known(list.into_iter().map(RawGrant::read).collect())),
        Err(GraphError::NoPremium | GraphError::Refused { reason: Refusal::NoPremium, .. }) => {
            Ok(Eligibilities::NoLicence)
        }
        Err(error) => Err(error),
    }
}

impl Graph {
    /// All active role assignments, at any scope.
    pub async fn role_assignments(&self) -> Result<Vec<RoleGrant>, GraphError> {
        let query = query(&[("$expand", "principal")]);
        let url = format!("{}/v1.0/roleManagement/directory/roleAssignments{query}", self.base);
        let list: Vec<RawGrant> = self.list(url, ACTIVE_ROLES).await?;
        Ok(list.into_iter().map(RawGrant::read).collect())
    }

    /// All PIM-eligible role assignments, at any scope.
    pub async fn role_eligibilities(&self) -> Result<Eligibilities, GraphError> {
        let query = query(&[("$expand", "principal")]);
        let url =
            format!("{}/v1.0/roleManagement/directory/roleEligibilityScheduleInstances{query}", self.base);
        eligibilities(self.list(url, ROLES).await)
    }

    /// Who is eligible to become a member of a group (PIM for Groups).
    pub async fn group_eligibilities(&self, group: &str) -> Result<Eligibilities, GraphError> {
        let filter = format!("groupId eq {}", quoted(group));
        let query = query(&[("$filter", &filter)]);
        let url = format!(
            "{}/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances{query}",
            self.base
        );
        eligibilities(self.list(url, GROUP_ELIGIBILITY).await)
    }

    /// All members of a group, directly or through other groups, users or not.
    pub async fn transitive_members(&self, group: &str) -> Result<Vec<UserId>, GraphError> {
        let query = query(&[("$select", "id"), ("$top", "999")]);
        let url = format!("{}/v1.0/groups/{}/transitiveMembers{query}", self.base, segment(group)?);
        let list: Vec<RawMember> = self.list(url, GROUPS).await?;
        list.iter()
            .map(|member| {
                member.id.parse().map_err(|_| GraphError::Unreadable {
                    what: "a group member with an object id".to_owned(),
                })
            })
            .collect()
    }

    /// All members of a group that a setting names.
    pub async fn members(&self, group: GroupId) -> Result<Vec<UserId>, GraphError> {
        self.transitive_members(&group.to_string()).await
    }
}
