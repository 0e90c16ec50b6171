//! Answers in the form that API Gateway expects.

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use serde::Serialize;
use serde_json::Value;
use shared::{api::Problem, ledger::KeptAnswer};

/// An answer, or what went wrong.
pub type Answered = Result<Answer, Problem>;

/// An answer with a body of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    content_type: &'static str,
    body: String,
    allow: Option<String>,
}

impl Answer {
    /// Makes an answer that is not a problem.
    pub fn new(status: u16, body: &impl Serialize) -> Self {
        Self { status, content_type: "application/json", body: json(body), allow: None }
    }

    /// Adds the header `Allow`, with the methods that the path takes.
    #[must_use]
    pub fn allow(self, methods: &[&str]) -> Self {
        Self { allow: Some(methods.join(", ")), ..self }
    }

    /// Returns the HTTP status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the form that is kept under an idempotency key.
    pub fn to_keep(&self) -> KeptAnswer {
        KeptAnswer { status: self.status, body: self.body.clone() }
    }

    /// Returns the response that API Gateway expects.
    pub fn into_event(self) -> Value {
        let mut response = ApiGatewayProxyResponse::default();
        response.status_code = self.status.into();
        let content_type = self.content_type.parse().expect("a content type is a header value");
        response.headers.insert("content-type", content_type);
        if let Some(methods) = self.allow {
            response.headers.insert("allow", methods.parse().expect("names of methods are a header value"));
        }
        // Nobody may cache what is on record about users.
        response.headers.insert("cache-control", "no-store".parse().expect("it is a header value"));
        response.body = Some(self.body.into());
        serde_json::to_value(response).expect("an answer is plain data")
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.status,
            content_type: "application/problem+json",
            body: json(&problem),
            allow: None,
        }
    }
}

impl From<KeptAnswer> for Answer {
    fn from(kept: KeptAnswer) -> Self {
        Self { status: kept.status, content_type: "application/json", body: kept.body, allow: None }
    }
}

fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("an answer is plain data")
}

#[cfg(test)]
mod tests {
    use shared::api::ProblemKind;

    use super::*;

    #[test]
    fn an_answer_has_the_form_that_api_gateway_takes() {
        let event = Answer::from(Problem::from(ProblemKind::NotFound)).into_event();
        assert_eq!(event["statusCode"], 404);
        assert_eq!(event["headers"]["content-type"], "application/problem+json");
        assert_eq!(event["isBase64Encoded"], false);
        let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["type"], "urn:mfa-rollback:problem:not-found");
    }
}
