//! The people that a caller asks for, and those that the tenant gets.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{directory::RoleKind, ids::random_uuid, part::Part, state::State};

pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

/// How many people, and when they registered.
#[derive(Debug, Clone)]
pub struct Population {
    /// How many users; from 46 on every situation occurs.
    pub users: usize,
    /// No registration of the window is earlier.
    pub window_start: Timestamp,
    /// No registration of the window is later. Registrations after the window are more than a day later, so
    /// the settings may end the window here or up to a day later.
    pub window_end: Timestamp,
}

/// The people of a tenant, and the groups for its settings.
#[derive(Debug, Clone)]
pub struct Cast {
    /// All users, in the order of their creation.
    pub residents: Vec<Resident>,
    /// The group of the break-glass accounts, for `EXCLUDED_GROUP_ID`.
    pub excluded_group: Uuid,
    /// The group of up to five ordinary users to begin with, for `CANARY_GROUP_ID`.
    pub canary_group: Uuid,
}

/// A user of a populated tenant.
#[derive(Debug, Clone)]
pub struct Resident {
    /// The user's Entra object id.
    pub id: Uuid,
    /// The principal name, as Graph shows it.
    pub user_principal_name: String,
    /// The situation that the user is in.
    pub part: Part,
    /// Whether a registration in the window names this user clearly.
    pub registered: bool,
}

/// The groups that the special situations need.
pub(super) struct Groups {
    pub(super) excluded: Uuid,
    pub(super) nested: Uuid,
    pub(super) role_holders: Uuid,
    pub(super) on_request: Uuid,
}

impl Groups {
    pub(super) fn new(state: &mut State) -> Self {
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
