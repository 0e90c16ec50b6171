//! A run in which everything happens that operators look for: its log lines, made once for all tests.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use simulator::{Faults, Part};
use tokio::sync::OnceCell;

use crate::{
    DRAIN, POLL,
    support::{
        doubles::{Double, Service},
        gateway::Gateway,
        world::World,
    },
};

/// What a run left.
pub struct Busy {
    /// Everything that both functions wrote.
    pub text: String,
    /// Its lines.
    pub lines: Vec<Value>,
    /// What became of whom.
    pub outcomes: BTreeMap<String, String>,
    /// A user who was rolled back.
    pub user: String,
    /// A principal name, a phone number and a secret that no line may hold.
    pub forbidden: Vec<String>,
}

/// The run; at level INFO, as a deployment logs.
pub async fn busy() -> &'static Busy {
    static BUSY: OnceCell<Busy> = OnceCell::const_new();
    BUSY.get_or_init(run).await
}

async fn run() -> Busy {
    let world = World::new(Service::shared(Double::Ministack), 60, 31).await;
    let env = [("MODE", "enforce"), ("AWS_LAMBDA_LOG_LEVEL", "INFO")];
    let (poll, drain) = (world.function("poll", POLL, &env), world.function("drain", DRAIN, &env));
    let bad =
        Faults { throttle: 0.2, slow: 0.2, slow_for: Duration::from_millis(1_100), ..Faults::default() };
    world.tenant.set_faults(bad);
    let said = |message: &str| poll.log_lines().iter().any(|line| line["message"] == message);
    while !["graph throttled", "graph answered", "poll finished"].into_iter().all(said) {
        drop(poll.invoke(&json!({})).await);
    }
    world.tenant.set_faults(Faults::default());
    let gateway = Gateway::start(&[&poll], &[&drain]).await;
    let reason = json!({ "reason": "ticket 4711" });
    for path in ["/brake/open", "/brake/release"] {
        assert_eq!(gateway.ask("POST", path, Some(&reason)).await.0, 200);
    }
    let named = json!({ "user_ids": [world.of(Part::NeverRegistered).id], "reason": "ticket 4712" });
    assert_eq!(gateway.ask("POST", "/rollbacks", Some(&named)).await.0, 202);
    let stack = &world.stack;
    for body in ["not JSON", r#"{"schema":1}"#] {
        stack.sqs.send_message().queue_url(&stack.queue_url).message_body(body).send().await.unwrap();
    }
    world.mapping().impatient().drain(&[&drain], Duration::from_mins(4)).await;
    poll.invoke(&json!({})).await.unwrap();
    let text = [poll.logs(), drain.logs()].concat();
    let lines = [poll.log_lines(), drain.log_lines()].concat();
    let outcomes = world.outcomes().await;
    let user = outcomes.iter().find(|(_, outcome)| *outcome == "rolled_back").unwrap().0.clone();
    let principals = world.cast.residents.iter().map(|resident| resident.user_principal_name.clone());
    let forbidden = principals.chain([world.options.client_secret.clone()]).collect();
    Busy { text, lines, outcomes, user, forbidden }
}
