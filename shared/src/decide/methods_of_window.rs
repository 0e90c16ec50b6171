//! The rule that only methods of the window go, and the settings that let others go, too.

use super::{
    asked::Asked,
    origin::{Methods, Shown},
    rules::unknown,
};
use crate::{
    domain::{
        decision::RuleAnswer,
        facts::{LogReading, Reading, Told},
        method::{AuthenticationMethod, MethodKind},
        origin::{MethodOrigin, Origin},
        outcome::Held,
    },
    settings::{OtherMethods, UnprovenMethods},
};

const BY_A_SETTING: &str = "included by a setting";

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

    /// Where each strong method comes from, and why it may not be deleted, if it may not.
    pub(super) fn origins(&self) -> Vec<MethodOrigin> {
        let Some(methods) = self.facts.methods.known() else { return Vec::new() };
        let of_user = Methods { all: methods, asked: self };
        let strong = methods.iter().filter(|method| method.kind.is_strong());
        strong.map(|method| judged(self, method, &of_user)).collect()
    }
}

fn judged(asked: &Asked<'_>, method: &AuthenticationMethod, of_user: &Methods<'_>) -> MethodOrigin {
    let Shown { origin, mut evidence, by } = of_user.shown(method);
    let (held, let_through) = match may_go(asked, method, origin, of_user) {
        Ok(why) => (None, why),
        Err(reason) if asked.record.is_released(reason, method) => (None, Some("released by a person")),
        Err(reason) => (Some(reason), None),
    };
    if let Some(why) = let_through {
        evidence = format!("{evidence}; {why}");
    }
    MethodOrigin { method: method.name(), origin, evidence, shown_by: by, held }
}

/// Whether the settings let a method of this origin go, and by what; the error says why it must stay.
fn may_go(
    asked: &Asked<'_>,
    method: &AuthenticationMethod,
    origin: Origin,
    of_user: &Methods<'_>,
) -> Result<Option<&'static str>, Held> {
    let included = Ok(Some(BY_A_SETTING));
    match (origin, asked.policy.preexisting_methods) {
        (Origin::OfWindow, _) => Ok(None),
        (Origin::ByAdmin, _) => Err(Held::RegisteredByAdmin),
        (Origin::AfterWindow, _) => Err(Held::RegisteredAfter),
        (Origin::BeforeWindow, OtherMethods::Hold) => Err(Held::RegisteredBefore),
        // A number without a date may have gone, and come again after the window.
        (Origin::BeforeWindow, OtherMethods::RollBack)
            if method.is_of_the_users_own_kind()
                && (method.kind != MethodKind::Phone || method.created.is_some()) =>
        {
            included
        }
        (Origin::BeforeWindow | Origin::Unproven, _) => match asked.policy.unproven_methods {
            UnprovenMethods::Count if of_user.counts(method) => {
                Ok(Some("the only one of its kind, which a registration of the window names"))
            }
            UnprovenMethods::RollBack => included,
            UnprovenMethods::Hold | UnprovenMethods::Count => Err(Held::UnprovenMethod),
        },
    }
}
