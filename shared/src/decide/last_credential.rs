//! The rule that something to sign in with is left.

use jiff::Timestamp;

use super::{
    asked::Asked,
    rules::{no, pass, unknown},
};
use crate::domain::{
    decision::RuleAnswer,
    facts::{Account, Act, Reading},
    method::{AuthenticationMethod, MethodKind},
    outcome::Held,
};

impl Asked<'_> {
    pub(super) fn not_last_credential(&self) -> RuleAnswer {
        let methods = match &self.facts.methods {
            Reading::Known(methods) => methods,
            Reading::Unknown(why) => return unknown(why),
        };
        if !methods.iter().any(|method| method.kind.is_strong()) {
            return RuleAnswer::NotApplicable;
        }
        let issued = self.access_passes(methods);
        let is_left = |method: &AuthenticationMethod| match method.kind {
            MethodKind::Password => issued.iter().all(|at| self.set_a_password_after(*at)),
            ref kind => kind.is_primary_credential(),
        };
        match methods.iter().find(|method| is_left(method)) {
            Some(left) if left.kind != MethodKind::Password => {
                pass(format!("what stays to sign in with: {}", left.kind))
            }
            Some(_) if issued.is_empty() => pass(format!(
                "what stays to sign in with: password (a temporary access pass from before {} would not show)",
                self.policy.window.start
            )),
            Some(_) => {
                pass("what stays to sign in with: password, changed after a temporary access pass was issued")
            }
            None if issued.is_empty() => {
                no(Held::LastCredential, "no password or other credential would be left to sign in with")
            }
            None => no(
                Held::LastCredential,
                "a temporary access pass was issued: the user may know no password, and nothing else would be left",
            ),
        }
    }

    /// When each temporary access pass was issued that shows; `None` where nothing dates it. Everybody has a
    /// password object, and a user who came with a pass may know no password.
    fn access_passes(&self, methods: &[AuthenticationMethod]) -> Vec<Option<Timestamp>> {
        let access_pass = MethodKind::TemporaryAccessPass;
        let listed = methods.iter().filter(|method| method.kind == access_pass).map(|method| method.created);
        let told = self.facts.acts.iter().filter(|act| act.act == Act::AccessPass).map(|act| Some(act.at));
        let of_user = self.record.registrations.iter();
        let registered = of_user.filter(|r| r.methods.contains(&access_pass)).map(|r| Some(r.registered_at));
        listed.chain(told).chain(registered).collect()
    }

    fn set_a_password_after(&self, issued: Option<Timestamp>) -> bool {
        let Some(Account::Found(user)) = self.facts.account.known() else { return false };
        issued.zip(user.password_changed).is_some_and(|(issued, changed)| changed > issued)
    }
}
