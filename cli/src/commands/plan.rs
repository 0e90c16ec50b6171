//! `plan`: what would be rolled back, to read and to approve before anything is deleted.

use std::collections::BTreeSet;

use serde::Serialize;
use shared::{
    domain::{
        approval::Slice,
        ids::UserId,
        plan::{Plan, PlanHash},
    },
    ledger::Ledger,
    plan::{self, Approve, ApproveError, PlanApproval},
    settings::{Settings, environment},
    view::{PlanDiff, PlanHead, PlannedLine},
};

use super::who;
use crate::{
    args::{Format, PlanCommand, Whom},
    error::{CommandError, Exit},
    output::{self, Rows},
    progress::clock_time,
};

/// A plan with all its users, as `plan show --format json` writes it.
#[derive(Serialize)]
struct Shown {
    plan: PlanHead,
    users: Vec<PlannedLine>,
}

pub(super) async fn carry_out(
    ledger: &Ledger,
    command: PlanCommand,
    format: Format,
) -> Result<Exit, CommandError> {
    match command {
        PlanCommand::Make => {
            let settings = Settings::read(environment)?;
            let plan = plan::make(ledger, settings.policy.fingerprint(), &who(), ledger.now()).await?;
            show_made(&plan.into(), format)
        }
        PlanCommand::List => {
            let plans: Vec<PlanHead> = ledger.recent_plans().await?.into_iter().map(PlanHead::from).collect();
            show_list(&plans, format)
        }
        PlanCommand::Show { hash } => {
            let plan = find(ledger, hash).await?;
            let users = ledger.planned_users(&plan).await?;
            show(plan.into(), users.into_iter().map(PlannedLine::from).collect(), format)
        }
        PlanCommand::Diff { earlier, later } => {
            let earlier = find(ledger, Some(earlier)).await?;
            let later = find(ledger, later).await?;
            let lines = async |plan: &Plan| {
                let users = ledger.planned_users(plan).await?;
                Ok::<_, CommandError>(users.into_iter().map(PlannedLine::from).collect::<Vec<_>>())
            };
            show_diff(&PlanDiff::between(&lines(&earlier).await?, &lines(&later).await?), format)
        }
        PlanCommand::Approve { hash, reason, whom } => {
            let settings = Settings::read(environment)?;
            eprintln!(
                "a local ledger knows one person only: whoever made the plan may approve it, and one approval is enough"
            );
            let asked = Approve {
                hash,
                slice: slice(whom),
                who: who(),
                why: reason,
                approvers: 1,
                by_another: false,
                per_day: settings.limits.max_rollbacks_per_day,
                work_until: None,
            };
            let approval = plan::approve(ledger, &asked).await.map_err(|error| match error {
                ApproveError::Ledger(error) => error.into(),
                refused => CommandError::input(refused.to_string()),
            })?;
            show_approval(&approval, format)
        }
    }
}

/// Returns the plan of this hash, or the latest.
async fn find(ledger: &Ledger, hash: Option<PlanHash>) -> Result<Plan, CommandError> {
    let hash = if let Some(hash) = hash {
        hash
    } else {
        let recent = ledger.plans().await?.recent;
        recent.into_iter().next().ok_or_else(|| CommandError::input(NO_PLAN))?
    };
    ledger.plan(&hash).await?.ok_or_else(|| CommandError::input(ApproveError::NoSuchPlan(hash).to_string()))
}

const NO_PLAN: &str = "there is no plan yet: `run` in mode report makes one, and so does `plan make`";

fn slice(whom: Whom) -> Slice {
    let Whom { first, user, except } = whom;
    Slice { first, only: user, except }
}

/// Writes that a plan was made, and what to do with it.
pub(super) fn show_made(plan: &PlanHead, format: Format) -> Result<Exit, CommandError> {
    match format {
        Format::Json | Format::Ndjson => output::write_json(format, plan)?,
        _ => output::say!("{}", line_of(plan)),
    }
    Ok(Exit::Done)
}

