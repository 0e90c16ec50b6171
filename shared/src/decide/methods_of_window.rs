//! The rule that only methods of the window go, and the settings that let others go, too.

use std::collections::BTreeSet;

use super::{
    asked::Asked,
    origin::{Methods, Shown},
    rules::unknown,
};
use crate::{
    domain::{
        decision::RuleAnswer,
        facts::{LogReading, Reading, Told},
        method::{AuthenticationMethod, MethodKind, MethodName},
        origin::{MethodOrigin, Origin},
        outcome::Held,
    },
    settings::{PreexistingMethods, UnprovenMethods},
};

const BY_A_SETTING: &str = "included by a setting";
const STAYS_BY_A_SETTING: &str = "it stays, by a setting";
const RELEASED: &str = "released by a person";

impl Asked<'_> {
    pub(super) fn methods_of_window(&self) -> RuleAnswer {
        if let Reading::Unknown(why) = &self.facts.methods {
            return unknown(why);
        }
        let origins = self.origins();
        if origins.is_empty() {
            return RuleAnswer::NotApplicable;
        }
        let notes: Vec<String> =
            origins.iter().map(|found| format!("{}: {}", found.method.kind, found.evidence)).collect();
        let note = notes.join(". ");
        if origins.iter().all(|found| found.kept) {
            return RuleAnswer::No { reasons: vec![Held::RegisteredBefore.into()], note };
        }
        let mut reasons: Vec<Held> = origins.into_iter().filter_map(|found| found.held).collect();
        if !reasons.is_empty() {
            reasons.sort();
            reasons.dedup();
            return RuleAnswer::No { reasons: reasons.into_iter().map(Into::into).collect(), note };
        }
        match (&self.facts.told, self.facts.log) {
            (Told::Unknown(why), _) => unknown(why),
            (_, LogReading::Never) => unknown(
                "the audit log was not read to its end yet, which tells what others did to the methods",
            ),
            _ => RuleAnswer::Pass { note: Some(note) },
        }
    }

    /// The strong methods that stay while the others go.
    pub(super) fn kept(&self) -> BTreeSet<MethodName> {
        self.origins().into_iter().filter(|found| found.kept).map(|found| found.method).collect()
    }

    /// Where each strong method comes from, and why it may not be deleted, if it may not.
    pub(super) fn origins(&self) -> Vec<MethodOrigin> {
        let Some(methods) = self.facts.methods.known() else { return Vec::new() };
        let of_user = Methods { all: methods, asked: self };
        let strong = methods.iter().filter(|method| method.kind.is_strong());
        strong.map(|method| judged(self, method, &of_user)).collect()
    }
}

/// What becomes of a method.
enum Fate {
    /// It may be deleted, perhaps by what is said.
    Goes(Option<&'static str>),
    /// It stays while the others go.
    Stays,
    /// It must stay, and so must the others.
    Held(Held),
}

fn judged(asked: &Asked<'_>, method: &AuthenticationMethod, of_user: &Methods<'_>) -> MethodOrigin {
    let Shown { origin, mut evidence, by } = of_user.shown(method);
    let (held, kept, why) = match fate(asked, method, origin, of_user) {
        Fate::Goes(why) => (None, false, why),
        Fate::Held(reason) if asked.record.is_released(reason, method) => (None, false, Some(RELEASED)),
        Fate::Stays if asked.record.is_released(Held::RegisteredBefore, method) => {
            (None, false, Some(RELEASED))
        }
        Fate::Stays => (None, true, Some(STAYS_BY_A_SETTING)),
        Fate::Held(reason) => (Some(reason), false, None),
    };
    if let Some(why) = why {
        evidence = format!("{evidence}; {why}");
    }
    MethodOrigin { method: method.name(), origin, evidence, shown_by: by, held, kept }
}

/// What the settings make of a method of this origin.
fn fate(asked: &Asked<'_>, method: &AuthenticationMethod, origin: Origin, of_user: &Methods<'_>) -> Fate {
    let included = Fate::Goes(Some(BY_A_SETTING));
    match (origin, asked.policy.preexisting_methods) {
        (Origin::OfWindow, _) => Fate::Goes(None),
        (Origin::ByAdmin, _) => Fate::Held(Held::RegisteredByAdmin),
        (Origin::AfterWindow, _) => Fate::Held(Held::RegisteredAfter),
        (Origin::BeforeWindow, PreexistingMethods::Hold) => Fate::Held(Held::RegisteredBefore),
        (Origin::BeforeWindow, PreexistingMethods::Keep) => Fate::Stays,
        // A number without a date may have gone, and come again after the window.
        (Origin::BeforeWindow, PreexistingMethods::RollBack)
            if method.is_of_the_users_own_kind()
                && (method.kind != MethodKind::Phone || method.created.is_some()) =>
        {
            included
        }
        (Origin::BeforeWindow | Origin::Unproven, _) => match asked.policy.unproven_methods {
            UnprovenMethods::Count if of_user.counts(method) => {
                Fate::Goes(Some("the only one of its kind, which a registration of the window names"))
            }
            UnprovenMethods::RollBack => included,
            UnprovenMethods::Hold | UnprovenMethods::Count => Fate::Held(Held::UnprovenMethod),
        },
    }
}
