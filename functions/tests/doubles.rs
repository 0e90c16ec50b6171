//! The stand-ins for AWS do what the tests of the functions rely on.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde_json::{Value, json};

use crate::support::{
    doubles::{Double, Service, config},
    faults,
    lambda::{Function, FunctionError},
    mapping::{Fate, Mapping},
    proxy::{Moment, Proxy, Reaction},
    python::python,
    stack::Stack,
    web_identity,
    world::World,
};

const BOTH: [Double; 2] = [Double::Ministack, Double::Moto];

/// A function that does what its event says; an SQS event says it in the bodies.
struct Obedient {
    _folder: tempfile::TempDir,
    binary: PathBuf,
}

impl Obedient {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("obedient");
        let script = include_str!("support/obedient.py");
        fs::write(&binary, format!("#!{}\n{script}", python().display())).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        Self { _folder: folder, binary }
    }

    fn function(&self, name: &str) -> Function {
        Function::new(name, &self.binary, BTreeMap::new())
    }
}

async fn send(stack: &Stack, bodies: &[&str]) {
    for chunk in bodies.chunks(10) {
        let entry = |(n, body): (usize, &&str)| {
            SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(*body).build().unwrap()
        };
        let entries = chunk.iter().enumerate().map(entry).collect();
        let request = stack.sqs.send_message_batch().queue_url(&stack.queue_url);
        request.set_entries(Some(entries)).send().await.unwrap();
    }
}

