//! `plan` on a deployed stack: whoever signs the requests makes and approves.

use std::collections::BTreeSet;

use shared::{
    api::ApprovalRequest,
    domain::{ids::UserId, plan::PlanHash},
    plan::PlanApproval,
    view::{PlanDiff, PlanHead, PlanList, PlanPage, PlannedLine},
};

use super::plan;
use crate::{
    args::{Format, PlanCommand, Whom},
    error::{CommandError, Exit},
    stack::{Call, Stack},
};

/// In place of a hash: the plan that was made last.
const LATEST: &str = "latest";

pub(super) async fn carry_out(
    stack: &Stack,
    command: PlanCommand,
    format: Format,
) -> Result<Exit, CommandError> {
    match command {
        PlanCommand::Make => plan::show_made(&stack.ask::<PlanHead>(Call::post(&["plans"])).await?, format),
        PlanCommand::List => {
            let PlanList { plans } = stack.ask(Call::get(&["plans"])).await?;
            plan::show_list(&plans, format)
        }
        PlanCommand::Show { hash } => {
            let (plan, users) = all_pages(stack, hash).await?;
            plan::show(plan, users, format)
        }
        PlanCommand::Diff { earlier, later } => {
            let later = named(later);
            let call = Call::get(&["plans", &later, "diff"]).parameter("since", earlier.to_string());
            plan::show_diff(&stack.ask::<PlanDiff>(call).await?, format)
        }
        PlanCommand::Approve { hash, reason, whom } => {
            plan::show_approval(&approve(stack, &hash, reason, whom).await?, format)
        }
    }
}

fn named(hash: Option<PlanHash>) -> String {
    hash.map_or_else(|| LATEST.to_owned(), |hash| hash.to_string())
}

/// Reads a plan page by page. What is the latest may change meanwhile, so the first page says which plan it is.
async fn all_pages(
    stack: &Stack,
    hash: Option<PlanHash>,
) -> Result<(PlanHead, Vec<PlannedLine>), CommandError> {
    let first = named(hash);
    let PlanPage { plan, mut users, mut next } = stack.ask(Call::get(&["plans", &first])).await?;
    let hash = plan.hash.to_string();
    while let Some(cursor) = next {
        let call = Call::get(&["plans", &hash]).parameter("cursor", cursor.to_string());
        let page: PlanPage = stack.ask(call).await?;
        users.extend(page.users);
        next = page.next;
    }
    Ok((plan, users))
}

/// Sends the same request until all was done. Who was woken by one of them may be handled before the next.
async fn approve(
    stack: &Stack,
    hash: &PlanHash,
    reason: String,
    whom: Whom,
) -> Result<PlanApproval, CommandError> {
    let Whom { first, user, except } = whom;
    let some = |users: Vec<UserId>| (!users.is_empty()).then_some(users);
    let first = first.map(|first| u32::try_from(first).unwrap_or(u32::MAX));
    let request = ApprovalRequest { reason, first, user_ids: some(user), except: some(except) };
    let hash = hash.to_string();
    let mut woken = BTreeSet::new();
    loop {
        let call = Call::post(&["plans", &hash, "approval"]).with(&request);
        let mut approval: PlanApproval = stack.ask(call).await?;
        let passed_over = approval.passed_over.len();
        approval.passed_over.retain(|user| !woken.contains(user));
        approval.approved += passed_over - approval.passed_over.len();
        woken.extend(approval.woken.drain(..));
        if approval.complete {
            approval.woken.extend(woken);
            return Ok(approval);
        }
    }
}
