//! `GET /v1.0/reports/authenticationMethods/userRegistrationDetails`: hours stale, Premium only, and in the
//! reports' budget. It can only add a hold and tell what a user will notice.

use super::{
    call::{Budget, Call},
    client::Graph,
    error::GraphError,
    objects::RegistrationReportPage,
    url::query,
};

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
        let call = Call { budget: Budget::Reports, ..Call::get(url, &["AuditLog.Read.All"]) };
        let page = self.page(call).await?;
        Ok(RegistrationReportPage { users: page.items, next: page.next })
    }
}
