//! What the tenant demands of people, and what makes a rolled-back user register again.

use std::{collections::BTreeSet, fmt};

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

/// A sign-in that What If is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// To Office 365.
    Office365,
    /// To register security information.
    RegisterSecurityInfo,
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Office365 => "for Office 365",
            Self::RegisterSecurityInfo => "for registering security information",
        })
    }
}

/// What Conditional Access demands of one user, as far as it was asked (What If).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WhatIf {
    /// It was not asked.
    #[default]
    NotAsked,
    /// No policy that is on demands MFA of this user.
    Nothing,
    /// A policy that is on demands MFA, or may: in words for a person.
    Demanded(String),
    /// It cannot be asked, for good: why not.
    Refused(String),
}

impl Policies {
    /// The enabled policies that demand MFA and may be for this user.
    pub fn demanding(&self, user: UserId) -> impl Iterator<Item = &ConditionalAccess> {
        let may_be_for = move |policy: &&ConditionalAccess| match &policy.users {
            PolicyUsers::Only(users) => users.contains(&user),
            PolicyUsers::Perhaps => true,
        };
        self.conditional_access.iter().filter(|policy| policy.demands_mfa).filter(may_be_for)
    }

    /// The sign-ins to ask What If about: those for which one of the policies may demand MFA of this user.
    pub fn questions(&self, user: UserId) -> Vec<SignIn> {
        let guards = |policy: &ConditionalAccess| policy.guards_registration;
        [
            (SignIn::Office365, self.demanding(user).any(|policy| !guards(policy))),
            (SignIn::RegisterSecurityInfo, self.demanding(user).any(guards)),
        ]
        .into_iter()
        .filter_map(|(sign_in, is_asked)| is_asked.then_some(sign_in))
        .collect()
    }
}
