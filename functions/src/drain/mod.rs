//! The function drain: takes batches of messages to outcomes, and answers requests about users.

mod rollbacks;
mod routes;

pub use self::routes::ROUTES;

use std::{
    sync::{
        Arc, Mutex as StdMutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use futures::future::join_all;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    drain::{Drain, LeaseTerm},
    ledger::LedgerError,
    queue::Disposition,
    settings::environment,
    state::{CLOCK_SKEW, UserState},
    window::until,
};

use crate::{
    api::{self, Request},
    aws,
    batch::{Record, settle},
    error::{InvocationError, caught},
    sandbox::{Invocation, Sandbox},
    settings::Settings,
};

/// What stops everything is for a person to mend; until then messages need not go round.
const STOPPED_AGAIN: Duration = Duration::from_mins(15);

/// A dead letter that could not be put away is tried again soon.
const BURY_AGAIN: Duration = Duration::from_mins(1);

/// The part of an invocation's end in which dead letters, visibility and notices are seen to.
const FOR_SETTLING: Duration = Duration::from_secs(6);

/// See the module.
pub struct DrainFunction {
    sandbox: Sandbox,
}

impl DrainFunction {
    /// Reads the settings and makes the clients.
    pub async fn from_env() -> Result<Self, Error> {
        let settings = Settings::read(environment)?.of_one_drain();
        Ok(Self { sandbox: Sandbox::new(settings, aws::config().await, Clock::system())? })
    }

    /// Takes a batch of SQS, or a request of API Gateway.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, InvocationError> {
        let invocation = self.sandbox.begin(&event.context);
        let answered = caught(Box::pin(self.answer(&event.payload, invocation))).await;
        self.sandbox.end();
        answered.inspect_err(|error| {
            tracing::error!(run.id = %invocation.run_id, error = %error, "drain failed");
        })
    }

    async fn answer(&self, event: &Value, invocation: Invocation) -> Result<Value, InvocationError> {
        if api::is_request(event) {
            let route = async |request: &Request, invocation| self.route(request, invocation).await;
            return Ok(api::serve(&self.sandbox, event, invocation, route).await);
        }
        let Some(records) = event.get("Records").and_then(Value::as_array) else {
            return Err(InvocationError::Event("drain takes a batch of SQS or a request of API Gateway"));
        };
        let read: Option<Vec<Record>> = records.iter().map(Record::read).collect();
        // SQS names every message; what it did not name could not be given back one by one.
        let records = read.ok_or(InvocationError::Event("a record without a messageId"))?;
        Ok(json!(self.drain(&records, invocation).await?))
    }

    async fn drain(
        &self,
        records: &[Record],
        invocation: Invocation,
    ) -> Result<SqsBatchResponse, LedgerError> {
        let sandbox = &self.sandbox;
        let drain = self.use_case(invocation).await?;
        // The lease ends where this invocation stops working, which is long before the message shows
        // again by itself.
        let term = LeaseTerm::Until(invocation.work_until);
        let time = until(sandbox.clock.now(), invocation.work_until);
        let cut_again = CLOCK_SKEW.unsigned_abs() + Duration::from_secs(1);
        let said = AtomicBool::new(false);
        let handled = StdMutex::new(Vec::new());
        let settled = settle(records, time, cut_again, async |message| {
            let report = drain.handle(&message, term).await;
            lock(&handled).extend(report.state.map(|state| *state));
            match (report.stop, report.disposition) {
                (Some(cause), Disposition::ComeBack(after)) => {
                    if !said.swap(true, Ordering::Relaxed) {
                        tracing::error!(run.id = %invocation.run_id, cause = %cause, "drain stopped");
                    }
                    Disposition::ComeBack(after.max(STOPPED_AGAIN))
                }
                (_, disposition) => disposition,
            }
        })
        .await;
        *sandbox.preflight.lock().await = drain.last_preflight().await;
        let handled = std::mem::take(&mut *lock(&handled));
        let book = sandbox.book().await?;
        let told = sandbox.notifier.after_batch(&book, &sandbox.settings, &handled, FOR_SETTLING);
        let (answer, ()) = tokio::join!(self.give_back(records, settled), told);
        Ok(answer)
    }

    async fn use_case(&self, invocation: Invocation) -> Result<Drain, LedgerError> {
        let sandbox = &self.sandbox;
        let drain = Drain::new(
            Arc::clone(&sandbox.graph),
            sandbox.book().await?,
            Arc::new(sandbox.settings.common.clone()),
            sandbox.clock.clone(),
            invocation.run_id,
            invocation.run_id.to_string(),
        );
        let preflight = sandbox.preflight.lock().await.clone();
        Ok(match preflight {
            Some(preflight) => drain.with_preflight(preflight).await,
            None => drain,
        })
    }

    /// Puts dead letters away, and names the messages that are not done with.
    async fn give_back(&self, records: &[Record], settled: Vec<Disposition>) -> SqsBatchResponse {
        let settled = join_all(records.iter().zip(settled).map(|(record, disposition)| async move {
            let after = match disposition {
                Disposition::Acknowledge => return None,
                Disposition::ComeBack(after) => after,
                Disposition::DeadLetter(reason) => self.bury(record, &reason).await?,
            };
            Some((record, after))
        }));
        let again: Vec<(&Record, Duration)> = settled.await.into_iter().flatten().collect();
        let receipts: Vec<(String, Duration)> =
            again.iter().map(|(record, after)| (record.receipt_handle.clone(), *after)).collect();
        // A message that this comes too late for shows again by the queue's own timeout.
        if tokio::time::timeout(FOR_SETTLING / 2, self.sandbox.queue.show_again(&receipts)).await.is_err() {
            tracing::warn!("message visibility not changed in time");
        }
        let mut answer = SqsBatchResponse::default();
        for (record, _) in again {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier.clone_from(&record.message_id);
            answer.batch_item_failures.push(failure);
        }
        answer
    }

    /// Puts a message among the dead letters, or says when to try that again.
    async fn bury(&self, record: &Record, reason: &str) -> Option<Duration> {
        let bury = self.sandbox.queue.bury(&record.body, reason);
        match tokio::time::timeout(FOR_SETTLING / 2, bury).await {
            Ok(Ok(())) => {
                tracing::error!(message.id = record.message_id, reason, "dead letter put away");
                return None;
            }
            Ok(Err(error)) => tracing::error!(error = %error, "dead letter not put away"),
            Err(_) => tracing::error!("dead letter not put away in time"),
        }
        Some(BURY_AGAIN)
    }
}

/// The users handled so far: whoever panicked had none of them in hand.
fn lock(handled: &StdMutex<Vec<UserState>>) -> MutexGuard<'_, Vec<UserState>> {
    handled.lock().unwrap_or_else(PoisonError::into_inner)
}
