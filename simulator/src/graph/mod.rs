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

use std::{future::ready, sync::Arc};

use axum::{
    Extension, Router,
    extract::{FromRequestParts, Path},
    routing::{MethodRouter, any},
};
use http::request::Parts;

use crate::{
    answer::{Handled, Refusal},
    call::{Call, Name},
    login,
    options::Budget,
    roles::{
        ASSIGNMENTS, AUDIT_LOG, DIRECTORY, ELIGIBILITIES, GROUP_ELIGIBILITIES, GROUPS, Granted, POLICIES,
        USERS,
    },
    state::State,
    tenant::Tenant,
};

/// The routes below a version.
pub(crate) fn router() -> Router<Tenant> {
    Router::new()
        .route(
            "/auditLogs/directoryAudits",
            any(|asked: Asked| async move {
                asked.read(AUDIT_LOG, |state, call| audits::list(state, &asked.granted, call))
            }),
        )
        .route(
            "/reports/authenticationMethods/userRegistrationDetails",
            list(AUDIT_LOG, reports::registration_details),
        )
        .route(
            "/reports/authenticationMethods/userRegistrationDetails/{user}",
            one(AUDIT_LOG, reports::of_user),
        )
        .route("/users", list(USERS, |state, call| users::list(state, call)))
        .route("/users/{user}", one(USERS, |state, user, call| users::get(state, user, call)))
        .route(
            "/users/{user}/authentication/{segment}",
            any(|asked: Asked, Path((user, segment)): Path<(Name, Name)>| async move {
                asked.methods((&user.0, &segment.0, None))
            }),
        )
        .route(
            "/users/{user}/authentication/{segment}/{id}",
            any(|asked: Asked, Path((user, segment, id)): Path<(Name, Name, Name)>| async move {
                asked.methods((&user.0, &segment.0, Some(&id.0)))
            }),
        )
        .route("/groups/{group}", one(GROUPS, |state, group, call| groups::get(state, group, call)))
        .route(
            "/groups/{group}/transitiveMembers",
            one(GROUPS, |state, group, call| groups::members(state, group, call)),
        )
        .route(
            "/groups/{group}/transitiveMembers/microsoft.graph.user",
            one(GROUPS, |state, group, call| groups::users(state, group, call)),
        )
        .route(
            "/roleManagement/directory/roleAssignments",
            list(ASSIGNMENTS, |state, call| role_management::assignments(state, call)),
        )
        .route(
            "/roleManagement/directory/roleEligibilityScheduleInstances",
            list(ELIGIBILITIES, |state, call| role_management::eligibilities(state, call)),
        )
        .route(
            "/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances",
            list(GROUP_ELIGIBILITIES, |state, call| role_management::group_eligibilities(state, call)),
        )
        .route(
            "/policies/identitySecurityDefaultsEnforcementPolicy",
            list(POLICIES, |state, call| policies::security_defaults(state, call)),
        )
        .route(
            "/policies/authenticationMethodsPolicy",
            list(POLICIES, |state, call| policies::authentication_methods(state, call)),
        )
        .route(
            "/identity/conditionalAccess/policies",
            list(POLICIES, |state, call| policies::conditional_access(state, call)),
        )
        // `applications(appId='…')`: no route can name a part of a segment.
        .route(
            "/{named}",
            any(|asked: Asked, Path(Name(named)): Path<Name>| async move {
                match applications::client_id(&named) {
                    Some(id) => asked.read(DIRECTORY, |state, call| applications::get(state, id, call)),
                    None => asked.no_segment(),
                }
            }),
        )
        .fallback(|asked: Asked| async move { asked.no_segment() })
}

/// What GET gives to whoever has one of these permissions.
fn list(any_of: &'static [&'static str], endpoint: fn(&mut State, &Call) -> Handled) -> MethodRouter<Tenant> {
    any(move |asked: Asked| async move { asked.read(any_of, endpoint) })
}

/// The same of something that the path names.
fn one(
    any_of: &'static [&'static str],
    endpoint: fn(&mut State, &str, &Call) -> Handled,
) -> MethodRouter<Tenant> {
    any(move |asked: Asked, Path(Name(name)): Path<Name>| async move {
        asked.read(any_of, |state, call| endpoint(state, &name, call))
    })
}

/// A request with a valid token, within Graph's limits.
struct Asked {
    tenant: Tenant,
    granted: Granted,
    call: Arc<Call>,
}

impl FromRequestParts<Tenant> for Asked {
    type Rejection = Extension<Handled>;

    fn from_request_parts(
        parts: &mut Parts,
        tenant: &Tenant,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send {
        let call = parts.extensions.get::<Arc<Call>>().expect("a call comes with every request");
        let granted = admit(&mut tenant.state(), call);
        ready(match granted {
            Ok(granted) => Ok(Self { tenant: tenant.clone(), granted, call: Arc::clone(call) }),
            Err(refusal) => Err(Extension(Err(refusal))),
        })
    }
}

/// Checks the token, then counts the request against its limit.
fn admit(state: &mut State, call: &Call) -> Result<Granted, Refusal> {
    let granted = login::authenticate(state, call)?;
    if state.options.budget == Budget::Real {
        let (now, segments) = (state.now(), call.segments().unwrap_or_default());
        state.budgets.check(segments.get(1..).unwrap_or_default(), now, &mut state.chance)?;
    }
    Ok(granted)
}

impl Asked {
    fn read(
        &self,
        any_of: &[&str],
        endpoint: impl FnOnce(&mut State, &Call) -> Handled,
    ) -> Extension<Handled> {
        let allowed = self.call.must_be_get().and_then(|()| self.granted.require(any_of));
        Extension(allowed.and_then(|()| endpoint(&mut self.tenant.state(), &self.call)))
    }

    fn methods(&self, path: (&str, &str, Option<&str>)) -> Extension<Handled> {
        Extension(methods::handle(&mut self.tenant.state(), &self.granted, path, &self.call))
    }

    fn no_segment(&self) -> Extension<Handled> {
        Extension(Err(Refusal::no_segment(self.call.last_segment())))
    }
}
