//! What went wrong with a request (RFC 9457).

use serde::{Deserialize, Serialize};
use strum::VariantArray as _;

/// A kind of problem; the last part of its `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ProblemKind {
    /// The request does not have the form that it must have.
    BadRequest,
    /// The caller did not say who it is.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// There is no such route, or nothing of this name.
    NotFound,
    /// The path is there, the method is not.
    MethodNotAllowed,
    /// Another scan is under way.
    ScanInProgress,
    /// Nothing was scanned lately: what only a scan reads is needed first.
    ScanNeeded,
    /// The same request, under the same key, is under way.
    RequestInProgress,
    /// What is held for this reason no release lifts, or the user is not held.
    ReleaseRefused,
    /// A user who waits is not erased.
    EraseRefused,
    /// The body is too long.
    ContentTooLarge,
    /// The body is of another type.
    UnsupportedMediaType,
    /// The key was used for another request.
    IdempotencyKeyReused,
    /// Too many requests.
    TooManyRequests,
    /// Something went wrong inside; the log says what.
    Internal,
    /// Something that this needs does not answer now.
    Unavailable,
}

impl ProblemKind {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::ScanInProgress
            | Self::ScanNeeded
            | Self::RequestInProgress
            | Self::ReleaseRefused
            | Self::EraseRefused => 409,
            Self::ContentTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::IdempotencyKeyReused => 422,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// What it says to people.
    pub fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request does not have the form that it must have",
            Self::Unauthorized => "The request is not signed",
            Self::Forbidden => "You may not do this",
            Self::NotFound => "There is nothing here",
            Self::MethodNotAllowed => "This method is not for this path",
            Self::ScanInProgress => "Another scan is under way",
            Self::ScanNeeded => "A scan is needed first",
            Self::RequestInProgress => "The same request is under way",
            Self::ReleaseRefused => "This cannot be released",
            Self::EraseRefused => "This cannot be erased now",
            Self::ContentTooLarge => "The body is too long",
            Self::UnsupportedMediaType => "The body is of a type that is not taken here",
            Self::IdempotencyKeyReused => "The idempotency key was used for another request",
            Self::TooManyRequests => "Too many requests",
            Self::Internal => "Something went wrong inside",
            Self::Unavailable => "Something that this needs does not answer now",
        }
    }

    /// The `type` of its problems.
    pub fn uri(self) -> String {
        format!("urn:mfa-rollback:problem:{self}")
    }
}

/// A problem as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind it is, for programs; it never changes its meaning.
    #[serde(rename = "type")]
    pub uri: String,
    /// The same for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What it is about this time, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Problem {
    /// A problem of a kind, with what it is about.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..kind.into() }
    }
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self { uri: kind.uri(), title: kind.title().to_owned(), status: kind.status(), detail: None }
    }
}
