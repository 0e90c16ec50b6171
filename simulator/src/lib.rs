//! A stateful Microsoft Entra tenant behind Microsoft Graph and the login endpoint, for tests, the
//! demo and trying things out: in process as a tower service under paused time ([`InProcess`]), or
//! on loopback HTTP ([`Tenant::serve`]).
//!
//! It refuses what Graph refuses, by the documented rules and by those that people report. All time
//! comes from the clock in [`Options`], all chance from its seed.

mod account;
mod answer;
mod assertion;
mod audit;
mod budget;
mod call;
mod credentials;
mod cursor;
mod directory;
mod faults;
mod graph;
mod ids;
mod journal;
mod login;
mod method;
mod operator;
mod options;
mod origin;
mod part;
mod people;
mod permissions;
mod population;
mod router;
mod secrets;
mod serve;
mod service;
mod shown;
mod standing;
mod state;
mod tenant;
#[cfg(test)]
mod testing;
mod truth;
mod variables;

pub use account::{MethodView, NewUser, PerUserMfa, UserView};
pub use answer::ConnectionLost;
pub use audit::NewEvent;
pub use credentials::{Certificate, FederatedCredential, InvalidKey, IssuerKeys};
pub use directory::{ConditionalAccess, Grant, MethodSetting, MethodsPolicy, Policies, RoleKind};
pub use journal::JournalEntry;
pub use method::{MethodKind, NewMethod, PASSWORD_ID, PhoneType};
pub use options::{Budget, Clock, Faults, Limit, Options, Premium};
pub use origin::{By, Origin};
pub use part::{Part, Shows};
pub use permissions::ALL_PERMISSIONS;
pub use population::{Cast, Population, Resident};
pub use secrets::Secrets;
pub use service::InProcess;
pub use standing::Standing;
pub use tenant::Tenant;
pub use truth::Harm;
pub use variables::variables;
