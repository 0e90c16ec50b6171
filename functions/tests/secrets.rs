//! Invariant 9 on AWS: neither logs, answers, ledger nor queue tell the client secret, a token, a phone number or
//! a principal name, at the most verbose level.

use std::time::Duration;

use serde_json::json;
use simulator::{Faults, Part, Secrets};

use crate::{
    DRAIN, POLL,
    support::{
        doubles::{Double, Service},
        gateway::Gateway,
        lambda::Function,
        world::World,
    },
};

const TRACE: [(&str, &str); 3] =
    [("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("RUST_LOG", "trace"), ("MODE", "enforce")];

/// A whole run, and whatever was written anywhere: by place.
async fn everything(world: &World, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let env = [&TRACE[..], more].concat();
    let poll = world.function("poll", POLL, &env);
    let drain = world.function("drain", DRAIN, &env);
    let mut written = Vec::new();
    let doctor = json!({"httpMethod": "GET", "path": "/doctor", "resource": "/doctor", "requestContext": {}});
    for event in [json!({}), doctor, json!({"Records": [{"body": "nonsense"}]})] {
        written.push((format!("poll's answer to {event}"), format!("{:?}", poll.invoke(&event).await)));
    }
    written.extend(by_request(world, &poll, &drain).await);
    world.mapping().drain(&[&drain], Duration::from_mins(2)).await;
    // A credential that is refused in the middle, and a tenant that is not there.
    world.tenant.set_client_secret("an0ther~secret-of.the-app");
    world.tenant.revoke_tokens();
    poll.restart();
    written.push((
        "poll's answer without a credential".to_owned(),
        format!("{:?}", poll.invoke(&json!({})).await),
    ));
    written.extend([("poll's log".to_owned(), poll.logs()), ("drain's log".to_owned(), drain.logs())]);
    for call in world.proxy.calls() {
        written.push((format!("{} {}", call.seq, call.operation), call.body.to_string()));
    }
    written
}

/// What the API answers to requests that name principal names, and to bad ones. That `GET /users/{user_id}` and
/// its diagnosis tell a user's names is what they are for.
async fn by_request(world: &World, poll: &Function, drain: &Function) -> Vec<(String, String)> {
    let gateway = Gateway::start(&[poll], &[drain]).await;
    let name = &world.of(Part::Phone).user_principal_name;
    let named = |more: &str| json!({ "user_ids": [name, more], "reason": "ticket 4711" });
    let mut mode = named("x");
    mode[name] = json!("a field that nobody knows");
    let mut answers = Vec::new();
    for (method, path, body) in [
        ("POST", "/scans".to_owned(), None),
        ("POST", "/rollbacks".to_owned(), Some(named(&format!("nobody{name}")))),
        ("POST", "/rollbacks".to_owned(), Some(mode)),
        ("POST", format!("/users/{name}/release"), Some(json!({ "reason": "ticket 4711" }))),
        ("GET", format!("/users/nobody{name}"), None),
        ("GET", format!("/users?cursor={name}"), None),
        ("GET", "/users".to_owned(), None),
        ("GET", "/status".to_owned(), None),
        ("POST", "/brake/open".to_owned(), Some(json!({ "reason": "ticket 4711" }))),
        ("POST", "/brake/release".to_owned(), Some(json!({ "reason": "ticket 4711" }))),
    ] {
        let (status, answer) = gateway.ask(method, &path, body.as_ref()).await;
        // What a caller got wrong is repeated to them alone.
        if status != 400 {
            answers.push((format!("{method} {path}: {status}"), answer.to_string()));
        }
    }
    gateway.ask("GET", &format!("/users/{name}"), None).await;
    gateway.ask("GET", &format!("/users/{name}/diagnosis"), None).await;
    answers
}

async fn world(seed: u64) -> (World, Secrets) {
    let secret =
        |options: &mut simulator::Options| "s3cret~of.the-app".clone_into(&mut options.client_secret);
    let world = World::with(Service::shared(Double::Ministack), 60, seed, secret).await;
    let secrets = world.tenant.secrets();
    (world, secrets)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_written_tells_a_secret() {
    let (world, secrets) = world(91).await;
    world.tenant.set_faults(Faults::spread(0.05, Duration::from_millis(5)));
    let written = everything(&world, &[]).await;
    let secrets = secrets.and(world.tenant.secrets());
    let has = |operation: &str| written.iter().any(|(place, _)| place.ends_with(operation));
    assert!(
        has("SQS.SendMessageBatch")
            && has("DynamoDB.TransactWriteItems")
            && has("SecretsManager.GetSecretValue")
    );
    assert!(written.iter().any(|(_, text)| text.contains("\"level\":\"DEBUG\"")), "not at its most verbose");
    assert!(world.tenant.journal().iter().any(|entry| entry.method == "DELETE" && entry.acted));
    for (place, text) in &written {
        assert_eq!(secrets.told_in(text.as_bytes()), None, "{place}");
        for form in ["eyJ", "Bearer ", "client_secret="] {
            assert!(!text.contains(form), "{place}: {form}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn principal_names_are_told_where_they_are_asked_for_and_then_found() {
    let (world, secrets) = world(92).await;
    let written = everything(&world, &[("LOG_USER_PRINCIPAL_NAMES", "true")]).await;
    assert!(
        written.iter().any(|(_, text)| secrets.told_in(text.as_bytes()).is_some()),
        "this test could not fail"
    );
    let others = secrets.but("a principal name");
    for (place, text) in &written {
        assert_eq!(others.told_in(text.as_bytes()), None, "{place}");
    }
}
