//! The functions' settings: the common ones, and those for AWS.

use std::ops::Deref;

use shared::settings::{Lookup, Settings as Common, SettingsError, Vars, parse, table};

/// Poll's share of the requests for the audit log and reports; the drains share the rest.
const POLLS_SHARE: f64 = 0.4;

/// How the functions prove to Entra who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// By a token that AWS signs for the function's role.
    Federated,
    /// By a client secret in Secrets Manager.
    Secret {
        /// `GRAPH_CREDENTIAL_SECRET_ARN`: the secret's ARN.
        arn: String,
    },
    /// By a certificate and its key, as PEM in Secrets Manager.
    Certificate {
        /// `GRAPH_CREDENTIAL_SECRET_ARN`: the secret's ARN.
        arn: String,
    },
}

/// Everything that can be set for a function.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The settings that the CLI has, too.
    pub common: Common,
    /// `GRAPH_CREDENTIAL` and `GRAPH_CREDENTIAL_SECRET_ARN`; federated by default.
    pub credential: Credential,
    /// `AZURE_WRITER_CLIENT_ID`: the app registration that deletes, if it is not the one that reads.
    pub writer_client_id: Option<String>,
    /// `QUEUE_URL`: the queue that wakes drain.
    pub queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: the queue that dead letters are sent to.
    pub dead_letter_queue_url: String,
    /// `LEDGER_TABLE`: the name of the ledger's DynamoDB table.
    pub ledger_table: String,
    /// `DRAIN_CONCURRENCY`: how many drains share the pace.
    pub drain_concurrency: u32,
    /// `NOTIFICATION_TOPIC_ARN`: the SNS topic of notices; if `None`, nobody is told.
    pub notification_topic_arn: Option<String>,
    /// `EVENT_BUS_NAME`: the EventBridge bus of outcomes; if `None`, no event is sent.
    pub event_bus_name: Option<String>,
}

impl Settings {
    /// Reads all settings, or returns everything that is wrong with them.
    pub fn read(lookup: impl Lookup) -> Result<Self, SettingsError> {
        let mut vars = Vars::new(lookup);
        let plan_approvers = vars.number(&table::PLAN_APPROVERS);
        let common = Common::from_vars(&mut vars).map(|common| Common { plan_approvers, ..common });
        let credential = credential(&mut vars);
        let writer_client_id = vars.optional("AZURE_WRITER_CLIENT_ID", parse);
        if writer_client_id.is_some() && matches!(credential, Some(Credential::Secret { .. })) {
            let cause = "two registrations have no client secret in common: set GRAPH_CREDENTIAL to federated or certificate";
            vars.fault("AZURE_WRITER_CLIENT_ID", cause);
        }
        let queue_url = vars.required("QUEUE_URL", url);
        let dead_letter_queue_url = vars.required("DEAD_LETTER_QUEUE_URL", url);
        let ledger_table = vars.required("LEDGER_TABLE", parse);
        let drain_concurrency = vars.number(&table::DRAIN_CONCURRENCY);
        let notification_topic_arn = vars.optional("NOTIFICATION_TOPIC_ARN", arn);
        let event_bus_name = vars.optional("EVENT_BUS_NAME", parse);
        let read = || {
            Some(Self {
                common: common?,
                credential: credential?,
                writer_client_id,
                queue_url: queue_url?,
                dead_letter_queue_url: dead_letter_queue_url?,
                ledger_table: ledger_table?,
                drain_concurrency,
                notification_topic_arn,
                event_bus_name,
            })
        };
        let read = read();
        vars.finish(read)
    }

    /// Returns the settings of poll, which deletes nothing.
    #[must_use]
    pub fn of_poll(mut self) -> Self {
        self.common.another_deletes = self.writer_client_id.is_some();
        self.common.reports_per_10_seconds *= POLLS_SHARE;
        self
    }

    /// Returns the settings of one of the drains, with its share of the paces: at least one request a second and one
    /// report in 20 s, or what was read about a user would grow old.
    #[must_use]
    pub fn of_one_drain(mut self) -> Self {
        if let Some(writer) = self.writer_client_id.take() {
            self.common.client_id = writer;
        }
        let share = self.common.requests_per_second / f64::from(self.drain_concurrency);
        self.common.requests_per_second = share.max(1.0);
        let share = self.common.reports_per_10_seconds * (1.0 - POLLS_SHARE);
        self.common.reports_per_10_seconds = (share / f64::from(self.drain_concurrency)).max(0.5);
        self.common.conditional_access_per_second /= f64::from(self.drain_concurrency);
        self
    }
}

impl Deref for Settings {
    type Target = Common;
    fn deref(&self) -> &Common {
        &self.common
    }
}

