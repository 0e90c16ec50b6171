//! `GET /doctor`: whether everything is in place, the tenant's side and AWS's.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;
use serde::Deserialize;
use shared::{
    credentials::Proof,
    doctor::{self, Check},
    ledger::Key,
    poll::Position,
    preflight::Preflight,
    settings::Mode,
};

use crate::{
    lambda,
    sandbox::Sandbox,
    settings::{Credential, Settings},
};

/// Checks what a function itself needs. Nothing is kept, and nothing is changed.
pub async fn examine(sandbox: &Sandbox) -> Vec<Check> {
    let mut checks = vec![doctor::settings(&sandbox.settings), ledger(sandbox).await];
    checks.push(credential(sandbox).await);
    match Preflight::read(&sandbox.graph, &sandbox.settings, sandbox.clock.now()).await {
        Ok(preflight) => {
            checks.extend(doctor::tenant(&sandbox.settings, &preflight));
            checks.extend(doctor::window(&sandbox.settings, &sandbox.graph, sandbox.clock.now()).await);
        }
        Err(error) => checks.push(Check::missing("sign-in", error.to_string())),
    }
    checks
}

/// Checks the same, and what both functions share.
pub async fn examine_all(sandbox: &Sandbox) -> Vec<Check> {
    let mut checks = examine(sandbox).await;
    checks.extend(audit_log(sandbox).await);
    checks.extend(queues(sandbox).await);
    checks.push(concurrency(sandbox).await);
    checks.extend(pace(&sandbox.settings));
    checks.push(notifications(sandbox).await);
    checks
}

async fn ledger(sandbox: &Sandbox) -> Check {
    match sandbox.ledger().await {
        Ok(_) => Check::ok("ledger", format!("table {}", sandbox.settings.ledger_table)),
        Err(error) => Check::missing("ledger", error.to_string()),
    }
}

/// What the scheduled polls could not read. A ledger that cannot be asked has a check of its own.
async fn audit_log(sandbox: &Sandbox) -> Vec<Check> {
    let Ok(ledger) = sandbox.ledger().await else { return Vec::new() };
    let position = ledger.load::<Position>(Key::poll()).await;
    position.map(|held| doctor::audit_log(&held.value.unwrap_or_default())).unwrap_or_default()
}

async fn queues(sandbox: &Sandbox) -> Vec<Check> {
    match sandbox.queue.depths().await {
        Ok([queue, dead_letters]) => vec![
            Check::ok(
                "queue",
                format!("{} messages wait, {} are being handled", queue.waiting, queue.handled),
            ),
            Check::ok("dead letters", format!("{} messages", dead_letters.waiting + dead_letters.handled)),
        ],
        Err(error) => vec![Check::missing("queue and dead letters", error.to_string())],
    }
}

/// New AWS accounts run at most ten functions at once, less what other functions reserve.
async fn concurrency(sandbox: &Sandbox) -> Check {
    const WHAT: &str = "concurrency quota";
    let needed = i64::from(sandbox.settings.drain_concurrency) + 1;
    match lambda::unreserved_executions(&sandbox.config, sandbox.clock.now()).await {
        Ok(Some(free)) if free < needed => Check::missing(
            WHAT,
            format!(
                "{free} executions at once are left in this account and region, {needed} are needed: ask for a higher quota, or lower DrainConcurrency"
            ),
        ),
        Ok(Some(free)) => Check::ok(WHAT, format!("{free} executions at once, {needed} needed")),
        Ok(None) => Check::note(WHAT, "AWS does not say it"),
        Err(error) => Check::note(WHAT, format!("cannot be read: {error}")),
    }
}

/// Notes if all drains together exceed the pace: each sends at least one request a second.
fn pace(settings: &Settings) -> Option<Check> {
    let (drains, rate) = (settings.drain_concurrency, settings.requests_per_second);
    (rate < f64::from(drains)).then(|| {
        Check::note(
            "pace",
            format!(
                "{drains} drains send {drains} requests a second together, more than GRAPH_REQUESTS_PER_SECOND ({rate}): raise it, or lower DrainConcurrency"
            ),
        )
    })
}

