//! What a decision is made from.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    graph::{AuthenticationMethod, PerUserMfa, User},
    ids::{EventId, UserId},
    method::MethodKind,
};

/// What was read, or why it could not be: a lasting refusal or an unreadable answer. What will work
/// later never gets here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// This was read.
    Known(T),
    /// It cannot be read.
    Unknown(String),
}

impl<T> Reading<T> {
    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// An account, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// It is there.
    Found(Box<User>),
    /// Graph answers 404.
    NotFound,
}

/// What Graph says about one user.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Just before the first of the reads was sent.
    pub read_at: Timestamp,
    /// The account.
    pub account: Reading<Account>,
    /// The per-user MFA state.
    pub per_user_mfa: Reading<PerUserMfa>,
    /// All methods.
    pub methods: Reading<Vec<AuthenticationMethod>>,
    /// What the registration report says, where it was read and lists the user.
    pub report: Option<ReportLine>,
    /// Graph's own names for these reads.
    pub request_ids: Vec<String>,
}

/// What the registration report says about a user; hours stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLine {
    /// Registered for self-service password reset.
    pub sspr: bool,
    /// Signs in with the Authenticator instead of a password.
    pub passwordless: bool,
    /// Holds a role.
    pub admin: bool,
}

/// What is known about the tenant as a whole, read every 10 minutes.
#[derive(Debug, Clone)]
pub struct Belts {
    /// Whom the settings exclude.
    pub excluded: Reading<BTreeSet<UserId>>,
    /// Who holds a role or may take one, and how.
    pub administrators: Reading<BTreeMap<UserId, String>>,
}

/// A registration as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRegistration {
    /// The event's key.
    pub event_id: EventId,
    /// When it happened.
    pub registered_at: Timestamp,
    /// The kinds that its reason names.
    pub methods: Vec<MethodKind>,
    /// When this program first saw it.
    pub first_seen_at: Timestamp,
}
