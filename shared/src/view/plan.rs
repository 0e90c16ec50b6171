//! A plan as people read it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    decision::{Consequences, Fingerprint},
    ids::UserId,
    origin::{MethodOrigin, Origin},
    plan::{Plan, PlanApproved, PlanHash, PlannedUser},
};

/// A plan without its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlanHead {
    /// The name by which it is approved.
    pub hash: PlanHash,
    /// Who had it made: the caller of the API, or the user at the command line.
    pub made_by: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when it can be approved.
    pub approve_by: Timestamp,
    /// The settings under which its users were decided on.
    pub fingerprint: Fingerprint,
    /// How many users it has.
    pub users: usize,
    /// Who approved it or a part of it, in order.
    pub approved: Vec<PlanApproved>,
}

impl From<Plan> for PlanHead {
    fn from(plan: Plan) -> Self {
        let approve_by = plan.approve_by();
        let Plan { hash, made_by, made_at, fingerprint, users, approved } = plan;
        Self { hash, made_by, made_at, approve_by, fingerprint, users, approved }
    }
}

/// What is planned for one user. It leaves out what only the ledger needs to recognise a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlannedLine {
    /// The user's object id.
    pub user_id: UserId,
    /// The strong methods, those that stay (`kept`) among them, each with its origin and what shows it.
    pub methods: Vec<MethodOrigin>,
    /// What the user will notice.
    pub consequences: Option<Consequences>,
}

impl From<PlannedUser> for PlannedLine {
    fn from(user: PlannedUser) -> Self {
        Self { user_id: user.user_id, methods: user.origins, consequences: user.consequences }
    }
}

/// The plans that were made last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanList {
    /// The latest first.
    pub plans: Vec<PlanHead>,
}

/// A plan with a part of its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPage {
    /// The plan.
    pub plan: PlanHead,
    /// Some of its users, in its order.
    pub users: Vec<PlannedLine>,
    /// Where the next page begins, to pass as `cursor`; `None` at the end.
    pub next: Option<usize>,
}

/// How two plans differ, by user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDiff {
    /// Only in the later one.
    pub added: Vec<UserId>,
    /// Only in the earlier one.
    pub removed: Vec<UserId>,
    /// In both, with other methods or other origins.
    pub changed: Vec<UserId>,
}

impl PlanDiff {
    /// Compares the users of two plans.
    pub fn between(earlier: &[PlannedLine], later: &[PlannedLine]) -> Self {
        let by_id = |users: &[PlannedLine]| {
            let lines = users.iter().map(|user| (user.user_id, user.methods.iter().map(told).collect()));
            lines.collect::<BTreeMap<UserId, Vec<_>>>()
        };
        let (mut before, mut diff) = (by_id(earlier), Self::default());
        for (user, methods) in by_id(later) {
            match before.remove(&user) {
                None => diff.added.push(user),
                Some(then) if then != methods => diff.changed.push(user),
                Some(_) => {}
            }
        }
        diff.removed = before.into_keys().collect();
        diff
    }
}

/// What counts of a method; the words of the evidence may change while the evidence stays.
fn told(found: &MethodOrigin) -> (String, Origin, bool) {
    (format!("{} {}", found.method.kind, found.method.id), found.origin, found.kept)
}
