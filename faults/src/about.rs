//! Whom a request is about.

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use uuid::Uuid;

/// The segment that stands for what the audit log tells of a user.
pub(crate) const STORY: &str = "story";

/// The services whose records from the window's start on tell the stories of all users.
pub(crate) const SERVICES: [&str; 3] = ["Core Directory", "Authentication Methods", "Azure MFA"];

/// The segment that stands for all that a service recorded from a moment on.
pub(crate) fn log_of(service: &str, from: &str) -> String {
    format!("{service} from {from}")
}

/// The segments that stand for lists of the tenant as a whole, which belong to nobody.
pub(crate) const ROLES: &str = "roles";
pub(crate) const EXCLUSIONS: &str = "exclusions";
pub(crate) const POLICIES: &str = "policies";

/// The segment that stands for what Conditional Access demands of a user.
pub(crate) const WHAT_IF: &str = "evaluate";

/// What a request makes the default method, if it does.
fn preferred(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body["userPreferredMethodForSecondaryAuthentication"].as_str().map(str::to_owned)
}

/// A request about one user. Its segment follows `authentication`, and is empty for the account itself. A change of the
/// default method has what it makes the default for its method id.
pub(crate) struct About {
    pub(crate) user: Uuid,
    pub(crate) segment: String,
    pub(crate) method_id: Option<String>,
    /// Up to when records are asked for, if the request asks for all of a service.
    pub(crate) until: Option<Timestamp>,
}

impl About {
    pub(crate) fn of(request: &Request<Bytes>) -> Option<Self> {
        let mut parts = request.uri().path().trim_matches('/').split('/').skip(1);
        match parts.next() {
            Some("users") => {}
            Some("auditLogs") => return Self::of_audit_query(request.uri().query()?),
            Some("roleManagement") => return Some(Self::of_nobody(ROLES)),
            Some("groups") => return Some(Self::of_nobody(EXCLUSIONS)),
            Some("identity") if request.method() == Method::POST => return Self::of_what_if(request.body()),
            Some("identity") => return Some(Self::of_nobody(POLICIES)),
            _ => return None,
        }
        let user = parts.next()?.parse().ok()?;
        let segment = parts.nth(1).unwrap_or_default().to_owned();
        let method_id = parts.next().map(str::to_owned).or_else(|| preferred(request.body()));
        Some(Self { user, segment, method_id, until: None })
    }

    fn of_nobody(segment: &str) -> Self {
        Self { user: Uuid::nil(), segment: segment.to_owned(), method_id: None, until: None }
    }

    fn of_what_if(question: &[u8]) -> Option<Self> {
        let question: serde_json::Value = serde_json::from_slice(question).ok()?;
        let user = question["signInIdentity"]["userId"].as_str()?.parse().ok()?;
        Some(Self { user, segment: WHAT_IF.to_owned(), method_id: None, until: None })
    }

    /// A query of the audit log, if it asks for the records of one user, or for all that a service has.
    fn of_audit_query(query: &str) -> Option<Self> {
        let query = percent_encoding::percent_decode_str(query).decode_utf8().ok()?;
        let after = |mark: &str| query.split_once(mark).map(|(_, rest)| rest);
        if let Some(service) = after("loggedByService eq '").and_then(|rest| rest.split('\'').next()) {
            let (from, until) = (after("activityDateTime ge ")?, after("activityDateTime le ")?);
            let until = until.split(' ').next()?.parse().ok()?;
            return Some(Self {
                until: Some(until),
                ..Self::of_nobody(&log_of(service, from.split(' ').next()?))
            });
        }
        let user = after("t/id eq '")?;
        let user = user.get(..36)?.parse().ok()?;
        Some(Self { user, segment: STORY.to_owned(), method_id: None, until: None })
    }
}
