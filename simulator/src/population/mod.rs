//! A tenant full of people.

mod life;
mod noise;
mod part;
mod stage;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

pub use part::Part;

use crate::{
    directory::RoleKind,
    state::{State, random_uuid},
    tenant::Tenant,
};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// How many people, and when they registered.
#[derive(Debug, Clone)]
pub struct Population {
    /// How many users; from 46 on every situation occurs.
    pub users: usize,
    /// No registration of the window is earlier.
    pub window_start: Timestamp,
    /// No registration of the window is later. Registrations after the window are more than a day
    /// later, so the end of the window in settings is this or up to a day more.
    pub window_end: Timestamp,
}

/// The people.
#[derive(Debug, Clone)]
pub struct Cast {
    /// All users, in the order of their creation.
    pub residents: Vec<Resident>,
    /// Break-glass accounts.
    pub excluded_group: Uuid,
    /// Up to five ordinary users to begin with.
    pub canary_group: Uuid,
}

/// One user.
#[derive(Debug, Clone)]
pub struct Resident {
    /// The object id.
    pub id: Uuid,
    /// The principal name.
    pub user_principal_name: String,
    /// The situation.
    pub role: Part,
    /// Whether a registration in the window names this user clearly.
    pub registered: bool,
}

/// The groups that the special situations need.
struct Groups {
    excluded: Uuid,
    nested: Uuid,
    role_holders: Uuid,
    on_request: Uuid,
}

impl Groups {
    fn new(state: &mut State) -> Self {
        let groups = Self {
            excluded: state.add_group("Break-glass accounts"),
            nested: state.add_group("Break-glass accounts, second site"),
            role_holders: state.add_group("Helpdesk"),
            on_request: state.add_group("Helpdesk on call"),
        };
        state.add_member(groups.excluded, groups.nested);
        state.assign_role(groups.role_holders, RoleKind::Active, "/");
        state.assign_role(groups.on_request, RoleKind::Active, "/");
        let application = random_uuid(&mut state.rng);
        state.assign_role(application, RoleKind::Active, "/");
        groups
    }
}

impl Tenant {
    /// Fills the tenant: people in all situations, most of them ordinary, with the audit events of
    /// their registrations between events of other kinds.
    ///
    /// # Panics
    /// Where the window is shorter than an hour, or called a second time.
    pub fn populate(&self, population: &Population) -> Cast {
        let parts = parts(population.users, &mut self.state().rng);
        self.populate_with(population, &parts)
    }

    /// The same with a user in each of these situations.
    ///
    /// # Panics
    /// As [`Tenant::populate`] does.
    pub fn populate_with(&self, population: &Population, parts: &[Part]) -> Cast {
        let mut guard = self.state();
        let state = &mut *guard;
        let groups = Groups::new(state);
        let canary_group = state.add_group("Rollback canaries");
        let mut canaries = 0;
        let mut residents = Vec::with_capacity(parts.len());
        for (number, role) in parts.iter().copied().enumerate() {
            let resident = stage::settle(state, population, &groups, (number, role));
            if Part::ORDINARY.contains(&role) && role.expected() == "rolled_back" && canaries < 5 {
                state.add_member(canary_group, resident.id);
                canaries += 1;
            }
            state.parts.insert(resident.id, role);
            residents.push(resident);
        }
        noise::add(state, population, &residents);
        Cast { residents, excluded_group: groups.excluded, canary_group }
    }
}

/// Who is there: first everything once, ordinary ones and a break-glass account in front, then
/// mostly ordinary ones.
fn parts(users: usize, rng: &mut fastrand::Rng) -> Vec<Part> {
    let once = Part::ORDINARY.into_iter().chain(Part::SPECIAL);
    let mut parts: Vec<Part> = once.take(users).collect();
    while parts.len() < users {
        let pick = rng.u8(..100);
        parts.push(match pick {
            0..35 => Part::Phone,
            35..47 => Part::TwoNumbers,
            47..59 => Part::PhoneAndCodes,
            59..73 => Part::Authenticator,
            73..79 => Part::AuthenticatorAndPhone,
            79..83 => Part::AuthenticatorWithCode,
            83..93 => Part::NeverRegistered,
            _ => Part::SPECIAL[rng.usize(..Part::SPECIAL.len())],
        });
    }
    rng.shuffle(&mut parts);
    parts
}

#[cfg(test)]
mod tests;
