//! Microsoft Graph: only the requests that this program makes, each with its pace, its permission
//! and its limits.

mod answer;
mod application;
mod audit_logs;
mod call;
mod client;
mod directory;
mod error;
mod methods;
mod methods_policy;
mod objects;
mod pace;
mod page;
mod policies;
mod reports;
mod retry;
mod say;
mod token;
pub mod transport;
mod url;
mod users;

pub use self::{
    answer::Answer,
    client::{Graph, Traffic},
    error::{GraphError, Refusal},
    methods::DELETE_TAKES_AT_MOST,
    methods::REMOVAL_SHOWS_AFTER,
    methods_policy::GroupView,
    objects::{
        Application, ApplicationCredential, AuditPage, AuditQuery, AuditRecords, Eligibilities, Principal,
        PrincipalKind, RegistrationDetails, RegistrationReportPage, RoleGrant,
    },
    pace::{Turn, Urgency},
    page::MAX_PAGES,
};
pub(crate) use self::{audit_logs::at, methods_policy::HIDDEN_MEMBERS};
