//! What a diagnosis is made from. Everything that was read is known or says why it is not.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::told::ToldEvent;
use crate::domain::{
    account::User,
    decision::Decision,
    facts::Reading,
    ids::{GroupId, UserId},
    method::{AuthenticationMethod, PerUserMfa},
    methods_policy::MethodsPolicy,
    outcome::Outcome,
    policies::{Policies, SignIn},
    story::Story,
    window::Window,
};

/// What was read about one user and the policies that concern them.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The user.
    pub user_id: UserId,
    /// The account, with its names.
    pub user: Reading<User>,
    /// When it was read.
    pub now: Timestamp,
    /// The window of the settings.
    pub window: Window,
    /// The per-user MFA state.
    pub per_user_mfa: Reading<PerUserMfa>,
    /// The methods.
    pub methods: Reading<Vec<AuthenticationMethod>>,
    /// How the user holds a directory role, or may take one; `None` if neither.
    pub role: Reading<Option<String>>,
    /// Whether administrators may reset their own passwords.
    pub administrators_may_reset: Reading<bool>,
    /// What the registration report says of SSPR.
    pub sspr: Reading<Sspr>,
    /// Security defaults and Conditional Access.
    pub policies: Reading<Policies>,
    /// What Conditional Access demands in each sign-in, in words; `None` if no MFA.
    pub demands: Vec<(SignIn, Reading<Option<String>>)>,
    /// Which methods are enabled, and for whom.
    pub methods_policy: Reading<MethodsPolicy>,
    /// The groups that the policy names.
    pub groups: BTreeMap<GroupId, Group>,
    /// The changes of policies that the audit log shows of late, oldest first.
    pub changes: Reading<Vec<PolicyChange>>,
    /// What the log tells of the user's security info, oldest first.
    pub events: Vec<ToldEvent>,
    /// Why events may be missing; `None` if the log told all that it keeps.
    pub missing: Option<String>,
    /// The directory's own records of the user's MFA details.
    pub story: Story,
    /// What would be done about the user now.
    pub decision: Reading<Decided>,
}

/// What `explain` decides about the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The decision, with every rule.
    pub decision: Decision,
    /// The outcome with which a handling would stop; `None` if it would roll back.
    pub stops_at: Option<Outcome>,
    /// Whether the ledger knows the user.
    pub is_on_record: bool,
}

/// SSPR of one user, hours old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sspr {
    /// Whether the policy lets the user reset the password; `None` if the report does not say.
    pub enabled: Option<bool>,
    /// Whether the user has registered for it.
    pub registered: bool,
}

/// A group that a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name; the id if that cannot be read.
    pub name: String,
    /// Whether the user is in it.
    pub holds: Reading<bool>,
}

/// A change of a policy, as the audit log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange {
    /// When.
    pub at: Timestamp,
    /// The activity, as Microsoft names it.
    pub activity: String,
}

/// Whether a setting is for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Covered {
    /// It is: through what.
    Yes(String),
    /// It is not: why.
    No(String),
    /// It cannot be told: why.
    Unknown(String),
}

/// What makes somebody register for MFA, as far as it could be read.
pub(super) struct Enforced {
    pub(super) by: Vec<String>,
    pub(super) unread: Vec<String>,
}
