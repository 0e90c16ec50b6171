//! What the tenant demands of people, and what makes a rolled-back user register again.

use std::collections::BTreeSet;

use super::ids::UserId;

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
    /// Whom it is for.
    pub users: PolicyUsers,
}

/// Whom a Conditional Access policy is for, as far as that shows without asking for each user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyUsers {
    /// These users and nobody else.
    Only(BTreeSet<UserId>),
    /// Perhaps anybody: all users, groups, roles, or what is not understood.
    Perhaps,
}

impl Policies {
    /// What may demand MFA of this user; nothing where nothing does.
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
