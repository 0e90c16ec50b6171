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

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use axum::{
    Extension, Router,
    extract::{FromRequestParts, Path},
    routing::{MethodRouter, any},
};
use http::{Method, request::Parts};

use crate::{
    answer::{Handled, Refusal},
    call::{Call, Name},
    login,
    options::Budget,
    permissions::{
        ASSIGNMENTS, AUDIT_LOG, DIRECTORY, ELIGIBILITIES, GROUP_ELIGIBILITIES, GROUPS, Granted,
        METHODS_POLICY, POLICIES, USERS, WHAT_IF,
    },
    state::State,
    tenant::Tenant,
};

/// The routes below a version.
pub(crate) fn router() -> Router<Tenant> {
    const REPORT: &str = "/reports/authenticationMethods/userRegistrationDetails";
    const GROUP_ROLES: &str = "/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances";
    let report_of_one = format!("{REPORT}/{{user}}");
    let directory = |list: &str| format!("/roleManagement/directory/{list}");
    Router::new()
        .route("/auditLogs/directoryAudits", any(|asked: Asked| ready(asked.audits())))
        .route(REPORT, list(AUDIT_LOG, reports::registration_details))
        .route(&report_of_one, one(AUDIT_LOG, reports::of_user))
        .route("/users", list(USERS, users::list))
        .route("/users/{user}", one(USERS, users::get))
        .route("/users/{user}/checkMemberGroups", any(Asked::member_groups))
        .route("/users/{user}/authentication/{segment}", any(Asked::segment))
        .route("/users/{user}/authentication/{segment}/{id}", any(Asked::method))
        .route("/groups/{group}", one(GROUPS, groups::get))
        .route("/groups/{group}/transitiveMembers", one(GROUPS, groups::members))
        .route("/groups/{group}/transitiveMembers/microsoft.graph.user", one(GROUPS, groups::users))
        .route(&directory("roleAssignments"), list(ASSIGNMENTS, role_management::assignments))
        .route(
            &directory("roleEligibilityScheduleInstances"),
            list(ELIGIBILITIES, role_management::eligibilities),
        )
        .route(GROUP_ROLES, list(GROUP_ELIGIBILITIES, role_management::group_eligibilities))
        .route(
            "/policies/identitySecurityDefaultsEnforcementPolicy",
            list(POLICIES, policies::security_defaults),
        )
        .route(
            "/policies/authenticationMethodsPolicy",
            list(METHODS_POLICY, policies::authentication_methods),
        )
        .route("/policies/authorizationPolicy", list(POLICIES, policies::authorization))
        .route("/identity/conditionalAccess/policies", list(POLICIES, policies::conditional_access))
        .route("/identity/conditionalAccess/evaluate", any(|asked: Asked| ready(asked.what_if())))
        .route("/{named}", any(Asked::named))
        .fallback(|asked: Asked| ready(asked.no_segment()))
}

/// Answers GET if one of these permissions is granted.
fn list(any_of: &'static [&'static str], endpoint: fn(&mut State, &Call) -> Handled) -> MethodRouter<Tenant> {
    any(move |asked: Asked| ready(asked.read(any_of, endpoint)))
}

/// Answers GET for something that the path names.
fn one(
    any_of: &'static [&'static str],
    endpoint: fn(&mut State, &str, &Call) -> Handled,
) -> MethodRouter<Tenant> {
    any(move |asked: Asked, Path(Name(name)): Path<Name>| {
        ready(asked.read(any_of, |state, call| endpoint(state, &name, call)))
    })
}

/// How a request went, as the router passes it on.
type Answered = Extension<Handled>;

/// A request with a valid token, within Graph's limits.
struct Asked {
    tenant: Tenant,
    granted: Granted,
    call: Arc<Call>,
}

impl FromRequestParts<Tenant> for Asked {
    type Rejection = Answered;

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
        let State { budgets, options, chance, .. } = state;
        budgets.check(options, segments.get(1..).unwrap_or_default(), now, chance)?;
    }
    Ok(granted)
}

impl Asked {
    fn read(&self, any_of: &[&str], endpoint: impl FnOnce(&mut State, &Call) -> Handled) -> Answered {
        let allowed = self.call.must_be_get().and_then(|()| self.granted.require(any_of));
        Extension(allowed.and_then(|()| endpoint(&mut self.tenant.state(), &self.call)))
    }

    fn audits(&self) -> Answered {
        self.read(AUDIT_LOG, |state, call| audits::list(state, &self.granted, call))
    }

    fn what_if(&self) -> Answered {
        let allowed = self.call.must_be(&Method::POST).and_then(|()| self.granted.require(WHAT_IF));
        Extension(allowed.and_then(|()| policies::evaluate(&mut self.tenant.state(), &self.call)))
    }

    fn member_groups(self, Path(Name(user)): Path<Name>) -> Ready<Answered> {
        let allowed = self.call.must_be(&Method::POST).and_then(|()| self.granted.require(GROUPS));
        let answered = allowed
            .and_then(|()| groups::that_hold(&mut self.tenant.state(), &user, &self.granted, &self.call));
        ready(Extension(answered))
    }

    fn segment(self, Path((user, segment)): Path<(Name, Name)>) -> Ready<Answered> {
        ready(self.methods((&user.0, &segment.0, None)))
    }

    fn method(self, Path((user, segment, id)): Path<(Name, Name, Name)>) -> Ready<Answered> {
        ready(self.methods((&user.0, &segment.0, Some(&id.0))))
    }

    fn methods(&self, path: (&str, &str, Option<&str>)) -> Answered {
        Extension(methods::handle(&mut self.tenant.state(), &self.granted, path, &self.call))
    }

    /// `applications(appId='…')`: a route cannot match a part of a segment.
    fn named(self, Path(Name(named)): Path<Name>) -> Ready<Answered> {
        ready(match applications::client_id(&named) {
            Some(id) => self.read(DIRECTORY, |state, call| applications::get(state, id, call)),
            None => self.no_segment(),
        })
    }

    fn no_segment(&self) -> Answered {
        Extension(Err(Refusal::no_segment(self.call.last_segment())))
    }
}
