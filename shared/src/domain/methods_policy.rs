//! The authentication methods policy: which methods a tenant lets people register, and whom.

use jiff::Timestamp;

use super::ids::{GroupId, UserId};

/// The tenant's authentication methods policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodsPolicy {
    /// When it was last saved; `None` if Graph does not say.
    pub modified_at: Option<Timestamp>,
    /// Whether the legacy policies still count beside it.
    pub migration: Migration,
    /// The campaign that asks people at sign-in to set up the Authenticator.
    pub campaign: Campaign,
    /// The methods that it has settings for.
    pub methods: Vec<MethodSetting>,
}

/// How far the tenant has moved from the legacy MFA and SSPR policies, which Graph does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migration {
    /// The policy counts for signing in, and the legacy policies count beside it.
    NotBegun,
    /// The policy counts for signing in and SSPR, and the legacy policies count beside it.
    UnderWay,
    /// The legacy policies are ignored.
    Complete,
    /// Graph does not say, or says something that is not known here.
    Unknown,
}

impl Migration {
    /// Whether the legacy policies may allow what this one does not.
    pub fn leaves_legacy(self) -> bool {
        self != Self::Complete
    }
}

/// The registration campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Campaign {
    /// Whether it is on, or left to Microsoft.
    pub on: bool,
    /// Whom it is for.
    pub targets: Targets,
}

/// The setting of one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodSetting {
    /// Graph's name of the method, such as `Sms`; letters and digits only.
    pub name: String,
    /// Whether it is enabled for its targets.
    pub enabled: bool,
    /// Whether people may register it by themselves; `None` if that is no setting of this method.
    pub self_service: Option<bool>,
    /// Whom it is for.
    pub targets: Targets,
}

/// Whom a setting is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Whom it names.
    pub include: Vec<Target>,
    /// Whom it leaves out, although it names them.
    pub exclude: Vec<Target>,
}

/// One target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Every user of the tenant.
    Everybody,
    /// The members of a group, directly or through other groups.
    Group(GroupId),
    /// One user: such targets are left from earlier times.
    User(UserId),
}

impl MethodsPolicy {
    /// The setting of a method, by Graph's name of it.
    pub fn method(&self, name: &str) -> Option<&MethodSetting> {
        self.methods.iter().find(|method| method.name.eq_ignore_ascii_case(name))
    }

    /// Every group that a target names.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        let targets = self.methods.iter().map(|method| &method.targets).chain([&self.campaign.targets]);
        targets.flat_map(|targets| targets.include.iter().chain(&targets.exclude)).filter_map(|target| {
            match target {
                Target::Group(group) => Some(*group),
                Target::Everybody | Target::User(_) => None,
            }
        })
    }
}
