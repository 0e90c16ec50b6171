//! Every alarm on a metric of the program is provoked once: what would fire it is seen, under the name and the
//! dimension that the template has; and a run without trouble fires none.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::telemetry::NAMESPACE;
use simulator::{Faults, MethodKind, NewMethod, NewUser, Part, PhoneType};

use super::{
    metrics::{embedded, values},
    watched::resources,
};
use crate::{
    DRAIN, POLL,
    support::{
        doubles::{Double, Service},
        gateway::Gateway,
        lambda::Function,
        now, template,
        world::World,
    },
};

/// An alarm on one metric, as CloudWatch weighs one period of it.
struct Alarm {
    metric: String,
    statistic: String,
    operator: String,
    threshold: f64,
    tells_silence: bool,
}

/// The alarms on the program's own metrics.
fn own_alarms() -> BTreeMap<String, Alarm> {
    let overlap = template::template()["Parameters"]["OverlapMinutes"]["Default"].as_f64().unwrap();
    let read = |(name, alarm): (String, Value)| {
        let properties = &alarm["Properties"];
        let stat = properties["Metrics"].as_array().and_then(|metrics| {
            metrics.iter().map(|metric| &metric["MetricStat"]).find(|stat| !stat.is_null())
        });
        let (metric, statistic) = match stat {
            Some(stat) => (&stat["Metric"], &stat["Stat"]),
            None => (properties, &properties["Statistic"]),
        };
        if metric["Namespace"] != NAMESPACE {
            return None;
        }
        // The one alarm with an expression compares minutes.
        let threshold = properties["Threshold"].as_f64().unwrap_or(overlap * 60.0);
        let alarm = Alarm {
            metric: metric["MetricName"].as_str().unwrap().to_owned(),
            statistic: statistic.as_str().unwrap().to_owned(),
            operator: properties["ComparisonOperator"].as_str().unwrap().to_owned(),
            threshold,
            tells_silence: !properties["InsufficientDataActions"].is_null(),
        };
        Some((name, alarm))
    };
    resources("AWS::CloudWatch::Alarm").into_iter().filter_map(read).collect()
}

impl Alarm {
    fn fires(&self, told: &BTreeMap<String, Vec<Value>>) -> bool {
        let Some(values) = told.get(&self.metric) else { return self.tells_silence };
        let mut values: Vec<f64> = values.iter().map(|value| value.as_f64().unwrap()).collect();
        values.sort_by(f64::total_cmp);
        let value = match self.statistic.as_str() {
            "Sum" => values.iter().sum(),
            "Minimum" => values[0],
            "Maximum" | "p99" => values[values.len() - 1],
            other => panic!("{other}"),
        };
        match self.operator.as_str() {
            "GreaterThanThreshold" => value > self.threshold,
            "LessThanThreshold" => value < self.threshold,
            other => panic!("{other}"),
        }
    }
}

/// The alarms that fire by what these functions have told.
fn firing(functions: &[&Function]) -> Vec<String> {
    let lines: Vec<Value> = functions.iter().flat_map(|function| function.log_lines()).collect();
    let told = values(&embedded(&lines));
    own_alarms().into_iter().filter(|(_, alarm)| alarm.fires(&told)).map(|(name, _)| name).collect()
}

#[track_caller]
fn fires(functions: &[&Function], alarm: &str) {
    let firing = firing(functions);
    let logs = || functions.iter().map(|function| function.logs()).collect::<String>();
    assert!(firing.iter().any(|name| name == alarm), "{alarm} is silent beside {firing:?}\n{}", logs());
}

/// A world of its own with these people in it, and its two functions.
async fn world(seed: u64, parts: &[Part], more: &[(&str, &str)]) -> (World, Function, Function) {
    let world = World::with_parts(Service::shared(Double::Ministack), parts, seed).await;
    // Everything may still happen: the window is open.
    let until = (now() + Duration::from_hours(24)).to_string();
    let mut env = vec![("MODE", "enforce"), ("REGISTERED_UNTIL", until.as_str())];
    env.extend(more);
    let (poll, drain) = (world.function("poll", POLL, &env), world.function("drain", DRAIN, &env));
    (world, poll, drain)
}

async fn drained(world: &World, drain: &Function) {
    world.mapping().impatient().drain(&[drain], Duration::from_mins(3)).await;
}

