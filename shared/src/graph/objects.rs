//! What the requests ask for and what they give, where it is no more than Graph's own.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{audit::Service, domain::window::Range};

/// What to ask for: a stretch of the log from its beginning, or where an earlier page left off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditQuery {
    /// The first page of what a service logged in a stretch, both ends included, in ascending
    /// `activityDateTime`. Nothing says that Graph takes two services in one filter.
    Range(Service, Range),
    /// The page that a next link leads to.
    Next(String),
}

/// One page of the audit log. The records are not read yet: one that is broken must not hide the
/// rest.
#[derive(Debug)]
pub struct AuditPage {
    /// The records, ascending by `activityDateTime`.
    pub records: Vec<Box<RawValue>>,
    /// The link to the next page; the end is reached where there is none.
    pub next: Option<String>,
    /// Graph's name for this request.
    pub request_id: Option<String>,
}

/// Who holds a role, or may take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrant {
    /// The holder's object id.
    pub principal: Principal,
}

/// A directory object that may be a user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its object id, as Graph gives it.
    pub id: String,
    /// What it is.
    pub kind: PrincipalKind,
}

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A service principal or another thing that has no methods.
    Other,
    /// Graph did not say.
    Unknown,
}

/// PIM-eligible holders, or that the tenant has no licence for there to be any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Eligibilities {
    /// These.
    Known(Vec<RoleGrant>),
    /// No P2 licence: nobody can be eligible.
    NoLicence,
}

/// One user's line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationDetails {
    /// The user's object id.
    pub id: String,
    /// Whether an administrator, as of hours ago.
    #[serde(default)]
    pub is_admin: bool,
    /// Whether registered for self-service password reset.
    #[serde(default)]
    pub is_sspr_registered: bool,
    /// Names of registered methods.
    #[serde(default)]
    pub methods_registered: Vec<String>,
}

impl RegistrationDetails {
    /// Whether the user signs in with the Authenticator instead of a password.
    pub fn passwordless_authenticator(&self) -> bool {
        self.methods_registered.iter().any(|name| name == "microsoftAuthenticatorPasswordless")
    }
}

/// One page of the report.
#[derive(Debug)]
pub struct RegistrationReportPage {
    /// The lines.
    pub users: Vec<RegistrationDetails>,
    /// The link to the next page.
    pub next: Option<String>,
}

/// What an application signs in with, of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Its client secrets.
    pub password_credentials: Vec<ApplicationCredential>,
    /// Its certificates.
    pub key_credentials: Vec<ApplicationCredential>,
}

/// A client secret or certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationCredential {
    /// When it runs out.
    pub end_date_time: Option<Timestamp>,
}
