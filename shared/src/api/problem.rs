//! What went wrong with a request (RFC 9457).

use serde::{Deserialize, Serialize};
use strum::VariantArray as _;

/// A kind of problem; the last part of its `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ProblemKind {
    /// The request is malformed, or exceeds a bound.
    BadRequest,
    /// The request is not signed, so the caller is unknown.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// A second person is needed, and the caller is the first.
    SecondPersonNeeded,
    /// There is no such route, or nothing of this name.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// Another scan is under way.
    ScanInProgress,
    /// There was no recent scan, and this needs what only a scan reads.
    ScanNeeded,
    /// The same request, with the same idempotency key, is under way.
    RequestInProgress,
    /// No release lifts this reason, or the user is not held.
    ReleaseRefused,
    /// The user is pending, and cannot be erased now.
    EraseRefused,
    /// The plan is too old to be approved, or does not have the users who are named.
    ApprovalRefused,
    /// The body is too long.
    ContentTooLarge,
    /// The body is of a media type that is not accepted here.
    UnsupportedMediaType,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// API Gateway throttles the caller; the functions never answer this.
    TooManyRequests,
    /// Something went wrong inside; the log says what.
    Internal,
    /// Something that this needs is not answering; try again.
    Unavailable,
}

impl ProblemKind {
    /// Every kind, in ascending order of status.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The HTTP status that it is answered with; several kinds share 409.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden | Self::SecondPersonNeeded => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::ScanInProgress
            | Self::ScanNeeded
            | Self::RequestInProgress
            | Self::ReleaseRefused
            | Self::EraseRefused
            | Self::ApprovalRefused => 409,
            Self::ContentTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::IdempotencyKeyReused => 422,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The kind in words for people; never specific to one request.
    pub fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request does not have the form that it must have",
            Self::Unauthorized => "The request is not signed",
            Self::Forbidden => "You may not do this",
            Self::SecondPersonNeeded => "This needs a second person",
            Self::NotFound => "There is nothing here",
            Self::MethodNotAllowed => "This method is not for this path",
            Self::ScanInProgress => "Another scan is under way",
            Self::ScanNeeded => "A scan is needed first",
            Self::RequestInProgress => "The same request is under way",
            Self::ReleaseRefused => "This cannot be released",
            Self::EraseRefused => "This cannot be erased now",
            Self::ApprovalRefused => "This cannot be approved",
            Self::ContentTooLarge => "The body is too long",
            Self::UnsupportedMediaType => "The body is of a type that is not taken here",
            Self::IdempotencyKeyReused => "The idempotency key was used for another request",
            Self::TooManyRequests => "Too many requests",
            Self::Internal => "Something went wrong inside",
            Self::Unavailable => "Something that this needs does not answer now",
        }
    }

    /// The `type` of its problems, a URN.
    pub fn uri(self) -> String {
        format!("urn:mfa-rollback:problem:{self}")
    }
}

/// A problem as the API answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The kind, for programs; its meaning never changes.
    #[serde(rename = "type")]
    pub uri: String,
    /// The kind, for people: see [`ProblemKind::title`].
    pub title: String,
    /// The HTTP status, the same as the answer's own.
    pub status: u16,
    /// What is wrong this time, and what to do; `None` if the title says it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Problem {
    /// Makes a problem of a kind, with its detail.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..kind.into() }
    }
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self { uri: kind.uri(), title: kind.title().to_owned(), status: kind.status(), detail: None }
    }
}
