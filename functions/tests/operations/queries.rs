//! The saved queries, over the logs of a run: each finds what it is for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    busy::{Busy, busy},
    insights::{Row, query, used},
    logs::{COMMON, fields},
    watched::resources,
};
use crate::support::template;

const SOMEBODY: &str = "00000000-0000-0000-0000-000000000000";

/// The saved queries, by logical id, and that of the dashboard.
fn queries() -> BTreeMap<String, String> {
    let saved = resources("AWS::Logs::QueryDefinition").into_iter().map(|(id, resource)| {
        let query = resource["Properties"]["QueryString"].as_str().unwrap().replace('\n', " ");
        (id, query)
    });
    let dashboard = &template::template()["Resources"]["Dashboard"]["Properties"];
    let body: Value = serde_json::from_str(dashboard["DashboardBody"]["Fn::Sub"].as_str().unwrap()).unwrap();
    let shown = body["widgets"].as_array().unwrap().iter().filter(|widget| widget["type"] == "log");
    let shown = shown.map(|widget| {
        let query = widget["properties"]["query"].as_str().unwrap();
        ("Dashboard".to_owned(), query.split_once('|').unwrap().1.trim().to_owned())
    });
    saved.chain(shown).collect()
}

fn found(busy: &Busy, id: &str, instead_of_somebody: &str) -> Vec<Row> {
    query(&busy.lines, &queries()[id].replace(SOMEBODY, instead_of_somebody))
}

fn count(rows: &[Row], name: &str) -> f64 {
    rows.iter().map(|row| row[name].as_f64().unwrap()).sum()
}

/// That a query's counts come to as many lines.
#[track_caller]
fn counts(rows: &[Row], name: &str, lines: usize) {
    assert!((count(rows, name) - f64::from(u32::try_from(lines).unwrap())).abs() < 0.5, "{rows:?}");
}

fn lines<'a>(busy: &'a Busy, message: &str) -> Vec<&'a Value> {
    busy.lines.iter().filter(|line| line["message"] == message).collect()
}

#[test]
fn queries_use_documented_fields_alone() {
    let known = fields();
    for (id, query) in queries() {
        let odd: Vec<String> = used(&query)
            .into_iter()
            .filter(|it| !known.contains(it) && !COMMON.contains(&it.as_str()))
            .collect();
        assert!(odd.is_empty(), "{id}: {odd:?}");
    }
    assert_eq!(queries().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_users_story_and_one_request_are_told_from_end_to_end() {
    let busy = busy().await;
    let story = found(busy, "OneUserQuery", &busy.user);
    let said: Vec<&Value> = story.iter().map(|row| &row["message"]).collect();
    assert!(said.contains(&&json!("user decided")) && said.contains(&&json!("user outcome")), "{said:?}");
    assert!(story.iter().all(|row| row["user.id"] == busy.user.as_str()));
    let request = lines(busy, "request answered").into_iter().find(|line| line["http.route"] == "/rollbacks");
    let run = request.unwrap()["run.id"].as_str().unwrap();
    let told = found(busy, "OneRequestQuery", run);
    assert_eq!(told[0]["message"], "request answered");
    let outcome =
        told.iter().find(|row| row["message"] == "user outcome").expect("its user came to an outcome");
    assert!(!outcome["graph.request_ids"].as_str().unwrap().is_empty());
    let poll = lines(busy, "poll finished")[0]["run.id"].as_str().unwrap();
    let of_poll = found(busy, "OneRequestQuery", poll);
    assert!(of_poll.iter().filter(|row| row["message"] == "user outcome").count() > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_and_held_users_are_found() {
    let busy = busy().await;
    let outcomes = lines(busy, "user outcome").len();
    for id in ["OutcomesByReasonQuery", "Dashboard"] {
        let rows = found(busy, id, "");
        counts(&rows, "users", outcomes);
        assert_eq!(rows[0]["outcome"], "rolled_back", "{id}: the most first");
    }
    let held = found(busy, "HeldUsersQuery", "");
    let expected = busy.outcomes.iter().filter(|(_, outcome)| outcome.starts_with("held(")).count();
    assert_eq!(held.len(), expected);
    for row in held {
        let why = format!("held({})", row["why"].as_str().unwrap());
        assert_eq!(busy.outcomes[row["user.id"].as_str().unwrap()], why);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_graph_did_is_found() {
    let busy = busy().await;
    let slow = found(busy, "SlowestGraphCallsQuery", "");
    assert!(!slow.is_empty());
    for row in &slow {
        assert!(
            row["slowest"].as_f64() >= row["median"].as_f64() && row["slowest"].as_f64() >= Some(1_000.0)
        );
        assert!(
            row["path"].as_str().unwrap().starts_with("/v1.0/")
                || row["path"].as_str().unwrap().starts_with("/beta/")
        );
        assert!(["GET", "POST", "DELETE", "PATCH"].contains(&row["method"].as_str().unwrap()));
    }
    let throttled = lines(busy, "graph throttled").len();
    assert!(throttled > 0);
    counts(&found(busy, "ThrottlingQuery", ""), "throttled", throttled);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brake_dead_letters_polls_callers_and_errors_are_found() {
    let busy = busy().await;
    let moves = found(busy, "BrakeHistoryQuery", "");
    let states: Vec<&Value> = moves.iter().map(|row| &row["brake.state"]).collect();
    assert_eq!(states, ["released", "open"], "the latest first");
    let dead = found(busy, "DeadLetterCausesQuery", "");
    counts(&dead, "messages", 2);
    assert!(dead.iter().all(|row| !row["reason"].as_str().unwrap().is_empty()));
    let polls = found(busy, "PollsQuery", "");
    counts(&polls, "polls", lines(busy, "poll finished").len());
    assert!(count(&polls, "events") > 60.0 && count(&polls, "candidates") > 40.0);
    let calls = found(busy, "ApiCallsQuery", "");
    counts(&calls, "calls", lines(busy, "request answered").len());
    assert!(calls.iter().all(|row| row["request.caller"].as_str().unwrap().contains(":assumed-role/")));
    let errors = found(busy, "ErrorsQuery", "");
    assert!(errors.iter().any(|row| row["message"] == "dead letter put away"));
}
