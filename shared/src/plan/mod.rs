//! Plan and approve: what people review before anything is deleted, where `REQUIRE_APPROVAL` asks for it.
//!
//! A plan is read from the ledger alone: everybody who would be rolled back now. It names users and methods and has a
//! hash over them; approving the hash puts the approval on record with each user. drain compares what it is about to
//! delete with that, so whatever changed since the review stops before the intent.

mod approve;

use jiff::Timestamp;

pub use self::approve::{Approve, ApproveError, PlanApproval, approve};
use crate::{
    domain::{
        approval::may_be_planned,
        decision::Fingerprint,
        outcome::Outcome,
        plan::{Plan, PlannedUser},
    },
    ledger::{Entry, Ledger, LedgerError, OutcomeQuery},
};

/// The most items in one read.
const PAGE: usize = 100;

/// Makes a plan of everybody who would be rolled back now, and puts it on record. It may have no users.
pub async fn make(
    ledger: &Ledger,
    fingerprint: Fingerprint,
    who: &str,
    now: Timestamp,
) -> Result<Plan, LedgerError> {
    let mut users: Vec<PlannedUser> = Vec::new();
    for outcome in Outcome::all().into_iter().filter(|outcome| may_be_planned(*outcome)) {
        let mut query = OutcomeQuery { outcome: outcome.to_string(), until: None, after: None, limit: PAGE };
        loop {
            let page = ledger.list(&query).await?;
            users.extend(page.entries.iter().filter_map(|entry| match entry {
                Entry::User(state) => state.planned(&fingerprint),
                Entry::Event(_) => None,
            }));
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
    }
    users.sort_by_key(|user| user.user_id);
    users.dedup_by_key(|user| user.user_id);
    let plan = Plan::of(&mut users, fingerprint, who, now);
    ledger.save_plan(plan, &users).await
}
