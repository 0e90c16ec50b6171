//! The Lambda function poll.

use functions::{poll::PollFunction, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let poll = PollFunction::from_env().await.inspect_err(|error| {
        tracing::error!(error = %error, "poll cannot start");
    })?;
    run(service_fn(|event: LambdaEvent<Value>| poll.handle(event))).await
}
