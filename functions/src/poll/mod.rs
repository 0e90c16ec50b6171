//! The function poll: on a schedule, or asked for by hand.

mod routes;

pub use self::routes::ROUTES;

use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    domain::window::{shift, until},
    graph::Application,
    ledger::Ledger,
    poll::{PollError, Polled, ScanRequest},
    settings::environment,
    telemetry::Metric,
};
use tokio::sync::Mutex;

use crate::{
    api::{self, Request},
    aws,
    error::{InvocationError, caught},
    sandbox::{Invocation, Sandbox},
    settings::{Credential, Settings},
};

/// How long a poll waits at most for its notices to be sent.
const FOR_NOTICES: Duration = Duration::from_mins(1);

/// How long the expiry that was read is good for: credentials expire after days, not hours.
const EXPIRY_IS_GOOD_FOR: SignedDuration = SignedDuration::from_hours(6);

/// The Lambda function poll: scans on a schedule, and answers the API.
pub struct PollFunction {
    sandbox: Sandbox,
    /// When it was read, and when the credential expires.
    expiry: Mutex<Option<(Timestamp, Option<Timestamp>)>>,
}

impl PollFunction {
    /// Reads the settings and makes the clients.
    pub async fn from_env() -> Result<Self, Error> {
        let sandbox =
            Sandbox::new(Settings::read(environment)?.of_poll(), aws::config().await, Clock::system())?;
        Ok(Self { sandbox, expiry: Mutex::default() })
    }

    /// Handles a schedule's event, `{}`, or an API Gateway request.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, InvocationError> {
        let invocation = self.sandbox.begin(&event.context);
        let answered = caught(Box::pin(self.answer(&event.payload, invocation))).await;
        self.sandbox.end();
        answered.inspect_err(|error| {
            tracing::error!(run.id = %invocation.run_id, error = %error, "poll failed");
        })
    }

    async fn answer(&self, event: &Value, invocation: Invocation) -> Result<Value, InvocationError> {
        if api::is_request(event) {
            let route =
                async |request: &Request, invocation| api::answer(&ROUTES, self, request, invocation).await;
            return Ok(api::serve(&self.sandbox, event, invocation, route).await);
        }
        if !is_schedule(event) {
            let takes = "poll takes a schedule's event, {} or a request of API Gateway";
            return Err(InvocationError::Event(takes));
        }
        match self.poll(ScanRequest::Scheduled, invocation).await {
            Ok(summary) => Ok(json!(summary)),
            // The schedule can wait: only one scan runs at a time, and it is in progress.
            Err(PollError::InProgress { until }) => {
                tracing::info!(run.id = %invocation.run_id, lease.until = %until, "another scan is under way");
                Ok(json!({ "scan_in_progress_until": until }))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn poll(&self, request: ScanRequest, invocation: Invocation) -> Result<Polled, PollError> {
        let sandbox = &self.sandbox;
        let run = sandbox.run(invocation).await?;
        let summary = run.poll(request, &|_| ()).await;
        if !matches!(summary, Err(PollError::InProgress { .. })) {
            let left = until(sandbox.clock.now(), invocation.work_until);
            sandbox.notifier.after_poll(&run.process, left.min(FOR_NOTICES)).await;
        }
        let summary = summary?;
        self.measure(&run.process.ledger).await;
        Ok(summary)
    }

    /// Measures what no scan measures: the brake, and how long the credential is still valid.
    async fn measure(&self, ledger: &Ledger) {
        match ledger.brake().await {
            Ok(brake) => Metric::BrakeOpen.measure(if brake.value.is_open() { 1.0 } else { 0.0 }),
            Err(error) => tracing::warn!(error = %error, "brake not read"),
        }
        if let Some(expires_at) = self.credential_expires_at().await {
            let left = expires_at.duration_since(self.sandbox.clock.now());
            Metric::CredentialDaysLeft.measure(left.as_secs_f64() / 86_400.0);
        }
    }

    /// Returns when the first of the application's secrets or certificates expires, as read in the last 6 h.
    /// Returns `None` if the credential is federated, if none is valid, or if Graph does not say.
    async fn credential_expires_at(&self) -> Option<Timestamp> {
        let sandbox = &self.sandbox;
        if sandbox.settings.credential == Credential::Federated {
            return None;
        }
        let now = sandbox.clock.now();
        let mut read = self.expiry.lock().await;
        if read.is_none_or(|(at, _)| shift(at, EXPIRY_IS_GOOD_FOR) <= now) {
            let clients = [Some(&sandbox.settings.client_id), sandbox.settings.writer_client_id.as_ref()];
            let asked = clients.into_iter().flatten().map(|client_id| sandbox.graph.application(client_id));
            let mut ends = Vec::new();
            for answer in join_all(asked).await {
                match answer {
                    Ok(application) => ends.extend(self.ends(application.body)),
                    Err(error) => tracing::warn!(error = %error, "expiry of the credential not read"),
                }
            }
            *read = Some((now, ends.into_iter().filter(|end| *end > now).min()));
        }
        read.and_then(|(_, expires_at)| expires_at)
    }

    /// Returns when each credential of the kind in use expires. Graph does not know which of several is in
    /// use.
    fn ends(&self, application: Application) -> impl Iterator<Item = Timestamp> {
        let credentials = match self.sandbox.settings.credential {
            Credential::Certificate { .. } => application.key_credentials,
            _ => application.password_credentials,
        };
        credentials.into_iter().filter_map(|credential| credential.end_date_time)
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