#[tokio::test]
async fn a_function_answers_fails_and_knows_its_deadline() {
    let obedient = Obedient::new();
    let function = obedient.function("one");
    function.set_timeout(Duration::from_secs(7));
    assert_eq!(function.invoke(&json!({"do": "echo", "n": 1})).await, Ok(json!({"do": "echo", "n": 1})));
    let failed = function.invoke(&json!({"do": "fail"})).await;
    let Err(FunctionError::Failed(error)) = failed else { panic!("{failed:?}") };
    assert_eq!(error["errorType"], "Told");
    let context = function.invoke(&json!({"do": "context"})).await.unwrap();
    let left = context["milliseconds"].as_i64().unwrap();
    assert!((5000..=7000).contains(&left), "{context}");
    assert!(context["arn"].as_str().unwrap().ends_with(":function:one"), "{context}");
    let names: Vec<&str> = context["env"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(names.contains(&"AWS_LAMBDA_RUNTIME_API") && !names.contains(&"HOME"), "{names:?}");
    assert!(function.logs().contains("took echo") && function.resident_bytes() > 1 << 20);
    assert_eq!(function.starts(), 1);
}

#[tokio::test]
async fn an_invocation_ends_with_its_process_and_the_next_one_starts_another() {
    let obedient = Obedient::new();
    let function = obedient.function("killed");
    for round in 1..=3 {
        let killer = function.clone();
        let kill = async {
            tokio::time::sleep(Duration::from_millis(200 * round)).await;
            killer.kill();
        };
        let sleep = json!({"do": "sleep"});
        let (answer, ()) = tokio::join!(function.invoke(&sleep), kill);
        assert_eq!(answer, Err(FunctionError::Died));
        assert_eq!(function.invoke(&json!({"do": "echo"})).await, Ok(json!({"do": "echo"})));
    }
    assert_eq!(function.invoke(&json!({"do": "exit"})).await, Err(FunctionError::Died));
    function.set_timeout(Duration::from_secs(1));
    let start = Instant::now();
    assert_eq!(function.invoke(&json!({"do": "sleep"})).await, Err(FunctionError::TimedOut));
    assert!(start.elapsed() < Duration::from_secs(5) && !function.is_running());
    assert_eq!(function.invoke(&json!({"do": "echo"})).await, Ok(json!({"do": "echo"})));
}

#[tokio::test]
async fn a_mapping_deletes_what_did_not_fail_and_the_rest_comes_back() {
    let obedient = Obedient::new();
    for double in BOTH {
        let stack = Stack::create(Service::shared(double)).await;
        let (one, other) = (obedient.function("one"), obedient.function("other"));
        let bodies: Vec<String> = (0..23).map(|n| format!("ok {n}")).collect();
        send(&stack, &bodies.iter().map(String::as_str).collect::<Vec<_>>()).await;
        send(&stack, &["once", "once", "ok"]).await;
        let tally = Mapping::new(&stack).impatient().drain(&[&one, &other], Duration::from_secs(30)).await;
        assert_eq!((tally.deleted, tally.returned, tally.errors), (26, 2, 0), "{double:?}");
        assert!(one.starts() + other.starts() > 0);
    }
}

#[tokio::test]
async fn a_message_that_went_back_is_out_of_sight_for_the_queue_s_own_time() {
    let obedient = Obedient::new();
    for double in BOTH {
        let stack = Stack::create(Service::shared(double)).await;
        let mapping = Mapping::new(&stack);
        send(&stack, &["ok", "once", "nonsense"]).await;
        let batch = mapping.receive().await;
        let tally = mapping.deliver(&batch, &obedient.function("f")).await;
        // An answer that names an unknown message gives the whole batch back.
        assert_eq!((tally.deleted, tally.returned), (0, 3), "{double:?}");
        assert_eq!((mapping.receive().await.len(), mapping.left().await), (0, 3), "{double:?}");
        mapping.show(&batch).await;
        let again = mapping.receive().await;
        let count = crate::support::sqs_event::event(&again, "arn")["Records"][0]["attributes"].clone();
        assert_eq!(count["ApproximateReceiveCount"], "2", "{double:?} {count}");
        assert!(count["SentTimestamp"].as_str().unwrap().len() == 13, "{double:?} {count}");
        assert!(count["ApproximateFirstReceiveTimestamp"].is_string() && count["SenderId"].is_string());
    }
}

#[tokio::test]
async fn batches_are_duplicated_and_lost_on_request() {
    let obedient = Obedient::new();
    let stack = Stack::create(Service::shared(Double::Ministack)).await;
    let (one, other) = (obedient.function("one"), obedient.function("other"));
    let mapping = Mapping::new(&stack).impatient();
    for (fate, took) in [(Fate::Delivered, 1), (Fate::Twice, 2), (Fate::ToBoth, 2), (Fate::Lost, 0)] {
        send(&stack, &["ok"]).await;
        let before = took_count(&one) + took_count(&other);
        mapping.drain_with(&[&one, &other], Duration::from_secs(30), |_| fate).await;
        assert_eq!(took_count(&one) + took_count(&other) - before, took, "{fate:?}");
    }
}

fn took_count(function: &Function) -> usize {
    function.logs().matches("took batch").count()
}

#[tokio::test]
async fn the_proxy_sees_every_request_and_spoils_those_it_is_told_to() {
    for double in BOTH {
        let stack = Stack::create(Service::shared(double)).await;
        let proxy = Proxy::before(&stack.endpoint).await;
        let config = config(&proxy.endpoint()).await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let item = || AttributeValue::S("x".to_owned());
        let put =
            || dynamodb.put_item().table_name(&stack.table).item("pk", item()).item("sk", item()).send();
        put().await.unwrap();
        let seen = &proxy.calls()[0];
        assert_eq!((seen.operation.as_str(), seen.status), ("DynamoDB.PutItem", Some(200)));
        assert_eq!(seen.resource.as_deref(), Some(stack.table.as_str()));

        // The first answer is lost, the second request is throttled, the third passes.
        let asked = Arc::new(AtomicUsize::new(0));
        proxy.on_request(move |moment, call| match (moment, call.seq) {
            (Moment::After, 1) => Reaction::Lose,
            (Moment::Before, 2) => Reaction::Answer(faults::throttled(call)),
            _ => {
                asked.fetch_add(1, Ordering::SeqCst);
                Reaction::Pass
            }
        });
        put().await.unwrap();
        let statuses: Vec<_> = proxy.calls().iter().map(|call| call.status).collect();
        assert_eq!(statuses, [Some(200), Some(200), Some(400), Some(200)], "{double:?}");
    }
}

#[tokio::test]
async fn the_proxy_refuses_entries_and_leaves_keys() {
    for double in BOTH {
        let stack = Stack::create(Service::shared(double)).await;
        let proxy = Proxy::before(&stack.endpoint).await;
        let config = config(&proxy.endpoint()).await;
        proxy.on_request(|moment, call| match (moment, call.operation.as_str()) {
            (Moment::Before, "SQS.SendMessageBatch") => {
                Reaction::Refuse { ids: vec!["b".to_owned()], code: "InternalError", sender_fault: false }
            }
            (Moment::Before, "DynamoDB.BatchGetItem") => Reaction::Keys(1),
            _ => Reaction::Pass,
        });
        let entry =
            |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body("ok").build().unwrap();
        let sqs = aws_sdk_sqs::Client::new(&config);
        let answer = sqs
            .send_message_batch()
            .queue_url(&stack.queue_url)
            .set_entries(Some(vec![entry("a"), entry("b")]))
            .send()
            .await
            .unwrap();
        assert_eq!((answer.successful.len(), answer.failed[0].id.as_str()), (1, "b"), "{double:?}");
        assert_eq!(Mapping::new(&stack).left().await, 1, "{double:?}");

        let key = |sk: &str| {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            std::collections::HashMap::from([("pk".to_owned(), text("x")), ("sk".to_owned(), text(sk))])
        };
        let keys =
            aws_sdk_dynamodb::types::KeysAndAttributes::builder().keys(key("1")).keys(key("2")).build();
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let answer =
            dynamodb.batch_get_item().request_items(&stack.table, keys.unwrap()).send().await.unwrap();
        assert_eq!(answer.unprocessed_keys.unwrap()[&stack.table].keys, [key("2")], "{double:?}");
    }
}

#[tokio::test]
async fn a_world_takes_the_token_of_a_role_and_is_polled_and_drained() {
    let world = World::with(Service::shared(Double::Ministack), 25, 3, |options| {
        options.federated_credentials.push(web_identity::credential());
    })
    .await;
    world.proxy.on_request(|moment, call| match (moment, call.operation.as_str()) {
        (Moment::Before, "STS.GetWebIdentityToken") => Reaction::Answer(web_identity::answer(call)),
        _ => Reaction::Pass,
    });
    let more = [("MODE", "enforce"), ("GRAPH_CREDENTIAL", "federated")];
    let poll = world.function("poll", crate::POLL, &more);
    let drain = || world.function("drain", crate::DRAIN, &more);
    let polled = poll.invoke(&json!({})).await.unwrap_or_else(|error| panic!("{error}: {}", poll.logs()));
    assert_eq!(polled["complete"], true, "{polled}");
    let tally = world.mapping().drain(&[&drain(), &drain()], Duration::from_mins(1)).await;
    assert_eq!((tally.errors, tally.returned), (0, 0), "{tally:?}");
    let tokens =
        world.proxy.calls().iter().filter(|call| call.operation == "STS.GetWebIdentityToken").count();
    assert!(tokens >= 2 && world.tenant.journal().iter().any(|entry| entry.method == "DELETE"));
    world.assert_safe();
}
