//! The truth about methods and people: what Graph does not show, or not reliably. A rollback is judged by
//! this, never by a rule of the program that made it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    account::{Account, MethodView, PerUserMfa, UserView},
    method::{Method, MethodKind},
    origin::{By, Origin},
    state::State,
    tenant::Tenant,
};

/// Why the DELETE of a method harms somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr)]
pub enum Harm {
    /// The user had it before the window.
    #[strum(serialize = "had before the window")]
    HadBefore,
    /// It came after the window.
    #[strum(serialize = "came after the window")]
    CameAfter,
    /// An administrator or the helpdesk registered it.
    #[strum(serialize = "registered by an administrator")]
    ByAdmin,
    /// The directory holds it of its own.
    #[strum(serialize = "a number of the directory")]
    ByDirectory,
    /// The account was created in the window or later: its user registered as everybody does.
    #[strum(serialize = "a new account")]
    NewAccount,
    /// Nothing that this person can sign in with is left.
    #[strum(serialize = "locked out")]
    LockedOut,
    /// The same: the user came with a temporary access pass before the window, and never knew a password.
    #[strum(serialize = "locked out, after a pass from before the window")]
    LockedOutSinceBefore,
    /// The user signs in with it.
    #[strum(serialize = "signs in with it")]
    SignsInWithIt,
    /// Conditional Access or security defaults demand MFA of this user.
    #[strum(serialize = "MFA is demanded anyway")]
    MfaDemanded,
    /// Another ledger's rollback took the user's methods before; this was registered since.
    #[strum(serialize = "rolled back before by another ledger")]
    RolledBackBefore,
    /// Per-user MFA was on in the window or later, and is off now.
    #[strum(serialize = "per-user MFA was on meanwhile")]
    MfaWasMeant,
    /// The user had other strong methods when the window began, and so was registered for MFA before.
    #[strum(serialize = "was an MFA user before the window")]
    HadMfa,
}

impl Harm {
    /// Describes the harm in a few words.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the services that log registrations show nothing of it in the window: only the directory's own
    /// "Update user" records do, or earlier events.
    pub fn is_in_no_registration_log(self) -> bool {
        matches!(self, Self::MfaWasMeant | Self::HadMfa | Self::LockedOutSinceBefore)
    }
}

impl Tenant {
    /// Returns everything that is wrong with deleting this method now, for a window with these ends (both
    /// included). Empty if the method is not there.
    pub fn harms(&self, user: Uuid, method_id: &str, (start, end): (Timestamp, Timestamp)) -> Vec<Harm> {
        let state = self.state();
        let Some(account) = state.accounts.get(&user) else { return Vec::new() };
        let Some(method) = account.methods.iter().find(|method| method.id == method_id) else {
            return Vec::new();
        };
        let mut harms = of_method(method, start, end);
        harms.extend(of_person(&state, account, method, start));
        harms
    }
}

impl Tenant {
    /// Returns every strong method whose DELETE would harm somebody now, by user and method id, for a window
    /// with these ends.
    pub fn harmful(&self, window: (Timestamp, Timestamp)) -> BTreeSet<(Uuid, String)> {
        let strong = |user: &UserView| {
            let is_strong = |method: &&MethodView| {
                ["phone", "microsoftAuthenticator", "softwareOath"].contains(&method.kind.as_str())
            };
            user.methods
                .iter()
                .filter(is_strong)
                .map(|method| (user.id, method.id.clone()))
                .collect::<Vec<_>>()
        };
        let all = self.users().iter().flat_map(strong).collect::<Vec<_>>();
        all.into_iter().filter(|(user, method)| !self.harms(*user, method, window).is_empty()).collect()
    }
}

fn of_method(method: &Method, start: Timestamp, end: Timestamp) -> Vec<Harm> {
    let Origin { came_at, by, .. } = method.origin;
    let of_time = if came_at < start {
        Some(Harm::HadBefore)
    } else if came_at > end {
        Some(Harm::CameAfter)
    } else {
        None
    };
    let of_giver = match by {
        By::User => None,
        By::Admin => Some(Harm::ByAdmin),
        By::Directory => Some(Harm::ByDirectory),
    };
    of_time.into_iter().chain(of_giver).collect()
}

