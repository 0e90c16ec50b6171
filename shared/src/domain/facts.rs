//! What a decision is made from.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    account::User,
    ids::{EventId, UserId},
    method::{AuthenticationMethod, MethodKind, PerUserMfa},
    policies::Policies,
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
    /// What the registration report says.
    pub report: RegistrationReport,
    /// What the audit log of the window tells of the user's methods beside registrations.
    pub acts: Vec<RecordedAct>,
    /// How much of the audit log was read.
    pub log: LogReading,
    /// Graph's own names for these reads.
    pub request_ids: Vec<String>,
}

/// How much of the window's audit log was read, of every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogReading {
    /// All of it, up to the latest scan.
    Whole,
    /// A scan is under way, or due for what was not read: it may tell of more.
    UnderWay,
    /// No scan has come to its end.
    Never,
}

/// The registration report, as far as it concerns one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegistrationReport {
    /// The user's line, where there is one.
    pub line: Option<RegistrationReportLine>,
    /// How much of the report was read.
    pub list: RegistrationReportList,
}

/// How much of the registration report was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RegistrationReportList {
    /// All of it, within a day: who has no line is not in it.
    Whole,
    /// Not all of it: that a user has no line says nothing.
    #[default]
    Partly,
    /// The tenant has no licence for it.
    NoLicence,
}

/// What the registration report says about a user; hours stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationReportLine {
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
    /// What demands MFA of people.
    pub policies: Reading<Policies>,
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

/// What the audit log tells of a user's methods beside the user's own registrations, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedAct {
    /// The event's key.
    pub event_id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What was done.
    pub act: Act,
    /// The kinds that its reason names; none where it names none.
    pub methods: Vec<MethodKind>,
}

/// What somebody did to a user's methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// An administrator or an app registered or changed a method.
    ByAdmin,
    /// The user changed a method.
    Changed,
    /// A method was deleted, by whomever but this program.
    Removed,
    /// This program's own registration deleted a method, for this ledger or another one.
    RolledBack,
    /// A temporary access pass was issued.
    AccessPass,
}
