//! Whose method is it? What the directory's records, dates, the user's own registrations and earlier looks prove,
//! whatever the settings are. Each registration accounts for one method. Where two of them contradict each other, the
//! one that keeps the method counts, under every setting.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::asked::Asked;
use crate::domain::{
    facts::{Act, RecordedAct, RecordedRegistration},
    ids::EventId,
    memory::Memory,
    method::{AuthenticationMethod, MethodKind},
    origin::{Origin, Shows},
    story::{Came, RecordedChange},
    window::{Window, shift},
};

/// Graph's date of a method is at most this far from the event of its registration. A longer span would take
/// what the helpdesk sets soon after for the user's own.
const SAME_MOMENT: SignedDuration = SignedDuration::from_mins(2);

/// Two services, or a file and Graph, report one registration at times at most this far apart; nobody
/// verifies two numbers in less.
const SAME_REGISTRATION: SignedDuration = SignedDuration::from_secs(5);

/// Where a method comes from.
pub(super) struct Shown {
    pub(super) origin: Origin,
    /// What shows it, in a sentence about the method.
    pub(super) evidence: String,
    /// The event that shows it, if one does.
    pub(super) by: Option<Shows>,
}

impl Shown {
    fn by(origin: Origin, event_id: &EventId, event_at: Timestamp, evidence: String) -> Self {
        Self { origin, evidence, by: Some(Shows { event_id: event_id.clone(), event_at }) }
    }

    fn by_itself(origin: Origin, evidence: String) -> Self {
        Self { origin, evidence, by: None }
    }
}

/// A user's methods, and what is known of them.
pub(super) struct Methods<'a> {
    pub(super) all: &'a [AuthenticationMethod],
    pub(super) asked: &'a Asked<'a>,
}

