//! The function drain: takes batches of messages to outcomes, and answers requests about users.

mod input;
mod plans;
mod rollbacks;
mod routes;

pub use self::routes::ROUTES;

use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use futures::future::join_all;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use shared::{clock::Clock, drain::Record, ledger::LedgerError, queue::Disposition, settings::environment};

use crate::{
    api::{self, Request},
    aws,
    batch::Received,
    error::{InvocationError, caught},
    sandbox::{Invocation, Sandbox},
    settings::Settings,
};

/// How soon a message comes back that could not be moved to the dead letters.
const BURY_AGAIN: Duration = Duration::from_mins(1);

/// The time at the end of an invocation for dead letters, visibility and notices.
const FOR_SETTLING: Duration = Duration::from_secs(6);

/// The Lambda function drain: handles batches of messages, and answers the API.
pub struct DrainFunction {
    sandbox: Sandbox,
}

impl DrainFunction {
    /// Reads the settings and makes the clients.
    pub async fn from_env() -> Result<Self, Error> {
        let settings = Settings::read(environment)?.of_one_drain();
        Ok(Self { sandbox: Sandbox::new(settings, aws::config().await, Clock::system())? })
    }

    /// Handles an SQS batch or an API Gateway request.
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
            let route =
                async |request: &Request, invocation| api::answer(&ROUTES, self, request, invocation).await;
            return Ok(api::serve(&self.sandbox, event, invocation, route).await);
        }
        let Some(records) = event.get("Records").and_then(Value::as_array) else {
            return Err(InvocationError::Event("drain takes a batch of SQS or a request of API Gateway"));
        };
        let read: Option<Vec<Received>> = records.iter().map(Received::read).collect();
        // SQS gives every message an id; one without could not be returned on its own.
        let messages = read.ok_or(InvocationError::Event("a record without a messageId"))?;
        Ok(json!(self.drain(&messages, invocation).await?))
    }

    async fn drain(
        &self,
        messages: &[Received],
        invocation: Invocation,
    ) -> Result<SqsBatchResponse, LedgerError> {
        let sandbox = &self.sandbox;
        let run = sandbox.run(invocation).await?;
        let records: Vec<Record> = messages.iter().map(|message| message.record.clone()).collect();
        let batch = run.drain().batch(&records).await;
        let told = sandbox.notifier.after_batch(&run.process, &batch.concluded, FOR_SETTLING);
        let (answer, ()) = tokio::join!(self.give_back(messages, batch.dispositions), told);
        Ok(answer)
    }

    /// Moves dead letters away, and returns the ids of messages that are not done.
    async fn give_back(&self, messages: &[Received], dispositions: Vec<Disposition>) -> SqsBatchResponse {
        let disposed = join_all(messages.iter().zip(dispositions).map(|(message, disposition)| async move {
            let after = match disposition {
                Disposition::Acknowledge => return None,
                Disposition::ComeBack(after) => after,
                Disposition::DeadLetter(reason) => self.bury(&message.record, &reason).await?,
            };
            Some((message, after))
        }));
        let again: Vec<(&Received, Duration)> = disposed.await.into_iter().flatten().collect();
        let receipts: Vec<(String, Duration)> =
            again.iter().map(|(message, after)| (message.receipt_handle.clone(), *after)).collect();
        // If this times out, the message reappears when its visibility timeout expires.
        if tokio::time::timeout(FOR_SETTLING / 2, self.sandbox.queue.show_again(&receipts)).await.is_err() {
            tracing::warn!("message visibility not changed in time");
        }
        let mut answer = SqsBatchResponse::default();
        for (message, _) in again {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier.clone_from(&message.record.message_id);
            answer.batch_item_failures.push(failure);
        }
        answer
    }

    /// Sends a message to the dead letters. If that fails, returns when to try again.
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
