//! The alarms and the dashboard of `template.yaml` watch what the program tells, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use shared::telemetry::{DECISION, Metric, NAMESPACE, TENANT};

use crate::support::template;

/// A metric by namespace, name and the names of its dimensions.
type Watched = (String, String, BTreeSet<String>);

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub fn resources(kind: &str) -> Vec<(String, Value)> {
    let all = template::template()["Resources"].as_object().expect("the template has resources");
    let of_kind = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(id, resource)| (id.clone(), resource.clone())).collect()
}

/// A metric as an alarm names it.
fn named(metric: &Map<String, Value>) -> Watched {
    let dimensions =
        metric["Dimensions"].as_array().unwrap().iter().map(|dimension| text(&dimension["Name"]));
    (text(&metric["Namespace"]), text(&metric["MetricName"]), dimensions.collect())
}

/// What each alarm watches, by its name.
fn alarms() -> BTreeMap<String, Vec<Watched>> {
    let each = resources("AWS::CloudWatch::Alarm").into_iter().map(|(name, alarm)| {
        let properties = alarm["Properties"].as_object().unwrap();
        let watched = match properties.get("Metrics") {
            None => vec![named(properties)],
            Some(metrics) => {
                let stats = metrics
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(|metric| metric["MetricStat"]["Metric"].as_object());
                stats.map(named).collect()
            }
        };
        (name, watched)
    });
    each.collect()
}

/// What the dashboard shows. Three dots stand for what the line before has in the same place.
fn shown() -> BTreeSet<Watched> {
    let dashboards = resources("AWS::CloudWatch::Dashboard");
    let body: Value =
        serde_json::from_str(dashboards[0].1["Properties"]["DashboardBody"]["Fn::Sub"].as_str().unwrap())
            .unwrap();
    let mut all = BTreeSet::new();
    for widget in body["widgets"].as_array().unwrap() {
        let mut before: Vec<String> = Vec::new();
        for line in widget["properties"]["metrics"].as_array().into_iter().flatten() {
            let mut line: Vec<String> =
                line.as_array().unwrap().iter().filter_map(|part| part.as_str().map(str::to_owned)).collect();
            if line[0] == "..." {
                let kept = before.len() - (line.len() - 1);
                line = [&before[..kept], &line[1..]].concat();
            }
            let dimensions = line[2..].iter().step_by(2).cloned().collect();
            all.insert((line[0].clone(), line[1].clone(), dimensions));
            before = line;
        }
    }
    all
}

fn own(metric: Metric) -> Watched {
    let mut dimensions = BTreeSet::from([TENANT.to_owned()]);
    if metric == Metric::UsersDecided {
        dimensions.insert(DECISION.to_owned());
    }
    (NAMESPACE.to_owned(), metric.name().to_owned(), dimensions)
}

/// The program's metrics that the dashboard or an alarm watches: name and dimensions.
pub fn watched() -> Vec<(String, BTreeSet<String>)> {
    let all = shown().into_iter().chain(alarms().into_values().flatten());
    all.filter(|(namespace, ..)| namespace == NAMESPACE).map(|(_, name, by)| (name, by)).collect()
}

#[test]
fn the_dashboard_shows_every_metric_of_the_program_and_no_other() {
    let told: BTreeSet<Watched> = Metric::ALL.iter().copied().map(own).collect();
    let shown: BTreeSet<Watched> =
        shown().into_iter().filter(|(namespace, ..)| namespace == NAMESPACE).collect();
    assert_eq!(shown, told);
}

#[test]
fn alarms_watch_metrics_that_the_program_or_aws_tells() {
    // Sources: the lists of metrics and dimensions of SQS, Lambda and API Gateway in their developer guides.
    let of_aws = [
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", &["QueueName"][..]),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", &["QueueName"]),
        ("AWS/Lambda", "Errors", &["FunctionName"]),
        // Of an alias.
        ("AWS/Lambda", "Errors", &["FunctionName", "Resource"]),
        ("AWS/Lambda", "Throttles", &["FunctionName"]),
        ("AWS/Lambda", "Duration", &["FunctionName"]),
        ("AWS/ApiGateway", "Count", &["ApiName"]),
        ("AWS/ApiGateway", "4XXError", &["ApiName"]),
        ("AWS/ApiGateway", "5XXError", &["ApiName"]),
    ];
    let of_aws = of_aws.map(|(namespace, name, dimensions)| {
        let dimensions = dimensions.iter().map(|&dimension| dimension.to_owned());
        (namespace.to_owned(), name.to_owned(), dimensions.collect())
    });
    let known: BTreeSet<Watched> = Metric::ALL.iter().copied().map(own).chain(of_aws).collect();
    for (alarm, watched) in alarms() {
        assert!(!watched.is_empty(), "{alarm} watches nothing");
        assert!(watched.iter().all(|metric| known.contains(metric)), "{alarm}: {watched:?}");
    }
    assert!(shown().is_subset(&known), "{:?}", shown().difference(&known));
}

#[test]
fn every_alarm_has_its_section_in_the_runbook() {
    let runbook =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/runbook.md")).unwrap();
    let part = runbook.split("\n## Alarms\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut sections = part.split("\n### ").skip(1).map(|section| section.split_once('\n').unwrap());
    assert!(sections.clone().all(|(_, text)| text.trim().len() > 40));
    let named: BTreeSet<String> = sections.by_ref().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(named, alarms().into_keys().collect());
    let anchors: BTreeSet<String> = runbook
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .map(|heading| heading.to_lowercase().replace(' ', "-"))
        .collect();
    let text = runbook.replace('\n', " ");
    for link in text.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(anchors.contains(link), "#{link}");
    }
}

#[test]
fn every_alarm_says_when_it_is_over_and_what_silence_means() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        assert_eq!(properties["OKActions"], properties["AlarmActions"], "{name}");
        match properties["TreatMissingData"].as_str().unwrap() {
            "missing" => {
                assert_eq!(properties["InsufficientDataActions"], properties["AlarmActions"], "{name}");
            }
            silence => assert_eq!(silence, "notBreaching", "{name}"),
        }
        assert_eq!(properties["AlarmName"]["Fn::Sub"], format!("${{AWS::StackName}}-{name}"));
        assert!(
            properties["AlarmDescription"].as_str().unwrap().ends_with(&format!("docs/runbook.md: {name}")),
            "{name}"
        );
    }
}
