//! What people do in the tenant.

use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

use crate::{
    account::{NewUser, PerUserMfa, UserView},
    audit::NewEvent,
    credentials::{Certificate, FederatedCredential},
    directory::{Group, GroupEligibility, Policies, RoleGrant, RoleKind},
    method::{MethodKind, NewMethod},
    options::Faults,
    state::{State, random_uuid},
    tenant::Tenant,
    truth::{By, Origin},
};

/// How the audit log tells of something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    /// When it happened.
    pub(crate) at: Timestamp,
    /// From when on Graph lists the record.
    pub(crate) visible_at: Timestamp,
    /// The service that logs it.
    pub(crate) service: &'a str,
}

impl Told<'static> {
    /// At once, by the service that logs most.
    pub(crate) fn at(at: Timestamp) -> Self {
        Self { at, visible_at: at, service: "Authentication Methods" }
    }
}

/// Adds a method; the code of an Authenticator is a method of its own. Answers the first one's id.
pub(crate) fn add_method(
    state: &mut State,
    user: Uuid,
    method: NewMethod,
    event_id: Option<String>,
) -> String {
    let (first, second) = (random_uuid(&mut state.rng).to_string(), random_uuid(&mut state.rng).to_string());
    let came_at = method.came_at.or(method.created).unwrap_or_else(|| state.now());
    let origin = Origin { came_at, by: method.by, event_id };
    let account = state.accounts.get_mut(&user).expect("the user is in the tenant");
    if method.with_code {
        let code = NewMethod { created: method.created, ..NewMethod::new(MethodKind::SoftwareOath) };
        let id = account.add(first, method, origin.clone());
        account.add(second, code, origin);
        id
    } else {
        account.add(first, method, origin)
    }
}

/// Adds a record to the audit log. Answers its id.
pub(crate) fn add_event(state: &mut State, event: NewEvent) -> Option<String> {
    let (at, visible_at, record) = event.complete(&mut state.rng);
    let id = record["id"].as_str().map(str::to_owned);
    state.audit.add(at, visible_at, record);
    id
}

/// Adds a method and the event of its registration.
pub(crate) fn register(state: &mut State, user: Uuid, method: NewMethod, told: Told<'_>) -> String {
    let reason = method.reason.clone().unwrap_or_else(|| method.kind.reason().to_owned());
    let name = state.accounts[&user].user.user_principal_name.clone();
    let event = NewEvent::by_user("User registered security info", told.at, user, &name)
        .service(told.service)
        .reason(&reason)
        .visible_at(told.visible_at);
    let event_id = add_event(state, event);
    let came_at = method.came_at.unwrap_or(told.at);
    add_method(state, user, NewMethod { came_at: Some(came_at), ..method }, event_id)
}

/// Switches per-user MFA, now or at an earlier moment.
pub(crate) fn set_per_user_mfa(state: &mut State, user: Uuid, per_user_mfa: PerUserMfa, at: Timestamp) {
    let account = state.account(user);
    if per_user_mfa == PerUserMfa::Disabled && account.user.per_user_mfa != PerUserMfa::Disabled {
        account.per_user_mfa_until = Some(at);
    }
    account.user.per_user_mfa = per_user_mfa;
}

impl Tenant {
    /// Adds a user.
    pub fn add_user(&self, user: NewUser) -> Uuid {
        self.state().add_user(user)
    }

    /// A user registers a method now: it is there at once, and so is the audit event "User
    /// registered security info". Answers the method's id. A phone takes the place of a number of
    /// the same type.
    ///
    /// # Panics
    /// Where the user is not in the tenant; so do all methods below that take one.
    pub fn register(&self, user: Uuid, method: NewMethod) -> String {
        let mut state = self.state();
        let now = state.now();
        register(&mut state, user, method, Told::at(now))
    }

    /// A registration whose event says `at`, and which Graph lists only from `visible_at` on.
    pub fn register_at(&self, user: Uuid, method: NewMethod, at: Timestamp, visible_at: Timestamp) -> String {
        register(&mut self.state(), user, method, Told { visible_at, ..Told::at(at) })
    }

    /// Adds a method without an audit event.
    pub fn add_method(&self, user: Uuid, method: NewMethod) -> String {
        add_method(&mut self.state(), user, method, None)
    }

    /// The helpdesk registers a method for a user now; the audit event "Admin registered security info" shows at
    /// `visible_at`.
    pub fn register_by_admin(&self, user: Uuid, method: NewMethod, visible_at: Timestamp) -> String {
        let mut state = self.state();
        let now = state.now();
        let admin = random_uuid(&mut state.rng);
        let name = state.account(user).user.user_principal_name.clone();
        let event = NewEvent::new("Admin registered security info", now)
            .reason("Admin registered phone method for user")
            .actor(admin, "helpdesk@contoso.example")
            .target(user, &name)
            .visible_at(visible_at);
        let event_id = add_event(&mut state, event);
        add_method(&mut state, user, method.by(By::Admin).came_at(now), event_id)
    }

    /// Somebody else takes a method away, without an audit event. Answers whether it was there.
    pub fn remove_method(&self, user: Uuid, method_id: &str) -> bool {
        let mut state = self.state();
        let (now, shows_for) = (state.now(), state.options.removal_delay);
        state.account(user).remove(method_id, now, shows_for).is_some()
    }

    /// Adds a record to the audit log.
    pub fn add_event(&self, event: NewEvent) {
        let _ = add_event(&mut self.state(), event);
    }

