//! All that the tenant holds.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    ops::RangeInclusive,
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    account::{Account, NewUser, PerUserMfa},
    answer::{self, Handled},
    audit::{
        AuditLog, NewEvent, Told,
        update_user::{Details, Telling},
    },
    budget::Budgets,
    directory::{ConditionalAccess, Grant, Group, GroupEligibility, Policies, RoleGrant, RoleKind},
    ids::{object_id, random_uuid},
    journal::JournalEntry,
    method::{MethodKind, NewMethod},
    options::Options,
    origin::Origin,
    part::Part,
    permissions::IssuedToken,
};

/// The tenant's content and the server's memory.
pub(crate) struct State {
    pub(crate) options: Options,
    /// Draws what is in the tenant.
    pub(crate) rng: fastrand::Rng,
    /// Draws how it answers, so that faults do not change the content.
    pub(crate) chance: fastrand::Rng,
    pub(crate) accounts: BTreeMap<Uuid, Account>,
    /// Principal names in lower case.
    pub(crate) names: HashMap<String, Uuid>,
    pub(crate) groups: BTreeMap<Uuid, Group>,
    pub(crate) grants: BTreeMap<Uuid, RoleGrant>,
    pub(crate) group_eligibilities: BTreeMap<Uuid, GroupEligibility>,
    pub(crate) policies: Policies,
    pub(crate) restricted: HashSet<Uuid>,
    /// Users whom the SSPR policy leaves out.
    pub(crate) without_sspr: HashSet<Uuid>,
    pub(crate) audit: AuditLog,
    pub(crate) parts: BTreeMap<Uuid, Part>,
    /// The registration report, and when it was made.
    pub(crate) report: Option<(Timestamp, Vec<(String, Value)>)>,
    pub(crate) tokens: HashMap<String, IssuedToken>,
    pub(crate) budgets: Budgets,
    pub(crate) cursor_epoch: u64,
    pub(crate) journal: Vec<JournalEntry>,
}

impl State {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(options.seed),
            chance: fastrand::Rng::with_seed(options.seed ^ 0x0dd5),
            options,
            accounts: BTreeMap::new(),
            names: HashMap::new(),
            groups: BTreeMap::new(),
            grants: BTreeMap::new(),
            group_eligibilities: BTreeMap::new(),
            policies: Policies::default(),
            restricted: HashSet::new(),
            without_sspr: HashSet::new(),
            audit: AuditLog::default(),
            parts: BTreeMap::new(),
            report: None,
            tokens: HashMap::new(),
            budgets: Budgets::default(),
            cursor_epoch: 0,
            journal: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    /// Draws a time from a range. A range of one draws nothing, so that chance goes on as it was.
    pub(crate) fn draw(&mut self, range: RangeInclusive<Duration>) -> Duration {
        let (least, most) = range.into_inner();
        if least >= most {
            return least;
        }
        least + most.saturating_sub(least).mul_f64(self.chance.f64())
    }

    /// Makes the response to a request.
    pub(crate) fn answer(&mut self, handled: &Handled) -> Response<Bytes> {
        let (now, id) = (self.now(), random_uuid(&mut self.chance));
        answer::response(handled, now, id)
    }

    /// The user with this id or principal name, deleted or not.
    pub(crate) fn find(&self, name: &str) -> Option<&Account> {
        let id = object_id(name).or_else(|| self.names.get(&name.to_lowercase()).copied())?;
        self.accounts.get(&id)
    }

    /// All users and groups in a group, directly or through groups, except deleted users.
    pub(crate) fn transitive_members(&self, group: Uuid) -> Vec<Uuid> {
        let mut seen = HashSet::from([group]);
        let mut members = Vec::new();
        let mut open = VecDeque::from([group]);
        while let Some(id) = open.pop_front() {
            let Some(group) = self.groups.get(&id) else {
                continue;
            };
            for member in &group.members {
                let deleted = self.accounts.get(member).is_some_and(|account| account.deleted);
                if !deleted && seen.insert(*member) {
                    members.push(*member);
                    open.push_back(*member);
                }
            }
        }
        members.sort_unstable();
        members
    }

    /// Whether security defaults or Conditional Access demand MFA of this user.
    pub(crate) fn demands_mfa(&self, user: Uuid) -> bool {
        let demands = |policy: &ConditionalAccess| {
            policy.state == "enabled" && policy.grants != Grant::Always && self.is_for(policy, user)
        };
        self.policies.security_defaults || self.policies.conditional_access.iter().any(demands)
    }

