//! One resident: a situation made real in the tenant.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    cast::{Groups, Population, Resident},
    life,
    situation::{Came, Dated, How, Place, Situation},
};
use crate::{
    audit::{NewEvent, Told},
    directory::{ConditionalAccess, RoleKind},
    ids::random_uuid,
    method::NewMethod,
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

/// How long a registration takes.
const TO_REGISTER: Duration = Duration::from_secs(40);

/// Adds one resident to the tenant.
pub(super) fn move_in(
    state: &mut State,
    population: &Population,
    groups: &Groups,
    (number, part): (usize, Part),
) -> Resident {
    let first = FIRST[state.rng.usize(..FIRST.len())];
    let last = LAST[state.rng.usize(..LAST.len())];
    let mut situation = Situation::of(part, population, number, &format!("{first}.{last}{number:05}"));
    situation.user.on_premises_sync_enabled = state.rng.bool().then_some(true);
    let user_principal_name = situation.user.user_principal_name.clone();
    let mut registered = situation.is_registered();
    let id = lay(state, population, groups, situation);
    if part == Part::Mixed {
        registered = life::live(state, population, id, &user_principal_name);
    }
    Resident { id, user_principal_name, part, registered }
}

/// Makes a situation real: the account, its methods with their truth, what the audit log shows of them,
/// groups, roles and policies. Lists and reports follow from these.
fn lay(state: &mut State, population: &Population, groups: &Groups, situation: Situation) -> Uuid {
    let name = situation.user.user_principal_name.clone();
    let id = state.add_user(situation.user);
    let now = state.now();
    let at = situation.begins.draw(&mut state.rng, population, now);
    join(state, groups, id, situation.place);
    let mut scene = Scene { state, id, name: &name, at, service: situation.service };
    for came in situation.methods {
        scene.play(came);
    }
    if situation.completes {
        let event = scene.event("User registered all required security info");
        scene.log(event.reason("User registered all required security info."));
    }
    if situation.is_asked_for_mfa {
        let policy = ConditionalAccess::demanding_mfa("MFA for some", vec![id]);
        state.policies.conditional_access.push(policy);
    }
    state.account(id).deleted = situation.is_deleted;
    id
}

fn join(state: &mut State, groups: &Groups, id: Uuid, place: Place) {
    match place {
        Place::Ordinary => {}
        Place::Excluded => state.add_member(groups.excluded, id),
        Place::NestedExcluded => state.add_member(groups.nested, id),
        Place::Role(RoleKind::Active) => drop(state.assign_role(id, RoleKind::Active, "/")),
        Place::Role(RoleKind::Eligible) => {
            let unit = random_uuid(&mut state.rng);
            state.assign_role(id, RoleKind::Eligible, &format!("/administrativeUnits/{unit}"));
        }
        Place::RoleThroughGroup => state.add_member(groups.role_holders, id),
        Place::RoleThroughGroupOnRequest => state.make_group_eligible(groups.on_request, id),
        Place::RestrictedUnit => {
            state.restricted.insert(id);
        }
    }
}

/// One resident at one time.
struct Scene<'a> {
    state: &'a mut State,
    id: Uuid,
    name: &'a str,
    at: Timestamp,
    service: &'static str,
}

impl Scene<'_> {
    fn play(&mut self, Came { method, how, deleted }: Came) {
        match how {
            How::Registered(Dated::No) => self.register(method),
            How::Registered(Dated::AtStart) => self.register(method.dated(self.at)),
            How::Registered(Dated::AtEnd) => self.register(method.dated(self.at + TO_REGISTER)),
            How::RegisteredInOtherWords => {
                let in_other_words = self.state.rng.bool();
                let method = method.dated(self.at + TO_REGISTER);
                self.register(if in_other_words {
                    method.reason("User registered Mobile Phone Call and SMS")
                } else {
                    method
                });
            }
            How::Unlogged => self.add(method),
            How::ByHelpdesk => {
                self.at += Duration::from_mins(20);
                self.log_of_another(
                    "Admin registered security info",
                    "Admin registered phone method for user",
                    "helpdesk@contoso.example",
                );
                self.add(method.dated(self.at).by(By::Admin));
            }
            How::BySomebodyElse => {
                self.add(method);
                self.log_of_another(
                    "User registered security info",
                    "User registered Mobile Phone SMS",
                    "somebody.else@contoso.example",
                );
            }
        }
        if let Some(reason) = deleted {
            let account = self.state.account(self.id);
            let gone = account.methods.last().map(|method| method.id.clone()).unwrap_or_default();
            account.remove(&gone, self.at, Duration::ZERO);
            self.log(self.event("User deleted security info").reason(reason));
        }
    }

    fn add(&mut self, method: NewMethod) {
        let came_at = method.came_at.or(method.created).unwrap_or(self.at);
        self.state.add_method(self.id, method.came_at(came_at), None);
    }

    /// Starts a registration, and completes it forty seconds later.
    fn register(&mut self, method: NewMethod) {
        let reason = method.reason.as_deref().unwrap_or(method.kind.reason());
        let what = reason.replacen("registered", "started the registration for", 1);
        self.log(self.event("User started security info registration").reason(&what));
        self.at += TO_REGISTER;
        let told = Told { service: self.service, ..Told::at(self.at) };
        self.state.register(self.id, method, told);
        self.at += Duration::from_secs(20);
    }

    fn event(&self, activity: &str) -> NewEvent {
        NewEvent::by_user(activity, self.at, self.id, self.name)
    }

    fn log(&mut self, event: NewEvent) {
        self.state.add_event(event);
    }

    fn log_of_another(&mut self, activity: &str, reason: &str, actor: &str) {
        let id = random_uuid(&mut self.state.rng);
        let event = NewEvent::new(activity, self.at).reason(reason).actor(id, actor);
        self.log(event.target(self.id, self.name));
    }
}