fn of_person(state: &State, account: &Account, method: &Method, start: Timestamp) -> Vec<Harm> {
    let can_sign_in = account.methods.iter().any(|method| match method.kind() {
        MethodKind::Password => account.user.knows_password,
        MethodKind::Fido2
        | MethodKind::WindowsHello
        | MethodKind::PlatformCredential
        | MethodKind::QrCodePin => true,
        _ => false,
    });
    let pass_is_old = account.access_pass_at.is_some_and(|at| at < start)
        && account.methods.iter().all(|method| *method.kind() != MethodKind::TemporaryAccessPass);
    let was_meant = account.user.per_user_mfa == PerUserMfa::Disabled
        && account.per_user_mfa_until.is_some_and(|until| until >= start);
    [
        (account.user.created_at >= start, Harm::NewAccount),
        (!can_sign_in && !pass_is_old, Harm::LockedOut),
        (!can_sign_in && pass_is_old, Harm::LockedOutSinceBefore),
        (method.what.primary_sign_in, Harm::SignsInWithIt),
        (state.demands_mfa(account.id), Harm::MfaDemanded),
        (
            account.rolled_back_elsewhere_at.is_some_and(|at| method.origin.came_at > at),
            Harm::RolledBackBefore,
        ),
        (was_meant, Harm::MfaWasMeant),
        (account.had_mfa_at(start) && method.origin.came_at >= start, Harm::HadMfa),
    ]
    .into_iter()
    .filter_map(|(holds, harm)| holds.then_some(harm))
    .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        ConditionalAccess, MethodKind, NewMethod, NewUser, Policies,
        testing::{START, client, mobile, options},
    };

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> Timestamp {
        START.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_method_of_the_window_that_its_user_registered_harms_nobody() {
        let client = client(options()).await;
        let user = client.user("ada");
        let phone = client.tenant.register(user, mobile());
        let harms = |from, to| client.tenant.harms(user, &phone, (from, to));
        assert_eq!(harms(now() - DAY, now() + DAY), []);
        assert_eq!(harms(now() + DAY, now() + 2 * DAY), [Harm::HadBefore]);
        assert_eq!(harms(now() - 2 * DAY, now() - DAY), [Harm::CameAfter]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_number_registered_over_another_is_new_and_the_same_number_is_not() {
        let client = client(options()).await;
        let user = client.user("ada");
        let window = (now() - DAY, now() + DAY);
        let old = client.tenant.add_method(user, mobile().came_at(now() - 30 * DAY));
        client.tenant.register(user, mobile());
        assert_eq!(client.tenant.harms(user, &old, window), [Harm::HadBefore]);
        client.tenant.register(user, NewMethod::phone(crate::PhoneType::Mobile, "+1 2065559999"));
        assert_eq!(client.tenant.harms(user, &old, window), [Harm::HadMfa]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_gave_and_who_would_be_hit_is_told() {
        let client = client(options()).await;
        let window = (now() - DAY, now() + DAY);
        let mut newcomer = NewUser::named("new@contoso.example");
        newcomer.created_at = now();
        newcomer.knows_password = false;
        let user = client.tenant.add_user(newcomer);
        let phone = client.tenant.add_method(user, mobile().by(By::Admin));
        assert_eq!(
            client.tenant.harms(user, &phone, window),
            [Harm::ByAdmin, Harm::NewAccount, Harm::LockedOut]
        );
        let ben = client.user("ben");
        let app = client.tenant.register(ben, NewMethod::new(MethodKind::MicrosoftAuthenticator));
        client.tenant.set_policies(Policies {
            conditional_access: vec![ConditionalAccess::demanding_mfa("Some people", vec![ben])],
            ..Policies::default()
        });
        assert_eq!(client.tenant.harms(ben, &app, window), [Harm::MfaDemanded]);
        assert!(!client.tenant.harms(user, &phone, window).contains(&Harm::MfaDemanded));
        client.tenant.set_per_user_mfa(ben, PerUserMfa::Enabled);
        client.tenant.set_per_user_mfa(ben, PerUserMfa::Disabled);
        assert_eq!(client.tenant.harms(ben, &app, window), [Harm::MfaDemanded, Harm::MfaWasMeant]);
    }
}