    /// Whether a policy names this user, a group of this user, or everybody.
    pub(crate) fn is_for(&self, policy: &ConditionalAccess, user: Uuid) -> bool {
        policy.include_users.is_empty() && policy.include_groups.is_empty()
            || policy.include_users.contains(&user)
            || policy.include_groups.iter().any(|group| self.transitive_members(*group).contains(&user))
    }

    /// Everybody who holds an active role now, directly or through groups.
    pub(crate) fn administrators(&self) -> HashSet<Uuid> {
        let mut found = HashSet::new();
        for grant in self.grants.values().filter(|grant| grant.kind == RoleKind::Active) {
            found.insert(grant.principal);
            found.extend(self.transitive_members(grant.principal));
        }
        found
    }

    pub(crate) fn account(&mut self, user: Uuid) -> &mut Account {
        self.accounts.get_mut(&user).expect("the user is in the tenant")
    }

    pub(crate) fn add_user(&mut self, user: NewUser) -> Uuid {
        let id = random_uuid(&mut self.rng);
        let taken = self.names.insert(user.user_principal_name.to_lowercase(), id);
        assert!(taken.is_none(), "the principal name is taken");
        self.accounts.insert(id, Account::new(id, user));
        id
    }

    pub(crate) fn add_group(&mut self, name: &str) -> Uuid {
        let id = random_uuid(&mut self.rng);
        self.groups.insert(id, Group { id, name: name.to_owned(), members: Vec::new(), is_hidden: false });
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

    /// Adds a method; the codes of an Authenticator are a method of their own. Returns the first one's id.
    pub(crate) fn add_method(&mut self, user: Uuid, method: NewMethod, event_id: Option<String>) -> String {
        let (first, second) =
            (random_uuid(&mut self.rng).to_string(), random_uuid(&mut self.rng).to_string());
        let came_at = method.came_at.or(method.created).unwrap_or_else(|| self.now());
        let origin = Origin { came_at, by: method.by, event_id };
        let account = self.account(user);
        if method.with_code {
            let code = NewMethod { created: method.created, ..NewMethod::new(MethodKind::SoftwareOath) };
            let id = account.add(first, method, origin.clone());
            account.add(second, code, origin);
            id
        } else {
            account.add(first, method, origin)
        }
    }

    /// Adds a record to the audit log. Returns its id, if it has one.
    pub(crate) fn add_event(&mut self, event: NewEvent) -> Option<String> {
        let (at, visible_at, record) = event.complete(&mut self.rng);
        let id = record["id"].as_str().map(str::to_owned);
        self.audit.add(at, visible_at, record);
        id
    }

    /// Adds a method and the event of its registration. Returns the method's id.
    pub(crate) fn register(&mut self, user: Uuid, method: NewMethod, told: Told<'_>) -> String {
        let reason = method.reason.clone().unwrap_or_else(|| method.kind.reason().to_owned());
        let name = self.accounts[&user].user.user_principal_name.clone();
        let event = NewEvent::by_user("User registered security info", told.at, user, &name)
            .service(told.service)
            .reason(&reason)
            .visible_at(told.visible_at);
        let event_id = self.add_event(event);
        let came_at = method.came_at.unwrap_or(told.at);
        let before = Details::of(self.account(user), Telling::Whole);
        let id = self.add_method(user, NewMethod { came_at: Some(came_at), ..method }, event_id);
        let after = Details::of(self.account(user), Telling::Whole);
        let change = before.changed_to(&after, Telling::Whole, told.at, (user, &name));
        if let Some(change) = change.filter(|_| told.recorded) {
            self.add_event(change.by_mfa_service().visible_at(told.visible_at));
        }
        id
    }

    /// Switches per-user MFA, now or at an earlier moment.
    pub(crate) fn set_per_user_mfa(&mut self, user: Uuid, per_user_mfa: PerUserMfa, at: Timestamp) {
        let account = self.account(user);
        if per_user_mfa == PerUserMfa::Disabled && account.user.per_user_mfa != PerUserMfa::Disabled {
            account.per_user_mfa_until = Some(at);
        }
        account.user.per_user_mfa = per_user_mfa;
    }
}
