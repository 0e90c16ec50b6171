//! The truth about one user, as a schedule makes it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use shared::settings::Settings;
use simulator::Part;

/// The truth about one user.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) part: Part,
    /// Registrations that the audit log holds.
    pub(crate) registrations: Vec<Timestamp>,
    /// Whether `EXCLUDED_USER_IDS` names this user.
    pub(crate) excluded: bool,
    pub(crate) by_hand: bool,
    pub(crate) released: Option<Timestamp>,
    /// When per-user MFA was enabled during the schedule.
    pub(crate) mfa_since: Option<Timestamp>,
    /// When a method was registered during the schedule, by the method's id.
    pub(crate) registered: BTreeMap<String, Timestamp>,
    /// When a method was first deleted by the program.
    pub(crate) first_deleted: Option<Timestamp>,
    /// When the record of the user was erased during the schedule.
    pub(crate) erased: Option<Timestamp>,
    /// The outcome in the end; `None` once something may change it.
    pub(crate) expected: Option<&'static str>,
}

impl Person {
    pub(crate) fn new(part: Part) -> Self {
        Self {
            part,
            registrations: Vec::new(),
            excluded: false,
            by_hand: false,
            released: None,
            mfa_since: None,
            registered: BTreeMap::new(),
            first_deleted: None,
            erased: None,
            expected: None,
        }
    }

    /// Whether an exclusion names this user.
    pub(crate) fn is_excluded(&self) -> bool {
        self.excluded || matches!(self.part, Part::BreakGlass | Part::NestedBreakGlass)
    }

    /// Whether the rules about the account let any method of this user go. The methods themselves are judged
    /// by the truth.
    pub(crate) fn may_lose_methods(&self, settings: &Settings) -> bool {
        let policy = &settings.policy;
        match self.part {
            _ if self.is_excluded() => false,
            Part::PerUserMfaEnabled | Part::PerUserMfaEnforced => false,
            _ if self.released.is_some() => true,
            Part::Administrator
            | Part::EligibleAdministrator
            | Part::AdministratorThroughGroup
            | Part::EligibleThroughGroup => policy.include_administrators,
            Part::Guest | Part::ExternalByName | Part::ExternalByState | Part::ExternalByCreation => {
                policy.include_external_users
            }
            Part::Disabled | Part::RestrictedUnit => false,
            _ => true,
        }
    }
}
