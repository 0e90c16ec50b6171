//! The rules, one function each.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::asked::Asked;
use crate::{
    domain::{
        account::User,
        decision::{Consequences, RuleAnswer},
        facts::{Account, Act, Reading, RegistrationReportList},
        lease::CLOCK_SKEW,
        method::{AuthenticationMethod, MethodKind, PerUserMfa, SmsSignIn},
        outcome::{Held, NotEligible, Verdict},
        policies::WhatIf,
        rule::Rule,
        window::shift,
    },
    settings::{MfaRequiredUsers, Policy, PreexistingMethods},
};

/// A no for one reason.
pub(super) fn no(reason: impl Into<Verdict>, note: impl Into<String>) -> RuleAnswer {
    RuleAnswer::No { reasons: vec![reason.into()], note: note.into() }
}

/// A pass, with what the rule saw.
pub(super) fn pass(note: impl Into<String>) -> RuleAnswer {
    RuleAnswer::Pass { note: Some(note.into()) }
}

pub(super) fn released(note: &str) -> RuleAnswer {
    pass(format!("released by a person: {note}"))
}

pub(super) fn unknown(note: &str) -> RuleAnswer {
    RuleAnswer::Unknown { note: note.to_owned() }
}

impl Asked<'_> {
    pub(super) fn ask(&self, rule: Rule) -> RuleAnswer {
        match rule {
            Rule::UserExists => self.user_exists(),
            Rule::InWindow => self.in_window(),
            Rule::PerUserMfa => self.per_user_mfa(),
            Rule::MfaNotMeant => self.mfa_not_meant(),
            Rule::NotRolledBack => self.not_rolled_back(),
            Rule::StrongMethods => self.strong_methods(),
            Rule::NotExcluded => self.not_excluded(),
            Rule::NotAdministrator => self.not_administrator(),
            Rule::NotExternal => self.with_user(not_external_when_included(self.policy)),
            Rule::AccountEnabled => self.with_user(account_enabled),
            Rule::NotNewAccount => self.with_user(|user| self.not_new_account(user)),
            Rule::MethodsOfWindow => self.methods_of_window(),
            Rule::NotStampedBefore => self.not_stamped_before(),
            Rule::NotLastCredential => self.not_last_credential(),
            Rule::NotPrimarySignIn => self.not_primary_sign_in(),
            Rule::MfaNotRequired => self.mfa_not_required(),
        }
    }

    fn user_exists(&self) -> RuleAnswer {
        match &self.facts.account {
            Reading::Known(Account::Found(_)) => pass("Graph shows the account"),
            Reading::Known(Account::NotFound) => no(NotEligible::UserNotFound, "Graph answers 404"),
            Reading::Unknown(why) => unknown(why),
        }
    }

    fn in_window(&self) -> RuleAnswer {
        if self.record.by_hand {
            return RuleAnswer::NotApplicable;
        }
        match self.of_window().count() {
            0 => no(NotEligible::OutsideWindow, "no registration on record lies in the window"),
            count => pass(format!("registrations in the window: {count}")),
        }
    }

    fn per_user_mfa(&self) -> RuleAnswer {
        match &self.facts.per_user_mfa {
            Reading::Known(PerUserMfa::Disabled) => pass("disabled"),
            Reading::Known(PerUserMfa::Enabled) => no(NotEligible::PerUserMfa, "enabled"),
            Reading::Known(PerUserMfa::Enforced) => no(NotEligible::PerUserMfa, "enforced"),
            Reading::Known(PerUserMfa::Unknown) => unknown("a state that this version does not know"),
            Reading::Unknown(why) => unknown(why),
        }
    }

    fn mfa_not_meant(&self) -> RuleAnswer {
        match self.facts.story.required(&self.policy.window) {
            None => pass("no record since the window's start shows per-user MFA on"),
            Some(change) => no(
                Held::MfaWasMeant,
                format!("per-user MFA was on: {}, event {}", change.at, change.event_id),
            ),
        }
    }

    fn not_stamped_before(&self) -> RuleAnswer {
        match self.facts.story.stamp(&self.policy.window) {
            None => pass("the directory's records show nothing of it"),
            Some((change, true)) => RuleAnswer::Pass {
                note: Some(format!("stamped with event {} at {}", change.event_id, change.at)),
            },
            Some((change, false)) if self.policy.preexisting_methods != PreexistingMethods::Hold => {
                pass(format!("had MFA methods before event {}; included by a setting", change.event_id))
            }
            Some((change, false)) => no(
                Held::RegisteredBefore,
                format!(
                    "had MFA methods before event {} at {}, the window's first",
                    change.event_id, change.at
                ),
            ),
        }
    }

    fn not_rolled_back(&self) -> RuleAnswer {
        let elsewhere = self.rolled_back_elsewhere_at();
        let Some(began) = self.record.first_delete_at.or(elsewhere) else {
            return pass("no DELETE was ever sent for this user");
        };
        let methods = match &self.facts.methods {
            Reading::Known(methods) => methods,
            Reading::Unknown(why) => return unknown(why),
        };
        let is_kept = |method: &AuthenticationMethod| self.record.kept.is_some_and(|kept| kept.shows(method));
        let mut strong =
            methods.iter().filter(|method| method.kind.is_strong() && !is_kept(method)).peekable();
        if strong.peek().is_none() {
            return no(
                NotEligible::AlreadyRolledBack,
                format!("rolled back at {began}, and nothing was registered since"),
            );
        }
        if strong.all(|method| self.record.is_released(Held::ReRegistered, method)) {
            return released(&format!("a rollback began at {began}"));
        }
        if let Some(at) = elsewhere {
            return no(
                Held::ReRegistered,
                format!("this app deleted methods at {at} that this ledger knows nothing of"),
            );
        }
        // A number that is registered again where it was keeps its date.
        let since = self.record.registrations.iter().find(|registered| registered.registered_at > began);
        if let Some(registered) = since {
            return no(
                Held::ReRegistered,
                format!(
                    "a rollback began at {began}, and the user registered at {}",
                    registered.registered_at
                ),
            );
        }
        match self.record.intent.map(|intent| intent.settle(methods, self.now)) {
            Some(settlement) if settlement.proves_all() => pass("what is left is what the open intent lists"),
            _ => no(
                Held::ReRegistered,
                format!("a rollback began at {began}, and a strong method is there that may be newer"),
            ),
        }
    }

    /// When this app deleted a method although this ledger had sent no DELETE by then: another ledger did, or
    /// one that was lost.
    fn rolled_back_elsewhere_at(&self) -> Option<Timestamp> {
        let known_from = self.record.first_delete_at.map(|at| shift(at, -CLOCK_SKEW));
        let deletions = self.facts.acts.iter().filter(|act| act.act == Act::RolledBack);
        deletions.map(|act| act.at).find(|at| known_from.is_none_or(|from| *at < from))
    }

    fn strong_methods(&self) -> RuleAnswer {
        match &self.facts.methods {
            Reading::Known(methods) => {
                match methods.iter().filter(|method| method.kind.is_strong()).count() {
                    0 => no(NotEligible::NoStrongMethods, "no phone, Authenticator or software OATH method"),
                    strong => pass(format!("{strong} of {} methods are strong", methods.len())),
                }
            }
            Reading::Unknown(why) => unknown(why),
        }
    }

    fn not_excluded(&self) -> RuleAnswer {
        match &self.belts.excluded {
            Reading::Known(excluded) if excluded.contains(&self.record.user_id) => {
                no(Held::Excluded, "named by EXCLUDED_USER_IDS or a member of EXCLUDED_GROUP_ID")
            }
            Reading::Known(excluded) => pass(format!("none of {} excluded users", excluded.len())),
            Reading::Unknown(why) => unknown(why),
        }
    }

    fn not_administrator(&self) -> RuleAnswer {
        let (count, how) = match &self.belts.administrators {
            Reading::Known(administrators) => {
                (administrators.len(), administrators.get(&self.record.user_id).cloned())
            }
            Reading::Unknown(why) => return unknown(why),
        };
        let reported =
            self.facts.report.line.filter(|line| line.admin).map(|_| "by the registration report".to_owned());
        match how.or(reported) {
            None => pass(format!("none of {count} users who hold a role or may take one")),
            Some(how) if self.policy.include_administrators => {
                pass(format!("administrator ({how}); included by a setting"))
            }
            Some(how) => no(Held::Administrator, how),
        }
    }

    fn not_new_account(&self, user: &User) -> RuleAnswer {
        match user.created {
            Some(created) if created < self.policy.window.start => {
                pass(format!("created at {created}, before the window"))
            }
            Some(created) if self.policy.include_new_accounts => {
                pass(format!("created at {created}; included by a setting"))
            }
            Some(created) => no(Held::NewAccount, format!("created at {created}, after the window's start")),
            None => unknown("Graph does not say when the account was created"),
        }
    }

    fn not_primary_sign_in(&self) -> RuleAnswer {
        let methods = match &self.facts.methods {
            Reading::Known(methods) => methods,
            Reading::Unknown(why) => return unknown(why),
        };
        let kept = self.kept();
        let methods: Vec<&AuthenticationMethod> =
            methods.iter().filter(|method| !kept.contains(&method.name())).collect();
        if methods
            .iter()
            .any(|method| method.kind == MethodKind::Phone && method.sms_sign_in == SmsSignIn::Ready)
        {
            return no(Held::PrimarySignIn, "the number is what the user signs in with");
        }
        let apps = methods.iter().filter(|method| method.kind == MethodKind::MicrosoftAuthenticator);
        let dates: Vec<Option<Timestamp>> = apps.map(|app| app.created).collect();
        if dates.is_empty() {
            return if methods.iter().any(|method| method.kind.is_strong()) {
                pass("no number is signed in with, and there is no Authenticator")
            } else {
                RuleAnswer::NotApplicable
            };
        }
        // Graph gives a date to an app that was registered for passwordless sign-in.
        let is_dated = dates.iter().any(Option::is_some);
        if let Some(line) = self.facts.report.line {
            return if line.passwordless {
                no(Held::PrimarySignIn, "the Authenticator is what the user signs in with")
            } else {
                pass("the registration report says that the Authenticator is not what the user signs in with")
            };
        }
        match self.facts.report.list {
            _ if is_dated => {
                unknown("the Authenticator has a date, and no line of the registration report clears it")
            }
            RegistrationReportList::Whole => {
                pass("the registration report, read to its end, has no line of the user")
            }
            RegistrationReportList::NoLicence => {
                pass("an Authenticator without a date is not signed in with")
            }
            RegistrationReportList::Partly => {
                unknown("the registration report was not read to its end within a day")
            }
        }
    }

    fn mfa_not_required(&self) -> RuleAnswer {
        let policies = match &self.belts.policies {
            Reading::Known(policies) => policies,
            Reading::Unknown(why) => return unknown(why),
        };
        let included = self.policy.mfa_required_users == MfaRequiredUsers::RollBack;
        let demanded = |what: String| {
            if included {
                pass(format!("{what}; included by a setting"))
            } else {
                no(Held::MfaRequired, what)
            }
        };
        if policies.security_defaults {
            return demanded("security defaults are on".to_owned());
        }
        let Some(policy) = policies.demanding(self.record.user_id).next() else {
            return pass("no policy that is on demands MFA of this user");
        };
        let perhaps = format!(
            "the Conditional Access policy \"{}\" demands MFA, and may be for this user",
            policy.name
        );
        match &self.facts.what_if {
            WhatIf::Nothing => pass("What If: no policy that is on demands MFA of this user"),
            WhatIf::Demanded(what) => demanded(format!("What If: {what}")),
            WhatIf::Refused(why) => demanded(format!("{perhaps}; What If cannot be asked: {why}")),
            WhatIf::NotAsked if included => demanded(perhaps),
            WhatIf::NotAsked => pass(format!("{perhaps}: What If is asked before anything is deleted")),
        }
    }

    fn with_user(&self, rule: impl Fn(&User) -> RuleAnswer) -> RuleAnswer {
        match &self.facts.account {
            Reading::Known(Account::Found(user)) => rule(user),
            Reading::Known(Account::NotFound) => RuleAnswer::NotApplicable,
            Reading::Unknown(why) => unknown(why),
        }
    }

    pub(super) fn consequences(&self) -> Option<Consequences> {
        let kept = self.kept();
        let goes = |method: &&AuthenticationMethod| method.kind.is_strong() && !kept.contains(&method.name());
        let (going, staying): (Vec<_>, Vec<_>) = self.facts.methods.known()?.iter().partition(goes);
        let kinds = |methods: &[&AuthenticationMethod], wanted: fn(&MethodKind) -> bool| {
            let kinds = methods.iter().map(|method| &method.kind).filter(|kind| wanted(kind));
            kinds.cloned().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        Some(Consequences {
            // Password reset takes phones, the Authenticator's notifications and codes of either app.
            sspr_loses: self
                .facts
                .report
                .line
                .map(|line| if line.sspr { kinds(&going, MethodKind::is_strong) } else { Vec::new() }),
            still_can_do_mfa: kinds(&staying, |kind| kind.is_strong() || kind.can_still_do_mfa()),
            no_method_left: staying.iter().all(|method| method.kind == MethodKind::Password),
        })
    }
}

