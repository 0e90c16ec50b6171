//! Whose method is it? What dates and the user's own registrations prove. A method that nothing proves to be
//! of the window is not taken for one of it. Each registration accounts for one method.

use jiff::{SignedDuration, Timestamp};

use super::asked::Asked;
use crate::{
    domain::{
        facts::{Act, RecordedRegistration},
        method::{AuthenticationMethod, MethodKind, PhoneType},
        outcome::Held,
        story::Came,
        window::{Window, shift},
    },
    settings::{OtherMethods, UnprovenMethods},
};

/// Graph's date of a method is at most this far from the event of its registration. A longer span would take
/// what the helpdesk sets soon after for the user's own.
const SAME_MOMENT: SignedDuration = SignedDuration::from_mins(2);

/// Two services, or a file and Graph, report one registration at times at most this far apart; nobody
/// verifies two numbers in less.
const SAME_REGISTRATION: SignedDuration = SignedDuration::from_secs(5);

/// Where a method comes from.
pub(super) struct Origin {
    /// Why it may not be deleted; `None` if it is of the window, or a setting lets it go.
    pub(super) held: Option<Held>,
    /// What shows it, in a sentence about the method.
    pub(super) evidence: String,
}

impl Origin {
    fn held(reason: Held, evidence: String) -> Self {
        Self { held: Some(reason), evidence }
    }

    fn of_window(evidence: String) -> Self {
        Self { held: None, evidence }
    }
}

/// A user's methods, and what is known of them.
pub(super) struct Methods<'a> {
    pub(super) all: &'a [AuthenticationMethod],
    pub(super) asked: &'a Asked<'a>,
}

