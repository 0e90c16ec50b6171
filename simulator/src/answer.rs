//! What the tenant answers, before it is put on the wire.

use std::{error::Error, fmt};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// How a request went.
pub(crate) type Handled = Result<Success, Refusal>;

/// What the caller gets.
pub(crate) type Outcome = Result<Response<Bytes>, ConnectionLost>;

/// The connection was lost before an answer came; the tenant may have acted or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLost;

impl fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection lost")
    }
}

impl Error for ConnectionLost {}

/// A request that was acted on.
#[derive(Debug, Clone)]
pub(crate) enum Success {
    /// 200 with this body.
    Json(Value),
    /// 200 with this text, which need not be JSON.
    Text(String),
    /// 204, without a body.
    NoContent,
}

/// A request that was refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Graph { code: &'static str, message: String, repeated: bool },
    Login { error: &'static str, number: u32, text: String },
    Html,
    WithPageBehind(&'static str),
}

impl Refusal {
    pub(crate) fn graph(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            retry_after: None,
            body: Body::Graph { code, message: message.into(), repeated: false },
        }
    }

    /// A refusal of the authentication methods' service, which says its message twice.
    pub(crate) fn methods(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            retry_after: None,
            body: Body::Graph { code: "badRequest", message: message.into(), repeated: true },
        }
    }

    pub(crate) fn login(status: u16, error: &'static str, number: u32, text: impl Into<String>) -> Self {
        Self { status, retry_after: None, body: Body::Login { error, number, text: text.into() } }
    }

    /// What a gateway in front of Graph answers.
    pub(crate) fn gateway(status: u16) -> Self {
        Self { status, retry_after: None, body: Body::Html }
    }

    /// What a proxy makes of a refusal that it does not understand.
    pub(crate) fn with_page_behind(json: &'static str) -> Self {
        Self { status: 401, retry_after: None, body: Body::WithPageBehind(json) }
    }

    pub(crate) fn after(mut self, retry_after: Option<String>) -> Self {
        self.retry_after = retry_after;
        self
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::graph(400, "BadRequest", message)
    }

    pub(crate) fn denied() -> Self {
        Self::graph(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    pub(crate) fn no_segment(segment: &str) -> Self {
        Self::bad(format!("Resource not found for the segment '{segment}'."))
    }

    pub(crate) fn no_object(id: &str) -> Self {
        Self::graph(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    pub(crate) fn no_resource() -> Self {
        Self::graph(404, "ResourceNotFound", "Resource not found.")
    }

    pub(crate) fn no_method() -> Self {
        Self::graph(404, "resourceNotFound", "The requested authentication method was not found.")
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::graph(405, "UnknownError", "Specified HTTP method is not allowed for the request target.")
    }

    pub(crate) fn throttled() -> Self {
        Self::graph(429, "TooManyRequests", "Please retry again later.")
    }

    fn json(&self, now: Timestamp, id: Uuid) -> Option<Value> {
        let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        match &self.body {
            Body::Graph { code, message, repeated } => {
                let mut inner = json!({ "date": date, "request-id": id, "client-request-id": id });
                if *repeated {
                    inner["message"] = json!(message);
                }
                if self.status == 429 {
                    inner["code"] = json!("429");
                    inner["status"] = json!("429");
                    inner["message"] = json!("Please retry after");
                }
                Some(json!({ "error": { "code": code, "message": message, "innerError": inner } }))
            }
            Body::Login { error, number, text } => Some(json!({
                "error": error,
                "error_description": format!(
                    "AADSTS{number}: {text} Trace ID: {id} Correlation ID: {id} Timestamp: {}",
                    now.strftime("%Y-%m-%d %H:%M:%SZ")
                ),
                "error_codes": [number],
                "timestamp": now.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                "trace_id": id,
                "correlation_id": id,
                "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
            })),
            Body::Html | Body::WithPageBehind(_) => None,
        }
    }
}

/// The metadata address in `@odata.context`.
pub(crate) fn context(what: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/$metadata#{what}")
}

/// Makes the HTTP response.
pub(crate) fn response(handled: &Handled, now: Timestamp, id: Uuid) -> Response<Bytes> {
    let (status, kind, body) = match handled {
        Ok(Success::Json(value)) => (200, "application/json", value.to_string()),
        Ok(Success::Text(text)) => (200, "application/json", text.clone()),
        Ok(Success::NoContent) => (204, "", String::new()),
        Err(refusal) => match refusal.json(now, id) {
            Some(value) => (refusal.status, "application/json", value.to_string()),
            None => (
                refusal.status,
                "text/html",
                format!(
                    "{}<html><head><title>{1}</title></head><body>{1}</body></html>",
                    if let Body::WithPageBehind(json) = refusal.body { json } else { "" },
                    refusal.status
                ),
            ),
        },
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("answers have valid statuses");
    let headers = response.headers_mut();
    if !kind.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let id = HeaderValue::from_str(&id.to_string()).expect("a UUID is a header value");
    headers.insert("request-id", id.clone());
    headers.insert("client-request-id", id);
    if let Err(Refusal { retry_after: Some(text), .. }) = handled {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_str(text).expect("Retry-After is ASCII"));
    }
    response
}
