//! What drain answers: users, releases, plans, the brake and the dead letters.

use futures::FutureExt;
use shared::{
    api::{
        BrakeMoved, Erased, EventEnded, PageCursor, Problem, ProblemKind, Released, UsersPage, UsersQuery,
        read_question, read_reason,
    },
    domain::{
        brake::BrakeState,
        ids::{EventId, UserId},
        state::{EraseRefused, ReleaseRefused},
        user_ref::UserRef,
        window::{shift, until},
    },
    graph::GraphError,
    ledger::{Ledger, OutcomeQuery},
    process::Run,
    view::{BrakeView, Line},
};

use super::{DrainFunction, FOR_SETTLING};
use crate::{
    api::{Answer, Answered, AsProblem, Request, Route},
    doctor,
    sandbox::Invocation,
};

/// The routes that drain answers. `GET /doctor` takes an invocation by hand, since API Gateway asks poll.
pub const ROUTES: [Route<DrainFunction>; 16] = [
    Route::new("POST", "/rollbacks", |drain, request, invocation| {
        drain.rollbacks(request, invocation).boxed_local()
    }),
    Route::<DrainFunction>::new("GET", "/users", |drain, request, _| drain.users(request).boxed_local())
        .with_parameters(),
    Route::new("GET", "/users/{user_id}", |drain, request, invocation| {
        drain.explain(request, invocation).boxed_local()
    }),
    Route::<DrainFunction>::new("GET", "/users/{user_id}/diagnosis", |drain, request, invocation| {
        drain.diagnose(request, invocation).boxed_local()
    })
    .with_parameters(),
    Route::new("POST", "/users/{user_id}/release", |drain, request, invocation| {
        drain.release(request, invocation).boxed_local()
    }),
    Route::new("POST", "/users/{user_id}/erase", |drain, request, _| drain.erase(request).boxed_local()),
    Route::new("POST", "/events/{event_id}/release", |drain, request, _| {
        drain.end_event(request).boxed_local()
    }),
    Route::new("POST", "/plans", |drain, request, _| drain.make_plan(request).boxed_local()),
    Route::new("GET", "/plans", |drain, _, _| drain.list_plans().boxed_local()),
    Route::<DrainFunction>::new("GET", "/plans/{hash}", |drain, request, _| {
        drain.show_plan(request).boxed_local()
    })
    .with_parameters(),
    Route::<DrainFunction>::new("GET", "/plans/{hash}/diff", |drain, request, _| {
        drain.compare_plans(request).boxed_local()
    })
    .with_parameters(),
    Route::new("POST", "/plans/{hash}/approval", |drain, request, invocation| {
        drain.approve_plan(request, invocation).boxed_local()
    }),
    Route::new("POST", "/brake/open", |drain, request, invocation| {
        drain.move_brake(request, BrakeState::Open, invocation).boxed_local()
    }),
    Route::new("POST", "/brake/release", |drain, request, invocation| {
        drain.move_brake(request, BrakeState::Released, invocation).boxed_local()
    }),
    Route::new("GET", "/doctor", |drain, _, _| drain.doctor().boxed_local()),
    Route::new("POST", "/dead-letters/redrive", |drain, _, invocation| {
        drain.redrive(invocation).boxed_local()
    }),
];

impl DrainFunction {
    async fn doctor(&self) -> Answered {
        Ok(Answer::new(200, &doctor::examine(&self.sandbox).await))
    }

    pub(super) async fn ledger(&self) -> Result<Ledger, Problem> {
        self.sandbox.ledger().await.map_err(|error| error.as_problem())
    }

    pub(super) async fn run(&self, invocation: Invocation) -> Result<Run, Problem> {
        self.sandbox.run(invocation).await.map_err(|error| error.as_problem())
    }

    async fn users(&self, request: &Request) -> Answered {
        let UsersQuery { outcomes, after, limit } = UsersQuery::read(request.query())?;
        let ledger = self.ledger().await?;
        let mut page = UsersPage::default();
        let mut after = after.map(PageCursor::into_parts);
        let begin = after.as_ref().and_then(|(outcome, _)| outcomes.iter().position(|name| name == outcome));
        for outcome in outcomes.into_iter().skip(begin.unwrap_or(0)) {
            let after = after.take().map(|(_, cursor)| cursor);
            let left = limit - page.entries.len();
            let query = OutcomeQuery { outcome: outcome.clone(), until: None, after, limit: left };
            let read = ledger.list(&query).await.map_err(|error| error.as_problem())?;
            page.entries.extend(read.entries.iter().map(|entry| Line::of(entry, false)));
            if let Some(next) = read.next {
                page.next = Some(PageCursor::new(&outcome, next).to_text());
                break;
            }
        }
        Ok(Answer::new(200, &page))
    }

    async fn explain(&self, request: &Request, invocation: Invocation) -> Answered {
        let id = self.named_user(request).await?;
        let run = self.run(invocation).await?;
        let explanation = run.explain(id).await.map_err(|interrupted| interrupted.as_problem())?;
        Ok(Answer::new(200, &explanation))
    }

