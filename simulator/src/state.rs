//! All that the tenant holds.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    account::Account,
    audit::AuditLog,
    budget::Budgets,
    directory::{Group, GroupEligibility, Policies, RoleGrant, RoleKind},
    journal::JournalEntry,
    login::IssuedToken,
    options::Options,
    population::Part,
};

/// A random id from the seed.
pub(crate) fn random_uuid(rng: &mut fastrand::Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}

/// An object id as Graph writes them; other forms of GUID are none.
pub(crate) fn object_id(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// The tenant's content and the server's memory.
pub(crate) struct State {
    pub(crate) options: Options,
    /// For what is in the tenant.
    pub(crate) rng: fastrand::Rng,
    /// For how it answers, so that faults do not change the content.
    pub(crate) chance: fastrand::Rng,
    pub(crate) accounts: BTreeMap<Uuid, Account>,
    /// Principal names in lower case.
    pub(crate) names: HashMap<String, Uuid>,
    pub(crate) groups: BTreeMap<Uuid, Group>,
    pub(crate) grants: BTreeMap<Uuid, RoleGrant>,
    pub(crate) group_eligibilities: BTreeMap<Uuid, GroupEligibility>,
    pub(crate) policies: Policies,
    pub(crate) restricted: HashSet<Uuid>,
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

    /// The user with this id or principal name, deleted or not.
    pub(crate) fn find(&self, name: &str) -> Option<&Account> {
        let id = object_id(name).or_else(|| self.names.get(&name.to_lowercase()).copied())?;
        self.accounts.get(&id)
    }

    /// All users and groups in a group, directly or through groups.
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
        self.policies.demands_mfa(user)
    }

    /// Whoever holds an active role now, through groups too.
    pub(crate) fn administrators(&self) -> HashSet<Uuid> {
        let mut found = HashSet::new();
        for grant in self.grants.values().filter(|grant| grant.kind == RoleKind::Active) {
            found.insert(grant.principal);
            found.extend(self.transitive_members(grant.principal));
        }
        found
    }
}
