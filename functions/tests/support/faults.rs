//! Answers of AWS that are no answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use super::{loopback, proxy::Call};

/// What the service of this request answers when it is asked too much.
pub fn throttled(call: &Call) -> Response<Bytes> {
    match call.operation.split('.').next().unwrap_or_default() {
        "DynamoDB" => error(
            StatusCode::BAD_REQUEST,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        ),
        "SQS" => {
            let mut answer = error(StatusCode::FORBIDDEN, "com.amazonaws.sqs#RequestThrottled");
            let code = HeaderValue::from_static("RequestThrottled;Sender");
            answer.headers_mut().insert("x-amzn-query-error", code);
            answer
        }
        "STS" => of_sts(StatusCode::BAD_REQUEST, "Throttling"),
        _ => error(StatusCode::BAD_REQUEST, "ThrottlingException"),
    }
}

/// A 503 that says nothing about what was done.
pub fn unavailable() -> Response<Bytes> {
    error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
}

/// A refusal for want of permission.
pub fn denied() -> Response<Bytes> {
    error(StatusCode::BAD_REQUEST, "AccessDeniedException")
}

/// An answer of STS, in the query protocol's form.
pub fn of_sts(status: StatusCode, code: &str) -> Response<Bytes> {
    let text = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>answered by a test</Message>\
         </Error><RequestId>test</RequestId></ErrorResponse>"
    );
    let mut answer = Response::new(Bytes::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert("content-type", HeaderValue::from_static("text/xml"));
    answer
}

/// An answer in the JSON protocols' form.
pub fn error(status: StatusCode, kind: &str) -> Response<Bytes> {
    loopback::json(status, &json!({"__type": kind, "message": "answered by a test"}))
}
