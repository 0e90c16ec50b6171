//! Audit events that are not registrations.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::cast::{Population, Resident};
use crate::{audit::NewEvent, ids::random_uuid, part::Part, state::State};

/// Activity, result and reason.
const BY_USERS: [(&str, &str, &str); 13] = [
    ("User reviewed security info", "success", "User successfully reviewed security info."),
    ("User reviewed security info", "failure", "User failed to review security info."),
    ("User deleted security info", "failure", "User failed to delete Email"),
    ("User deleted security info", "success", "User deleted Email"),
    ("User registered security info", "failure", "User failed to register Mobile Phone SMS"),
    ("User registered all required security info", "failure", "User canceled security info registration."),
    ("User canceled security info registration", "success", "User canceled security info registration."),
    ("User started security info registration", "success", "User started the registration for Email"),
    (
        "User changed default security info",
        "success",
        "User changed the default security info for Mobile Phone SMS.",
    ),
    ("User updated security info", "success", "User updated Email"),
    ("User started password reset", "success", ""),
    ("Get passkey creation options", "success", ""),
    ("User linked decentralised security info", "success", "User linked a wallet"),
];

/// Adds about one event of another kind for every four residents.
pub(super) fn add(state: &mut State, population: &Population, residents: &[Resident]) {
    for (number, resident) in residents.iter().enumerate() {
        if number.is_multiple_of(4) {
            let at = some_time(state, population);
            let event = one(state, number / 4, resident, at);
            state.add_event(event);
        }
    }
}

fn some_time(state: &mut State, population: &Population) -> Timestamp {
    let span = population.window_end.duration_since(population.window_start).as_secs();
    let seconds = state.rng.u64(..u64::try_from(span).unwrap_or_default().max(1));
    population.window_start + Duration::from_secs(seconds)
}

fn one(state: &mut State, number: usize, resident: &Resident, at: Timestamp) -> NewEvent {
    let name = &resident.user_principal_name;
    let kinds = BY_USERS.len() + 5;
    match number % kinds {
        0 => NewEvent::by_user("User registered for self-service password reset", at, resident.id, name)
            .service("Self-service Password Management"),
        1 => NewEvent::new("Admin deleted security info", at)
            .reason("Admin deleted email method for user")
            .app_actor(random_uuid(&mut state.rng), "Help desk")
            .target(resident.id, name),
        2 => NewEvent::new("Admin registered security info", at)
            .reason("Admin registered email method for user")
            .actor(random_uuid(&mut state.rng), "admin@contoso.example")
            .target(resident.id, name),
        3 => NewEvent::new("Update authentication methods policy", at)
            .category("ApplicationManagement")
            .actor(random_uuid(&mut state.rng), "admin@contoso.example"),
        4 => group_management(at),
        other => {
            let (activity, result, reason) = BY_USERS[other - 5];
            // A user who never registered has no failed attempts either, so that nothing hints at one.
            let activity = if resident.part == Part::NeverRegistered { BY_USERS[0].0 } else { activity };
            NewEvent::by_user(activity, at, resident.id, name).result(result).reason(reason)
        }
    }
}

/// A record of a service that names nobody.
fn group_management(at: Timestamp) -> NewEvent {
    let nobody = Uuid::nil();
    let target = json!({
        "id": nobody,
        "displayName": null,
        "type": "N/A",
        "userPrincipalName": null,
        "groupType": null,
        "modifiedProperties": [],
    });
    NewEvent::new("GroupLifecyclePolicies_Get", at)
        .service("Self-service Group Management")
        .category("GroupManagement")
        .reason("OK")
        .actor(nobody, "")
        .with("targetResources", json!([target]))
        .with("userAgent", json!(null))
}
