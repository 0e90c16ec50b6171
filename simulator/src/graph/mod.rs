//! The endpoints of Microsoft Graph.

mod applications;
mod audits;
mod delete;
mod groups;
mod methods;
mod policies;
mod reports;
mod role_management;
mod users;

use crate::{
    answer::{Handled, Refusal},
    call::{Call, Version},
    login,
    options::Budget,
    state::State,
};

/// Answers a request to Graph.
pub(crate) fn handle(state: &mut State, version: Version, segments: &[&str], call: &Call) -> Handled {
    let granted = login::authenticate(state, call)?;
    if state.options.budget == Budget::Real {
        let now = state.now();
        state.budgets.check(segments, now, &mut state.chance)?;
    }
    match segments {
        ["auditLogs", "directoryAudits"] => audits::list(state, &granted, call),
        ["reports", "authenticationMethods", "userRegistrationDetails"] => {
            reports::registration_details(state, &granted, call)
        }
        ["reports", "authenticationMethods", "userRegistrationDetails", user] => {
            reports::of_user(state, &granted, user, call)
        }
        ["users"] => users::list(state, &granted, call),
        ["users", user] => users::get(state, &granted, user, call),
        ["users", user, "authentication", rest @ ..] => {
            methods::handle(state, &granted, (version, user), rest, call)
        }
        ["groups", group] => groups::get(state, &granted, group, call),
        ["groups", group, "transitiveMembers"] => groups::members(state, &granted, (group, false), call),
        ["groups", group, "transitiveMembers", "microsoft.graph.user"] => {
            groups::members(state, &granted, (group, true), call)
        }
        ["roleManagement", "directory", "roleAssignments"] => {
            role_management::assignments(state, &granted, call)
        }
        ["roleManagement", "directory", "roleEligibilityScheduleInstances"] => {
            role_management::eligibilities(state, &granted, call)
        }
        ["identityGovernance", "privilegedAccess", "group", "eligibilityScheduleInstances"] => {
            role_management::group_eligibilities(state, &granted, call)
        }
        [named] if let Some(client_id) = applications::client_id(named) => {
            applications::get(state, &granted, client_id, call)
        }
        ["policies", policy] => policies::get(state, &granted, policy, call),
        ["identity", "conditionalAccess", "policies"] => policies::conditional_access(state, &granted, call),
        _ => Err(Refusal::no_segment(segments.last().unwrap_or(&""))),
    }
}
