//! What the doctor says of Lambda's quota, whatever Lambda answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    POLL,
    support::{
        doubles::{Double, Service},
        loopback,
        proxy::{Moment, Reaction},
        world::World,
    },
};

fn limits(limits: &Value) -> Reaction {
    Reaction::Answer(loopback::json(StatusCode::OK, &json!({ "AccountLimit": limits, "AccountUsage": {} })))
}

fn free(executions: i64) -> Reaction {
    limits(&json!({ "ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": executions }))
}

fn refused(kind: Option<&'static str>) -> Reaction {
    let message = json!({ "Message": "User: arn:aws:sts::123456789012:x is not authorized" });
    let mut answer = loopback::json(StatusCode::FORBIDDEN, &message);
    if let Some(kind) = kind {
        answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
    }
    Reaction::Answer(answer)
}

/// What becomes of the request, what is found then, and how it is said.
type Case = (fn() -> Reaction, &'static str, &'static str);

const CASES: [Case; 7] = [
    (|| free(3), "ok", "3 executions at once, 3 needed"),
    (
        || free(2),
        "missing",
        "2 executions at once are left in this account and region, 3 are needed: ask for a higher quota, or lower DrainConcurrency",
    ),
    (|| limits(&json!({})), "note", "AWS does not say it"),
    (
        || refused(Some("AccessDeniedException:http://internal.amazon.com/coral/com.amazonaws.lambda/")),
        "note",
        "cannot be read: AccessDeniedException",
    ),
    (|| refused(None), "note", "cannot be read: status 403"),
    (
        || Reaction::Answer(Response::new(Bytes::from_static(b"<html>"))),
        "note",
        "cannot be read: an unreadable answer",
    ),
    (|| Reaction::Lose, "note", "cannot be read: the connection failed"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_lambda_says_of_its_quota_is_told() {
    let world = World::new(Service::shared(Double::Ministack), 5, 77).await;
    let poll = world.function("poll", POLL, &[]);
    for (reaction, result, detail) in CASES {
        world.proxy.on_request(move |moment, call| {
            let asks = moment == Moment::Before && call.operation == "Lambda.GetAccountSettings";
            if asks { reaction() } else { Reaction::Pass }
        });
        let answer = poll.invoke(&json!({ "httpMethod": "GET", "path": "/doctor" })).await.unwrap();
        let checks: Vec<Value> = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        let quota = checks.iter().find(|check| check["what"] == "concurrency quota").unwrap();
        assert_eq!((&quota["result"], &quota["detail"]), (&result.into(), &detail.into()), "{quota}");
    }
}
