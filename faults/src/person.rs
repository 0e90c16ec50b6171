//! The truth about one user, as a schedule makes it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use shared::settings::Settings;
use simulator::Part;

/// How soon a DELETE must know of a role or an exclusion: 2 min at the first one of a handling, and the rest of
/// it takes a while.
const KNOWN_AFTER: SignedDuration = SignedDuration::from_secs(150);

/// The truth about one user.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) part: Part,
    /// Registrations that the audit log holds.
    pub(crate) registrations: Vec<Timestamp>,
    /// Whether `EXCLUDED_USER_IDS` names this user.
    pub(crate) excluded: bool,
    /// When the user joined the excluded group during the schedule.
    pub(crate) excluded_since: Option<Timestamp>,
    /// When the user was made eligible for a role during the schedule.
    pub(crate) administrator_since: Option<Timestamp>,
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
    /// When a policy began to demand MFA of the user during the schedule.
    pub(crate) asked_since: Option<Timestamp>,
    /// The outcome in the end; `None` once something may change it.
    pub(crate) expected: Option<&'static str>,
}

/// Whether a DELETE must know of what is so since then.
fn is_known(since: Option<Timestamp>, now: Timestamp) -> bool {
    since.is_some_and(|at| now.duration_since(at) > KNOWN_AFTER)
}

impl Person {
    pub(crate) fn new(part: Part) -> Self {
        Self {
            part,
            registrations: Vec::new(),
            excluded: false,
            excluded_since: None,
            administrator_since: None,
            by_hand: false,
            released: None,
            mfa_since: None,
            registered: BTreeMap::new(),
            first_deleted: None,
            erased: None,
            asked_since: None,
            expected: None,
        }
    }

    /// Whether a policy demands MFA only since a moment ago.
    pub(crate) fn is_asked_just_now(&self, now: Timestamp) -> bool {
        self.asked_since.is_some() && !is_known(self.asked_since, now)
    }

    /// Whether an exclusion names this user.
    pub(crate) fn is_excluded(&self) -> bool {
        self.excluded || matches!(self.part, Part::BreakGlass | Part::NestedBreakGlass)
    }

    /// Whether the rules about the account let any method of this user go. The methods themselves are judged
    /// by the truth.
    pub(crate) fn may_lose_methods(&self, settings: &Settings, now: Timestamp) -> bool {
        let policy = &settings.policy;
        let is_known = |since| is_known(since, now);
        match self.part {
            _ if self.is_excluded() || is_known(self.excluded_since) => false,
            Part::PerUserMfaEnabled | Part::PerUserMfaEnforced => false,
            _ if self.released.is_some() => true,
            _ if is_known(self.administrator_since) && !policy.include_administrators => false,
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