    /// All records of the audit log by time, those that Graph does not list yet too.
    pub fn events(&self) -> Vec<Value> {
        self.state().audit.records().cloned().collect()
    }

    /// Sets per-user MFA.
    pub fn set_per_user_mfa(&self, user: Uuid, per_user_mfa: PerUserMfa) {
        let mut state = self.state();
        let now = state.now();
        set_per_user_mfa(&mut state, user, per_user_mfa, now);
    }

    /// Enables or disables the account.
    pub fn set_enabled(&self, user: Uuid, enabled: bool) {
        self.state().account(user).user.account_enabled = enabled;
    }

    /// Deletes a user, who can be restored.
    pub fn delete_user(&self, user: Uuid) {
        self.state().account(user).deleted = true;
    }

    /// Restores a deleted user with all methods.
    pub fn restore_user(&self, user: Uuid) {
        self.state().account(user).deleted = false;
    }

    /// Puts a user into a restricted management unit, or takes them out.
    pub fn set_restricted(&self, user: Uuid, restricted: bool) {
        let mut state = self.state();
        if restricted {
            state.restricted.insert(user);
        } else {
            state.restricted.remove(&user);
        }
    }

    /// Adds a group.
    pub fn add_group(&self, name: &str) -> Uuid {
        self.state().add_group(name)
    }

    /// Adds a user or a group to a group.
    pub fn add_member(&self, group: Uuid, member: Uuid) {
        self.state().add_member(group, member);
    }

    /// Gives a directory role to a user, a group or (any other id) a service principal; `/` is the
    /// scope of the whole directory. Answers the assignment's id.
    pub fn assign_role(&self, principal: Uuid, kind: RoleKind, scope: &str) -> Uuid {
        self.state().assign_role(principal, kind, scope)
    }

    /// Takes a role away again.
    pub fn remove_role(&self, assignment: Uuid) {
        self.state().grants.remove(&assignment);
    }

    /// Lets somebody become a member of a group on request (PIM for Groups).
    pub fn make_group_eligible(&self, group: Uuid, principal: Uuid) {
        self.state().make_group_eligible(group, principal);
    }

    /// Sets the policies that make people register.
    pub fn set_policies(&self, policies: Policies) {
        self.state().policies = policies;
    }

    /// Switches security defaults.
    pub fn set_security_defaults(&self, on: bool) {
        self.state().policies.security_defaults = on;
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().options.faults = faults;
    }

    /// Grants these application permissions; tokens that are out keep theirs.
    pub fn set_roles(&self, roles: Vec<String>) {
        self.state().options.roles = roles;
    }

    /// Sets how long a deleted method still shows, for deletions from now on.
    pub fn set_removal_delay(&self, delay: Duration) {
        self.state().options.removal_delay = delay;
    }

    /// Sets the application's secret: the one before is refused from now on. Tokens that are out
    /// stay valid.
    pub fn set_client_secret(&self, secret: &str) {
        secret.clone_into(&mut self.state().options.client_secret);
    }

    /// Sets the application's certificates: any other is refused from now on. Tokens that are out
    /// stay valid.
    pub fn set_certificates(&self, certificates: Vec<Certificate>) {
        self.state().options.certificates = certificates;
    }

    /// Sets the application's federated credentials: any other token is refused from now on. Tokens
    /// that are out stay valid.
    pub fn set_federated_credentials(&self, credentials: Vec<FederatedCredential>) {
        self.state().options.federated_credentials = credentials;
    }

    /// Lets no token that is out pass any more.
    pub fn revoke_tokens(&self) {
        self.state().tokens.clear();
    }

    /// Lets no link to a next page that is out pass any more.
    pub fn expire_cursors(&self) {
        self.state().cursor_epoch += 1;
    }

    /// What is really there, of a deleted user too.
    pub fn user(&self, id: Uuid) -> Option<UserView> {
        self.state().accounts.get(&id).map(crate::account::Account::view)
    }

    /// The same of all users.
    pub fn users(&self) -> Vec<UserView> {
        self.state().accounts.values().map(crate::account::Account::view).collect()
    }
}

impl State {
    pub(crate) fn account(&mut self, user: Uuid) -> &mut crate::account::Account {
        self.accounts.get_mut(&user).expect("the user is in the tenant")
    }

    pub(crate) fn add_user(&mut self, user: NewUser) -> Uuid {
        let id = random_uuid(&mut self.rng);
        let taken = self.names.insert(user.user_principal_name.to_lowercase(), id);
        assert!(taken.is_none(), "the principal name is taken");
        self.accounts.insert(id, crate::account::Account::new(id, user));
        id
    }

    pub(crate) fn add_group(&mut self, name: &str) -> Uuid {
        let id = random_uuid(&mut self.rng);
        self.groups.insert(id, Group { id, name: name.to_owned(), members: Vec::new() });
        id
    }

    pub(crate) fn add_member(&mut self, group: Uuid, member: Uuid) {
        self.groups.get_mut(&group).expect("the group is in the tenant").members.push(member);
    }

    pub(crate) fn assign_role(&mut self, principal: Uuid, kind: RoleKind, scope: &str) -> Uuid {
        let id = random_uuid(&mut self.rng);
        self.grants.insert(id, RoleGrant { id, kind, principal, scope: scope.to_owned() });
        id
    }

    pub(crate) fn make_group_eligible(&mut self, group: Uuid, principal: Uuid) {
        let id = random_uuid(&mut self.rng);
        self.group_eligibilities.insert(id, GroupEligibility { id, group, principal });
    }
}
