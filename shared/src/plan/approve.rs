//! Approving a plan, or a part of it.

use std::collections::BTreeSet;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        approval::{Approved, Approver, Approving, Slice},
        ids::UserId,
        person::is_same_person,
        plan::{APPROVE_WITHIN, Plan, PlanApproved, PlanHash, PlannedUser},
        window::shift,
    },
    ledger::{HistoryEntry, Ledger, LedgerError},
};

/// How many users are put on record at once.
const AT_ONCE: usize = 10;

/// A person's word on a plan.
#[derive(Debug, Clone)]
pub struct Approve {
    /// The hash of the plan.
    pub hash: PlanHash,
    /// Whom of it.
    pub slice: Slice,
    /// Who approves.
    pub who: String,
    /// Why.
    pub why: String,
    /// How many people have to.
    pub approvers: u32,
    /// Whether it must be a second person: neither the one who had the plan made nor, for a user named by hand, the one who
    /// named them.
    pub by_another: bool,
    /// How many users are rolled back in a day (`MAX_ROLLBACKS_PER_DAY`): an approval holds until the last of its days.
    pub per_day: u32,
    /// When to stop, and let the same request be sent again; `None` if nothing cuts it off.
    pub work_until: Option<Timestamp>,
}

/// What an approval came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanApproval {
    /// How many users this person has approved, with this request or before.
    pub approved: usize,
    /// How many of the plan were left out by choice.
    pub left_out: usize,
    /// Users whose outcome is another one by now: the next plan shows what became of them.
    pub passed_over: Vec<UserId>,
    /// Users whom this person named by hand: somebody else has to approve them.
    pub own_word: Vec<UserId>,
    /// Users who go on now.
    pub woken: Vec<UserId>,
    /// How many more people have to approve before anything is deleted.
    pub approvers_missing: u32,
    /// Whether all was done; if not, the same request goes on with the rest.
    pub complete: bool,
}

/// Why a plan was not approved.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// The ledger has no such plan.
    #[error("there is no plan {0} on record: `plan show` shows the latest")]
    NoSuchPlan(PlanHash),
    /// It is too old.
    #[error("the plan could be approved until {0}: make a new one and read what changed")]
    Expired(Timestamp),
    /// The person who made it cannot be the second person.
    #[error("whoever had the plan made cannot approve it: somebody else has to")]
    SamePerson,
    /// The person who approves named all of them by hand.
    #[error("whoever named these users by hand cannot approve them: somebody else has to")]
    OwnWord,
    /// Somebody is named who is not in the plan, perhaps one to leave out.
    #[error("user {0} is not in the plan: nobody was approved")]
    NotInPlan(UserId),
    /// The slice holds nobody.
    #[error("nobody of the plan is named")]
    Nobody,
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Puts a person's approval on record with each user of the slice.
pub async fn approve(ledger: &Ledger, asked: &Approve) -> Result<PlanApproval, ApproveError> {
    let now = ledger.now();
    let plan = ledger.plan(&asked.hash).await?.ok_or_else(|| ApproveError::NoSuchPlan(asked.hash.clone()))?;
    if now >= plan.approve_by() {
        return Err(ApproveError::Expired(plan.approve_by()));
    }
    if asked.by_another && is_same_person(&asked.who, &plan.made_by) {
        return Err(ApproveError::SamePerson);
    }
    let users = ledger.planned_users(&plan).await?;
    let count = users.len();
    let known: BTreeSet<UserId> = users.iter().map(|user| user.user_id).collect();
    if let Some(stranger) = asked.slice.named().find(|user| !known.contains(user)) {
        return Err(ApproveError::NotInPlan(stranger));
    }
    let is_in = |(place, user): &(usize, PlannedUser)| asked.slice.contains(*place, user.user_id);
    let chosen: Vec<PlannedUser> =
        users.into_iter().enumerate().filter(is_in).map(|(_, user)| user).collect();
    if chosen.is_empty() {
        return Err(ApproveError::Nobody);
    }
    let approver = Approver { who: asked.who.clone(), why: asked.why.clone(), at: now };
    let until = holds_until(now, chosen.len(), asked.per_day);
    let (approvers, by_another) = (asked.approvers, asked.by_another);
    let giving = Approving { plan: &plan, approver, approvers, until, by_another };
    let mut done = PlanApproval { left_out: count - chosen.len(), complete: true, ..PlanApproval::default() };
    for chunk in chosen.chunks(AT_ONCE) {
        if asked.work_until.is_some_and(|until| ledger.now() >= until) {
            done.complete = false;
            break;
        }
        let answers = join_all(chunk.iter().map(|user| one(ledger, user, &giving))).await;
        for (user, answer) in chunk.iter().zip(answers) {
            done.count(user.user_id, answer?);
        }
    }
    if done.approved == 0 && done.passed_over.is_empty() && !done.own_word.is_empty() {
        return Err(ApproveError::OwnWord);
    }
    let plan = if done.complete { note(ledger, &plan, asked, done.approved, now).await? } else { plan };
    done.approvers_missing = plan.approvers_missing(asked.approvers);
    if done.approvers_missing == 0 {
        ledger.note_first_approved(&plan).await?;
    }
    Ok(done)
}

