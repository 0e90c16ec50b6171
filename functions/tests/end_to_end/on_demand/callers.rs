//! Who can have what deleted: callers by routes by modes, against what the schedule deletes.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulator::Part;

use super::Deployment;
use crate::support::doubles::Double;

/// Users whose methods were deleted, by their part.
type Deleted = BTreeSet<String>;

/// A caller's request, with everything in it that could widen what is deleted.
struct Attempt {
    method: &'static str,
    route: &'static str,
    path: String,
    body: Value,
}

/// How a request comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// Through API Gateway, signed.
    Api,
    /// By `aws lambda invoke`, with an event of the caller's own making.
    Invocation,
}

async fn deployment(mode: &str) -> Deployment {
    Deployment::new(Double::Ministack, &[("MODE", mode)]).await
}

fn deleted(deployment: &Deployment) -> Deleted {
    let journal = deployment.world.tenant.journal();
    let users =
        journal.iter().filter(|entry| entry.method == "DELETE" && entry.acted).filter_map(|entry| entry.user);
    let part =
        |user| deployment.world.cast.residents.iter().find(|resident| resident.id == user).unwrap().part;
    users.map(|user| format!("{user} {:?}", part(user))).collect()
}

async fn by_schedule(mode: &str) -> Deleted {
    let deployment = deployment(mode).await;
    deployment.poll.invoke(&json!({ "source": "aws.scheduler" })).await.unwrap();
    deployment.drain().await;
    deleted(&deployment)
}

fn attempts(deployment: &Deployment) -> Vec<Attempt> {
    let attempt = |method, route: &'static str, body| Attempt { method, route, path: route.to_owned(), body };
    let everybody: Vec<String> =
        deployment.world.cast.residents.iter().map(|resident| resident.id.to_string()).collect();
    let at = &deployment.world.env["PREVIEW_DISABLED_AT"];
    let vouched: Vec<Value> = everybody
        .iter()
        .map(|user| json!({ "user_id": user, "registered_at": at, "methods": ["phone", "softwareOath"] }))
        .collect();
    let widened = json!({
        "mode": "enforce", "window": { "start": "2001-01-01T00:00:00Z" }, "max_rollbacks_per_day": 100_000,
        "no_exclusions": true, "include_administrators": true, "unproven_methods": "roll_back",
    });
    let mut widened_users = json!({ "user_ids": everybody, "reason": "all of them" });
    widened_users.as_object_mut().unwrap().extend(widened.as_object().unwrap().clone());
    let guest = deployment.of(Part::Guest);
    vec![
        attempt("GET", "/status", Value::Null),
        attempt("GET", "/doctor", Value::Null),
        attempt("GET", "/users", Value::Null),
        Attempt { path: format!("/users/{guest}"), ..attempt("GET", "/users/{user_id}", Value::Null) },
        attempt("POST", "/scans", widened),
        // A scan of nothing, which all the same reads the registration report.
        attempt("POST", "/scans", json!({ "from": "2001-01-01T00:00:00Z", "to": "2001-01-01T00:00:00Z" })),
        attempt("POST", "/rollbacks", json!({ "user_ids": everybody, "reason": "before any scan" })),
        attempt("POST", "/scans", json!({})),
        attempt("POST", "/rollbacks", widened_users),
        attempt("POST", "/rollbacks", json!({ "user_ids": everybody, "reason": "all of them" })),
        attempt("POST", "/rollbacks", json!({ "registrations": vouched })),
        attempt("POST", "/scans", json!({ "from": "2001-01-01T00:00:00Z" })),
        attempt("POST", "/brake/open", json!({ "reason": "a" })),
        attempt("POST", "/brake/release", json!({ "reason": "a" })),
        attempt("POST", "/dead-letters/redrive", Value::Null),
    ]
}

async fn make(deployment: &Deployment, caller: Caller, attempt: &Attempt) {
    let body = (!attempt.body.is_null()).then_some(&attempt.body);
    if caller == Caller::Api {
        let (status, answer) = deployment.gateway.ask(attempt.method, &attempt.path, body).await;
        assert!(status < 500, "{} {}: {answer}", attempt.method, attempt.route);
        return;
    }
    let user = attempt.path.strip_prefix("/users/");
    let event = json!({
        "httpMethod": attempt.method, "resource": attempt.route, "path": attempt.path,
        "pathParameters": { "user_id": user }, "headers": { "content-type": "application/json" },
        "body": body.map(Value::to_string),
        "requestContext": { "identity": { "userArn": "arn:aws:iam::123456789012:root" } },
    });
    let mut event = event;
    if user.is_none() {
        event["pathParameters"] = Value::Null;
    }
    for function in [&deployment.poll, &deployment.drains[0]] {
        function.invoke(&event).await.unwrap();
    }
}

/// What each request of a caller had deleted, in order, after the drain had its turn.
async fn by_request(mode: &str, caller: Caller) -> Vec<(String, Deleted)> {
    let deployment = deployment(mode).await;
    let mut before = Deleted::new();
    let mut rows = Vec::new();
    for attempt in attempts(&deployment) {
        make(&deployment, caller, &attempt).await;
        deployment.drain().await;
        let now = deleted(&deployment);
        let row = format!("{} {}", attempt.method, attempt.route);
        rows.push((row, now.difference(&before).cloned().collect()));
        before = now;
    }
    deployment.world.assert_safe();
    rows
}

/// Whatever is asked for, by whomever, in every mode: nobody loses a method whom the schedule would leave it. The
/// table says how many users each request had rolled back, in the order in which they were made.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_have_deleted_what_the_schedule_would_not_delete() {
    let mut table: Vec<(String, Vec<usize>)> = Vec::new();
    for mode in ["report", "canary", "enforce"] {
        let allowed = by_schedule(mode).await;
        let (api, invocation) =
            tokio::join!(by_request(mode, Caller::Api), by_request(mode, Caller::Invocation));
        let mut rows = vec![("schedule".to_owned(), allowed.len())];
        for (caller, requests) in [("API", api), ("invocation", invocation)] {
            let all: Deleted = requests.iter().flat_map(|(_, deleted)| deleted.clone()).collect();
            assert_eq!(all, allowed, "{mode}, {caller}: all together come to what the schedule does");
            rows.extend(requests.into_iter().map(|(route, gone)| (format!("{caller}: {route}"), gone.len())));
        }
        for (n, (row, count)) in rows.into_iter().enumerate() {
            if table.len() == n {
                table.push((row, Vec::new()));
            }
            table[n].1.push(count);
        }
    }
    let line =
        |row: &str, cells: [String; 3]| format!("{row:42}{:>8}{:>8}{:>8}", cells[0], cells[1], cells[2]);
    let head = line("", ["report", "canary", "enforce"].map(str::to_owned));
    let rows = table.iter().map(|(row, counts)| line(row, [0, 1, 2].map(|mode| counts[mode].to_string())));
    insta::assert_snapshot!(std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n"));
}
