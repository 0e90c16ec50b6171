//! One resident: the account, its methods, and how they came to be.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    cast::{DAY, Groups, Population, Resident},
    life,
};
use crate::{
    account::{NewUser, PerUserMfa},
    audit::{NewEvent, Told},
    directory::{ConditionalAccess, RoleKind},
    ids::random_uuid,
    method::{MethodKind, NewMethod, PhoneType},
    origin::By,
    part::Part,
    state::State,
};

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
    let user = newcomer(state, population.window_start, number, role);
    let user_principal_name = user.user_principal_name.clone();
    let id = state.add_user(user);
    let at = registration_time(state, population, role);
    join(state, groups, id, role);
    if role == Part::Mixed {
        let registered = life::live(state, population, id, &user_principal_name);
        return Resident { id, user_principal_name, role, registered };
    }
    let service = if role == Part::AzureMfa { "Azure MFA" } else { "Authentication Methods" };
    let mut scene = Scene { state, id, name: &user_principal_name, at, number, service };
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

fn newcomer(state: &mut State, window_start: Timestamp, number: usize, role: Part) -> NewUser {
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
        Part::NewAccount => user.created_at = window_start + Duration::from_secs(1),
        Part::TemporaryAccessPass => user.knows_password = false,
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
            let unit = random_uuid(&mut state.rng);
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
    /// The service that logs what the resident registers.
    service: &'static str,
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
                self.register_dated(self.mobile().as_default());
            }
            Part::TwoNumbers => {
                self.register_dated(self.mobile());
                self.register_dated(self.alternate_mobile());
            }
            Part::PhoneAndCodes => {
                self.register_dated(self.mobile());
                self.register_dated(NewMethod::software_oath().as_default());
            }
            Part::OldAuthenticator | Part::AuthenticatorLeftOver => {
                let before = population.window_start - 90 * DAY;
                self.add(NewMethod::authenticator().came_at(before));
                self.register(NewMethod::authenticator());
                if role == Part::AuthenticatorLeftOver {
                    self.delete_latest("User deleted Authenticator App with Notification");
                }
            }
            Part::HelpdeskNumber => return self.number_of_the_helpdesk(),
            Part::MfaRequired => {
                self.phone();
                let policy = ConditionalAccess::demanding_mfa("MFA for some", vec![self.id]);
                self.state.policies.conditional_access.push(policy);
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
                self.register_dated(self.mobile());
                self.register(NewMethod::software_oath());
                self.register(NewMethod::authenticator().as_default());
            }
            Part::DatedBefore => {
                let before = population.window_start - 90 * DAY;
                self.add(self.mobile().dated(before));
                self.register(NewMethod::authenticator());
            }
            Part::DatedAfter => {
                self.register(NewMethod::authenticator());
                let after = population.window_end + DAY + Duration::from_hours(1);
                self.add(self.mobile().dated(after));
            }
            Part::SmsSignIn => self.register_dated(self.mobile().sms_sign_in()),
            Part::Passwordless => {
                let at = self.at;
                self.register(NewMethod::authenticator().passwordless().dated(at));
            }
            Part::DeletedMethods => {
                self.phone();
                self.delete_latest("User deleted Mobile Phone SMS");
            }
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
                self.register_dated(self.alternate_mobile());
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
        let phone = self.mobile();
        let in_other_words = self.state.rng.bool();
        self.register_dated(if in_other_words {
            phone.reason("User registered Mobile Phone Call and SMS")
        } else {
            phone
        });
    }

    /// Registers with the date of the registration.
    fn register_dated(&mut self, method: NewMethod) {
        let at = self.at + Duration::from_secs(40);
        self.register(method.dated(at));
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

    fn alternate_mobile(&self) -> NewMethod {
        NewMethod::phone(PhoneType::AlternateMobile, &self.number(PhoneType::AlternateMobile))
    }

    fn add(&mut self, method: NewMethod) {
        let came_at = method.came_at.or(method.created).unwrap_or(self.at);
        self.state.add_method(self.id, method.came_at(came_at), None);
    }

    fn event(&self, activity: &str) -> NewEvent {
        NewEvent::by_user(activity, self.at, self.id, self.name)
    }

    fn log(&mut self, event: NewEvent) {
        self.state.add_event(event);
    }

    /// Starts, and registers forty seconds later.
    fn register(&mut self, method: NewMethod) {
        let reason = method.reason.as_deref().unwrap_or(method.kind.reason());
        let what = reason.replacen("registered", "started the registration for", 1);
        self.log(self.event("User started security info registration").reason(&what));
        self.at += Duration::from_secs(40);
        let told = Told { service: self.service, ..Told::at(self.at) };
        self.state.register(self.id, method, told);
        self.at += Duration::from_secs(20);
    }

    fn complete(&mut self) {
        let event = self.event("User registered all required security info");
        self.log(event.reason("User registered all required security info."));
    }

    /// Deletes what was registered last.
    fn delete_latest(&mut self, reason: &str) {
        let account = self.state.account(self.id);
        let gone = account.methods.last().map(|method| method.id.clone()).unwrap_or_default();
        account.remove(&gone, self.at, Duration::ZERO);
        let event = self.event("User deleted security info");
        self.log(event.reason(reason));
    }

    /// The resident registers the Authenticator, and the helpdesk a number.
    fn number_of_the_helpdesk(&mut self) {
        self.register(NewMethod::authenticator());
        self.at += Duration::from_mins(20);
        let admin = random_uuid(&mut self.state.rng);
        let event = NewEvent::new("Admin registered security info", self.at)
            .reason("Admin registered phone method for user")
            .actor(admin, "helpdesk@contoso.example")
            .target(self.id, self.name);
        self.log(event);
        let at = self.at;
        self.add(self.mobile().dated(at).by(By::Admin));
    }

    /// Somebody registered this resident's phone under the name of a user's own action.
    fn ambiguous(&mut self) {
        self.add(self.mobile());
        let somebody = random_uuid(&mut self.state.rng);
        let event = NewEvent::new("User registered security info", self.at)
            .reason("User registered Mobile Phone SMS")
            .actor(somebody, "somebody.else@contoso.example")
            .target(self.id, self.name);
        self.log(event);
    }
}
