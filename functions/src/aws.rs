//! The AWS clients' common configuration.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

/// Reads region, credentials and endpoints from the environment that Lambda gives. Nothing is sent.
pub async fn config() -> SdkConfig {
    // A sandbox that was frozen holds dead connections: an attempt on one must end soon.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(6))
        .operation_timeout(Duration::from_secs(20))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .load()
        .await
}

/// Names what went wrong with a request, by its code: AWS's own messages may quote what was sent.
pub fn cause<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    match error {
        SdkError::ServiceError(refused) => {
            refused.err().code().unwrap_or("an error without a code").to_owned()
        }
        SdkError::TimeoutError(_) => "timed out".to_owned(),
        SdkError::DispatchFailure(_) => "the connection failed".to_owned(),
        SdkError::ResponseError(_) => "an unreadable answer".to_owned(),
        _ => "the request could not be made".to_owned(),
    }
}