impl Methods<'_> {
    /// What shows where a strong method comes from, and why it may not be deleted, if it may not.
    pub(super) fn origin(&self, method: &AuthenticationMethod) -> Origin {
        // If somebody else made a method, the settings for old and unproven methods do not apply to it.
        let is_anothers = self.is_by_admin(&method.kind);
        let by_record = is_app(method).then(|| self.by_record(method, is_anothers)).flatten();
        by_record.unwrap_or_else(|| self.by_date(method, is_anothers))
    }

    /// What the directory's own record of an app shows. Each registration of an app has an id of its own.
    fn by_record(&self, app: &AuthenticationMethod, is_anothers: bool) -> Option<Origin> {
        let window = &self.asked.policy.window;
        let keeps_old = self.asked.policy.preexisting_methods == OtherMethods::Hold || is_anothers;
        Some(match self.asked.facts.story.came(&app.id, window)? {
            Came::Before(change) => Origin {
                held: keeps_old.then_some(Held::RegisteredBefore),
                evidence: format!("it was there before event {} at {}", change.event_id, change.at),
            },
            Came::After(change) => Origin::held(
                Held::RegisteredAfter,
                format!("it came with event {} at {}, after the window", change.event_id, change.at),
            ),
            Came::Within(change) if change.by_another || is_anothers => Origin::held(
                Held::UnprovenMethod,
                format!("it came with event {} at {}, and not by the user alone", change.event_id, change.at),
            ),
            // The date of an Authenticator may be that of an upgrade; any other contradicts the record.
            Came::Within(change) if app.created.is_some_and(|created| contradicts(app, created, window)) => {
                Origin::held(
                    Held::UnprovenMethod,
                    format!(
                        "it is dated outside the window, and came with event {} at {}",
                        change.event_id, change.at
                    ),
                )
            }
            Came::Within(change) => Origin::of_window(format!(
                "it came with event {} at {}; the directory did not have it before",
                change.event_id, change.at
            )),
        })
    }

    /// What its date and the user's own registrations show.
    fn by_date(&self, method: &AuthenticationMethod, is_anothers: bool) -> Origin {
        let window = &self.asked.policy.window;
        // An app that became what its user signs in with is dated anew, so only an early date says something.
        let dates_registration = method.kind != MethodKind::MicrosoftAuthenticator;
        match method.created {
            Some(created)
                if created < window.start && self.asked.policy.preexisting_methods == OtherMethods::Hold =>
            {
                Origin::held(Held::RegisteredBefore, format!("it is dated {created}, before the window"))
            }
            Some(created) if created < window.start && is_the_users_own_kind(method) && !is_anothers => {
                Origin::of_window(format!("it is dated {created}, before the window; included by a setting"))
            }
            Some(created) if created > window.end && dates_registration => {
                Origin::held(Held::RegisteredAfter, format!("it is dated {created}, after the window"))
            }
            _ => {
                if self.is_proven(method) {
                    return Origin::of_window("its date is that of a registration of the window".to_owned());
                }
                match self.asked.policy.unproven_methods {
                    UnprovenMethods::Count if self.counts(method) => Origin::of_window(
                        "it is the only one of its kind, which a registration of the window names".to_owned(),
                    ),
                    UnprovenMethods::RollBack if !is_anothers => {
                        Origin::of_window("nothing shows when it came; included by a setting".to_owned())
                    }
                    _ => Origin::held(
                        Held::UnprovenMethod,
                        "nothing shows that the window brought it".to_owned(),
                    ),
                }
            }
        }
    }

    /// Whether an administrator or an app made or changed a method of the kind, or of an unnamed kind.
    fn is_by_admin(&self, kind: &MethodKind) -> bool {
        let is_of_kind = |methods: &[MethodKind]| methods.is_empty() || methods.contains(kind);
        self.asked.facts.acts.iter().any(|act| act.act == Act::ByAdmin && is_of_kind(&act.methods))
    }

    /// Whether its date lies in the window, a registration of that moment shows that the user made it, and no
    /// act in the log of the window casts doubt on that.
    fn is_proven(&self, method: &AuthenticationMethod) -> bool {
        let Some(created) = method.created else { return false };
        method.kind != MethodKind::MicrosoftAuthenticator
            && self.asked.policy.window.contains(created)
            && is_the_users_own_kind(method)
            && self.each_has_its_registration(&method.kind)
            && !self.asked.facts.acts.iter().any(|act| disturbs(act.act))
    }

    /// Whether each method of the kind that is dated in the window matches a registration of its own.
    fn each_has_its_registration(&self, kind: &MethodKind) -> bool {
        let of_kind = self.all.iter().filter(|method| method.kind == *kind);
        let mut dates: Vec<Timestamp> =
            of_kind.filter_map(|m| m.created).filter(|at| self.asked.policy.window.contains(*at)).collect();
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
    fn counts(&self, method: &AuthenticationMethod) -> bool {
        let of_kind = self.all.iter().filter(|other| other.kind == method.kind).count();
        let unclear = self.asked.facts.acts.iter().any(|act| match act.act {
            Act::ByAdmin | Act::Changed => true,
            Act::Removed => act.methods.is_empty(),
            Act::AccessPass | Act::RolledBack => false,
        });
        let removals = self.asked.facts.acts.iter().filter(|act| act.methods.contains(&method.kind)).count();
        // A registration that names two kinds made only one of them.
        let names_it_alone = |r: &&RecordedRegistration| {
            let named =
                |kind: &&MethodKind| kind.is_strong() && self.all.iter().any(|other| other.kind == **kind);
            r.methods.iter().filter(named).count() == 1
        };
        let registered = apart(self.naming(&method.kind).filter(names_it_alone), SAME_MOMENT);
        of_kind == 1 && is_the_users_own_kind(method) && !unclear && registered.len() > removals
    }

    /// Registrations of the window that name a kind.
    fn naming<'a>(&'a self, kind: &'a MethodKind) -> impl Iterator<Item = &'a RecordedRegistration> {
        self.asked.of_window().filter(|registration| registration.methods.contains(kind))
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

/// Whether a date contradicts a record of the window.
fn contradicts(app: &AuthenticationMethod, created: Timestamp, window: &Window) -> bool {
    created < window.start || created > window.end && app.kind != MethodKind::MicrosoftAuthenticator
}

/// Whether the directory records it as an app.
fn is_app(method: &AuthenticationMethod) -> bool {
    matches!(method.kind, MethodKind::MicrosoftAuthenticator | MethodKind::SoftwareOath)
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
