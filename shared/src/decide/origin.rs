//! Whose method is it? What dates and the user's own registrations prove. A method that nothing proves to be
//! of the window is not taken for one of it. Each registration accounts for one method.

use jiff::{SignedDuration, Timestamp};

use super::rules::Asked;
use crate::{
    domain::{
        facts::{Act, RecordedRegistration},
        method::{AuthenticationMethod, MethodKind, PhoneType},
        outcome::Held,
        window::shift,
    },
    settings::{OtherMethods, UnprovenMethods},
};

/// Graph's date of a method is at most this far from the event of its registration.
const SAME_MOMENT: SignedDuration = SignedDuration::from_mins(10);

/// Two services, or a file and Graph, report one registration at times at most this far apart; nobody
/// verifies two numbers in less.
const SAME_REGISTRATION: SignedDuration = SignedDuration::from_secs(5);

impl Asked<'_> {
    /// Why a strong method is not shown to be of the window; `None` if it is, or a setting allows it.
    pub(super) fn not_of_window(
        &self,
        method: &AuthenticationMethod,
        all: &[AuthenticationMethod],
    ) -> Option<Held> {
        let window = &self.policy.window;
        // An app that became what its user signs in with is dated anew, so only an early date says something.
        let dates_registration = method.kind != MethodKind::MicrosoftAuthenticator;
        // If somebody else made a method, the settings for old and unproven methods do not apply to it.
        let is_anothers = self.is_by_admin(&method.kind);
        match method.created {
            Some(created)
                if created < window.start && self.policy.preexisting_methods == OtherMethods::Hold =>
            {
                Some(Held::RegisteredBefore)
            }
            Some(created) if created < window.start && is_the_users_own_kind(method) && !is_anothers => None,
            Some(created) if created > window.end && dates_registration => Some(Held::RegisteredAfter),
            _ => {
                let passes = match self.policy.unproven_methods {
                    UnprovenMethods::RollBack => !is_anothers,
                    UnprovenMethods::Count => self.is_proven(method, all) || self.counts(method, all),
                    UnprovenMethods::Hold => self.is_proven(method, all),
                };
                (!passes).then_some(Held::UnprovenMethod)
            }
        }
    }

    /// Whether an administrator or an app made or changed a method of the kind, or of an unnamed kind.
    fn is_by_admin(&self, kind: &MethodKind) -> bool {
        let is_of_kind = |methods: &[MethodKind]| methods.is_empty() || methods.contains(kind);
        self.facts.acts.iter().any(|act| act.act == Act::ByAdmin && is_of_kind(&act.methods))
    }

    /// Whether its date lies in the window, a registration of that moment shows that the user made it, and no
    /// act in the log of the window casts doubt on that.
    fn is_proven(&self, method: &AuthenticationMethod, all: &[AuthenticationMethod]) -> bool {
        let Some(created) = method.created else { return false };
        method.kind != MethodKind::MicrosoftAuthenticator
            && self.policy.window.contains(created)
            && is_the_users_own_kind(method)
            && self.each_has_its_registration(&method.kind, all)
            && !self.facts.acts.iter().any(|act| disturbs(act.act))
    }

    /// Whether each method of the kind that is dated in the window matches a registration of its own.
    fn each_has_its_registration(&self, kind: &MethodKind, all: &[AuthenticationMethod]) -> bool {
        let of_kind = all.iter().filter(|method| method.kind == *kind);
        let mut dates: Vec<Timestamp> =
            of_kind.filter_map(|m| m.created).filter(|at| self.policy.window.contains(*at)).collect();
        let registered = apart(self.naming(kind), SAME_REGISTRATION);
        dates.sort_unstable();
        // The spans are equally long, so taking the earliest that fits is never wrong.
        let mut left = registered.into_iter();
        dates.into_iter().all(|date| {
            left.by_ref()
                .find(|at| *at >= shift(date, -SAME_MOMENT))
                .is_some_and(|at| at <= shift(date, SAME_MOMENT))
        })
    }

    /// Whether it is the only one of its kind, and a registration of the window that was not deleted again
    /// names the kind.
    fn counts(&self, method: &AuthenticationMethod, all: &[AuthenticationMethod]) -> bool {
        let of_kind = all.iter().filter(|other| other.kind == method.kind).count();
        let unclear = self.facts.acts.iter().any(|act| match act.act {
            Act::ByAdmin | Act::Changed => true,
            Act::Removed => act.methods.is_empty(),
            Act::AccessPass | Act::RolledBack => false,
        });
        let removals = self.facts.acts.iter().filter(|act| act.methods.contains(&method.kind)).count();
        // A registration that names two kinds made only one of them.
        let names_it_alone = |r: &&RecordedRegistration| {
            let named = |kind: &&MethodKind| kind.is_strong() && all.iter().any(|other| other.kind == **kind);
            r.methods.iter().filter(named).count() == 1
        };
        let registered = apart(self.naming(&method.kind).filter(names_it_alone), SAME_MOMENT);
        of_kind == 1 && is_the_users_own_kind(method) && !unclear && registered.len() > removals
    }

    /// Registrations of the window that name a kind.
    fn naming<'a>(&'a self, kind: &'a MethodKind) -> impl Iterator<Item = &'a RecordedRegistration> {
        self.of_window().filter(|registration| registration.methods.contains(kind))
    }
}

/// The times of registrations, in order. A time at most `span` after the one before counts as the same.
fn apart<'a>(
    registrations: impl Iterator<Item = &'a RecordedRegistration>,
    span: SignedDuration,
) -> Vec<Timestamp> {
    let mut times: Vec<Timestamp> = registrations.map(|registration| registration.registered_at).collect();
    times.sort_unstable();
    times.dedup_by(|later, earlier| *later <= shift(*earlier, span));
    times
}

/// An office number is the directory's: neither date nor count makes it the user's own.
fn is_the_users_own_kind(method: &AuthenticationMethod) -> bool {
    method.kind != MethodKind::Phone
        || matches!(method.phone_type, Some(PhoneType::Mobile | PhoneType::AlternateMobile))
}

/// Whether an act leaves it open which method is whose. The rule `not_rolled_back` judges this app's own
/// deletions.
fn disturbs(act: Act) -> bool {
    match act {
        Act::ByAdmin | Act::Changed | Act::Removed => true,
        Act::AccessPass | Act::RolledBack => false,
    }
}