/// Lets the scan position look as if polls had paused for so long.
async fn pause(world: &World, hours: i64) {
    let earlier = |position: &mut Value| {
        for at in ["complete_to", "swept_at"] {
            let before: jiff::Timestamp = position[at].as_str().unwrap().parse().unwrap();
            position[at] = json!((before - SignedDuration::from_hours(hours)).to_string());
        }
    };
    world.change("POLL", earlier).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_trouble_fires_nothing() {
    let (world, poll, drain) = world(51, &[Part::Phone, Part::Authenticator, Part::Guest], &[]).await;
    poll.invoke(&json!({})).await.unwrap();
    drained(&world, &drain).await;
    poll.invoke(&json!({})).await.unwrap();
    assert_eq!(firing(&[&poll, &drain]), [""; 0]);
    assert_eq!(own_alarms().len(), 10, "each is provoked below");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_fails_and_a_sign_in_that_is_refused_are_seen() {
    let (world, poll, _) = world(52, &[Part::Phone], &[]).await;
    world.tenant.set_client_secret("an0ther~secret");
    assert!(poll.invoke(&json!({})).await.is_err());
    fires(&[&poll], "NoFinishedPoll");
    fires(&[&poll], "GraphDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_position_that_stands_still_is_seen() {
    let (world, poll, _) = world(53, &[Part::Phone], &[]).await;
    poll.invoke(&json!({})).await.unwrap();
    pause(&world, 2).await;
    world.tenant.set_permissions(vec!["User.Read.All".to_owned()]);
    world.tenant.revoke_tokens();
    poll.restart();
    assert!(poll.invoke(&json!({})).await.is_err());
    fires(&[&poll], "ScanPositionAge");
    fires(&[&poll], "GraphDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_that_show_late_and_too_late_are_seen() {
    let (world, poll, _) = world(54, &[Part::Phone], &[]).await;
    poll.invoke(&json!({})).await.unwrap();
    pause(&world, 26).await;
    let register = |name: &str, hours: u64| {
        let user = world.tenant.add_user(NewUser::named(name));
        let at = now() - Duration::from_hours(hours);
        world.tenant.register_at(user, NewMethod::authenticator(), at, now());
    };
    // The scan goes back an hour behind its position; only a sweep reads what is older.
    register("late@contoso.example", 25);
    poll.invoke(&json!({})).await.unwrap();
    fires(&[&poll], "EventLag");
    assert!(!firing(&[&poll]).contains(&"MissedEvents".to_owned()), "{}", poll.logs());
    pause(&world, 26).await;
    register("toolate@contoso.example", 40);
    poll.invoke(&json!({})).await.unwrap();
    fires(&[&poll], "MissedEvents");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_partial_rollbacks_and_the_brake_are_seen() {
    let (world, poll, drain) = world(55, &[Part::StuckDefault, Part::Phone], &[]).await;
    // A hardware token keeps the only phone, which is the default, from going.
    world.tenant.set_faults(Faults { refuse_preferences: true, ..Faults::default() });
    let user = world.tenant.add_user(NewUser::named("stuck@contoso.example"));
    let at = now() - Duration::from_mins(1);
    let phone = NewMethod::phone(PhoneType::Mobile, "+1 2025550143").dated(at);
    world.tenant.register_at(user, phone, at, now());
    world.tenant.add_method(user, NewMethod::new(MethodKind::HardwareOath));
    poll.invoke(&json!({})).await.unwrap();
    drained(&world, &drain).await;
    fires(&[&poll, &drain], "UsersFailed");
    fires(&[&poll, &drain], "UsersPartial");
    let gateway = Gateway::start(&[&poll], &[&drain]).await;
    let reason = json!({ "reason": "looking" });
    assert_eq!(gateway.ask("POST", "/brake/open", Some(&reason)).await.0, 200);
    poll.invoke(&json!({})).await.unwrap();
    fires(&[&poll, &drain], "BrakeOpen");
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_seen() {
    let (world, poll, drain) = world(56, &[Part::Phone; 15], &[]).await;
    poll.invoke(&json!({})).await.unwrap();
    let mapping = world.mapping();
    mapping.deliver(&mapping.receive().await, &drain).await;
    world.tenant.set_faults(Faults { throttle: 1.0, ..Faults::default() });
    drain.set_timeout(Duration::from_secs(30));
    let begun = std::time::Instant::now();
    mapping.deliver(&mapping.receive().await, &drain).await;
    let told = values(&embedded(&drain.log_lines()));
    let throttled: f64 = told["GraphThrottled"].iter().map(|count| count.as_f64().unwrap()).sum();
    // Nobody waits here for a quarter of an hour.
    let a_period = json!(throttled * 900.0 / begun.elapsed().as_secs_f64());
    assert!(
        own_alarms()["GraphThrottled"]
            .fires(&BTreeMap::from([("GraphThrottled".to_owned(), vec![a_period])]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_runs_out_is_seen() {
    let soon = |options: &mut simulator::Options| {
        options.credential_ends_at = now() + Duration::from_hours(10 * 24);
    };
    let world = World::with(Service::shared(Double::Ministack), 40, 57, soon).await;
    let poll = world.function("poll", POLL, &[]);
    poll.invoke(&json!({})).await.unwrap();
    fires(&[&poll], "CredentialExpires");
}
