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
    /// Named by `EXCLUDED_USER_IDS`.
    pub(crate) excluded: bool,
    pub(crate) by_hand: bool,
    pub(crate) released: Option<Timestamp>,
    /// When per-user MFA was enabled on the way.
    pub(crate) mfa_since: Option<Timestamp>,
    /// When a method was registered on the way, by its id.
    pub(crate) registered: BTreeMap<String, Timestamp>,
    /// When a method was first deleted by the program.
    pub(crate) first_deleted: Option<Timestamp>,
    /// When the record of the user was erased on the way.
    pub(crate) erased: Option<Timestamp>,
    /// The outcome in the end, where nothing came in between.
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

    /// Whether any rule about the account lets a method of this user go. Of the methods themselves the truth
    /// judges.
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
