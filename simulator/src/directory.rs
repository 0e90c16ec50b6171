//! Groups, roles and policies.

use jiff::Timestamp;
use uuid::Uuid;

/// How a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleKind {
    /// Held now, as `roleAssignments` of Graph lists it.
    Active,
    /// On request, through Privileged Identity Management.
    Eligible,
}

/// The policies that make people register, or let them.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// Whether security defaults are on.
    pub security_defaults: bool,
    /// The Conditional Access policies.
    pub conditional_access: Vec<ConditionalAccess>,
    /// Whether the registration campaign nudges users to the Authenticator.
    pub registration_campaign: bool,
    /// Which methods people may register.
    pub methods: MethodsPolicy,
    /// Whether administrators are kept from resetting their own passwords.
    pub no_reset_for_administrators: bool,
}

/// The authentication methods policy without the campaign. A new tenant's allows everybody the Authenticator, texts,
/// codes and e-mail.
#[derive(Debug, Clone)]
pub struct MethodsPolicy {
    /// Graph's `lastModifiedDateTime`.
    pub modified_at: Option<Timestamp>,
    /// Graph's `policyMigrationState`; `None` is null.
    pub migration: Option<String>,
    /// The settings by method.
    pub methods: Vec<MethodSetting>,
}

/// What the policy says of one method.
#[derive(Debug, Clone)]
pub struct MethodSetting {
    /// Graph's id of it, such as `Sms`.
    pub id: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The groups that it is for; nobody here means everybody.
    pub include_groups: Vec<Uuid>,
    /// The groups that it is not for.
    pub exclude_groups: Vec<Uuid>,
}

impl MethodSetting {
    /// A method that is enabled for everybody, or disabled.
    pub fn new(id: &str, enabled: bool) -> Self {
        Self { id: id.to_owned(), enabled, include_groups: Vec::new(), exclude_groups: Vec::new() }
    }
}

impl Default for MethodsPolicy {
    fn default() -> Self {
        let methods = [
            ("MicrosoftAuthenticator", true),
            ("Sms", true),
            ("Voice", false),
            ("SoftwareOath", true),
            ("Email", true),
            ("Fido2", false),
            ("TemporaryAccessPass", false),
            ("HardwareOath", false),
        ];
        Self {
            modified_at: Some(Timestamp::constant(1_700_000_000, 0)),
            migration: Some("migrationComplete".to_owned()),
            methods: methods.map(|(id, enabled)| MethodSetting::new(id, enabled)).into(),
        }
    }
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
    /// Whether its members show only with `Member.Read.Hidden`.
    pub(crate) is_hidden: bool,
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