impl Methods<'_> {
    /// Where a strong method comes from. What others made of it comes first, whatever else is shown.
    pub(super) fn shown(&self, method: &AuthenticationMethod) -> Shown {
        if let Some(act) = self.act_of_another(&method.kind) {
            return Shown::by(
                Origin::ByAdmin,
                &act.event_id,
                act.at,
                format!(
                    "somebody other than the user made or changed such a method with event {} at {}",
                    act.event_id, act.at
                ),
            );
        }
        let by_record = self.by_record(method);
        self.remembered(method, by_record.unwrap_or_else(|| self.by_date(method)))
    }

    /// What the directory's own record of an app or a number shows. Each registration of an app has an id of its own;
    /// a number is itself, in whatever slot it was.
    fn by_record(&self, method: &AuthenticationMethod) -> Option<Shown> {
        let window = &self.asked.policy.window;
        let story = &self.asked.facts.story;
        let came = match (&method.kind, method.phone_number.as_deref()) {
            (MethodKind::MicrosoftAuthenticator | MethodKind::SoftwareOath, _) => {
                story.app_came(&method.id, window)?
            }
            (MethodKind::Phone, Some(number)) if method.is_of_the_users_own_kind() => {
                story.number_came(number, window)?
            }
            _ => return None,
        };
        let shown = |origin: Origin, change: &RecordedChange, how: &str| {
            let evidence = how.replace("{}", &format!("event {} at {}", change.event_id, change.at));
            Shown::by(origin, &change.event_id, change.at, evidence)
        };
        Some(match came {
            Came::Within(change) | Came::After(change) if change.by_another => {
                shown(Origin::ByAdmin, change, "it came with {}, and not by the user alone")
            }
            Came::Before(change) if dated_outside(method, window) == Some(Origin::AfterWindow) => shown(
                Origin::AfterWindow,
                change,
                "it is dated after the window, though the directory had it before {}",
            ),
            Came::Before(change) => shown(Origin::BeforeWindow, change, "the directory had it before {}"),
            Came::After(change) => shown(Origin::AfterWindow, change, "it came with {}, after the window"),
            // The same number may have gone and come again, and a record of that may be missing: without a date, nothing
            // tells the two apart.
            Came::Within(_) if method.kind == MethodKind::Phone && method.created.is_none() => return None,
            Came::Within(change) if let Some(origin) = dated_outside(method, window) => {
                shown(origin, change, "it is dated outside the window, though {} added it")
            }
            Came::Within(change)
                if method.kind != MethodKind::Phone
                    && change.apps.before.as_ref().is_some_and(BTreeSet::is_empty) =>
            {
                shown(Origin::OfWindow, change, "it came with {}; the directory had no app before")
            }
            Came::Within(change) => {
                shown(Origin::OfWindow, change, "it came with {}; the directory did not have it before")
            }
        })
    }

    /// What its date and the user's own registrations show.
    fn by_date(&self, method: &AuthenticationMethod) -> Shown {
        let window = &self.asked.policy.window;
        match method.created {
            Some(created) if let Some(origin) = dated_outside(method, window) => {
                let side = if origin == Origin::BeforeWindow { "before" } else { "after" };
                Shown::by_itself(origin, format!("it is dated {created}, {side} the window"))
            }
            Some(created) if let Some(registration) = self.registration_of(method, created) => Shown::by(
                Origin::OfWindow,
                &registration.event_id,
                registration.registered_at,
                format!(
                    "it is dated {created}, and the user registered it with event {} at {}",
                    registration.event_id, registration.registered_at
                ),
            ),
            _ => Shown::by_itself(Origin::Unproven, "nothing shows that the window brought it".to_owned()),
        }
    }

    /// What earlier looks say: a method that one of them did not see after the window came later still.
    fn remembered(&self, method: &AuthenticationMethod, shown: Shown) -> Shown {
        let missed_at = self.asked.record.memory.and_then(|memory: &Memory| memory.missed_at(method));
        let Some(missed_at) = missed_at.filter(|at| *at > self.asked.policy.window.end) else { return shown };
        let Shown { origin, evidence, by } = shown;
        match origin {
            Origin::OfWindow | Origin::Unproven => {
                let evidence =
                    format!("{evidence}; but a look at {missed_at}, after the window, did not see it");
                Shown { origin: Origin::AfterWindow, evidence, by }
            }
            _ => Shown { origin, evidence, by },
        }
    }

    /// By what an administrator or an app made or changed a method of the kind, or of an unnamed kind.
    fn act_of_another(&self, kind: &MethodKind) -> Option<&RecordedAct> {
        let is_of_kind = |methods: &[MethodKind]| methods.is_empty() || methods.contains(kind);
        self.asked.facts.acts.iter().find(|act| act.act == Act::ByAdmin && is_of_kind(&act.methods))
    }

    /// The registration that a date in the window belongs to: one of that moment, by the user, and no act in the
    /// log of the window casts doubt on it.
    fn registration_of(
        &self,
        method: &AuthenticationMethod,
        created: Timestamp,
    ) -> Option<&RecordedRegistration> {
        let is_proven = method.kind != MethodKind::MicrosoftAuthenticator
            && self.asked.policy.window.contains(created)
            && method.is_of_the_users_own_kind()
            && self.each_has_its_registration(&method.kind)
            && !self.asked.facts.acts.iter().any(|act| disturbs(act.act));
        let away =
            |registration: &&RecordedRegistration| registration.registered_at.duration_since(created).abs();
        let naming = |registration: &&RecordedRegistration| {
            registration.proves() && registration.methods.contains(&method.kind)
        };
        self.asked.of_window().filter(naming).min_by_key(away).filter(|_| is_proven)
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
    pub(super) fn counts(&self, method: &AuthenticationMethod) -> bool {
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
        of_kind == 1 && method.is_of_the_users_own_kind() && !unclear && registered.len() > removals
    }

    /// Registrations of the window that name a kind. A claim finds a candidate, and shows nothing.
    fn naming<'a>(&'a self, kind: &'a MethodKind) -> impl Iterator<Item = &'a RecordedRegistration> {
        self.asked
            .of_window()
            .filter(|registration| registration.proves() && registration.methods.contains(kind))
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

/// Where a date outside the window says that a method comes from. An app that became what its user signs in with is
/// dated anew, so only an early date of it says something.
fn dated_outside(method: &AuthenticationMethod, window: &Window) -> Option<Origin> {
    let created = method.created?;
    let dates_registration = method.kind != MethodKind::MicrosoftAuthenticator;
    if created < window.start {
        Some(Origin::BeforeWindow)
    } else {
        (created > window.end && dates_registration).then_some(Origin::AfterWindow)
    }
}

/// Whether an act leaves it open which method is whose. The rule `not_rolled_back` judges this app's own
/// deletions.
fn disturbs(act: Act) -> bool {
    match act {
        Act::ByAdmin | Act::Changed | Act::Removed => true,
        Act::AccessPass | Act::RolledBack => false,
    }
}
