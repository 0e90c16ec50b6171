//! What people do in the tenant.

use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

use crate::{
    account::{Account, NewUser, PerUserMfa, UserView},
    audit::{NewEvent, Told},
    credentials::{Certificate, FederatedCredential},
    directory::{ConditionalAccess, Policies, RoleKind},
    ids::random_uuid,
    method::NewMethod,
    options::Faults,
    origin::By,
    secrets::Secrets,
    standing::{Standing, is_broken},
    tenant::Tenant,
};

impl Tenant {
    /// Adds a user, and returns the new object id. Panics if the principal name is taken.
    pub fn add_user(&self, user: NewUser) -> Uuid {
        self.state().add_user(user)
    }

    /// Registers a method for a user now. The method is there at once, and so is the audit event "User
    /// registered security info". A phone replaces a number of the same type. Returns the method's id.
    ///
    /// # Panics
    /// If the user is not in the tenant, as do most methods below that take one.
    pub fn register(&self, user: Uuid, method: NewMethod) -> String {
        let mut state = self.state();
        let now = state.now();
        state.register(user, method, Told::at(now))
    }

    /// Registers a method; the event says `at`, and Graph lists it only from `visible_at` on.
    pub fn register_at(&self, user: Uuid, method: NewMethod, at: Timestamp, visible_at: Timestamp) -> String {
        self.state().register(user, method, Told { visible_at, ..Told::at(at) })
    }

    /// Adds a method without an audit event.
    pub fn add_method(&self, user: Uuid, method: NewMethod) -> String {
        self.state().add_method(user, method, None)
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
        let event_id = state.add_event(event);
        state.add_method(user, method.by(By::Admin).came_at(now), event_id)
    }

    /// Removes a method as somebody else would, without an audit event. Returns whether it was there.
    pub fn remove_method(&self, user: Uuid, method_id: &str) -> bool {
        let mut state = self.state();
        let (now, shows_for) = (state.now(), state.options.removal_delay);
        state.account(user).remove(method_id, now, shows_for).is_some()
    }

    /// Adds a record to the audit log.
    pub fn add_event(&self, event: NewEvent) {
        let _ = self.state().add_event(event);
    }

    /// All records of the audit log by time, including those that Graph does not list yet.
    pub fn events(&self) -> Vec<Value> {
        self.state().audit.records().cloned().collect()
    }

    /// Sets per-user MFA from now on, without an audit event.
    pub fn set_per_user_mfa(&self, user: Uuid, per_user_mfa: PerUserMfa) {
        let mut state = self.state();
        let now = state.now();
        state.set_per_user_mfa(user, per_user_mfa, now);
    }

    /// Enables or disables the account.
    pub fn set_enabled(&self, user: Uuid, enabled: bool) {
        self.state().account(user).user.account_enabled = enabled;
    }

    /// Deletes a user, who can be restored.
    pub fn delete_user(&self, user: Uuid) {
        self.state().account(user).deleted = true;
    }

    /// Restores a deleted user with all of its methods.
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

    /// Adds an empty group, and returns its object id.
    pub fn add_group(&self, name: &str) -> Uuid {
        self.state().add_group(name)
    }

    /// Adds a user or a group to a group.
    pub fn add_member(&self, group: Uuid, member: Uuid) {
        self.state().add_member(group, member);
    }

    /// Hides a group's members from whoever lacks `Member.Read.Hidden`.
    pub fn hide_members(&self, group: Uuid) {
        self.state().groups.get_mut(&group).expect("the group is in the tenant").is_hidden = true;
    }

    /// Leaves a user out of the SSPR policy.
    pub fn leave_out_of_sspr(&self, user: Uuid) {
        self.state().without_sspr.insert(user);
    }

    /// Gives a directory role to a user, a group or (any other id) a service principal; `/` is the scope of
    /// the whole directory. Returns the assignment's id.
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

    /// Adds a Conditional Access policy.
    pub fn add_policy(&self, policy: ConditionalAccess) {
        self.state().policies.conditional_access.push(policy);
    }