async fn notifications(sandbox: &Sandbox) -> Check {
    const WHAT: &str = "notifications";
    let Some(topic) = &sandbox.settings.notification_topic_arn else {
        return Check::note(
            WHAT,
            "NOTIFICATION_TOPIC_ARN is not set: nobody is told when something goes wrong",
        );
    };
    let asked =
        aws_sdk_sns::Client::new(&sandbox.config).get_topic_attributes().topic_arn(topic).send().await;
    let attributes = match asked {
        Ok(answer) => answer.attributes.unwrap_or_default(),
        Err(error) => return Check::missing(WHAT, format!("{topic}: {}", crate::aws::cause(&error))),
    };
    let count = |name: &str| attributes.get(name).and_then(|count| count.parse().ok()).unwrap_or(0_u32);
    match (count("SubscriptionsConfirmed"), count("SubscriptionsPending")) {
        (0, 0) if sandbox.settings.mode == Mode::Enforce => Check::missing(
            WHAT,
            "nobody has subscribed to the topic, or the subscription was never confirmed",
        ),
        (0, 0) => Check::note(WHAT, "nobody has subscribed to the topic"),
        (0, pending) => Check::missing(
            WHAT,
            format!("{pending} subscriptions wait for confirmation: follow the link in the mail from AWS"),
        ),
        (confirmed, _) => Check::ok(WHAT, format!("{confirmed} subscriptions confirmed")),
    }
}

/// What the app registration has to trust, in the token's own words.
async fn credential(sandbox: &Sandbox) -> Check {
    const WHAT: &str = "credential";
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
        sub: String,
    }
    let proof = match sandbox.credentials.proof("").await {
        Ok(proof) => proof,
        Err(error) => return Check::missing(WHAT, error.to_string()),
    };
    let Settings { credential, .. } = &*sandbox.settings;
    let detail = match (credential, proof) {
        (Credential::Federated, Proof::Assertion(token)) => {
            let payload = token.expose_secret().split('.').nth(1).unwrap_or_default();
            let json = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
            match serde_json::from_slice::<Claims>(&json) {
                Ok(Claims { iss, sub }) => {
                    format!("federated: the app registration has to trust issuer {iss} with subject {sub}")
                }
                Err(_) => return Check::missing(WHAT, "STS gives a token that cannot be read"),
            }
        }
        (Credential::Certificate { arn }, _) => format!("certificate of {arn}"),
        (Credential::Secret { arn }, _) => format!("client secret of {arn}"),
        (Credential::Federated, Proof::Secret(_)) => return Check::missing(WHAT, "STS gives no assertion"),
    };
    Check::ok(WHAT, detail)
}

#[cfg(test)]
mod tests {
    use shared::doctor::Finding;

    use super::*;

    #[test]
    fn more_drains_than_requests_a_second_are_noted() {
        let with = |drains: &str| {
            let settings = Settings::read(|name: &str| {
                let value = match name {
                    "AZURE_TENANT_ID" | "AZURE_CLIENT_ID" => "11111111-1111-1111-1111-111111111111",
                    "PREVIEW_ENABLED_AT" | "PREVIEW_DISABLED_AT" => "2026-03-01T00:00:00Z",
                    "QUEUE_URL" | "DEAD_LETTER_QUEUE_URL" => "https://sqs.eu-west-1.amazonaws.com/1/queue",
                    "LEDGER_TABLE" => "ledger",
                    "DRAIN_CONCURRENCY" => drains,
                    _ => return None,
                };
                Some(value.to_owned())
            });
            pace(&settings.unwrap()).map(|check| check.result)
        };
        assert_eq!((with("5"), with("6")), (None, Some(Finding::Note)));
    }
}
