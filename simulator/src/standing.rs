//! What a tenant does wrong for good.

use serde_json::Value;

use crate::{
    answer::{Refusal, Success},
    audit::filter::Clause,
};

/// Something that is wrong until it is mended, as people have reported it of real tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Standing {
    /// Every link to a next page of the audit log is refused.
    LinksRefused,
    /// So is every other one, by chance.
    LinksRefusedAtTimes,
    /// Some records of the audit log are not JSON, and so is every page that has one.
    BrokenRecords,
    /// A page of the audit log ends in the middle of such a record.
    CutPages,
    /// Filtering the audit log by service finds nothing.
    BlindFilter,
    /// Every link to a next page of the registration report is refused.
    ReportCut,
    /// No method can be deleted: the address leads nowhere.
    NoDeleteRoute,
    /// A proxy answers sign-ins with a page of its own.
    SignInPage,
    /// A refused sign-in has a page behind it.
    SignInJsonThenPage,
}

fn no_link() -> Refusal {
    Refusal::bad("Invalid Skip Token, skip token is null")
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::LinksRefused,
        Self::LinksRefusedAtTimes,
        Self::BrokenRecords,
        Self::CutPages,
        Self::BlindFilter,
        Self::ReportCut,
        Self::NoDeleteRoute,
        Self::SignInPage,
        Self::SignInJsonThenPage,
    ];

    pub(crate) fn refuses_link(self, chance: &mut fastrand::Rng) -> Result<(), Refusal> {
        let refuses = match self {
            Self::LinksRefused => true,
            Self::LinksRefusedAtTimes => chance.bool(),
            _ => false,
        };
        if refuses { Err(no_link()) } else { Ok(()) }
    }

    pub(crate) fn refuses_report_link(self) -> Result<(), Refusal> {
        if self == Self::ReportCut { Err(no_link()) } else { Ok(()) }
    }

    pub(crate) fn hides(self, clauses: &[Clause]) -> bool {
        self == Self::BlindFilter && clauses.iter().any(Clause::is_of_service)
    }

    pub(crate) fn refuses_delete(self) -> Result<(), Refusal> {
        if self != Self::NoDeleteRoute {
            return Ok(());
        }
        let text =
            "No HTTP resource was found that matches the request URI 'https://mface.example/odata/users'.";
        Err(Refusal::graph(404, "resourceNotFound", text))
    }

    pub(crate) fn refuses_sign_in(self) -> Result<(), Refusal> {
        match self {
            Self::SignInPage => Err(Refusal::gateway(401)),
            Self::SignInJsonThenPage => Err(Refusal::with_page_behind(
                r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}"#,
            )),
            _ => Ok(()),
        }
    }

    /// Makes the text of a page, with what is broken in it.
    pub(crate) fn page(self, body: Value) -> Success {
        let is_broken = |record: &&Value| is_broken(record);
        let mut text = body.to_string();
        for record in body["value"].as_array().into_iter().flatten().filter(is_broken) {
            let whole = record.to_string();
            let Some(at) = text.find(&whole) else { continue };
            let mut end = at + whole.len() * 2 / 3;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            match self {
                Self::CutPages => {
                    text.truncate(end);
                    break;
                }
                Self::BrokenRecords => text.replace_range(end..at + whole.len(), ""),
                _ => return Success::Json(body),
            }
        }
        Success::Text(text)
    }
}

/// Whether a record is one of those that break: about one in 17 of those of the services that log registrations.
pub(crate) fn is_broken(record: &Value) -> bool {
    let id = record["id"].as_str().unwrap_or_default();
    let sum = id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let service = record["loggedByService"].as_str().unwrap_or_default();
    ["Authentication Methods", "Azure MFA"].contains(&service) && sum.is_multiple_of(17)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        Faults, NewEvent,
        testing::{START, client, mobile, options},
    };

    const LIST: &str = "/v1.0/auditLogs/directoryAudits?$orderby=activityDateTime asc&$top=5";

    async fn audited(standing: Standing) -> crate::testing::Client {
        let client = client(options()).await;
        let start: Timestamp = START.parse().unwrap();
        for n in 0..20 {
            let at = start - std::time::Duration::from_mins(60 - n);
            client
                .tenant
                .add_event(NewEvent::new("User reviewed security info", at).id(&format!("event-{n}")));
        }
        client.tenant.set_faults(Faults { standing: Some(standing), ..Faults::default() });
        client
    }

    #[tokio::test(start_paused = true)]
    async fn links_are_refused_for_good() {
        let client = audited(Standing::LinksRefused).await;
        let first = client.get(LIST).await;
        for _ in 0..3 {
            let refused = client.get(&first.next().unwrap()).await;
            assert_eq!((refused.status, refused.code().as_str()), (400, "BadRequest"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn broken_records_break_their_pages_and_no_other() {
        for standing in [Standing::BrokenRecords, Standing::CutPages] {
            let client = audited(standing).await;
            let broken = client.tenant.broken_events();
            assert!(!broken.is_empty() && broken.len() < 20);
            for n in 0..20 {
                let at = START.parse::<Timestamp>().unwrap() - std::time::Duration::from_mins(60 - n);
                let moment = format!(
                    "/v1.0/auditLogs/directoryAudits?$filter=activityDateTime ge {at} and activityDateTime le {at}"
                );
                let text = client.get(&moment).await.text;
                let is_json = serde_json::from_str::<Value>(&text).is_ok();
                assert_eq!(is_json, !broken.contains(&format!("event-{n}")), "{text}");
                assert_eq!(text.ends_with("]}"), is_json || standing == Standing::BrokenRecords);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_filter_by_service_is_blind_and_the_log_is_there() {
        let client = audited(Standing::BlindFilter).await;
        assert_eq!(client.get(LIST).await.items().len(), 5);
        let by_service = format!("{LIST}&$filter=loggedByService eq 'Authentication Methods'");
        assert!(client.get(&by_service).await.items().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_deleted_without_a_route() {
        let client = audited(Standing::NoDeleteRoute).await;
        let user = client.user("ada");
        let phone = client.tenant.register(user, mobile());
        let refused = client.delete(&format!("/v1.0/users/{user}/authentication/phoneMethods/{phone}")).await;
        assert_eq!((refused.status, refused.code().as_str()), (404, "resourceNotFound"));
        assert!(client.tenant.user(user).unwrap().has_strong_methods());
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_stands_in_place_of_the_sign_in_or_behind_it() {
        for (standing, begins) in [(Standing::SignInPage, "<"), (Standing::SignInJsonThenPage, "{")] {
            let client = audited(standing).await;
            let refused = client.login(client.options.tenant_id, "").await;
            assert_eq!(refused.status, 401);
            assert!(refused.text.starts_with(begins) && refused.text.contains("<html>"), "{}", refused.text);
        }
    }
}
