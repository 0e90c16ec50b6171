//! What requests ask for and return, as far as it mirrors Graph's own objects.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    audit::{Broken, Service},
    domain::{ids::UserId, window::Range},
};

/// What to ask of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditQuery {
    /// The first page of what a service logged in a range, both ends included, in ascending
    /// `activityDateTime`. Graph does not document that one filter may name two services.
    Range(Service, Range),
    /// The first page of the records that name a user as a target, from a moment on, ascending.
    OfUser(UserId, Timestamp),
    /// The first page of the records of one activity, of any service, from a moment on, ascending.
    Named(&'static str, Timestamp),
    /// The first page of what any service logged in a range, ascending; of one activity, if one is named.
    AnyService(Range, Option<&'static str>),
    /// The newest records of all, without a filter.
    Newest,
    /// The page that a next link leads to.
    Next(String),
}

/// One page of the audit log. The records are not parsed yet, so that a broken one does not hide the rest.
#[derive(Debug)]
pub struct AuditPage {
    /// The records, ascending by `activityDateTime`.
    pub records: Vec<Box<RawValue>>,
    /// The link to the next page; `None` on the last page.
    pub next: Option<String>,
    /// What stands broken between the records; empty on a page that is as it should be.
    pub broken: Vec<Broken>,
    /// What stands where the page ends too early, which may be nothing; `None` if it does not.
    pub cut: Option<Broken>,
    /// The request's id in Graph's own logs.
    pub request_id: Option<String>,
}

/// Records of the audit log that were asked for as one list, not parsed yet.
#[derive(Debug, Default)]
pub struct AuditRecords {
    /// The records that could be read.
    pub records: Vec<Box<RawValue>>,
    /// How many pages were asked for.
    pub pages: usize,
    /// Why some may be missing; `None` if all were read.
    pub missing: Option<String>,
}

impl AuditRecords {
    pub(super) fn but(self, missing: String) -> Self {
        Self { missing: Some(missing), ..self }
    }
}

/// Who holds a role or is eligible for it, or is eligible to join a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrant {
    /// The holder: a user, a group or something else.
    pub principal: Principal,
}

/// A directory object that may be a user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its object id, as Graph gives it.
    pub id: String,
    /// Whether it is a user, a group or something else.
    pub kind: PrincipalKind,
}

/// The kind of a principal, from its `@odata.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A user: the type is `#microsoft.graph.user`.
    User,
    /// A group: the type is `#microsoft.graph.group`.
    Group,
    /// A service principal, or another object that has no methods.
    Other,
    /// Graph did not say: it may be a user or a group.
    Unknown,
}

/// Who is eligible through PIM, or that the tenant has no licence for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Eligibilities {
    /// Everyone who is eligible; empty if nobody is.
    Known(Vec<RoleGrant>),
    /// No P2 licence: nobody can be eligible.
    NoLicence,
}

/// One user's line in the registration report (`userRegistrationDetails`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationDetails {
    /// The user's object id.
    pub id: String,
    /// Whether the user was an administrator, as of hours ago.
    #[serde(default)]
    pub is_admin: bool,
    /// Whether the user was registered for self-service password reset.
    #[serde(default)]
    pub is_sspr_registered: bool,
    /// Whether the SSPR policy lets the user reset the password; `None` if Graph does not say.
    #[serde(default)]
    pub is_sspr_enabled: Option<bool>,
    /// The names of the registered methods, such as `microsoftAuthenticatorPasswordless`.
    #[serde(default)]
    pub methods_registered: Vec<String>,
}

impl RegistrationDetails {
    /// Whether the user signs in with the Authenticator instead of a password.
    pub fn passwordless_authenticator(&self) -> bool {
        self.methods_registered.iter().any(|name| name == "microsoftAuthenticatorPasswordless")
    }
}

/// One page of the registration report.
#[derive(Debug)]
pub struct RegistrationReportPage {
    /// The lines of this page, one for each user.
    pub users: Vec<RegistrationDetails>,
    /// The link to the next page; `None` on the last page.
    pub next: Option<String>,
}

/// The secrets and certificates that an application itself holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Its client secrets: when they expire, not their values.
    pub password_credentials: Vec<ApplicationCredential>,
    /// Its certificates: when they expire.
    pub key_credentials: Vec<ApplicationCredential>,
}

/// A client secret or certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationCredential {
    /// When it expires; `None` if Graph does not say.
    pub end_date_time: Option<Timestamp>,
}
