//! Whole runs: through duplicates, lost and poisoned messages, throttling, deadlines, and two of each
//! function at once.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::{
    DRAIN, ENFORCE, POLL,
    support::{
        doubles::{Double, Service},
        lambda::Function,
        mapping::Fate,
        world::World,
    },
};
use futures::future::join;
use serde_json::{Value, json};
use simulator::Faults;

/// What the template gives EventBridge Scheduler to send.
fn schedule() -> Value {
    json!({ "source": "aws.scheduler", "execution_id": "e", "scheduled_time": "2026-03-01T00:00:00Z" })
}

async fn poll_to_the_end(poll: &Function) -> Value {
    let mut sum = json!({ "candidates": 0, "enqueued": 0 });
    loop {
        let answer =
            poll.invoke(&schedule()).await.unwrap_or_else(|error| panic!("{error}\n{}", poll.logs()));
        for name in ["candidates", "enqueued"] {
            sum[name] = (sum[name].as_u64().unwrap() + answer[name].as_u64().unwrap_or(0)).into();
        }
        if answer["complete"] == true {
            return sum;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn whole_run_on(double: Double) {
    let world = World::new(Service::shared(double), 60, 7).await;
    let (poll, drain) =
        (world.function("poll", POLL, &[ENFORCE]), world.function("drain", DRAIN, &[ENFORCE]));
    let found = poll_to_the_end(&poll).await;
    assert_eq!(found["candidates"], found["enqueued"]);
    world.mapping().drain(&[&drain], Duration::from_mins(3)).await;
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
    let again = poll_to_the_end(&poll).await;
    assert_eq!(again["candidates"], 0, "what was seen is not found again");
    assert_eq!(world.dead_letters().await, []);
    for line in drain.logs().lines().chain(poll.logs().lines()) {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_ends_in_the_right_tenant_and_ledger_on_ministack() {
    whole_run_on(Double::Ministack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_ends_in_the_right_tenant_and_ledger_on_moto() {
    whole_run_on(Double::Moto).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn report_mode_deletes_nothing_and_enforce_goes_on_from_it() {
    let world = World::new(Service::shared(Double::Ministack), 40, 8).await;
    let (poll, drain) = (world.function("poll", POLL, &[]), world.function("drain", DRAIN, &[]));
    poll_to_the_end(&poll).await;
    world.mapping().drain(&[&drain], Duration::from_mins(3)).await;
    assert!(world.outcomes().await.values().any(|outcome| outcome == "would_roll_back"));
    assert!(world.tenant.journal().iter().all(|request| request.method != "DELETE"));
    for function in [&poll, &drain] {
        function.set_env("MODE", "enforce");
        function.restart();
    }
    poll_to_the_end(&poll).await;
    world.mapping().drain(&[&drain], Duration::from_mins(3)).await;
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_and_two_of_each_function_at_once_change_nothing() {
    let world = World::new(Service::shared(Double::Ministack), 60, 9).await;
    let function = |name, binary| world.function(name, binary, &[ENFORCE]);
    let (poll_1, poll_2) = (function("poll-1", POLL), function("poll-2", POLL));
    let (event_1, event_2) = (schedule(), json!({}));
    let (one, other) = join(poll_1.invoke(&event_1), poll_2.invoke(&event_2)).await;
    let (one, other) = (one.unwrap(), other.unwrap());
    let scanned = [&one, &other].iter().filter(|answer| answer["complete"] == true).count();
    assert!(scanned >= 1, "one of the two scans: {one} {other}");
    poll_to_the_end(&poll_1).await;
    let (drain_1, drain_2) = (function("drain-1", DRAIN), function("drain-2", DRAIN));
    let turn = AtomicUsize::new(0);
    let fate = |_: &_| match turn.fetch_add(1, Ordering::Relaxed) % 3 {
        0 => Fate::ToBoth,
        1 => Fate::Twice,
        _ => Fate::Delivered,
    };
    // What the other drain handles comes back when its lease has ended, after up to four minutes.
    world.mapping().drain_with(&[&drain_1, &drain_2], Duration::from_mins(6), fate).await;
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_message_loses_nobody() {
    let world = World::new(Service::shared(Double::Ministack), 40, 10).await;
    let (poll, drain) =
        (world.function("poll", POLL, &[ENFORCE]), world.function("drain", DRAIN, &[ENFORCE]));
    poll_to_the_end(&poll).await;
    let first = AtomicUsize::new(0);
    let fate = |_: &_| if first.fetch_add(1, Ordering::Relaxed) == 0 { Fate::Lost } else { Fate::Delivered };
    world.mapping().drain_with(&[&drain], Duration::from_mins(3), fate).await;
    let outcomes = world.outcomes().await;
    let forgotten: Vec<&String> =
        outcomes.iter().filter(|(_, outcome)| *outcome == "pending").map(|(user, _)| user).collect();
    assert!(!forgotten.is_empty());
    for user in &forgotten {
        world.age(user, Duration::from_hours(7)).await;
    }
    poll_to_the_end(&poll).await;
    world.mapping().drain(&[&drain], Duration::from_mins(3)).await;
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dead_letters_hold_exactly_the_poison_and_go_back_once_somebody_can_read_them() {
    let world = World::new(Service::shared(Double::Ministack), 40, 11).await;
    let (poll, drain) =
        (world.function("poll", POLL, &[ENFORCE]), world.function("drain", DRAIN, &[ENFORCE]));
    let stranger = json!({
        "schema": 1,
        "user_id": "99999999-9999-9999-9999-999999999999",
        "run_id": "11111111-1111-1111-1111-111111111111",
        "enqueued_at": "2026-03-01T00:00:00Z"
    })
    .to_string();
    let poison = ["not JSON", r#"{"schema":1,"user_id":"../x"}"#, "{}", stranger.as_str()];
    for body in poison {
        world
            .stack
            .sqs
            .send_message()
            .queue_url(&world.stack.queue_url)
            .message_body(body)
            .send()
            .await
            .unwrap();
    }
    poll_to_the_end(&poll).await;
    world.mapping().drain(&[&drain], Duration::from_mins(3)).await;
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
    let letters = world.dead_letters().await;
    let bodies: BTreeSet<&str> = letters.iter().map(|(body, _)| body.as_str()).collect();
    assert_eq!(bodies, BTreeSet::from(poison));
    assert_eq!(letters.len(), poison.len());
    assert!(letters.iter().all(|(_, reason)| !reason.is_empty()), "{letters:?}");

    // Out of sight while they were looked at.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let request = json!({ "httpMethod": "POST", "path": "/dead-letters/redrive" });
    let answer = drain.invoke(&request).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "redriven": 1, "unreadable": 3, "complete": true }));
    assert_eq!(world.mapping().left().await, 1, "the stranger's message is in the queue again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_and_an_item_for_newer_code_are_left_for_it() {
    let world = World::new(Service::shared(Double::Ministack), 40, 12).await;
    let (poll, drain) =
        (world.function("poll", POLL, &[ENFORCE]), world.function("drain", DRAIN, &[ENFORCE]));
    poll_to_the_end(&poll).await;
    let user = world.outcomes().await.into_keys().next().unwrap();
    world.make_newer(&user).await;
    let body = r#"{"schema":2,"more":true}"#;
    world.stack.sqs.send_message().queue_url(&world.stack.queue_url).message_body(body).send().await.unwrap();
    let mapping = world.mapping();
    let mut returned = 0;
    loop {
        let batch = mapping.receive().await;
        if batch.is_empty() {
            break;
        }
        returned += mapping.deliver(&batch, &drain).await.returned;
    }
    assert_eq!((returned, mapping.left().await), (2, 2), "{}", drain.logs());
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_tenant_delays_and_loses_nobody() {
    let world = World::with(Service::shared(Double::Ministack), 40, 13, |options| {
        options.faults = Faults { throttle: 0.08, ..Faults::default() };
    })
    .await;
    let (poll, drain) =
        (world.function("poll", POLL, &[ENFORCE]), world.function("drain", DRAIN, &[ENFORCE]));
    while !matches!(poll.invoke(&schedule()).await, Ok(answer) if answer["complete"] == true) {}
    world.mapping().impatient().drain(&[&drain], Duration::from_mins(8)).await;
    assert!(drain.logs().contains("graph throttled"));
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_time_to_begin_goes_back_at_once() {
    let world = World::new(Service::shared(Double::Ministack), 40, 14).await;
    let (poll, drain) =
        (world.function("poll", POLL, &[ENFORCE]), world.function("drain", DRAIN, &[ENFORCE]));
    poll_to_the_end(&poll).await;
    drain.set_timeout(Duration::from_secs(20));
    let mapping = world.mapping();
    let batch = mapping.receive().await;
    let tally = mapping.deliver(&batch, &drain).await;
    assert_eq!((tally.returned, tally.errors), (10, 0), "{}", drain.logs());
    assert!(world.tenant.journal().iter().all(|request| request.user.is_none()), "nobody was looked at");
    let left = mapping.left().await;
    drain.set_timeout(Duration::from_mins(2));
    mapping.drain(&[&drain], Duration::from_mins(1)).await;
    assert!(left >= 30 && world.outcomes().await.values().all(|outcome| outcome != "pending"));
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_neither_a_batch_nor_a_request_is_an_error_that_says_so() {
    let world = World::new(Service::shared(Double::Ministack), 40, 15).await;
    let (poll, drain) = (world.function("poll", POLL, &[]), world.function("drain", DRAIN, &[]));
    let refused = drain.invoke(&json!({ "hello": "world" })).await.unwrap_err().to_string();
    assert!(refused.contains("drain takes"), "{refused}");
    let refused = poll.invoke(&json!({ "Records": [] })).await.unwrap_err().to_string();
    assert!(refused.contains("poll takes"), "{refused}");
    let request = json!({ "httpMethod": "GET", "path": "/nothing" });
    assert_eq!(poll.invoke(&request).await.unwrap()["statusCode"], 404);
    assert_eq!(drain.invoke(&request).await.unwrap()["statusCode"], 404);
    assert_eq!(world.outcomes().await.len(), 0);
}
