//! One resident: the account, its methods, and how they came to be.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Groups, Part, Population, Resident};
use crate::{
    account::{NewUser, PerUserMfa},
    audit::NewEvent,
    directory::RoleKind,
    method::{MethodKind, NewMethod, PhoneType},
    people,
    state::State,
};

const DAY: Duration = Duration::from_hours(24);

const FIRST: [&str; 16] = [
    "ada", "ben", "chloe", "dev", "elif", "femi", "grace", "hugo", "ines", "jun", "kofi", "lena", "mateo",
    "nadia", "omar", "priya",
];
const LAST: [&str; 16] = [
    "almeida", "berg", "chen", "dubois", "eriksen", "fofanah", "garcia", "haas", "ito", "jones", "khan",
    "larsen", "moreau", "novak", "okafor", "petrov",
];

/// Moves somebody in.
pub(super) fn settle(
    state: &mut State,
    population: &Population,
    groups: &Groups,
    (number, role): (usize, Part),
) -> Resident {
    let user = newcomer(state, number, role);
    let user_principal_name = user.user_principal_name.clone();
    let id = state.add_user(user);
    let at = registration_time(state, population, role);
    join(state, groups, id, role);
    let mut scene = Scene { state, id, name: &user_principal_name, at, number };
    scene.play(population, role);
    match role {
        Part::DeletedUser => state.account(id).deleted = true,
        Part::RestrictedUnit => {
            state.restricted.insert(id);
        }
        _ => {}
    }
    Resident { id, user_principal_name, role, registered: role.is_registered() }
}

fn newcomer(state: &mut State, number: usize, role: Part) -> NewUser {
    let first = FIRST[state.rng.usize(..FIRST.len())];
    let last = LAST[state.rng.usize(..LAST.len())];
    let name = match role {
        Part::ExternalByName => {
            format!("{first}.{last}{number:05}_partner.example#EXT#@contoso.example")
        }
        Part::BreakGlass | Part::NestedBreakGlass => {
            format!("emergency{number:05}@contoso.example")
        }
        _ => format!("{first}.{last}{number:05}@contoso.example"),
    };
    let mut user = NewUser::named(&name);
    user.on_premises_sync_enabled = state.rng.bool().then_some(true);
    match role {
        Part::PerUserMfaEnabled => user.per_user_mfa = PerUserMfa::Enabled,
        Part::PerUserMfaEnforced => user.per_user_mfa = PerUserMfa::Enforced,
        Part::Guest => user.user_type = Some("Guest".to_owned()),
        Part::ExternalByState => user.external_user_state = Some("PendingAcceptance".to_owned()),
        Part::ExternalByCreation => user.creation_type = Some("Invitation".to_owned()),
        Part::Disabled => user.account_enabled = false,
        Part::NoOtherCredential => user.password = false,
        _ => {}
    }
    user
}

/// When the resident starts to register.
fn registration_time(state: &mut State, population: &Population, role: Part) -> Timestamp {
    let minutes = |from: Timestamp, to: Timestamp| {
        u64::try_from(to.duration_since(from).as_mins()).expect("the window does not end before it starts")
    };
    let (start, end) = (population.window_start, population.window_end.min(state.now()));
    match role {
        Part::RegisteredBefore => start - Duration::from_mins(state.rng.u64(60..6_000)),
        Part::RegisteredAfter => population.window_end + DAY + Duration::from_mins(state.rng.u64(30..600)),
        _ => {
            // Half an hour is enough for the longest scene.
            let room = minutes(start, end).checked_sub(31).expect("the window is an hour long at least");
            start + Duration::from_millis(state.rng.u64(1..=(room + 1) * 60_000))
        }
    }
}

fn join(state: &mut State, groups: &Groups, id: Uuid, role: Part) {
    match role {
        Part::BreakGlass => state.add_member(groups.excluded, id),
        Part::NestedBreakGlass => state.add_member(groups.nested, id),
        Part::Administrator => drop(state.assign_role(id, RoleKind::Active, "/")),
        Part::EligibleAdministrator => {
            let unit = crate::state::random_uuid(&mut state.rng);
            state.assign_role(id, RoleKind::Eligible, &format!("/administrativeUnits/{unit}"));
        }
        Part::AdministratorThroughGroup => state.add_member(groups.role_holders, id),
        Part::EligibleThroughGroup => state.make_group_eligible(groups.on_request, id),
        _ => {}
    }
}

/// One resident at one time.
struct Scene<'a> {
    state: &'a mut State,
    id: Uuid,
    name: &'a str,
    at: Timestamp,
    number: usize,
}

