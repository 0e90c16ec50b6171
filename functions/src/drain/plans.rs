//! Plans: made, read and approved over the API. Approving takes a second person.

use shared::{
    api::{ApprovalRequest, Problem, ProblemKind, read_parameter},
    domain::plan::{PART, Plan, PlanHash},
    ledger::Ledger,
    plan::{self, Approve, ApproveError},
    view::{PlanDiff, PlanHead, PlanList, PlanPage, PlannedLine},
};

use super::DrainFunction;
use crate::{
    api::{Answer, Answered, AsProblem, Request},
    sandbox::Invocation,
};

/// In place of a hash: the plan that was made last.
const LATEST: &str = "latest";

impl DrainFunction {
    pub(super) async fn make_plan(&self, request: &Request) -> Answered {
        let (sandbox, ledger) = (&self.sandbox, self.ledger().await?);
        let fingerprint = sandbox.settings.policy.fingerprint();
        let made = plan::make(&ledger, fingerprint, request.caller(), sandbox.clock.now()).await;
        Ok(Answer::new(201, &PlanHead::from(made.map_err(|error| error.as_problem())?)))
    }

    pub(super) async fn list_plans(&self) -> Answered {
        let plans = self.ledger().await?.recent_plans().await.map_err(|error| error.as_problem())?;
        Ok(Answer::new(200, &PlanList { plans: plans.into_iter().map(PlanHead::from).collect() }))
    }

    pub(super) async fn show_plan(&self, request: &Request) -> Answered {
        let cursor = read_parameter(request.query(), "cursor")?.unwrap_or("0");
        let ledger = self.ledger().await?;
        let plan = named_plan(&ledger, request).await?;
        let part = cursor.parse().ok().filter(|part| *part == 0 || has_part(&plan, *part));
        let wrong = || Problem::new(ProblemKind::BadRequest, "cursor: not one that this plan gave");
        let part: usize = part.ok_or_else(wrong)?;
        let users = ledger.planned_part(&plan, part).await.map_err(|error| error.as_problem())?;
        let next = has_part(&plan, part + 1).then_some(part + 1);
        let users = users.into_iter().map(PlannedLine::from).collect();
        Ok(Answer::new(200, &PlanPage { plan: plan.into(), users, next }))
    }

    pub(super) async fn compare_plans(&self, request: &Request) -> Answered {
        let since = read_parameter(request.query(), "since")?;
        let since = since.ok_or_else(|| Problem::new(ProblemKind::BadRequest, "since is missing"))?;
        let ledger = self.ledger().await?;
        let (earlier, later) =
            (plan_of(&ledger, read_hash("since", since)?).await?, named_plan(&ledger, request).await?);
        let lines = async |plan: &Plan| {
            let users = ledger.planned_users(plan).await.map_err(|error| error.as_problem())?;
            Ok::<_, Problem>(users.into_iter().map(PlannedLine::from).collect::<Vec<_>>())
        };
        Ok(Answer::new(200, &PlanDiff::between(&lines(&earlier).await?, &lines(&later).await?)))
    }

    pub(super) async fn approve_plan(&self, request: &Request, invocation: Invocation) -> Answered {
        // Not the latest: what is approved is what the person has read.
        let hash = read_hash("hash", request.path_parameter("hash"))?;
        let (slice, why) = ApprovalRequest::read(&request.json()?)?.into_parts();
        let settings = &self.sandbox.settings;
        let asked = Approve {
            hash,
            slice,
            who: request.caller().to_owned(),
            why,
            approvers: settings.plan_approvers,
            by_another: true,
            per_day: settings.limits.max_rollbacks_per_day,
            work_until: Some(invocation.work_until),
        };
        let run = self.run(invocation).await?;
        let approval = plan::approve(&run.process.ledger, &asked).await.map_err(|error| match error {
            ApproveError::Ledger(error) => error.as_problem(),
            refused => Problem::new(kind_of(&refused), refused.to_string()),
        })?;
        run.intake().send(&approval.woken).await.map_err(|error| error.as_problem())?;
        tracing::info!(
            run.id = %invocation.run_id,
            plan.hash = %asked.hash,
            users.approved = approval.approved,
            approvers.missing = approval.approvers_missing,
            complete = approval.complete,
            "plan approved"
        );
        Ok(Answer::new(200, &approval))
    }
}

fn kind_of(refused: &ApproveError) -> ProblemKind {
    match refused {
        ApproveError::NoSuchPlan(_) => ProblemKind::NotFound,
        ApproveError::SamePerson | ApproveError::OwnWord => ProblemKind::SecondPersonNeeded,
        _ => ProblemKind::ApprovalRefused,
    }
}

fn has_part(plan: &Plan, part: usize) -> bool {
    part < plan.users.div_ceil(PART)
}

fn read_hash(name: &str, text: &str) -> Result<PlanHash, Problem> {
    text.parse().map_err(|error| Problem::new(ProblemKind::BadRequest, format!("{name}: {error}")))
}

/// The plan in the path.
async fn named_plan(ledger: &Ledger, request: &Request) -> Result<Plan, Problem> {
    let named = request.path_parameter("hash");
    if named != LATEST {
        return plan_of(ledger, read_hash("hash", named)?).await;
    }
    let latest = ledger.plans().await.map_err(|error| error.as_problem())?.recent.into_iter().next();
    let none = || Problem::new(ProblemKind::NotFound, "there is no plan yet: POST /plans makes one");
    plan_of(ledger, latest.ok_or_else(none)?).await
}

async fn plan_of(ledger: &Ledger, hash: PlanHash) -> Result<Plan, Problem> {
    let plan = ledger.plan(&hash).await.map_err(|error| error.as_problem())?;
    plan.ok_or_else(|| {
        Problem::new(
            ProblemKind::NotFound,
            format!("there is no plan {hash} on record: GET /plans lists them"),
        )
    })
}
