//! `GET /v1.0/reports/authenticationMethods/userRegistrationDetails`: hours stale, Premium only,
//! and in the reports' budget. It may add a hold and tell what a user will notice, nothing more.

use serde::Deserialize;

use super::{Budget, Graph, GraphError, url::query};

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

impl Graph {
    /// Reads one page of the report: the first, or the one that a next link leads to.
    pub async fn registration_details(
        &self,
        next: Option<&str>,
    ) -> Result<RegistrationReportPage, GraphError> {
        let url = if let Some(link) = next {
            self.check_link(link)?;
            link.to_owned()
        } else {
            format!(
                "{}/v1.0/reports/authenticationMethods/userRegistrationDetails{}",
                self.base,
                query(&[("$top", "999")])
            )
        };
        let page = self.page(url, Budget::Reports, &["AuditLog.Read.All"]).await?;
        Ok(RegistrationReportPage { users: page.items, next: page.next })
    }
}
