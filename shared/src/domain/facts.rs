//! What a decision is made from.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    account::User,
    ids::{EventId, UserId},
    method::{AuthenticationMethod, MethodKind, PerUserMfa},
    policies::{Policies, WhatIf},
    story::Story,
};

/// What was read, or why it could not be: a lasting refusal or an unreadable answer. Failures that pass are
/// retried and never get here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// The value, as it was read.
    Known(T),
    /// Why it cannot be read, in words for a person.
    Unknown(String),
}

impl<T> Reading<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Why it is not known, if it is not.
    pub fn unknown(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(why) => Some(why),
        }
    }
}

/// An account, or the fact that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// The account as Graph returns it.
    Found(Box<User>),
    /// Graph answers 404: the account is deleted, or never existed.
    NotFound,
}

/// What was read about one user, from Graph and from the ledger.
#[derive(Debug, Clone)]
pub struct Facts {
    /// When the first of the reads was sent.
    pub read_at: Timestamp,
    /// The account, or that there is none.
    pub account: Reading<Account>,
    /// The per-user MFA state.
    pub per_user_mfa: Reading<PerUserMfa>,
    /// All of the user's methods, strong or not.
    pub methods: Reading<Vec<AuthenticationMethod>>,
    /// What the registration report says.
    pub report: RegistrationReport,
    /// What was done to the user's methods according to the audit log, other than the user's own
    /// registrations.
    pub acts: Vec<RecordedAct>,
    /// What the directory's own records tell of the user's MFA details.
    pub story: Story,
    /// How much of the audit log was read.
    pub log: LogReading,
    /// Whether the log was asked about this user.
    pub told: Told,
    /// What Conditional Access demands of this user.
    pub what_if: WhatIf,
    /// The `request-id` headers of Graph's answers to these reads.
    pub request_ids: Vec<String>,
}

/// How much of the window's audit log was read, of all services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogReading {
    /// All of it up to the latest scan, except for parts that could not be read.
    Whole,
    /// A scan is under way, or is due for what was not read yet. It may tell more.
    UnderWay,
    /// No scan has reached its end yet.
    Never,
}

/// What came of asking the audit log about one user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Told {
    /// It was not asked.
    #[default]
    NotAsked,
    /// Everything that it holds of the user since the window's start.
    Whole,
    /// Something is missing from the answer, or cannot be read.
    Unknown(String),
}

/// The registration report, as far as it concerns one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegistrationReport {
    /// The user's line, if there is one.
    pub line: Option<RegistrationReportLine>,
    /// How much of the report was read.
    pub list: RegistrationReportList,
}

/// How much of the registration report was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RegistrationReportList {
    /// All of it, at most a day ago. A user without a line is not in the report.
    Whole,
    /// Not all of it, or more than a day ago. A missing line says nothing.
    #[default]
    Partly,
    /// The tenant has no licence for it.
    NoLicence,
}

/// What the registration report says about a user. It lags by hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationReportLine {
    /// Registered for self-service password reset.
    pub sspr: bool,
    /// Signs in with the Authenticator instead of a password.
    pub passwordless: bool,
    /// An administrator, by Graph's `isAdmin`.
    pub admin: bool,
}

/// What is known about the tenant as a whole, read every 10 minutes.
#[derive(Debug, Clone)]
pub struct Belts {
    /// The users whom the settings exclude.
    pub excluded: Reading<BTreeSet<UserId>>,
    /// The users who hold a directory role or are eligible for one, and how.
    pub administrators: Reading<BTreeMap<UserId, String>>,
    /// The policies that demand MFA of people.
    pub policies: Reading<Policies>,
}

/// A registration as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RecordedRegistration {
    /// The audit event's id, or one made from its content.
    pub event_id: EventId,
    /// When the user registered (`activityDateTime`).
    pub registered_at: Timestamp,
    /// The kinds of method that its reason names; empty if it names none.
    pub methods: Vec<MethodKind>,
    /// When this program first saw it.
    pub first_seen_at: Timestamp,
    /// Who said so, if it did not come from Graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claimed>,
}

impl RecordedRegistration {
    /// Whether it can show where a method comes from: Graph showed it, or a person vouches for the file.
    pub fn proves(&self) -> bool {
        self.claim.as_ref().is_none_or(|claim| claim.vouched.is_some())
    }
}

/// A registration that came by file or API finds a candidate. It shows nothing until Graph shows the same event, or a
/// person vouches for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Claimed {
    /// Who vouches for the file; `None` if nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Vouched>,
}

/// A person's word that a file is what the audit log holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Vouched {
    /// Who vouches.
    pub by: String,
    /// The SHA-256 of the files in order, in lower-case hexadecimal.
    pub sha256: String,
}

/// What was done to a user's methods, other than the user's own registrations, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RecordedAct {
    /// The audit event's id, or one made from its content.
    pub event_id: EventId,
    /// When it was done (`activityDateTime`).
    pub at: Timestamp,
    /// What was done, as far as it matters to a decision.
    pub act: Act,
    /// The kinds of method that its reason names; empty if it names none.
    pub methods: Vec<MethodKind>,
}

/// What somebody did to a user's methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// An administrator or an app registered or changed a method, or required registering anew.
    ByAdmin,
    /// The user changed a method.
    Changed,
    /// A method was deleted. On record, a deletion by this program is [`Act::RolledBack`] instead.
    Removed,
    /// This program's app deleted a method, for this ledger or another one.
    RolledBack,
    /// A temporary access pass was issued.
    AccessPass,
}