fn account_enabled(user: &User) -> RuleAnswer {
    match user.account_enabled {
        Some(true) => pass("enabled"),
        Some(false) => no(Held::AccountDisabled, "perhaps a leaver, perhaps under investigation"),
        None => unknown("Graph does not say whether the account is enabled"),
    }
}

fn not_external_when_included(policy: &Policy) -> impl Fn(&User) -> RuleAnswer {
    let included = policy.include_external_users;
    move |user| match external(user) {
        Ok(None) => pass("nothing about the account is external"),
        Ok(Some(how)) if included => pass(format!("external ({how}); included by a setting")),
        Ok(Some(how)) => no(Held::External, how),
        Err(what) => unknown(what),
    }
}

/// What makes a user external, if anything; an error if Graph left out what tells.
pub(crate) fn external(user: &User) -> Result<Option<&'static str>, &'static str> {
    let is = |value: &Option<Option<String>>, what: &str| matches!(value, Some(Some(text)) if text.eq_ignore_ascii_case(what));
    if is(&user.user_type, "Guest") {
        return Ok(Some("userType is Guest"));
    }
    if user.user_principal_name.as_ref().is_some_and(|name| name.to_uppercase().contains("#EXT#")) {
        return Ok(Some("#EXT# in the principal name"));
    }
    if matches!(&user.external_user_state, Some(Some(state)) if !state.is_empty()) {
        return Ok(Some("externalUserState is set"));
    }
    if is(&user.creation_type, "Invitation") {
        return Ok(Some("creationType is Invitation"));
    }
    if user.user_principal_name.is_none() {
        return Err("Graph does not say the principal name");
    }
    match (&user.user_type, &user.external_user_state, &user.creation_type) {
        (Some(_), Some(_), Some(_)) => Ok(None),
        _ => Err("Graph does not say userType, externalUserState and creationType"),
    }
}