impl Scene<'_> {
    fn play(&mut self, population: &Population, role: Part) {
        match role {
            Part::NeverRegistered => {
                if self.number.is_multiple_of(3) {
                    let long_ago = population.window_start - 400 * DAY;
                    self.add(self.mobile().dated(long_ago));
                }
                return;
            }
            Part::AmbiguousEvent => return self.ambiguous(),
            Part::UndatedMethod => {
                self.add(self.mobile());
                return self.complete();
            }
            Part::Authenticator => self.register(NewMethod::authenticator()),
            Part::AuthenticatorAndPhone => {
                self.register(NewMethod::authenticator());
                let phone = self.mobile_perhaps_dated();
                self.register(phone.as_default());
            }
            Part::AuthenticatorWithCode => self.register(NewMethod::authenticator_with_code()),
            Part::ThreeNumbers => {
                for kind in [PhoneType::Mobile, PhoneType::AlternateMobile, PhoneType::Office] {
                    let number = self.number(kind);
                    let phone = NewMethod::phone(kind, &number);
                    self.register(phone);
                }
            }
            Part::AuthenticatorDefault => {
                let phone = self.mobile_perhaps_dated();
                self.register(phone);
                self.register(NewMethod::software_oath());
                self.register(NewMethod::authenticator().as_default());
            }
            Part::DatedBefore => {
                let before = population.window_start - 90 * DAY;
                let office = NewMethod::phone(PhoneType::Office, &self.number(PhoneType::Office));
                self.add(office.dated(before));
                self.register(NewMethod::authenticator());
            }
            Part::DatedAfter => {
                self.register(NewMethod::authenticator());
                let after = population.window_end + DAY + Duration::from_hours(1);
                self.add(self.mobile().dated(after));
            }
            Part::SmsSignIn => {
                let phone = self.mobile_perhaps_dated();
                self.register(phone.sms_sign_in());
            }
            Part::Passwordless => {
                let at = self.at;
                self.register(NewMethod::authenticator().passwordless().dated(at));
            }
            Part::DeletedMethods => self.register_and_delete(),
            Part::EmailOnly => self.register(NewMethod::new(MethodKind::Email)),
            Part::Fido2Only => {
                let at = self.at;
                self.register(NewMethod::new(MethodKind::Fido2).dated(at));
            }
            Part::HardwareToken => {
                self.add(NewMethod::new(MethodKind::HardwareOath));
                self.phone();
            }
            Part::StuckDefault => {
                self.phone();
                let office = NewMethod::phone(PhoneType::Office, &self.number(PhoneType::Office));
                self.register(office);
                self.add(NewMethod::new(MethodKind::HardwareOath));
            }
            Part::TemporaryAccessPass => {
                self.register(NewMethod::new(MethodKind::TemporaryAccessPass));
                self.phone();
            }
            Part::UnknownMethod => {
                self.phone();
                self.add(NewMethod::new(MethodKind::Unknown("retinaScan".to_owned())));
            }
            _ => self.phone(),
        }
        if self.number.is_multiple_of(2) {
            self.complete();
        }
    }

    fn phone(&mut self) {
        let phone = self.mobile_perhaps_dated();
        self.register(phone);
    }

    fn number(&self, kind: PhoneType) -> String {
        let area = match kind {
            PhoneType::Mobile => 206,
            PhoneType::AlternateMobile => 253,
            PhoneType::Office => 425,
        };
        format!("+1 {area}555{:04}", self.number % 10_000)
    }

    fn mobile(&self) -> NewMethod {
        NewMethod::phone(PhoneType::Mobile, &self.number(PhoneType::Mobile))
    }

    fn mobile_perhaps_dated(&mut self) -> NewMethod {
        let phone = self.mobile();
        let phone = if self.state.rng.bool() {
            phone.reason("User registered Mobile Phone Call and SMS")
        } else {
            phone
        };
        if self.state.rng.bool() { phone.dated(self.at + Duration::from_secs(40)) } else { phone }
    }

    fn add(&mut self, method: NewMethod) {
        people::add_method(self.state, self.id, method);
    }

    fn event(&self, activity: &str) -> NewEvent {
        NewEvent::by_user(activity, self.at, self.id, self.name)
    }

    fn log(&mut self, event: NewEvent) {
        people::add_event(self.state, event);
    }

    /// Starts, and registers forty seconds later.
    fn register(&mut self, method: NewMethod) {
        let reason = method.reason.as_deref().unwrap_or(method.kind.reason());
        let what = reason.replacen("registered", "started the registration for", 1);
        self.log(self.event("User started security info registration").reason(&what));
        self.at += Duration::from_secs(40);
        people::register(self.state, self.id, method, self.at, self.at);
        self.at += Duration::from_secs(20);
    }

    fn complete(&mut self) {
        let event = self.event("User registered all required security info");
        self.log(event.reason("User registered all required security info."));
    }

    fn register_and_delete(&mut self) {
        let phone = self.mobile();
        self.register(phone);
        let gone = self.state.account(self.id).methods.iter().find(|method| method.kind().is_strong());
        let gone = gone.map(|method| method.id.clone()).unwrap_or_default();
        self.state.account(self.id).remove(&gone, self.at, Duration::ZERO);
        let event = self.event("User deleted security info");
        self.log(event.reason("User deleted Mobile Phone SMS"));
    }

    /// Somebody registered this resident's phone under the name of a user's own action.
    fn ambiguous(&mut self) {
        self.add(self.mobile());
        let somebody = crate::state::random_uuid(&mut self.state.rng);
        let event = NewEvent::new("User registered security info", self.at)
            .reason("User registered Mobile Phone SMS")
            .actor(somebody, "somebody.else@contoso.example")
            .target(self.id, self.name);
        self.log(event);
    }
}