impl PlanApproval {
    /// Counts a user; `None` if the ledger knows nothing of the user any more.
    fn count(&mut self, user: UserId, approved: Option<Approved>) {
        match approved {
            Some(Approved::Woken) => {
                self.approved += 1;
                self.woken.push(user);
            }
            Some(Approved::Noted | Approved::Already) => self.approved += 1,
            Some(Approved::OwnWord) => self.own_word.push(user),
            Some(Approved::PassedOver) | None => self.passed_over.push(user),
        }
    }
}

/// The last day on which the cap lets one of them go, and as long again as a plan can be approved.
fn holds_until(now: Timestamp, users: usize, per_day: u32) -> Timestamp {
    let days = users.div_ceil(usize::try_from(per_day.max(1)).unwrap_or(usize::MAX));
    let days = SignedDuration::from_hours(24) * i32::try_from(days).unwrap_or(i32::MAX).min(3650);
    shift(now, days + APPROVE_WITHIN)
}

/// `None` if the ledger knows nothing of the user any more.
async fn one(
    ledger: &Ledger,
    user: &PlannedUser,
    giving: &Approving<'_>,
) -> Result<Option<Approved>, LedgerError> {
    let changes_nothing =
        |approved| matches!(approved, Approved::PassedOver | Approved::Already | Approved::OwnWord);
    // A request that goes on passes by those who are on record with one read each.
    let Some(mut state) = ledger.user(user.user_id).await?.value else { return Ok(None) };
    let mut became = Some(state.approve(user, giving, ledger.now())).filter(|it| changes_nothing(*it));
    if became.is_some() {
        return Ok(became);
    }
    let changed = ledger.change_user(user.user_id, |state, now| {
        let Some(state) = state else { return Err(()) };
        let approved = state.approve(user, giving, now);
        became = Some(approved);
        if changes_nothing(approved) {
            return Err(());
        }
        let Approver { who, why, .. } = giving.approver.clone();
        Ok(Some(HistoryEntry::Approved { who, why, plan: giving.plan.hash.clone(), at: now }))
    });
    let _ = changed.await?;
    Ok(became)
}

async fn note(
    ledger: &Ledger,
    plan: &Plan,
    asked: &Approve,
    users: usize,
    at: Timestamp,
) -> Result<Plan, LedgerError> {
    let changed = ledger.change_plan(&plan.hash, |held| {
        let Some(held) = held else { return };
        let is_known =
            held.approved.iter().any(|it| is_same_person(&it.who, &asked.who) && it.why == asked.why);
        if users > 0 || !is_known {
            let (who, why) = (asked.who.clone(), asked.why.clone());
            held.approved.push(PlanApproved { who, why, at, users });
        }
    });
    Ok(changed.await?.unwrap_or_else(|| plan.clone()))
}