    async fn diagnose(&self, request: &Request, invocation: Invocation) -> Answered {
        let question = read_question(request.query())?;
        let id = self.named_user(request).await?;
        let run = self.run(invocation).await?;
        let diagnosis = run.diagnose(id, question).await.map_err(|interrupted| interrupted.as_problem())?;
        let nobody = || Problem::new(ProblemKind::NotFound, "nobody in this tenant has this object id");
        Ok(Answer::new(200, &diagnosis.ok_or_else(nobody)?))
    }

    /// Returns the user whom the path names by object id or principal name.
    async fn named_user(&self, request: &Request) -> Result<UserId, Problem> {
        let named: UserRef = request
            .path_parameter("user_id")
            .parse()
            .map_err(|error| Problem::new(ProblemKind::BadRequest, format!("user_id: {error}")))?;
        match &named {
            UserRef::Id(id) => Ok(*id),
            UserRef::PrincipalName(_) => match self.sandbox.graph.user(&named).await {
                Ok(found) => Ok(found.body.id),
                Err(GraphError::NotFound) => {
                    let detail = "nobody in this tenant has this principal name";
                    Err(Problem::new(ProblemKind::NotFound, detail))
                }
                Err(error) => Err(error.as_problem()),
            },
        }
    }

    async fn release(&self, request: &Request, invocation: Invocation) -> Answered {
        let user_id = user_id(request)?;
        let reason = read_reason(&request.json()?)?;
        let ledger = self.ledger().await?;
        let listed = &self.sandbox.settings.policy.releasable;
        let released = ledger.release(user_id, request.caller(), &reason, listed).await;
        let released = released.map_err(|error| error.as_problem())?.map_err(|refused| match refused {
            ReleaseRefused::NotOnRecord => Problem::new(ProblemKind::NotFound, refused.to_string()),
            _ => Problem::new(ProblemKind::ReleaseRefused, refused.to_string()),
        })?;
        let run = self.run(invocation).await?;
        run.intake().send(&[user_id]).await.map_err(|error| error.as_problem())?;
        Ok(Answer::new(200, &Released { user_id, lifted: released.reasons.into_iter().collect() }))
    }

    async fn erase(&self, request: &Request) -> Answered {
        let user_id = user_id(request)?;
        let reason = read_reason(&request.json()?)?;
        let erased = self.ledger().await?.erase(user_id, request.caller(), &reason).await;
        let erased = erased.map_err(|error| error.as_problem())?.map_err(|refused| {
            let kind = match refused {
                EraseRefused::NotOnRecord => ProblemKind::NotFound,
                EraseRefused::Pending => ProblemKind::EraseRefused,
            };
            Problem::new(kind, refused.to_string())
        })?;
        Ok(Answer::new(200, &Erased { user_id, entries: erased as u64 }))
    }

    async fn end_event(&self, request: &Request) -> Answered {
        let event_id = EventId(request.path_parameter("event_id").to_owned());
        let reason = read_reason(&request.json()?)?;
        let ended = self.ledger().await?.end_ambiguous(&event_id, request.caller(), &reason).await;
        match ended.map_err(|error| error.as_problem())? {
            Some(event) => Ok(Answer::new(200, &EventEnded { event_id: event.event_id })),
            None => Err(Problem::new(ProblemKind::NotFound, "no such event is on record")),
        }
    }

    async fn move_brake(&self, request: &Request, to: BrakeState, invocation: Invocation) -> Answered {
        let reason = read_reason(&request.json()?)?;
        let (sandbox, run) = (&self.sandbox, self.run(invocation).await?);
        let moved = run.process.ledger.move_brake(to, request.caller(), &reason).await;
        let brake = moved.map_err(|error| error.as_problem())?;
        let left = until(sandbox.clock.now(), invocation.work_until).min(FOR_SETTLING);
        sandbox.notifier.brake_moved(&run.process, left).await;
        let brake = BrakeView { state: brake.state, last_move: brake.moves.last().cloned() };
        Ok(Answer::new(200, &BrakeMoved { brake }))
    }

    async fn redrive(&self, invocation: Invocation) -> Answered {
        let sandbox = &self.sandbox;
        let no_batch_after = shift(invocation.work_until, jiff::SignedDuration::from_secs(-10));
        let redriven = sandbox.queue.redrive(&sandbox.clock, no_batch_after).await;
        let redriven = redriven.map_err(|error| error.as_problem())?;
        tracing::info!(
            run.id = %invocation.run_id,
            redriven = redriven.redriven,
            unreadable = redriven.unreadable,
            complete = redriven.complete,
            "dead letters redriven"
        );
        Ok(Answer::new(200, &redriven))
    }
}

/// Returns the user in the path, or a problem if it is not an object id.
fn user_id(request: &Request) -> Result<UserId, Problem> {
    let named = request.path_parameter("user_id").parse();
    named.map_err(|error| Problem::new(ProblemKind::BadRequest, format!("user_id: {error}")))
}
