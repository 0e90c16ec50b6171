//! The Lambda function drain.

use functions::{drain::DrainFunction, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let drain = DrainFunction::from_env().await.inspect_err(|error| {
        tracing::error!(error = %error, "drain cannot start");
    })?;
    run(service_fn(|event: LambdaEvent<Value>| drain.handle(event))).await
}
