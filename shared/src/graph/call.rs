//! A request, with its pace and its permission.

use bytes::Bytes;
use http::{Method, Request};
use secrecy::ExposeSecret;

use super::{error::GraphError, pace::Urgency, token::Token};

/// Which budget a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    /// The audit log and the reports.
    Reports,
    /// Conditional Access and What If.
    ConditionalAccess,
    /// A user's authentication methods and per-user MFA.
    Methods,
    /// Users, groups, roles and policies.
    Directory,
}

/// A request to be sent.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) budget: Budget,
    pub(super) urgency: Urgency,
    /// Permissions, any one of which is enough; the usual one first.
    pub(super) needs: &'static [&'static str],
    /// JSON, for a question that is too long for a URL; empty for all others.
    pub(super) body: Bytes,
}

impl Call {
    /// A GET, which counts against the directory's budget.
    pub(super) fn get(url: String, needs: &'static [&'static str]) -> Self {
        let (budget, urgency) = (Budget::Directory, Urgency::Begun);
        Self { method: Method::GET, url, budget, urgency, needs, body: Bytes::new() }
    }
}

pub(super) fn request(call: &Call, token: &Token) -> Result<Request<Bytes>, GraphError> {
    let mut bearer = http::HeaderValue::try_from(format!("Bearer {}", token.secret.expose_secret()))
        .map_err(|_| GraphError::Unauthorized {
            cause: "the access token cannot stand in a header".to_owned(),
        })?;
    bearer.set_sensitive(true);
    let mut request = Request::builder()
        .method(call.method.clone())
        .uri(&call.url)
        .header(http::header::AUTHORIZATION, bearer)
        .header(http::header::ACCEPT, "application/json");
    if !call.body.is_empty() {
        request = request.header(http::header::CONTENT_TYPE, "application/json");
    }
    request
        .body(call.body.clone())
        .map_err(|_| GraphError::Unreadable { what: "an address that can be requested".to_owned() })
}
