//! The rules, one function each: they read like the table in the design.

use jiff::Timestamp;

use super::{Notices, Record, Rule, RuleAnswer, no, pass};
use crate::{
    facts::{Account, Belts, Facts, Reading, RecordedRegistration},
    graph::{AuthenticationMethod, PerUserMfa, SmsSignIn, User},
    method::MethodKind,
    outcome::{Held, NotEligible},
    settings::{OtherMethods, Policy},
};

/// Everything that a rule may look at.
pub(super) struct Asked<'a> {
    pub(super) record: Record<'a>,
    pub(super) facts: &'a Facts,
    pub(super) belts: &'a Belts,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
}

fn unknown(note: &str) -> RuleAnswer {
    RuleAnswer::Unknown { note: note.to_owned() }
}

impl Asked<'_> {
    pub(super) fn ask(&self, rule: Rule) -> RuleAnswer {
        match rule {
            Rule::UserExists => self.user_exists(),
            Rule::InWindow => self.in_window(),
            Rule::PerUserMfa => self.per_user_mfa(),
            Rule::NotRolledBack => self.not_rolled_back(),
            Rule::StrongMethods => self.strong_methods(),
            Rule::NotExcluded => self.not_excluded(),
            Rule::NotAdministrator => self.not_administrator(),
            Rule::NotExternal => self.with_user(not_external_when_included(self.policy)),
            Rule::AccountEnabled => self.with_user(account_enabled),
            Rule::MethodsOfWindow => self.methods_of_window(),
            Rule::NotLastCredential => self.not_last_credential(),
        }
    }

    fn user_exists(&self) -> RuleAnswer {
        match &self.facts.account {
            Reading::Known(Account::Found(_)) => pass(),
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
            count => RuleAnswer::Pass { note: Some(format!("registrations in the window: {count}")) },
        }
    }

    fn per_user_mfa(&self) -> RuleAnswer {
        match &self.facts.per_user_mfa {
            Reading::Known(PerUserMfa::Disabled) => pass(),
            Reading::Known(PerUserMfa::Enabled) => no(NotEligible::PerUserMfa, "enabled"),
            Reading::Known(PerUserMfa::Enforced) => no(NotEligible::PerUserMfa, "enforced"),
            Reading::Known(PerUserMfa::Unknown) => unknown("a state that this version does not know"),
            Reading::Unknown(why) => unknown(why),
        }
    }

    fn not_rolled_back(&self) -> RuleAnswer {
        let Some(first_delete_at) = self.record.first_delete_at else { return pass() };
        let methods = match &self.facts.methods {
            Reading::Known(methods) => methods,
            Reading::Unknown(why) => return unknown(why),
        };
        if !methods.iter().any(|method| method.kind.is_strong()) {
            return no(
                NotEligible::AlreadyRolledBack,
                format!("rolled back at {first_delete_at}, and nothing was registered since"),
            );
        }
        match self.record.intent.map(|intent| intent.settle(methods, self.now)) {
            Some(settlement) if settlement.proves_all() => {
                RuleAnswer::Pass { note: Some("what is left is what the open intent lists".to_owned()) }
            }
            _ => no(
                Held::ReRegistered,
                format!(
                    "a rollback began at {first_delete_at}, and a strong method is there that may be newer"
                ),
            ),
        }
    }

    fn strong_methods(&self) -> RuleAnswer {
        match &self.facts.methods {
            Reading::Known(methods) if methods.iter().any(|method| method.kind.is_strong()) => pass(),
            Reading::Known(_) => {
                no(NotEligible::NoStrongMethods, "no phone, Authenticator or software OATH method")
            }
            Reading::Unknown(why) => unknown(why),
        }
    }

    fn not_excluded(&self) -> RuleAnswer {
        match &self.belts.excluded {
            Reading::Known(excluded) if excluded.contains(&self.record.user_id) => {
                no(Held::Excluded, "named by EXCLUDED_USER_IDS or a member of EXCLUDED_GROUP_ID")
            }
            Reading::Known(_) => pass(),
            Reading::Unknown(why) => unknown(why),
        }
    }

    fn not_administrator(&self) -> RuleAnswer {
        let how = match &self.belts.administrators {
            Reading::Known(administrators) => administrators.get(&self.record.user_id).cloned(),
            Reading::Unknown(why) => return unknown(why),
        };
        let reported =
            self.facts.report.filter(|line| line.admin).map(|_| "by the registration report".to_owned());
        match how.or(reported) {
            None => pass(),
            Some(how) if self.policy.include_administrators => {
                RuleAnswer::Pass { note: Some(format!("administrator ({how}); included by a setting")) }
            }
            Some(how) => no(Held::Administrator, how),
        }
    }

    fn methods_of_window(&self) -> RuleAnswer {
        let methods = match &self.facts.methods {
            Reading::Known(methods) => methods,
            Reading::Unknown(why) => return unknown(why),
        };
        let mut reasons: Vec<Held> = methods
            .iter()
            .filter(|method| method.kind.is_strong())
            .filter_map(|method| self.not_of_window(method))
            .collect();
        if reasons.is_empty() {
            let none = !methods.iter().any(|method| method.kind.is_strong());
            return if none { RuleAnswer::NotApplicable } else { pass() };
        }
        reasons.sort_by_key(|reason| match reason {
            Held::RegisteredBefore => 0,
            Held::RegisteredAfter => 1,
            _ => 2,
        });
        reasons.dedup();
        let note = reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(", ");
        RuleAnswer::No { reasons: reasons.into_iter().map(Into::into).collect(), note }
    }

    /// Why a strong method is not shown to be of the window.
    fn not_of_window(&self, method: &AuthenticationMethod) -> Option<Held> {
        let window = &self.policy.window;
        match method.created {
            Some(created) if created < window.start => {
                (self.policy.preexisting_methods == OtherMethods::Hold).then_some(Held::RegisteredBefore)
            }
            Some(created) if created > window.end => Some(Held::RegisteredAfter),
            Some(_) => None,
            None if self.policy.undated_methods == OtherMethods::RollBack => None,
            None => {
                let named = self.of_window().any(|r| r.methods.contains(&method.kind));
                (!named).then_some(Held::UndatedMethod)
            }
        }
    }

    fn not_last_credential(&self) -> RuleAnswer {
        let methods = match &self.facts.methods {
            Reading::Known(methods) => methods,
            Reading::Unknown(why) => return unknown(why),
        };
        if !methods.iter().any(|method| method.kind.is_strong()) {
            return RuleAnswer::NotApplicable;
        }
        let mut reasons = Vec::new();
        if !methods.iter().any(|method| method.kind.is_primary_credential()) {
            reasons.push(Held::LastCredential);
        }
        let signs_in_by_sms = methods
            .iter()
            .any(|method| method.kind == MethodKind::Phone && method.sms_sign_in == SmsSignIn::Ready);
        let signs_in_by_app = self.facts.report.is_some_and(|line| line.passwordless)
            && methods.iter().any(|method| method.kind == MethodKind::MicrosoftAuthenticator);
        if signs_in_by_sms || signs_in_by_app {
            reasons.push(Held::PrimarySignIn);
        }
        if reasons.is_empty() {
            return pass();
        }
        let note = match reasons[0] {
            Held::LastCredential => "no password or other credential would be left to sign in with",
            _ if signs_in_by_sms => "the number is what the user signs in with",
            _ => "the Authenticator is what the user signs in with",
        };
        RuleAnswer::No { reasons: reasons.into_iter().map(Into::into).collect(), note: note.to_owned() }
    }

    fn with_user(&self, rule: impl Fn(&User) -> RuleAnswer) -> RuleAnswer {
        match &self.facts.account {
            Reading::Known(Account::Found(user)) => rule(user),
            Reading::Known(Account::NotFound) => RuleAnswer::NotApplicable,
            Reading::Unknown(why) => unknown(why),
        }
    }

    fn of_window(&self) -> impl Iterator<Item = &RecordedRegistration> {
        let window = self.policy.window;
        self.record.registrations.iter().filter(move |r| window.contains(r.registered_at))
    }

    pub(super) fn notices(&self) -> Option<Notices> {
        let methods = self.facts.methods.known()?;
        let loses_phone = methods.iter().any(|method| method.kind == MethodKind::Phone);
        let mut still: Vec<MethodKind> =
            methods.iter().map(|m| m.kind.clone()).filter(MethodKind::can_still_do_mfa).collect();
        still.sort();
        still.dedup();
        Some(Notices {
            sspr_loses_phone: self.facts.report.map(|line| line.sspr && loses_phone),
            still_can_do_mfa: still,
            no_method_left: methods
                .iter()
                .all(|method| method.kind.is_strong() || method.kind == MethodKind::Password),
        })
    }
}

fn account_enabled(user: &User) -> RuleAnswer {
    match user.account_enabled {
        Some(true) => pass(),
        Some(false) => no(Held::AccountDisabled, "perhaps a leaver, perhaps under investigation"),
        None => unknown("Graph does not say whether the account is enabled"),
    }
}

fn not_external_when_included(policy: &Policy) -> impl Fn(&User) -> RuleAnswer {
    let included = policy.include_external_users;
    move |user| match external(user) {
        Ok(None) => pass(),
        Ok(Some(how)) if included => {
            RuleAnswer::Pass { note: Some(format!("external ({how}); included by a setting")) }
        }
        Ok(Some(how)) => no(Held::External, how),
        Err(what) => unknown(what),
    }
}

/// How a user is external, if so; an error where Graph left out what tells it.
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
