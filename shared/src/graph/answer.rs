//! What Graph answers: bodies, and refusals sorted by what the caller does about them.

use bytes::Bytes;
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    call::Call,
    error::{GraphError, Refusal},
    token::Token,
};

/// An answer, with the id of the request in Graph's own logs.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The answer's body, parsed.
    pub body: T,
    /// The `request-id` header; `None` if it is missing or malformed.
    pub request_id: Option<String>,
    /// When the request was sent: the answer is at least as recent.
    pub sent: Timestamp,
}

pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) sent: Timestamp,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Parses a body. A body that is an error object, or ends in one, is an error.
pub(super) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, GraphError> {
    if let Ok(error) = serde_json::from_slice::<ErrorBody>(body) {
        let code = safe_code(&error.error.code);
        return Err(GraphError::Unavailable { cause: format!("an error inside an answer ({code})") });
    }
    serde_json::from_slice(body).map_err(|error| {
        // serde's own text may quote values; the position is enough.
        let place = format!("{:?}, column {}", error.classify(), error.column());
        if error.is_data() {
            GraphError::Unreadable { what: format!("JSON of the documented shape ({place})") }
        } else {
            GraphError::Unavailable {
                cause: format!("an answer that is broken off or has more behind it ({place})"),
            }
        }
    })
}

/// When the request was sent that has this answer.
#[derive(Clone, Copy)]
pub(super) struct SentAt(pub(super) Timestamp);

pub(super) fn request_id(answer: &Response<Bytes>) -> Option<String> {
    let text = answer.headers().get("request-id")?.to_str().ok()?;
    let fits = text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    fits.then(|| text.to_owned())
}

/// Makes an error code safe for a log line.
pub(super) fn safe_code(code: &str) -> String {
    let code: String =
        code.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).take(80).collect();
    if code.is_empty() { "no code".to_owned() } else { code }
}

pub(super) fn refused(call: &Call, token: &Token, answer: &Response<Bytes>) -> GraphError {
    let status = answer.status();
    let detail = serde_json::from_slice::<ErrorBody>(answer.body()).ok().map(|body| body.error);
    let raw_code = detail.as_ref().map_or("", |detail| detail.code.as_str());
    let code = safe_code(raw_code);
    let message = detail.as_ref().map_or(String::new(), |detail| detail.message.to_lowercase());
    let request_id = request_id(answer);
    match status {
        StatusCode::UNAUTHORIZED => {
            GraphError::Unauthorized { cause: format!("Graph refuses a fresh token ({code})") }
        }
        StatusCode::FORBIDDEN if raw_code == "Authentication_RequestFromNonPremiumTenantOrB2CTenant" => {
            GraphError::NoPremium
        }
        StatusCode::FORBIDDEN if raw_code == "Authentication_ApplicationHasNoDirectoryReadAccess" => {
            GraphError::PermissionMissing { permission: "Directory.Read.All".to_owned() }
        }
        StatusCode::FORBIDDEN => {
            let granted =
                token.permissions.is_none() || call.needs.iter().any(|permission| token.grants(permission));
            match call.needs.first() {
                Some(permission) if !granted => {
                    GraphError::PermissionMissing { permission: (*permission).to_owned() }
                }
                _ => GraphError::Forbidden { code, request_id },
            }
        }
        StatusCode::NOT_FOUND if detail.is_some() && !is_no_route(&message) => GraphError::NotFound,
        StatusCode::REQUEST_TIMEOUT => GraphError::Unavailable { cause: format!("answered {status}") },
        status if status.is_server_error() => {
            GraphError::Unavailable { cause: format!("answered {} ({code})", status.as_u16()) }
        }
        status => GraphError::Refused {
            status: status.as_u16(),
            reason: refusal(raw_code, &message),
            code,
            request_id,
        },
    }
}

/// Whether a 404 says that there is no such address, and nothing about the object. So does one without an error
/// object of Graph's.
fn is_no_route(message: &str) -> bool {
    ["no http resource", "no resource was found that matches", "for the segment"]
        .iter()
        .any(|text| message.contains(text))
}

/// Sorts a 400 by its code and message: Graph has no code of its own for most of these.
fn refusal(code: &str, message: &str) -> Refusal {
    if code == "AadPremiumLicenseRequired" {
        Refusal::NoPremium
    } else if message.contains("default authentication method")
        || message.contains("cannot delete default method")
        || message.contains("alternate mobile")
    {
        Refusal::NotYet
    } else {
        Refusal::Other
    }
}
