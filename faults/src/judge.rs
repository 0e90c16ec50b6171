//! Whether a DELETE is allowed, by the tenant's truth. The program cannot see this truth, so it cannot share
//! a mistake with its judge.

use jiff::Timestamp;
use shared::{
    domain::window::Window,
    settings::{MfaRequiredUsers, Policy, PreexistingMethods, UnprovenMethods},
};
use simulator::{Harm, MethodView};

/// Returns the harms that neither a setting nor a release given at `released` permits. `alone` says that
/// there is no other method of its kind.
pub(crate) fn unanswered(
    harms: Vec<Harm>,
    (method, alone): (&MethodView, bool),
    released: Option<Timestamp>,
    policy: &Policy,
) -> impl Iterator<Item = Harm> {
    let answered = answered_by_settings((method, alone), policy);
    // A release covers what was there when it was given.
    let is_released = released.is_some_and(|at| method.origin.came_at <= at);
    harms.into_iter().filter(move |harm| !is_released && !answered(*harm))
}

fn answered_by_settings(
    (method, alone): (&MethodView, bool),
    policy: &Policy,
) -> impl Fn(Harm) -> bool + use<> {
    let lets_old = policy.preexisting_methods == PreexistingMethods::RollBack;
    let lets_had_mfa = policy.preexisting_methods != PreexistingMethods::Hold;
    let lets_unproven = match policy.unproven_methods {
        UnprovenMethods::Hold => false,
        UnprovenMethods::Count => alone,
        UnprovenMethods::RollBack => true,
    };
    let lets_asked = policy.mfa_required_users == MfaRequiredUsers::RollBack;
    let lets_new = policy.include_new_accounts;
    let date_tells = date_tells(method.created, &method.kind, &policy.window);
    let is_old = method.origin.came_at < policy.window.start;
    move |harm| match harm {
        Harm::HadBefore => lets_old || lets_unproven && !date_tells,
        Harm::CameAfter => lets_unproven && !date_tells,
        // No log that is read shows what an administrator did before the window.
        Harm::ByAdmin => lets_unproven || lets_old && is_old,
        Harm::ByDirectory => lets_unproven,
        Harm::HadMfa => lets_had_mfa,
        Harm::NewAccount => lets_new,
        Harm::MfaDemanded => lets_asked,
        _ => false,
    }
}

/// Whether Graph's date alone shows that a method is not of the window. The date of an Authenticator may be
/// that of an upgrade, so a late date shows nothing.
fn date_tells(created: Option<Timestamp>, kind: &str, window: &Window) -> bool {
    created.is_some_and(|at| at < window.start || at > window.end && kind != "microsoftAuthenticator")
}
