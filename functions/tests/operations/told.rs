//! Who is told what: mails and events as they arrive.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_eventbridge::types::Target;
use regex_lite::Regex;
use serde_json::{Value, json};
use simulator::Faults;

use crate::{
    DRAIN, POLL,
    support::{
        doubles::{Double, Service, config},
        gateway::Gateway,
        world::World,
    },
};

/// What people and programs get.
struct Told {
    sqs: aws_sdk_sqs::Client,
    mails: String,
    events: String,
    env: [(&'static str, String); 2],
}

impl Told {
    async fn new(world: &World) -> Self {
        let (stack, config) = (&world.stack, config(&world.stack.endpoint).await);
        let queue = async |name: &str| {
            let name = format!("{}-{name}", stack.table);
            let url = stack.sqs.create_queue().queue_name(&name).send().await.unwrap().queue_url.unwrap();
            (url, format!("arn:aws:sqs:eu-central-1:000000000000:{name}"))
        };
        let ((mails, mails_arn), (events, events_arn)) = (queue("mails").await, queue("events").await);
        let sns = aws_sdk_sns::Client::new(&config);
        let topic = sns.create_topic().name(&stack.table).send().await.unwrap().topic_arn.unwrap();
        sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(mails_arn).send().await.unwrap();
        let bridge = aws_sdk_eventbridge::Client::new(&config);
        let bus = stack.table.clone();
        bridge.create_event_bus().name(&bus).send().await.unwrap();
        let pattern = json!({ "source": ["mfa-rollback"], "detail-type": ["User Outcome"] }).to_string();
        bridge.put_rule().name("all").event_bus_name(&bus).event_pattern(pattern).send().await.unwrap();
        let target = Target::builder().id("queue").arn(events_arn).build().unwrap();
        bridge.put_targets().rule("all").event_bus_name(&bus).targets(target).send().await.unwrap();
        let env = [("NOTIFICATION_TOPIC_ARN", topic), ("EVENT_BUS_NAME", bus)];
        Self { sqs: stack.sqs.clone(), mails, events, env }
    }

    async fn read(&self, url: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let answer =
                self.sqs.receive_message().queue_url(url).max_number_of_messages(10).send().await.unwrap();
            let messages = answer.messages.unwrap_or_default();
            if messages.is_empty() {
                return all;
            }
            for message in messages {
                let receipt = message.receipt_handle.unwrap();
                self.sqs.delete_message().queue_url(url).receipt_handle(receipt).send().await.unwrap();
                all.push(serde_json::from_str(&message.body.unwrap()).unwrap());
            }
        }
    }

    /// New mails: subject and text.
    async fn mails(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mails = self.read(&self.mails).await;
        mails.iter().map(|mail| (text(&mail["Subject"]), text(&mail["Message"]))).collect()
    }
}

/// Lets the last digest have been sent two hours ago.
async fn two_hours_later(world: &World) {
    let earlier = |told: &mut Value| {
        for at in ["at", "begun_at"] {
            let before: jiff::Timestamp = told[at].as_str().unwrap().parse().unwrap();
            told[at] = json!((before - Duration::from_hours(2)).to_string());
        }
    };
    world.change("NOTICES", earlier).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_mails_and_programs_get_events() {
    let world = World::new(Service::shared(Double::Ministack), 100, 41).await;
    // Who has a default that blocks the rest stays partial.
    world.tenant.set_faults(Faults { refuse_preferences: true, ..Faults::default() });
    let told = Told::new(&world).await;
    let mut env: Vec<(&str, &str)> = told.env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.extend([("MODE", "enforce"), ("MAX_FAILURE_PERCENT", "1")]);
    let (poll, drain) = (world.function("poll", POLL, &env), world.function("drain", DRAIN, &env));
    let mut all = String::new();

    poll.invoke(&json!({})).await.unwrap();
    let mails = told.mails().await;
    let [(subject, text)] = mails.as_slice() else { panic!("one digest: {mails:?}") };
    assert!(subject.starts_with("mfa-rollback: ") && subject.contains("pending +"), "{subject}");
    all.push_str(text);

    world.mapping().drain(&[&drain], Duration::from_mins(3)).await;
    let outcomes = world.outcomes().await;
    let mails = told.mails().await;
    let partial: Vec<&String> =
        outcomes.iter().filter(|(_, outcome)| outcome.starts_with("partial")).map(|(user, _)| user).collect();
    assert!(!partial.is_empty());
    for user in partial {
        assert!(
            mails.iter().any(|(subject, text)| subject.contains("partial") && text.contains(user)),
            "{mails:?}"
        );
    }
    let opened: Vec<_> =
        mails.iter().filter(|(subject, _)| subject == "mfa-rollback: the brake is open").collect();
    assert_eq!(opened.len(), 1, "told once: {mails:?}");
    assert!(
        opened[0].1.contains("mfa-rollback opened it") && opened[0].1.contains("BrakeOpen"),
        "{}",
        opened[0].1
    );
    all.extend(mails.iter().map(|(_, text)| text.as_str()));

    poll.invoke(&json!({})).await.unwrap();
    assert_eq!(told.mails().await, [], "no digest within the hour, and the brake is told already");
    two_hours_later(&world).await;
    poll.restart();
    poll.invoke(&json!({})).await.unwrap();
    let mails = told.mails().await;
    let [(subject, text)] = mails.as_slice() else { panic!("one digest: {mails:?}") };
    assert!(subject.len() < 100 && subject.is_ascii(), "{subject}");
    assert!(text.contains("rolled_back") && text.contains("brake open") && text.contains("held,"), "{text}");
    all.push_str(text);
    two_hours_later(&world).await;
    poll.restart();
    poll.invoke(&json!({})).await.unwrap();
    assert_eq!(told.mails().await, [], "nothing has changed");

    let gateway = Gateway::start(&[&poll], &[&drain]).await;
    for path in ["/brake/release", "/brake/open"] {
        let reason = json!({ "reason": "ask Adele Vance" });
        assert_eq!(gateway.ask("POST", path, Some(&reason)).await.0, 200);
    }
    let mails = told.mails().await;
    let [(subject, text)] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(subject, "mfa-rollback: the brake is open");
    assert!(text.contains("A person opened it") && !text.contains("Adele"), "{text}");
    all.push_str(text);
    for resident in &world.cast.residents {
        assert!(!all.contains(&resident.user_principal_name), "{all}");
    }
    assert!(Regex::new(r"\+\d{2,} ?\d{6,}").unwrap().find(&all).is_none(), "{all}");

    let events = told.read(&told.events).await;
    let handled = drain.log_lines().iter().filter(|line| line["message"] == "user outcome").count();
    assert_eq!(events.len(), handled, "one for each handling");
    let mut latest: BTreeMap<String, (String, String)> = BTreeMap::new();
    for event in &events {
        assert_eq!(
            (&event["source"], &event["detail-type"]),
            (&json!("mfa-rollback"), &json!("User Outcome"))
        );
        let detail = &event["detail"];
        let reason = detail["reason"].as_str().map(|reason| format!("({reason})")).unwrap_or_default();
        let outcome = format!("{}{reason}", detail["outcome"].as_str().unwrap());
        let at = event["time"].as_str().unwrap().to_owned();
        let user = detail["user_id"].as_str().unwrap().to_owned();
        if latest.get(&user).is_none_or(|(before, _)| *before <= at) {
            latest.insert(user, (at, outcome));
        }
        assert!(detail["changed"].is_boolean() && detail["next_step"].is_string(), "{detail}");
    }
    for (user, (_, outcome)) in latest {
        assert_eq!(outcomes[&user], outcome, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_or_bus_that_is_not_there_stops_nothing() {
    let world = World::new(Service::shared(Double::Ministack), 40, 42).await;
    let topic = "arn:aws:sns:eu-central-1:000000000000:nobody";
    let env = [("MODE", "enforce"), ("NOTIFICATION_TOPIC_ARN", topic), ("EVENT_BUS_NAME", "nobody")];
    let (poll, drain) = (world.function("poll", POLL, &env), world.function("drain", DRAIN, &env));
    poll.invoke(&json!({})).await.unwrap();
    world.mapping().drain(&[&drain], Duration::from_mins(3)).await;
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
    assert!(poll.log_lines().iter().any(|line| line["message"] == "notice not sent"), "{}", poll.logs());
}
