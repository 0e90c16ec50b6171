//! A request as API Gateway delivers it.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html> (format 1.0).

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use shared::{
    api::{MAX_BODY, Problem, ProblemKind},
    domain::window::shift,
};

/// API Gateway waits 29 s for an answer: work stops before that.
const WORK_FOR: SignedDuration = SignedDuration::from_secs(25);

/// The longest idempotency key, in bytes.
const MAX_KEY: usize = 255;

/// A request of API Gateway's proxy integration, or of an invocation that looks like one.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    http_method: String,
    /// The route, such as `/users/{user_id}`. A base path that a domain name adds is not in it.
    resource: Option<String>,
    path: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    query_string_parameters: Option<BTreeMap<String, String>>,
    #[serde(default)]
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    path_parameters: Option<BTreeMap<String, String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    #[serde(default, rename = "requestContext")]
    context: Option<RequestContext>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RequestContext {
    request_id: Option<String>,
    request_time_epoch: Option<i64>,
    identity: Identity,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    user_arn: Option<String>,
}

/// Whether an event is a request.
pub fn is_request(event: &Value) -> bool {
    event.get("httpMethod").is_some_and(Value::is_string)
}

impl Request {
    /// Reads the request in an event.
    pub fn read(event: &Value) -> Result<Self, Problem> {
        Self::deserialize(event).map_err(|_| {
            Problem::new(ProblemKind::BadRequest, "not a request of API Gateway's proxy integration")
        })
    }

    /// Returns method and route, to match on. The path stands in for a route that is missing.
    pub fn route(&self) -> (&str, &str) {
        (&self.http_method, self.resource.as_deref().unwrap_or(&self.path))
    }

    /// Returns the caller's ARN, for the record.
    pub fn caller(&self) -> &str {
        let arn = self.context.as_ref().and_then(|context| context.identity.user_arn.as_deref());
        arn.unwrap_or("an invocation without API Gateway")
    }

    /// Returns the caller's ARN without names, for the log: sessions and users are often named after an email
    /// address.
    pub fn caller_without_names(&self) -> String {
        let parts = self.caller().split('/').map(|part| if part.contains('@') { "*" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Returns API Gateway's id of the request; empty for an invocation by hand.
    pub fn id(&self) -> &str {
        let id = self.context.as_ref().and_then(|context| context.request_id.as_deref());
        id.unwrap_or_default()
    }

    /// Returns when work on the request must stop, counted from when API Gateway received it.
    pub fn work_until(&self, now: Timestamp) -> Timestamp {
        let epoch = self.context.as_ref().and_then(|context| context.request_time_epoch);
        let came = epoch.and_then(|at| Timestamp::from_millisecond(at).ok());
        shift(came.unwrap_or(now), WORK_FOR)
    }

    /// Returns a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_ref()?;
        let found = headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns a part of the path, decoded; empty if there is none.
    pub fn path_parameter(&self, name: &str) -> &str {
        let value = self.path_parameters.as_ref().and_then(|parameters| parameters.get(name));
        value.map(String::as_str).unwrap_or_default()
    }

    /// Returns the parameters of the query, decoded. One that comes twice is there twice.
    pub fn query(&self) -> Vec<(&str, &str)> {
        if let Some(all) = &self.multi_value_query_string_parameters {
            return all
                .iter()
                .flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value.as_str())))
                .collect();
        }
        let single = self.query_string_parameters.iter().flatten();
        single.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Refuses any query parameter, for the routes that take none.
    pub fn no_query(&self) -> Result<(), Problem> {
        match self.query().first() {
            None => Ok(()),
            Some(_) => Err(Problem::new(ProblemKind::BadRequest, "this route takes no parameters")),
        }
    }

    /// Returns the body, empty if there is none. Refuses one that is too large.
    pub fn body(&self) -> Result<Vec<u8>, Problem> {
        let body = self.body.as_deref().unwrap_or_default();
        let body = if self.is_base64_encoded {
            STANDARD
                .decode(body)
                .map_err(|_| Problem::new(ProblemKind::BadRequest, "the body is not the base64 it says"))?
        } else {
            body.as_bytes().to_vec()
        };
        if body.len() > MAX_BODY {
            let detail = format!("at most {MAX_BODY} bytes: send several requests");
            return Err(Problem::new(ProblemKind::ContentTooLarge, detail));
        }
        Ok(body)
    }

    /// Returns the body. Refuses it unless its type is JSON.
    pub fn json(&self) -> Result<Vec<u8>, Problem> {
        match self.media_type().as_str() {
            "application/json" => self.body(),
            _ => Err(Problem::new(ProblemKind::UnsupportedMediaType, "application/json is taken here")),
        }
    }

    /// Returns the type of the body in lower case, without parameters.
    pub fn media_type(&self) -> String {
        let named = self.header("content-type").unwrap_or_default();
        named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Returns the key by which a repeat is recognized, or `None` if the caller gives none.
    pub fn idempotency_key(&self) -> Result<Option<&str>, Problem> {
        let Some(key) = self.header("idempotency-key") else { return Ok(None) };
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let detail = format!("Idempotency-Key: 1 to {MAX_KEY} visible ASCII characters");
            return Err(Problem::new(ProblemKind::BadRequest, detail));
        }
        Ok(Some(key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(more: &Value) -> Request {
        let mut event = json!({ "httpMethod": "POST", "path": "/live/rollbacks", "resource": "/rollbacks" });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Request::read(&event).unwrap()
    }

    #[test]
    fn only_requests_are_taken_for_requests() {
        assert!(is_request(&json!({ "httpMethod": "GET", "path": "/doctor", "headers": null })));
        assert!(!is_request(&json!({})));
        assert!(!is_request(&json!({ "Records": [] })));
        assert!(Request::read(&json!({ "httpMethod": "GET", "path": 3 })).is_err());
    }

    #[test]
    fn headers_are_found_in_any_case_and_a_body_in_either_form() {
        let headers = json!({ "CONTENT-TYPE": "Application/JSON; charset=utf-8", "idempotency-KEY": "k" });
        let read = request(&json!({ "headers": headers, "body": "e30=", "isBase64Encoded": true }));
        assert_eq!(read.route(), ("POST", "/rollbacks"));
        assert_eq!(read.json().unwrap(), b"{}");
        assert_eq!(read.idempotency_key().unwrap(), Some("k"));
        assert_eq!(request(&json!({ "body": null })).body().unwrap(), b"");
        assert_eq!(request(&json!({ "body": "?", "isBase64Encoded": true })).body().unwrap_err().status, 400);
        assert_eq!(request(&json!({ "body": "x".repeat(MAX_BODY + 1) })).body().unwrap_err().status, 413);
    }

    #[test]
    fn a_parameter_that_comes_twice_is_seen_twice() {
        let parameters = json!({ "limit": ["1", "2"] });
        let read = request(&json!({
            "queryStringParameters": { "limit": "2" }, "multiValueQueryStringParameters": parameters
        }));
        assert_eq!(read.query(), [("limit", "1"), ("limit", "2")]);
    }

    #[test]
    fn the_time_is_counted_from_when_the_request_came() {
        let now: Timestamp = "2026-03-01T12:00:10Z".parse().unwrap();
        let came: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let context = json!({ "requestContext": { "requestTimeEpoch": came.as_millisecond() } });
        assert_eq!(request(&context).work_until(now), shift(came, WORK_FOR));
        assert_eq!(request(&json!({})).work_until(now), shift(now, WORK_FOR));
    }
}
