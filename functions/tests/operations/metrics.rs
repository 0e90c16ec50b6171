//! Metrics as CloudWatch takes them from the log, and as the alarms and the dashboard name them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
    time::Duration,
};

use serde_json::{Value, json};
use shared::telemetry::{Metric, NAMESPACE, TENANT};

use super::{busy::busy, watched::watched};
use crate::{
    DRAIN, POLL,
    support::{
        doubles::{Double, Service},
        world::World,
    },
};

/// The lines of a log that hold metrics.
pub fn embedded(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line.get("_aws").is_some()).collect()
}

/// The values of each metric, by its name.
pub fn values(lines: &[&Value]) -> BTreeMap<String, Vec<Value>> {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in lines {
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            let told = match &line[name] {
                Value::Array(values) => values.clone(),
                value => vec![value.clone()],
            };
            all.entry(name.to_owned()).or_default().extend(told);
        }
    }
    all
}

/// That CloudWatch takes the metrics of a line: by the published schema, and by what its specification says
/// beside that.
fn assert_embedded(line: &Value) {
    static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema: Value = serde_json::from_str(include_str!("data/emf.schema.json")).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });
    if let Err(error) = SCHEMA.validate(line) {
        panic!("{error}: {line}");
    }
    assert!(line.to_string().len() < 256 * 1024, "an event of the log is no longer");
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    assert!(!directives.is_empty());
    for directive in directives {
        for dimension in
            directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap())
        {
            assert!(
                line[dimension.as_str().unwrap()].as_str().is_some_and(|value| !value.is_empty()),
                "{line}"
            );
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()), "{line}");
        for metric in metrics {
            let value = &line[metric["Name"].as_str().unwrap()];
            let are_numbers =
                |all: &Vec<Value>| (1..=100).contains(&all.len()) && all.iter().all(Value::is_number);
            assert!(value.is_number() || value.as_array().is_some_and(are_numbers), "{line}");
        }
    }
}

/// Metrics by name, and what they are told by.
fn dimensions(lines: &[&Value]) -> BTreeSet<(String, BTreeSet<String>)> {
    let mut all = BTreeSet::new();
    for directive in lines.iter().flat_map(|line| line["_aws"]["CloudWatchMetrics"].as_array().unwrap()) {
        let [Value::Array(dimensions)] = directive["Dimensions"].as_array().unwrap().as_slice() else {
            panic!("one set of dimensions: {directive}");
        };
        let dimensions: BTreeSet<String> =
            dimensions.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        for metric in directive["Metrics"].as_array().unwrap() {
            all.insert((metric["Name"].as_str().unwrap().to_owned(), dimensions.clone()));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_what_the_template_watches() {
    let busy = busy().await;
    let lines = embedded(&busy.lines);
    for line in &lines {
        assert_embedded(line);
    }
    let watched: BTreeSet<_> = watched().into_iter().collect();
    for told in dimensions(&lines) {
        assert!(watched.contains(&told), "{told:?} is told and not watched");
    }
    for line in lines {
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap() {
            let own = Metric::ALL.iter().copied().find(|own| metric["Name"] == own.name()).unwrap();
            let unit = if own.unit() == ::metrics::Unit::Seconds { "Seconds" } else { "Count" };
            assert_eq!(metric["Unit"], unit, "{metric}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_tells_what_it_came_to() {
    let world = World::new(Service::shared(Double::Ministack), 60, 7).await;
    let mode = [("MODE", "enforce")];
    let (poll, drain) = (world.function("poll", POLL, &mode), world.function("drain", DRAIN, &mode));
    let summary = poll.invoke(&json!({})).await.unwrap();
    world.mapping().drain(&[&drain], Duration::from_mins(3)).await;
    poll.invoke(&json!({})).await.unwrap();
    let (of_poll, of_drain) = (poll.log_lines(), drain.log_lines());
    let lines: Vec<&Value> = [embedded(&of_poll), embedded(&of_drain)].concat();
    for line in &lines {
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], NAMESPACE);
        assert_eq!(line[TENANT], world.env["AZURE_TENANT_ID"].as_str());
        assert_eq!((&line["level"], &line["message"]), (&json!("INFO"), &json!("metrics")));
    }
    for line in &lines {
        assert_embedded(line);
    }
    let told = values(&lines);
    let sum = |metric: Metric| -> usize {
        let counts = told.get(metric.name()).into_iter().flatten().map(|count| count.as_u64().unwrap());
        usize::try_from(counts.sum::<u64>()).unwrap()
    };
    let candidates = usize::try_from(summary["candidates"].as_u64().unwrap()).unwrap();
    assert_eq!((sum(Metric::PollsFinished), sum(Metric::Candidates)), (2, candidates));
    assert!(sum(Metric::EventsRead) >= candidates);
    let outcomes = world.outcomes().await;
    let count = |kind: &str| outcomes.values().filter(|outcome| outcome.starts_with(kind)).count();
    assert_eq!(sum(Metric::UsersRolledBack), count("rolled_back"));
    assert_eq!(sum(Metric::UsersPartial), count("partial"));
    assert_eq!(told["BrakeOpen"], [json!(0.0), json!(0.0)]);
    let decided = of_drain.iter().filter(|line| line["message"] == "user decided").count();
    assert_eq!(sum(Metric::UsersDecided), decided);
    let journal = world.tenant.journal();
    let to_graph = |path: &str| path.starts_with("/v1.0") || path.starts_with("/beta");
    assert_eq!(sum(Metric::GraphRequests), journal.iter().filter(|entry| to_graph(&entry.path)).count());
    assert!(told["CredentialDaysLeft"].iter().all(|days| days.as_f64().unwrap() > 300.0));
}
