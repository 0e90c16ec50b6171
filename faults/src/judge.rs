//! Whether a DELETE may be, by the truth of the tenant: what the program cannot see, and so cannot
//! have in common with whoever judges it.

use jiff::Timestamp;
use shared::{
    domain::window::Window,
    settings::{OtherMethods, Policy, UnprovenMethods},
};
use simulator::{Harm, MethodView};

/// The harms that no setting answers for, and no release that was given at `released`. `alone` says that there is no other method of its kind.
pub(crate) fn unanswered(
    harms: Vec<Harm>,
    (method, alone): (&MethodView, bool),
    released: Option<Timestamp>,
    policy: &Policy,
) -> impl Iterator<Item = Harm> {
    let answered = answered_by_settings((method, alone), policy);
    // A release speaks for what was there when it was given.
    let is_released = released.is_some_and(|at| method.origin.came_at <= at);
    harms.into_iter().filter(move |harm| !is_released && !answered(*harm))
}

fn answered_by_settings(
    (method, alone): (&MethodView, bool),
    policy: &Policy,
) -> impl Fn(Harm) -> bool + use<> {
    let lets_old = policy.preexisting_methods == OtherMethods::RollBack;
    let lets_unproven = match policy.unproven_methods {
        UnprovenMethods::Hold => false,
        UnprovenMethods::Count => alone,
        UnprovenMethods::RollBack => true,
    };
    let lets_asked = policy.mfa_required_users == OtherMethods::RollBack;
    let lets_new = policy.include_new_accounts;
    let date_tells = date_tells(method.created, &method.kind, &policy.window);
    let is_old = method.origin.came_at < policy.window.start;
    move |harm| match harm {
        Harm::HadBefore => lets_old || lets_unproven && !date_tells,
        Harm::CameAfter => lets_unproven && !date_tells,
        // What an administrator did before the window is in no log that is read.
        Harm::ByAdmin => lets_unproven || lets_old && is_old,
        Harm::ByDirectory => lets_unproven,
        Harm::HadMfa => lets_old,
        Harm::NewAccount => lets_new,
        Harm::MfaDemanded => lets_asked,
        _ => false,
    }
}

/// Whether Graph's date alone shows that a method is not of the window. That of an Authenticator may be the date
/// of an upgrade, and tells of nothing later.
fn date_tells(created: Option<Timestamp>, kind: &str, window: &Window) -> bool {
    created.is_some_and(|at| at < window.start || at > window.end && kind != "microsoftAuthenticator")
}
