//! Whose method is it? What dates and the user's own registrations prove (design §5a); what nothing
//! proves to be of the window is not taken for it.

use jiff::SignedDuration;

use super::rules::Asked;
use crate::{
    facts::{Act, RecordedRegistration},
    graph::{AuthenticationMethod, PhoneType},
    method::MethodKind,
    outcome::Held,
    settings::{OtherMethods, UnprovenMethods},
    window::shift,
};

/// Graph dates a method so near to the event of its registration.
const SAME_MOMENT: SignedDuration = SignedDuration::from_mins(10);

impl Asked<'_> {
    /// Why a strong method is not shown to be of the window.
    pub(super) fn not_of_window(
        &self,
        method: &AuthenticationMethod,
        all: &[AuthenticationMethod],
    ) -> Option<Held> {
        let window = &self.policy.window;
        // An app that became what its user signs in with is dated anew: only an early date says something.
        let dates_registration = method.kind != MethodKind::MicrosoftAuthenticator;
        match method.created {
            Some(created)
                if created < window.start && self.policy.preexisting_methods == OtherMethods::Hold =>
            {
                Some(Held::RegisteredBefore)
            }
            Some(created) if created < window.start && is_the_users_own_kind(method) => None,
            Some(created) if created > window.end && dates_registration => Some(Held::RegisteredAfter),
            _ => {
                let passes = match self.policy.unproven_methods {
                    UnprovenMethods::RollBack => true,
                    UnprovenMethods::Count => self.is_proven(method) || self.counts(method, all),
                    UnprovenMethods::Hold => self.is_proven(method),
                };
                (!passes).then_some(Held::UnprovenMethod)
            }
        }
    }

    /// Its date says when, and a registration of that moment that the user made it; nobody else touched the user's
    /// methods, as far as the log of the window tells.
    fn is_proven(&self, method: &AuthenticationMethod) -> bool {
        let Some(created) = method.created else { return false };
        let (from, to) = (shift(created, -SAME_MOMENT), shift(created, SAME_MOMENT));
        method.kind != MethodKind::MicrosoftAuthenticator
            && self.policy.window.contains(created)
            && is_the_users_own_kind(method)
            && self.naming(&method.kind).any(|r| from <= r.registered_at && r.registered_at <= to)
            && !self.facts.acts.iter().any(|act| disturbs(act.act))
    }

    /// It is the only one of its kind, and a registration of the window that was not deleted again names the kind.
    fn counts(&self, method: &AuthenticationMethod, all: &[AuthenticationMethod]) -> bool {
        let of_kind = all.iter().filter(|other| other.kind == method.kind).count();
        let unclear = self.facts.acts.iter().any(|act| match act.act {
            Act::ByAdmin | Act::Changed => true,
            Act::Removed => act.methods.is_empty(),
            Act::AccessPass | Act::RolledBack => false,
        });
        let removals = self.facts.acts.iter().filter(|act| act.methods.contains(&method.kind)).count();
        of_kind == 1
            && is_the_users_own_kind(method)
            && !unclear
            && self.naming(&method.kind).count() > removals
    }

    /// Registrations of the window that name a kind.
    fn naming<'a>(&'a self, kind: &'a MethodKind) -> impl Iterator<Item = &'a RecordedRegistration> {
        self.of_window().filter(|registration| registration.methods.contains(kind))
    }
}

/// An office number is the directory's: neither date nor count makes it the user's.
fn is_the_users_own_kind(method: &AuthenticationMethod) -> bool {
    method.kind != MethodKind::Phone
        || matches!(method.phone_type, Some(PhoneType::Mobile | PhoneType::AlternateMobile))
}

/// Whether an act leaves open which method is whose. Of this app's own deletions `not_rolled_back` judges.
fn disturbs(act: Act) -> bool {
    match act {
        Act::ByAdmin | Act::Changed | Act::Removed => true,
        Act::AccessPass | Act::RolledBack => false,
    }
}
