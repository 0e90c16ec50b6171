//! Requests of API Gateway and their answers (RFC 9457 for those that went wrong).

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use serde::Serialize;
use serde_json::{Value, json};

/// A request of the proxy integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The path, without the stage.
    pub path: String,
}

/// The request in an event, where it is one.
pub fn request(event: &Value) -> Option<Request> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Request { method: text("httpMethod")?, path: text("path")? })
}

/// An answer with a JSON body.
pub fn answer(status: i64, body: &impl Serialize) -> Value {
    respond(status, "application/json", body)
}

/// What went wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// This version does not answer it.
    NotImplemented,
    /// AWS did not do what was needed; the log says more.
    Unavailable,
}

impl Problem {
    /// The problem as an answer.
    pub fn answer(self) -> Value {
        let (status, kind, title) = match self {
            Self::NotImplemented => (501, "not-implemented", "This version does not answer this request"),
            Self::Unavailable => {
                (503, "unavailable", "Something that this needs does not answer: see the log")
            }
        };
        let body =
            json!({ "type": format!("urn:mfa-rollback:problem:{kind}"), "title": title, "status": status });
        respond(status, "application/problem+json", &body)
    }
}

fn respond(status: i64, content_type: &'static str, body: &impl Serialize) -> Value {
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = status;
    response.headers.insert("content-type", content_type.parse().expect("a content type is a header value"));
    response.body = Some(serde_json::to_string(body).unwrap_or_default().into());
    serde_json::to_value(response).expect("an answer is plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_are_taken_for_requests() {
        let event = json!({ "httpMethod": "GET", "path": "/doctor", "headers": null });
        assert_eq!(request(&event), Some(Request { method: "GET".to_owned(), path: "/doctor".to_owned() }));
        assert_eq!(request(&json!({})), None);
        assert_eq!(request(&json!({ "Records": [] })), None);
    }

    #[test]
    fn an_answer_has_the_form_that_api_gateway_takes() {
        let answer = Problem::NotImplemented.answer();
        assert_eq!(answer["statusCode"], 501);
        assert_eq!(answer["headers"]["content-type"], "application/problem+json");
        assert_eq!(answer["isBase64Encoded"], false);
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["status"], 501);
    }
}
