//! The function poll: on a schedule, or asked for by hand.

mod routes;

pub use self::routes::ROUTES;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    poll::{Poll, PollError, ScanRequest, Summary},
    preflight::Preflight,
    settings::environment,
    window::until,
};

use crate::{
    api::{self, Request},
    aws,
    error::{InvocationError, caught},
    sandbox::{Invocation, Sandbox},
    settings::Settings,
};

/// See the module.
pub struct PollFunction {
    sandbox: Sandbox,
}

impl PollFunction {
    /// Reads the settings and makes the clients.
    pub async fn from_env() -> Result<Self, Error> {
        let sandbox =
            Sandbox::new(Settings::read(environment)?.of_poll(), aws::config().await, Clock::system())?;
        Ok(Self { sandbox })
    }

    /// Takes a schedule's event, `{}`, or a request of API Gateway.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, InvocationError> {
        let invocation = self.sandbox.begin(&event.context);
        caught(Box::pin(self.answer(&event.payload, invocation))).await.inspect_err(|error| {
            tracing::error!(run.id = %invocation.run_id, error = %error, "poll failed");
        })
    }

    async fn answer(&self, event: &Value, invocation: Invocation) -> Result<Value, InvocationError> {
        if api::is_request(event) {
            let route = async |request: &Request, invocation| self.route(request, invocation).await;
            return Ok(api::serve(&self.sandbox, event, invocation, route).await);
        }
        if !is_schedule(event) {
            let takes = "poll takes a schedule's event, {} or a request of API Gateway";
            return Err(InvocationError::Event(takes));
        }
        match self.poll(ScanRequest::Scheduled, invocation).await {
            Ok(summary) => Ok(json!(summary)),
            // The schedule is patient, and the one scan at a time is under way.
            Err(PollError::InProgress { until }) => {
                tracing::info!(run.id = %invocation.run_id, lease.until = %until, "another scan is under way");
                Ok(json!({ "scan_in_progress_until": until }))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn poll(&self, request: ScanRequest, invocation: Invocation) -> Result<Summary, PollError> {
        let sandbox = &self.sandbox;
        let book = sandbox.book().await?;
        let left = || until(sandbox.clock.now(), invocation.work_until);
        // Scanning does not need it, and the audit log has a budget of its own.
        let preflight = tokio::time::timeout(left() / 3, self.preflight()).await.unwrap_or_else(|_| {
            tracing::warn!(run.id = %invocation.run_id, "preflight not read in time");
            None
        });
        let poll = Poll::new(
            Arc::clone(&sandbox.graph),
            book,
            Arc::new(sandbox.queue.clone()),
            Arc::new(sandbox.settings.common.clone()),
            sandbox.clock.clone(),
            invocation.run_id,
            invocation.run_id.to_string(),
        )
        .until(invocation.work_until);
        let run = poll.run(request, preflight.as_deref());
        tokio::time::timeout(left(), run).await.unwrap_or(Err(PollError::OutOfTime))
    }

    /// The tenant as read at most 10 minutes ago. Without it nothing is promoted to a rollback.
    async fn preflight(&self) -> Option<Arc<Preflight>> {
        let sandbox = &self.sandbox;
        let mut held = sandbox.preflight.lock().await;
        let now = sandbox.clock.now();
        if held.as_ref().is_none_or(|preflight| preflight.is_stale(now)) {
            match Preflight::read(&sandbox.graph, &sandbox.settings, now).await {
                Ok(read) => {
                    for fault in &read.faults {
                        tracing::error!(cause = %fault, "preflight failed");
                    }
                    *held = Some(Arc::new(read));
                }
                Err(error) => {
                    tracing::warn!(error = %error, "preflight not read");
                    *held = None;
                }
            }
        }
        held.clone()
    }
}

/// `{}`, or what EventBridge Scheduler sends: its own event, or the input that the template gives it.
fn is_schedule(event: &Value) -> bool {
    let Value::Object(event) = event else { return false };
    event.is_empty() || event.get("source").is_some_and(|source| source == "aws.scheduler")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_told_from_other_events() {
        assert!(is_schedule(&json!({})));
        assert!(is_schedule(&json!({ "source": "aws.scheduler", "detail-type": "Scheduled Event" })));
        for other in [json!({ "Records": [] }), json!([]), json!(null), json!({ "source": "aws.s3" })] {
            assert!(!is_schedule(&other), "{other}");
        }
    }
}
