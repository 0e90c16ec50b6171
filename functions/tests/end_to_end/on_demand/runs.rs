//! Whole runs that only the API started.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::Part;

use super::Deployment;
use crate::ENFORCE;
use crate::support::doubles::Double;

/// A run that only the API starts comes to what one that the schedule starts comes to.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_by_request_comes_to_what_the_schedule_comes_to() {
    let deployment = Deployment::new(Double::Ministack, &[ENFORCE]).await;
    deployment.scan_and_drain().await;
    deployment.world.assert_safe();
    deployment.world.assert_as_expected(&deployment.world.outcomes().await);
    let (status, again) = deployment.gateway.ask("POST", "/scans", Some(&json!({}))).await;
    assert_eq!((status, &again["candidates"]), (200, &json!(0)));
    let (_, status) = deployment.gateway.ask("GET", "/status", None).await;
    assert_eq!((&status["mode"], &status["queue_depth"]), (&json!("enforce"), &json!(0)));
    let listed = all_users(&deployment, 7).await;
    for limit in [2, 3, 500] {
        assert_eq!(all_users(&deployment, limit).await, listed, "pages of {limit}");
    }
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for entry in &listed {
        let kind = entry["outcome"].as_str().unwrap();
        let reason = entry["reason"].as_str().map(|reason| format!("({reason})")).unwrap_or_default();
        *counted.entry(format!("{kind}{reason}")).or_default() += 1;
    }
    let counts: BTreeMap<String, u64> = serde_json::from_value(status["counts"].clone()).unwrap();
    let counts: BTreeMap<_, _> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, counts);
}

/// Every entry, read in pages of `limit`.
async fn all_users(deployment: &Deployment, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/users?limit={limit}{cursor}");
        let (status, page) = deployment.gateway.ask("GET", &path, None).await;
        assert_eq!(status, 200, "{page}");
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= limit);
        all.extend(entries.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// One key, one rollback: whether the requests come one after the other or together.
#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_under_one_key_enqueue_once() {
    let deployment = Deployment::new(Double::Ministack, &[ENFORCE]).await;
    deployment.scan_and_drain().await;
    let body = json!({ "user_ids": [deployment.of(Part::Phone)], "reason": "ticket 4711" });
    let ask = |key: &'static str, body: Value| {
        let gateway = &deployment.gateway;
        async move { gateway.ask_with("POST", "/rollbacks", Some(&body), &[("Idempotency-Key", key)]).await }
    };
    let (one, other) = tokio::join!(ask("k1", body.clone()), ask("k1", body.clone()));
    let statuses = [one.0, other.0];
    assert!(statuses == [202, 202] || statuses == [202, 409] || statuses == [409, 202], "{one:?} {other:?}");
    assert_eq!(deployment.world.mapping().left().await, 1, "{one:?} {other:?}");
    let again = ask("k1", body.clone()).await;
    assert_eq!((again.0, &again.1["accepted"]), (202, &json!(1)));
    assert_eq!(deployment.world.mapping().left().await, 1);
    let (status, problem) = ask("k1", json!({ "user_ids": ["x"], "reason": "other" })).await;
    assert_eq!((status, &problem["type"]), (422, &json!("urn:mfa-rollback:problem:idempotency-key-reused")));
    assert_eq!(ask("k2", body).await.0, 202);
    assert_eq!(deployment.world.mapping().left().await, 2);
    deployment.drain().await;
    deployment.world.assert_safe();
}
