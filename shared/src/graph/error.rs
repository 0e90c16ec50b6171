//! What can go wrong with Graph, by what the caller does about it.

use std::time::Duration;

/// A failed request. No variant carries Graph's own message: it may name a user or a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Come back later: the budget is used up.
    #[error("Graph is throttling; come back in {} s", retry_after.as_secs())]
    Throttled {
        /// How long to wait: as Graph asked, our own guess if it did not say, or until our own pace allows
        /// it.
        retry_after: Duration,
    },
    /// Come back later: 5xx, timeouts and broken connections that outlasted the retries. The request may or
    /// may not have been acted on.
    #[error("Graph could not be reached or did not answer properly: {cause}")]
    Unavailable {
        /// What went wrong at the last attempt.
        cause: String,
    },
    /// Send it again: the token had just expired, and nothing was done.
    #[error("the access token had just run out")]
    TokenRefused,
    /// Stop everything: the credential or the token is refused.
    #[error("the tenant refuses the sign-in: {cause}")]
    Unauthorized {
        /// Which check failed, and what to do.
        cause: String,
    },
    /// Stop everything: there is no credential to sign in with.
    #[error("no credential to sign in with: {cause}")]
    NoCredential {
        /// What is missing, and what to do.
        cause: String,
    },
    /// Stop everything: an application permission is not granted.
    #[error(
        "permission {permission} is not granted: grant it to the app registration (API permissions, Microsoft Graph, Application) and give admin consent"
    )]
    PermissionMissing {
        /// The permission that the request needs.
        permission: String,
    },
    /// Stop everything: the tenant's licence does not include what is asked for.
    #[error(
        "the tenant has no Microsoft Entra ID P1 or P2 licence, which the audit log and its reports need"
    )]
    NoPremium,
    /// This object does not exist, as Graph itself says; a 404 of an address that leads nowhere is
    /// [`GraphError::Refused`].
    #[error("not found")]
    NotFound,
    /// This request is refused for good, although the permission is granted.
    #[error("forbidden ({code})")]
    Forbidden {
        /// Graph's error code, made safe for logs; `no code` if it gave none.
        code: String,
        /// The request's id in Graph's own logs.
        request_id: Option<String>,
    },
    /// This request is refused for good.
    #[error("refused with {status} ({code})")]
    Refused {
        /// The HTTP status, usually 400, or a 404 that does not speak of the object; the other variants cover 401,
        /// 403, 404, 408, 429 and 5xx.
        status: u16,
        /// Graph's error code, made safe for logs; `no code` if it gave none.
        code: String,
        /// Why, as far as it is recognized.
        reason: Refusal,
        /// The request's id in Graph's own logs.
        request_id: Option<String>,
    },
    /// The answer to this request is not understood.
    #[error("unreadable answer: {what}")]
    Unreadable {
        /// What was expected in its place, such as `a list that ends`.
        what: String,
    },
}

/// A refusal that the caller can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Another method has to go first: the default one cannot go while others remain, nor the mobile number before
    /// the alternate one.
    NotYet,
    /// The tenant has no licence for what was asked.
    NoPremium,
    /// Anything else.
    Other,
}

impl GraphError {
    /// Whether a message that met this error should come back later.
    pub fn comes_back(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable { .. } | Self::TokenRefused)
    }

    /// Whether the whole batch must stop: the next user would meet the same error.
    pub fn stops_everything(&self) -> bool {
        self.is_no_sign_in() || matches!(self, Self::PermissionMissing { .. } | Self::NoPremium)
    }

    /// Whether this one request is refused for good, or its answer never understood.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::Forbidden { .. } | Self::NotFound | Self::Unreadable { .. }
        )
    }

    /// Whether signing in is impossible.
    pub fn is_no_sign_in(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::NoCredential { .. })
    }

    /// The refused request's id in Graph's own logs, if there is one.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Forbidden { request_id, .. } | Self::Refused { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }
}
