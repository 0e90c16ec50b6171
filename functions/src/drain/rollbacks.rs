//! `POST /rollbacks`: users that a person names, and registrations of an export.

use std::{collections::BTreeMap, time::Duration};

use shared::{
    api::{NamedRegistration, Problem, ProblemKind, Refused, RollbacksTaken},
    domain::{
        facts::Claimed,
        ids::UserId,
        person::person,
        state::ByHand,
        user_ref::UserRef,
        window::{shift, until},
    },
    graph::GraphError,
    ids_file::IdsFile,
    ledger::{Claim, Key, Ledger},
    poll::Position,
};

use super::{
    DrainFunction,
    input::{Input, read},
};
use crate::{
    api::{Answer, Answered, AsProblem, Request},
    sandbox::Invocation,
};

/// Looking up names stops this long before the time is up, so that the users found can be put on record.
const FOR_RECORDING: jiff::SignedDuration = jiff::SignedDuration::from_secs(8);

impl DrainFunction {
    pub(super) async fn rollbacks(&self, request: &Request, invocation: Invocation) -> Answered {
        let body = request.body()?;
        let named = read(&request.media_type(), &body)?;
        let ledger = self.ledger().await?;
        let Some(key) = request.idempotency_key()? else {
            return self.take(named, request, ledger, invocation).await;
        };
        let same = [request.media_type().into_bytes(), body];
        let same: Vec<&[u8]> = same.iter().map(Vec::as_slice).collect();
        let claim = ledger.claim(&person(request.caller()), key, &same, invocation.work_until).await;
        let claimed = match claim.map_err(|error| error.as_problem())? {
            Claim::Yours(claimed) => claimed,
            Claim::Answered(kept) => return Ok(kept.into()),
            Claim::UnderWay { until } => {
                let detail = format!("it is answered or given up by {until}");
                return Err(Problem::new(ProblemKind::RequestInProgress, detail));
            }
            Claim::Reused => return Err(ProblemKind::IdempotencyKeyReused.into()),
        };
        let taken = self.take(named, request, ledger.clone(), invocation).await;
        let kept = match &taken {
            Ok(answer) => ledger.answered(claimed, answer.to_keep()).await,
            Err(_) => ledger.not_done(claimed).await,
        };
        if let Err(error) = kept {
            tracing::warn!(error = %error, "answer not kept under its idempotency key");
        }
        taken
    }

    /// Refuses the request until poll has read the registration report and the audit log. Without them drain
    /// cannot tell who signs in by the Authenticator alone, nor what others did to a user's methods.
    async fn was_scanned(&self, ledger: &Ledger) -> Result<(), Problem> {
        let position = ledger.load::<Position>(Key::poll()).await.map_err(|error| error.as_problem())?;
        let position = position.value.unwrap_or_default();
        if position.knows_people(self.sandbox.clock.now()) {
            return Ok(());
        }
        let detail = "the audit log was not read to its end yet, or the registration report, which says who signs in by the Authenticator alone, was not read for a day: scan first (POST /scans)";
        Err(Problem::new(ProblemKind::ScanNeeded, detail))
    }

    async fn take(
        &self,
        named: Input,
        request: &Request,
        ledger: Ledger,
        invocation: Invocation,
    ) -> Answered {
        self.was_scanned(&ledger).await?;
        let taken = match named {
            Input::Users { users, reason } => {
                let by_hand =
                    ByHand { who: request.caller().to_owned(), why: reason, at: self.sandbox.clock.now() };
                self.take_users(users, by_hand, invocation).await?
            }
            Input::Registrations(registrations) => self.take_registrations(registrations, invocation).await?,
        };
        Ok(Answer::new(202, &taken))
    }

    async fn take_users(
        &self,
        named: IdsFile,
        by_hand: ByHand,
        invocation: Invocation,
    ) -> Result<RollbacksTaken, Problem> {
        let mut taken = RollbacksTaken { duplicates: named.duplicates as u64, ..RollbacksTaken::default() };
        let refused = named.refused.into_iter().map(|(line, cause)| Refused { line: line as u64, cause });
        taken.refused.extend(refused);
        let mut lines: BTreeMap<UserId, u64> = BTreeMap::new();
        let looked_up_until = shift(invocation.work_until, -FOR_RECORDING);
        for (user, line) in named.users {
            let line = line as u64;
            match self.id_of(&user, looked_up_until).await? {
                Ok(id) if lines.contains_key(&id) => taken.duplicates += 1,
                Ok(id) => {
                    lines.insert(id, line);
                }
                Err(cause) => taken.refused.push(Refused { line, cause: cause.to_owned() }),
            }
        }
        let ids: Vec<UserId> = lines.keys().copied().collect();
        let run = self.run(invocation).await?;
        let passed_over =
            run.intake().name_by_hand(&ids, &by_hand).await.map_err(|error| error.as_problem())?;
        for (user, error) in &passed_over {
            tracing::error!(user.id = %user, error = %error, "user passed over");
            let cause = "the user's item in the ledger is damaged or for a newer version".to_owned();
            taken.refused.push(Refused { line: lines[user], cause });
        }
        taken.accepted = (ids.len() - passed_over.len()) as u64;
        taken.refused.sort_by_key(|refused| refused.line);
        Ok(taken)
    }

    /// Returns the id of a user, or why the line is refused.
    async fn id_of(
        &self,
        user: &UserRef,
        looked_up_until: jiff::Timestamp,
    ) -> Result<Result<UserId, &'static str>, Problem> {
        const LATE: &str = "not looked up in the time that there was: send it again";
        if let UserRef::Id(id) = user {
            return Ok(Ok(*id));
        }
        let left = until(self.sandbox.clock.now(), looked_up_until);
        if left == Duration::ZERO {
            return Ok(Err(LATE));
        }
        match tokio::time::timeout(left, self.sandbox.graph.user(user)).await {
            Ok(Ok(found)) => Ok(Ok(found.body.id)),
            Ok(Err(GraphError::NotFound)) => Ok(Err("nobody in this tenant has this principal name")),
            Ok(Err(error)) if error.stops_everything() => Err(error.as_problem()),
            Ok(Err(error)) if error.comes_back() => Ok(Err(LATE)),
            Ok(Err(_)) => Ok(Err("Graph refuses to look this principal name up")),
            Err(_) => Ok(Err(LATE)),
        }
    }

    async fn take_registrations(
        &self,
        registrations: Vec<NamedRegistration>,
        invocation: Invocation,
    ) -> Result<RollbacksTaken, Problem> {
        let registrations = registrations.into_iter().map(NamedRegistration::into_claim).collect();
        let run = self.run(invocation).await?;
        let taken = run
            .intake()
            .take_claims(Claimed::default(), registrations, &[])
            .await
            .map_err(|error| error.as_problem())?;
        Ok(RollbacksTaken {
            accepted: taken.enqueued,
            duplicates: taken.duplicates,
            outside_window: taken.outside_window,
            refused: Vec::new(),
        })
    }
}