    /// Switches security defaults on or off.
    pub fn set_security_defaults(&self, on: bool) {
        self.state().policies.security_defaults = on;
    }

    /// Returns the ids of the events that [`Standing::BrokenRecords`](crate::Standing::BrokenRecords) breaks and
    /// [`Standing::CutPages`](crate::Standing::CutPages) cuts off at.
    pub fn broken_events(&self) -> Vec<String> {
        let events = self.events();
        let broken = events.iter().filter(|event| is_broken(event));
        broken.filter_map(|event| event["id"].as_str().map(str::to_owned)).collect()
    }

    /// Whether the log breaks at a record with this user as a target, from `from` on, that is listed since `by` at
    /// the latest.
    pub fn breaks_records_of(&self, user: Uuid, from: Timestamp, by: Timestamp) -> bool {
        let state = self.state();
        let standing = state.options.faults.standing;
        let user = user.to_string();
        let is_target = |record: &Value| {
            let targets = record["targetResources"].as_array().into_iter().flatten();
            targets.into_iter().any(|target| target["id"] == user.as_str())
        };
        matches!(standing, Some(Standing::BrokenRecords | Standing::CutPages))
            && state.audit.listed(by).any(|(at, record)| at >= from && is_broken(record) && is_target(record))
    }

    /// Whether pages of the audit log are broken for good, or until that is mended.
    pub fn breaks_pages(&self) -> bool {
        matches!(self.state().options.faults.standing, Some(Standing::BrokenRecords | Standing::CutPages))
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().options.faults = faults;
    }

    /// Grants these application permissions; issued tokens keep theirs.
    pub fn set_permissions(&self, permissions: Vec<String>) {
        self.state().options.permissions = permissions;
    }

    /// Whether the audit log can be filtered by target.
    pub fn filters_audits_by_target(&self) -> bool {
        self.state().options.audit_by_target
    }

    /// Sets how long a deleted method still shows, for deletions from now on.
    pub fn set_removal_delay(&self, delay: Duration) {
        self.state().options.removal_delay = delay;
    }

    /// Sets the application's secret: the one before is refused from now on. Issued tokens stay valid.
    pub fn set_client_secret(&self, secret: &str) {
        secret.clone_into(&mut self.state().options.client_secret);
    }

    /// Sets the application's certificates: any other is refused from now on. Issued tokens stay valid.
    pub fn set_certificates(&self, certificates: Vec<Certificate>) {
        self.state().options.certificates = certificates;
    }

    /// Sets the application's federated credentials: any other token is refused from now on. Issued tokens
    /// stay valid.
    pub fn set_federated_credentials(&self, credentials: Vec<FederatedCredential>) {
        self.state().options.federated_credentials = credentials;
    }

    /// Revokes all issued tokens.
    pub fn revoke_tokens(&self) {
        self.state().tokens.clear();
    }

    /// Expires all links to next pages.
    pub fn expire_cursors(&self) {
        self.state().cursor_epoch += 1;
    }

    /// Returns a user as it really is, deleted or not.
    pub fn user(&self, id: Uuid) -> Option<UserView> {
        self.state().accounts.get(&id).map(Account::view)
    }

    /// Returns all users as they really are.
    pub fn users(&self) -> Vec<UserView> {
        self.state().accounts.values().map(Account::view).collect()
    }

    /// Returns what is secret at this moment.
    pub fn secrets(&self) -> Secrets {
        let state = self.state();
        let mut secrets = Secrets::default();
        secrets.add("the client secret", &state.options.client_secret);
        for token in state.tokens.keys() {
            // A text that holds a token holds its last part, too.
            secrets.add("an access token", token.rsplit('.').next().unwrap_or(token));
        }
        for account in state.accounts.values() {
            secrets.add("a principal name", &account.user.user_principal_name);
            for number in account.methods.iter().filter_map(|method| method.what.number.as_deref()) {
                let digits: String = number.chars().filter(char::is_ascii_digit).collect();
                secrets
                    .add("a phone number", digits.get(digits.len().saturating_sub(10)..).unwrap_or(&digits));
            }
        }
        secrets
    }
}
