//! `GET /doctor`: whether everything is in place, the tenant's side and AWS's.

use aws_sdk_sqs::types::QueueAttributeName;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;
use serde::Deserialize;
use shared::{
    credentials::Proof,
    doctor::{self, Check},
    preflight::Preflight,
};

use crate::{
    core::Core,
    settings::{Credential, Settings},
};

/// Looks at everything once; nothing is kept and nothing is changed.
pub async fn examine(core: &Core) -> Vec<Check> {
    let mut checks = vec![doctor::settings(&core.settings), ledger(core).await];
    checks.push(queue(core, "queue", &core.settings.queue_url).await);
    checks.push(queue(core, "dead letters", &core.settings.dead_letter_queue_url).await);
    checks.push(concurrency(core).await);
    checks.push(notifications(core).await);
    checks.push(credential(core).await);
    match Preflight::read(&core.graph, &core.settings, core.clock.now()).await {
        Ok(preflight) => checks.extend(doctor::tenant(&core.settings, &preflight)),
        Err(error) => checks.push(Check::missing("sign-in", error.to_string())),
    }
    checks
}

async fn ledger(core: &Core) -> Check {
    match core.book().await {
        Ok(_) => Check::ok("ledger", format!("table {}", core.settings.ledger_table)),
        Err(error) => Check::missing("ledger", error.to_string()),
    }
}

async fn queue(core: &Core, what: &str, url: &str) -> Check {
    let asked = aws_sdk_sqs::Client::new(&core.config)
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
        .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
        .send()
        .await;
    let attributes = match asked {
        Ok(answer) => answer.attributes.unwrap_or_default(),
        Err(error) => return Check::missing(what, format!("{url}: {}", crate::aws::cause(&error))),
    };
    let number = |name| attributes.get(&name).map_or("?", String::as_str);
    Check::ok(
        what,
        format!(
            "{} messages wait, {} are being handled",
            number(QueueAttributeName::ApproximateNumberOfMessages),
            number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
        ),
    )
}

/// New AWS accounts run ten functions at once, or fewer; what other functions reserve is gone.
async fn concurrency(core: &Core) -> Check {
    const WHAT: &str = "concurrency quota";
    let needed = i64::from(core.settings.drain_concurrency) + 1;
    match aws_sdk_lambda::Client::new(&core.config).get_account_settings().send().await {
        Ok(answer) => {
            let free = answer.account_limit.and_then(|limit| limit.unreserved_concurrent_executions);
            match free.map(i64::from) {
                Some(free) if free < needed => Check::missing(
                    WHAT,
                    format!(
                        "{free} executions at once are left in this account and region, {needed} are needed: ask for a higher quota, or lower DrainConcurrency"
                    ),
                ),
                Some(free) => Check::ok(WHAT, format!("{free} executions at once, {needed} needed")),
                None => Check::note(WHAT, "AWS does not say it"),
            }
        }
        Err(error) => Check::note(WHAT, format!("cannot be read: {}", crate::aws::cause(&error))),
    }
}

async fn notifications(core: &Core) -> Check {
    const WHAT: &str = "notifications";
    let Some(topic) = &core.settings.notification_topic_arn else {
        return Check::note(
            WHAT,
            "NOTIFICATION_TOPIC_ARN is not set: nobody is told when something goes wrong",
        );
    };
    let asked = aws_sdk_sns::Client::new(&core.config).get_topic_attributes().topic_arn(topic).send().await;
    let attributes = match asked {
        Ok(answer) => answer.attributes.unwrap_or_default(),
        Err(error) => return Check::missing(WHAT, format!("{topic}: {}", crate::aws::cause(&error))),
    };
    let count = |name: &str| attributes.get(name).and_then(|count| count.parse().ok()).unwrap_or(0_u32);
    match (count("SubscriptionsConfirmed"), count("SubscriptionsPending")) {
        (0, 0) => Check::note(WHAT, "nobody has subscribed to the topic"),
        (0, pending) => Check::missing(
            WHAT,
            format!("{pending} subscriptions wait for confirmation: follow the link in the mail from AWS"),
        ),
        (confirmed, _) => Check::ok(WHAT, format!("{confirmed} subscriptions confirmed")),
    }
}

/// What the app registration has to trust, in the token's own words.
async fn credential(core: &Core) -> Check {
    const WHAT: &str = "credential";
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
        sub: String,
    }
    let proof = match core.credentials.proof("").await {
        Ok(proof) => proof,
        Err(error) => return Check::missing(WHAT, error.to_string()),
    };
    let Settings { credential, .. } = &*core.settings;
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