fn credential(vars: &mut Vars<impl Lookup>) -> Option<Credential> {
    let secret = vars.optional("GRAPH_CREDENTIAL_SECRET_ARN", arn);
    if vars.set("AZURE_CLIENT_SECRET") {
        vars.fault("AZURE_CLIENT_SECRET", "must not be set for a function: Secrets Manager keeps secrets");
    }
    let kind = vars.optional("GRAPH_CREDENTIAL", |text| match text {
        "federated" | "secret" | "certificate" => Ok(text.to_owned()),
        _ => Err("must be federated, secret or certificate".to_owned()),
    });
    if vars.set("GRAPH_CREDENTIAL") && kind.is_none() {
        return None;
    }
    let kind = kind.unwrap_or_else(|| "federated".to_owned());
    if kind == "federated" {
        return Some(Credential::Federated);
    }
    if !vars.set("GRAPH_CREDENTIAL_SECRET_ARN") {
        vars.fault("GRAPH_CREDENTIAL_SECRET_ARN", "is not set: which secret of Secrets Manager it is in");
    }
    let arn = secret?;
    Some(if kind == "secret" { Credential::Secret { arn } } else { Credential::Certificate { arn } })
}

fn url(text: &str) -> Result<String, String> {
    if text.starts_with("https://") || text.starts_with("http://") {
        Ok(text.to_owned())
    } else {
        Err("must be a queue's URL, like https://sqs.eu-west-1.amazonaws.com/123456789012/name".to_owned())
    }
}

fn arn(text: &str) -> Result<String, String> {
    if text.starts_with("arn:") {
        Ok(text.to_owned())
    } else {
        Err("must be an ARN, like arn:aws:service:region:account:name".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: [(&str, &str); 7] = [
        ("AZURE_TENANT_ID", "11111111-1111-1111-1111-111111111111"),
        ("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222"),
        ("PREVIEW_ENABLED_AT", "2026-02-01T00:00:00Z"),
        ("PREVIEW_DISABLED_AT", "2026-03-01T00:00:00Z"),
        ("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"),
        ("DEAD_LETTER_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/dead"),
        ("LEDGER_TABLE", "ledger"),
    ];

    fn with(more: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(|name: &str| {
            let found = more.iter().chain(&TENANT).find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_stored_is_the_default_and_the_pace_is_shared() {
        let settings = with(&[("GRAPH_REQUESTS_PER_SECOND", "8"), ("DRAIN_CONCURRENCY", "4")]).unwrap();
        assert_eq!(settings.credential, Credential::Federated);
        assert!((settings.of_one_drain().requests_per_second - 2.0).abs() < 1e-9);
        let many = with(&[("DRAIN_CONCURRENCY", "50")]).unwrap();
        assert!((many.of_one_drain().requests_per_second - 1.0).abs() < 1e-9);
        let few = with(&[]).unwrap();
        assert!((few.clone().of_poll().reports_per_10_seconds - 2.0).abs() < 1e-9);
        assert!((few.of_one_drain().reports_per_10_seconds - 1.5).abs() < 1e-9);
    }

    #[test]
    fn poll_reads_in_one_name_and_drain_deletes_in_another() {
        let writer = ("AZURE_WRITER_CLIENT_ID", "33333333-3333-3333-3333-333333333333");
        let settings = with(&[("MODE", "enforce"), writer]).unwrap();
        let (poll, drain) = (settings.clone().of_poll(), settings.of_one_drain());
        assert_eq!((poll.client_id.as_str(), poll.needs_to_delete()), (TENANT[1].1, false));
        assert_eq!((drain.client_id.as_str(), drain.needs_to_delete()), (writer.1, true));
        assert!(with(&[("MODE", "enforce")]).unwrap().of_poll().needs_to_delete());
        let secret = [("GRAPH_CREDENTIAL", "secret"), ("GRAPH_CREDENTIAL_SECRET_ARN", "arn:aws:x"), writer];
        assert_eq!(with(&secret).unwrap_err().0[0].variable, "AZURE_WRITER_CLIENT_ID");
    }

    #[test]
    fn what_is_read_besides_is_what_the_table_lists() {
        let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let read = Settings::read(|name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            TENANT.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
        });
        assert!(read.is_ok());
        for setting in table::SETTINGS.iter().filter(|setting| setting.reader == table::Reader::Functions) {
            assert!(asked.borrow_mut().remove(setting.name), "{} is not read", setting.name);
        }
        for setting in table::SETTINGS {
            asked.borrow_mut().remove(setting.name);
        }
        assert!(asked.borrow().iter().all(|name| name == "UNDATED_METHODS"), "not listed: {asked:?}");
    }

    #[test]
    fn faults_of_both_parts_are_reported_together() {
        let error = with(&[
            ("AZURE_TENANT_ID", "nope"),
            ("GRAPH_CREDENTIAL", "certificate"),
            ("AZURE_CLIENT_SECRET", "s3cret"),
            ("QUEUE_URL", "queue"),
            ("LEDGER_TABLE", ""),
            ("DRAIN_CONCURRENCY", "1"),
        ])
        .unwrap_err();
        insta::assert_snapshot!(error, @r"
        AZURE_TENANT_ID: not an object id (a GUID such as 01234567-89ab-cdef-0123-456789abcdef)
        AZURE_CLIENT_SECRET: must not be set for a function: Secrets Manager keeps secrets
        GRAPH_CREDENTIAL_SECRET_ARN: is not set: which secret of Secrets Manager it is in
        QUEUE_URL: must be a queue's URL, like https://sqs.eu-west-1.amazonaws.com/123456789012/name
        LEDGER_TABLE: is not set
        DRAIN_CONCURRENCY: must be a whole number from 2 to 1000
        ");
    }
}
