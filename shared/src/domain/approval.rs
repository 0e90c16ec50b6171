//! Approval: a person's word that the methods which a plan lists may go. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    decision::Fingerprint,
    ids::UserId,
    look::Look,
    method::AuthenticationMethod,
    outcome::{Deferred, Held, Outcome, Partial},
    plan::{Plan, PlanHash},
};

/// Which rollbacks wait for a person's approval (`REQUIRE_APPROVAL`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RequireApproval {
    /// None.
    Off,
    /// Those of the first plan that people approve, and before it all. Who registers later goes without.
    First,
    /// All.
    Always,
}

/// One person who approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approver {
    /// Who approved: the caller of the API, or the user at the command line.
    pub who: String,
    /// The reason that they gave.
    pub why: String,
    /// When they approved.
    pub at: Timestamp,
}

/// What people approved for one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The plan that they read.
    pub plan: PlanHash,
    /// The methods that it lists, and no others.
    pub methods: Look,
    /// The settings that it was made under.
    pub fingerprint: Fingerprint,
    /// Until when it holds.
    pub until: Timestamp,
    /// Who approved, in order; nobody is in it twice.
    pub by: Vec<Approver>,
}

/// How an approval is given.
#[derive(Debug, Clone)]
pub struct Approving<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Who approves.
    pub approver: Approver,
    /// How many people have to.
    pub approvers: u32,
    /// Until when the approval holds.
    pub until: Timestamp,
    /// Whether it must not be somebody who named the user by hand.
    pub by_another: bool,
}

/// What an approval came to for one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approved {
    /// It is on record, and the user is pending.
    Woken,
    /// It is on record.
    Noted,
    /// It was on record before.
    Already,
    /// The user's outcome is another one meanwhile.
    PassedOver,
    /// The one who approves named the user by hand, and cannot be the second person.
    OwnWord,
}

impl Approval {
    /// Returns the outcome that takes the place of a rollback of `methods`, or `None` if it is approved.
    pub fn stops<'m>(
        approval: Option<&Self>,
        mut methods: impl Iterator<Item = &'m AuthenticationMethod>,
        fingerprint: &Fingerprint,
        approvers: u32,
        now: Timestamp,
    ) -> Option<Outcome> {
        let not_approved = Some(Outcome::Deferred(Deferred::NotApproved));
        let Some(approval) = approval.filter(|approval| now < approval.until) else { return not_approved };
        if approval.fingerprint != *fingerprint || !methods.all(|method| approval.methods.shows(method)) {
            return Some(Outcome::Held(Held::ChangedSinceReview));
        }
        if approval.is_given(approvers) { None } else { not_approved }
    }

    pub(super) fn is_given(&self, approvers: u32) -> bool {
        self.by.len() >= usize::try_from(approvers).unwrap_or(usize::MAX)
    }
}

/// Whether a user with this outcome waits for an approval, or would once the mode deletes.
pub fn may_be_planned(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::WouldRollBack
            | Outcome::Deferred(Deferred::NotApproved)
            | Outcome::Held(Held::ChangedSinceReview)
            | Outcome::Partial(
                Partial::Deferred(Deferred::NotApproved) | Partial::Held(Held::ChangedSinceReview)
            )
    )
}

/// Who a plan or an approval is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// Only the first so many of the plan; `None` for all.
    pub first: Option<usize>,
    /// Only these; empty for all.
    pub only: Vec<UserId>,
    /// All but these.
    pub except: Vec<UserId>,
}

impl Slice {
    /// Everybody whom it names.
    pub fn named(&self) -> impl Iterator<Item = UserId> {
        self.only.iter().chain(&self.except).copied()
    }

    /// Whether the user at this place of the plan is in it.
    pub fn contains(&self, place: usize, user: UserId) -> bool {
        self.first.is_none_or(|first| place < first)
            && (self.only.is_empty() || self.only.contains(&user))
            && !self.except.contains(&user)
    }
}
