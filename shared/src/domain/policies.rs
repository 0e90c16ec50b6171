//! What the tenant demands of people, and what makes a rolled-back user register again.

use std::collections::BTreeSet;

use super::ids::UserId;

/// The tenant's policies that make people register again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// Whether security defaults are on.
    pub security_defaults: bool,
    /// Enabled Conditional Access policies that demand MFA or guard registration, without report-only ones.
    pub conditional_access: Vec<ConditionalAccess>,
    /// Whether the registration campaign nudges users to set up the Authenticator.
    pub registration_campaign: bool,
}

/// One enabled Conditional Access policy that demands MFA or guards registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionalAccess {
    /// The policy's display name, cut to 120 characters, without control characters.
    pub name: String,
    /// Whether it demands MFA or an authentication strength.
    pub demands_mfa: bool,
    /// Whether it guards the user action "register security information".
    pub guards_registration: bool,
    /// Whom the policy applies to.
    pub users: PolicyUsers,
}

/// Whom a Conditional Access policy applies to, as far as the policy itself says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyUsers {
    /// These users and nobody else.
    Only(BTreeSet<UserId>),
    /// Perhaps anybody: all users, groups, roles, or a condition that is not understood.
    Perhaps,
}

impl Policies {
    /// Returns what may demand MFA of this user; `None` if nothing does.
    pub fn demands_mfa(&self, user: UserId) -> Option<String> {
        if self.security_defaults {
            return Some("security defaults are on".to_owned());
        }
        let may_be_for = |policy: &&ConditionalAccess| match &policy.users {
            PolicyUsers::Only(users) => users.contains(&user),
            PolicyUsers::Perhaps => true,
        };
        let mut demanding = self.conditional_access.iter().filter(|policy| policy.demands_mfa);
        demanding.find(may_be_for).map(|policy| {
            format!("the Conditional Access policy \"{}\" demands MFA, and may be for this user", policy.name)
        })
    }
}
