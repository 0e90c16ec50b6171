//! A tenant full of people.

mod cast;
mod life;
mod noise;
mod situation;
mod stage;

use cast::Groups;
pub use cast::{Cast, Population, Resident};

use crate::{part::Part, tenant::Tenant};

impl Tenant {
    /// Fills the tenant: people in all situations, most of them ordinary, with the audit events of
    /// their registrations between events of other kinds.
    ///
    /// # Panics
    /// If the window is shorter than an hour, or if a second call makes the same principal name again.
    pub fn populate(&self, population: &Population) -> Cast {
        let parts = parts(population.users, &mut self.state().rng);
        self.populate_with(population, &parts)
    }

    /// Does the same with one user in each of these situations.
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
        for (number, part) in parts.iter().copied().enumerate() {
            let resident = stage::move_in(state, population, &groups, (number, part));
            if Part::ORDINARY.contains(&part) && part.expected() == "rolled_back" && canaries < 5 {
                state.add_member(canary_group, resident.id);
                canaries += 1;
            }
            state.parts.insert(resident.id, part);
            residents.push(resident);
        }
        noise::add(state, population, &residents);
        Cast { residents, excluded_group: groups.excluded, canary_group }
    }
}

/// Draws the situations: first every one once, beginning with the ordinary ones and a break-glass account,
/// then mostly ordinary ones. Their order is random.
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
