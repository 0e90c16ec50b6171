//! Application permissions.

use jiff::Timestamp;

use crate::answer::Refusal;

/// All permissions needed for reading and rolling back registrations.
pub const ALL_PERMISSIONS: [&str; 6] = [
    "AuditLog.Read.All",
    "Directory.Read.All",
    "UserAuthenticationMethod.ReadWrite.All",
    "Policy.Read.All",
    "RoleManagement.Read.Directory",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
];

pub(crate) const AUDIT_LOG: &[&str] = &["AuditLog.Read.All"];
pub(crate) const DIRECTORY: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];
pub(crate) const USERS: &[&str] =
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
pub(crate) const GROUPS: &[&str] = &[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
pub(crate) const METHODS_READ: &[&str] =
    &["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"];
pub(crate) const POLICIES: &[&str] = &["Policy.Read.All"];
pub(crate) const METHODS_POLICY: &[&str] = &["Policy.Read.AuthenticationMethod", "Policy.Read.All"];
pub(crate) const HIDDEN_MEMBERS: &[&str] = &["Member.Read.Hidden"];
pub(crate) const WHAT_IF: &[&str] = &["Policy.Read.ConditionalAccess", "Policy.Read.All"];
pub(crate) const ASSIGNMENTS: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
pub(crate) const ELIGIBILITIES: &[&str] =
    &["RoleManagement.Read.Directory", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory"];
pub(crate) const GROUP_ELIGIBILITIES: &[&str] = &[
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
];

/// What an access token grants.
#[derive(Debug, Clone)]
pub(crate) struct Granted(pub(crate) Vec<String>);

impl Granted {
    pub(crate) fn has(&self, any_of: &[&str]) -> bool {
        self.0.iter().any(|permission| any_of.contains(&permission.as_str()))
    }

    /// Refuses the request unless one of the permissions is granted.
    pub(crate) fn require(&self, any_of: &[&str]) -> Result<(), Refusal> {
        if self.has(any_of) { Ok(()) } else { Err(Refusal::denied()) }
    }
}

/// An access token that was handed out.
#[derive(Debug, Clone)]
pub(crate) struct IssuedToken {
    pub(crate) expires: Timestamp,
    pub(crate) granted: Granted,
}
