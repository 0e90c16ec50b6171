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
    budget,
    call::Call,
    login,
    options::Premium,
    state::State,
};

/// Which Graph was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    Beta,
}

/// Answers a request to Graph.
pub(crate) fn handle(state: &mut State, version: Version, segments: &[&str], call: &Call) -> Handled {
    let granted = login::authenticate(state, call)?;
    budget::check(state, segments)?;
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

/// The audit log and the reports take a P1 licence at least.
fn needs_premium(state: &State) -> Result<(), Refusal> {
    if state.options.premium == Premium::Free {
        return Err(Refusal::graph(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        ));
    }
    Ok(())
}

/// Privileged Identity Management takes a P2 licence.
fn needs_pim(state: &State) -> Result<(), Refusal> {
    if state.options.premium != Premium::P2 {
        return Err(Refusal::graph(
            400,
            "AadPremiumLicenseRequired",
            "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
        ));
    }
    Ok(())
}

/// The metadata address in `@odata.context`.
fn context(what: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/$metadata#{what}")
}