/// What to do with a plan, in one line.
pub(super) fn line_of(plan: &PlanHead) -> String {
    let PlanHead { hash, users, approve_by, .. } = plan;
    format!(
        "plan {hash}: {users} users would be rolled back; `plan show` lists them, `plan approve {hash} --reason …` until {}",
        clock_time(*approve_by)
    )
}

/// Writes the plans, the latest first.
pub(super) fn show_list(plans: &[PlanHead], format: Format) -> Result<Exit, CommandError> {
    let rows = plans.iter().map(|plan| {
        let approvals: Vec<String> =
            plan.approved.iter().map(|approved| format!("{} by {}", approved.users, approved.who)).collect();
        let (hash, made_at, users) =
            (plan.hash.to_string(), clock_time(plan.made_at), plan.users.to_string());
        vec![hash, made_at, output::plain(&plan.made_by), users, output::plain(&approvals.join("; "))]
    });
    let rows = Rows { header: vec!["plan", "made_at", "made_by", "users", "approved"], rows: rows.collect() };
    output::write(format, &rows, &plans)?;
    Ok(Exit::Done)
}

/// Writes a plan with its users.
pub(super) fn show(plan: PlanHead, users: Vec<PlannedLine>, format: Format) -> Result<Exit, CommandError> {
    if matches!(format, Format::Json | Format::Ndjson) {
        output::write_json(format, &Shown { plan, users })?;
        return Ok(Exit::Done);
    }
    let rows = users.iter().flat_map(|user| user.methods.iter().map(|found| (user.user_id, found)));
    let rows = Rows {
        header: vec!["user_id", "method", "method_id", "goes", "origin", "evidence"],
        rows: rows
            .map(|(user, found)| {
                vec![
                    user.to_string(),
                    found.method.kind.to_string(),
                    found.method.id.to_string(),
                    if found.kept { "stays" } else { "goes" }.to_owned(),
                    found.origin.to_string(),
                    found.evidence.clone(),
                ]
            })
            .collect(),
    };
    output::write(format, &rows, &())?;
    if format == Format::Table {
        output::say!("{}", line_of(&plan));
        output::say!("made by {} at {}", output::plain(&plan.made_by), clock_time(plan.made_at));
        for approved in &plan.approved {
            let (who, why) = (output::plain(&approved.who), output::plain(&approved.why));
            output::say!("{} users approved by {who} at {}: {why}", approved.users, clock_time(approved.at));
        }
    }
    Ok(Exit::Done)
}

/// Writes how two plans differ.
pub(super) fn show_diff(diff: &PlanDiff, format: Format) -> Result<Exit, CommandError> {
    let lines = [("added", &diff.added), ("removed", &diff.removed), ("changed", &diff.changed)];
    let rows = lines.into_iter().flat_map(|(what, users)| users.iter().map(move |user| (what, user)));
    let rows = rows.map(|(what, user)| vec![user.to_string(), what.to_owned()]).collect();
    output::write(format, &Rows { header: vec!["user_id", "what"], rows }, diff)?;
    Ok(Exit::Done)
}

/// Writes what an approval came to.
pub(super) fn show_approval(approval: &PlanApproval, format: Format) -> Result<Exit, CommandError> {
    if matches!(format, Format::Json | Format::Ndjson) {
        output::write_json(format, approval)?;
        return Ok(exit(approval));
    }
    output::say!("{} users approved, {} left out", approval.approved, approval.left_out);
    let told = "were decided otherwise meanwhile; the next plan shows what became of them";
    for (why, users) in [
        (told, &approval.passed_over),
        ("were named by you: somebody else has to approve them", &approval.own_word),
    ] {
        let users: BTreeSet<UserId> = users.iter().copied().collect();
        if !users.is_empty() {
            output::say!("{} {why}:", users.len());
        }
        for user in users {
            output::say!("  {user}");
        }
    }
    match approval.approvers_missing {
        0 => output::say!("they go on with the next run, as mode, cap and brake allow"),
        missing => output::say!("{missing} more person has to approve before anything is deleted"),
    }
    Ok(exit(approval))
}

fn exit(approval: &PlanApproval) -> Exit {
    let all = approval.passed_over.is_empty() && approval.own_word.is_empty();
    if all { Exit::Done } else { Exit::Incomplete }
}
