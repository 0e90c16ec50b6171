//! Groups, roles and policies.

use uuid::Uuid;

/// How a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleKind {
    /// Held now, as `roleAssignments` of Graph lists it.
    Active,
    /// On request, through Privileged Identity Management.
    Eligible,
}

/// The policies that make people register.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// Whether security defaults are on.
    pub security_defaults: bool,
    /// The Conditional Access policies.
    pub conditional_access: Vec<ConditionalAccess>,
    /// Whether the registration campaign nudges users to the Authenticator.
    pub registration_campaign: bool,
}

/// With what a Conditional Access policy grants access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// With MFA only.
    WithMfa,
    /// With an authentication strength only.
    WithStrength,
    /// With anything.
    Always,
}

/// A Conditional Access policy.
#[derive(Debug, Clone)]
pub struct ConditionalAccess {
    /// Graph's `displayName` of the policy.
    pub name: String,
    /// `enabled`, `disabled` or `enabledForReportingButNotEnforced`.
    pub state: String,
    /// With what it grants access.
    pub grants: Grant,
    /// Whether it guards the user action "register security information".
    pub guards_registration: bool,
    /// Whom it is for; nobody here and no group below means everybody.
    pub include_users: Vec<Uuid>,
    /// The groups whose members it is for.
    pub include_groups: Vec<Uuid>,
    /// Whether it depends on where somebody signs in from.
    pub depends_on_place: bool,
}

impl ConditionalAccess {
    /// A policy in force that demands MFA of these users, or of everybody.
    pub fn demanding_mfa(name: &str, include_users: Vec<Uuid>) -> Self {
        Self {
            name: name.to_owned(),
            state: "enabled".to_owned(),
            grants: Grant::WithMfa,
            guards_registration: false,
            include_users,
            include_groups: Vec::new(),
            depends_on_place: false,
        }
    }

    /// A policy in force that demands MFA of the members of a group.
    pub fn demanding_mfa_of(name: &str, group: Uuid) -> Self {
        Self { include_groups: vec![group], ..Self::demanding_mfa(name, Vec::new()) }
    }
}

/// A group and its direct members, users and groups.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) members: Vec<Uuid>,
}

/// A role that somebody holds or may take.
#[derive(Debug, Clone)]
pub(crate) struct RoleGrant {
    pub(crate) id: Uuid,
    pub(crate) kind: RoleKind,
    pub(crate) principal: Uuid,
    pub(crate) scope: String,
}

/// Somebody who may become a member of a group.
#[derive(Debug, Clone)]
pub(crate) struct GroupEligibility {
    pub(crate) id: Uuid,
    pub(crate) group: Uuid,
    pub(crate) principal: Uuid,
}
