//! Each route, its answers and its problems.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::{NewMethod, NewUser, Part};

use super::Deployment;
use crate::ENFORCE;
use crate::support::{doubles::Double, gateway::CALLER, now};

fn kind(problem: &Value) -> &str {
    problem["type"].as_str().unwrap().strip_prefix("urn:mfa-rollback:problem:").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_held_explained_released_and_rolled_back() {
    let deployment = Deployment::new(Double::Ministack, &[ENFORCE]).await;
    let gateway = &deployment.gateway;
    let guest = deployment.of(Part::Guest);
    let named = json!({ "user_ids": [guest], "reason": "ticket" });
    let (status, problem) = gateway.ask("POST", "/rollbacks", Some(&named)).await;
    assert_eq!((status, kind(&problem)), (409, "scan-needed"));
    deployment.scan_and_drain().await;
    let name = deployment.world.of(Part::Guest).user_principal_name.clone();
    let body =
        json!({ "user_ids": [name, "nobody", "", "nobody@contoso.example", guest], "reason": "ticket" });
    let (status, taken) = gateway.ask("POST", "/rollbacks", Some(&body)).await;
    assert_eq!((status, &taken["accepted"], &taken["duplicates"]), (202, &json!(1), &json!(1)), "{taken}");
    let lines: Vec<u64> = taken["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| refused["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [2, 3, 4], "{taken}");
    deployment.drain().await;
    let (status, explained) = gateway.ask("GET", &format!("/users/{guest}"), None).await;
    assert_eq!((status, &explained["decision"]["verdict"]), (200, &json!("held(external)")), "{explained}");
    assert_eq!(explained["on_record"]["asked_by"], CALLER);
    assert!(explained["history"].as_array().unwrap().iter().any(|entry| entry["who"] == CALLER));
    assert!(!explained.to_string().contains("salt") && !explained.to_string().contains("hash"));
    let (status, held) = gateway.ask("GET", "/users?outcome=held(external)&limit=500", None).await;
    assert_eq!(status, 200, "{held}");
    assert!(held["entries"].as_array().unwrap().iter().any(|entry| entry["user_id"] == json!(guest)));
    let path = format!("/users/{guest}/release");
    let (status, released) = gateway.ask("POST", &path, Some(&json!({ "reason": "asked them" }))).await;
    assert_eq!((status, &released["lifted"]), (200, &json!(["external"])), "{released}");
    deployment.drain().await;
    assert_eq!(deployment.world.strong_methods(deployment.world.of(Part::Guest)), 0);
    let (status, problem) = gateway.ask("POST", &path, Some(&json!({ "reason": "again" }))).await;
    assert_eq!((status, kind(&problem)), (409, "release-refused"));
    let (_, explained) = gateway.ask("GET", &format!("/users/{guest}"), None).await;
    let text = explained.to_string();
    assert!(
        text.contains("\"what\":\"intent\"") && !text.contains("salt") && !text.contains("hash"),
        "{text}"
    );
    for drain in &deployment.drains {
        assert!(!drain.logs().contains(&name), "a principal name in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_brake_stops_and_says_who_moved_it() {
    let deployment = Deployment::new(Double::Ministack, &[ENFORCE]).await;
    let gateway = &deployment.gateway;
    let reason = json!({ "reason": "looking at it" });
    let (status, moved) = gateway.ask("POST", "/brake/open", Some(&reason)).await;
    assert_eq!((status, &moved["brake"]["state"]), (200, &json!("open")));
    let phone = deployment.of(Part::Phone);
    gateway.ask("POST", "/scans", None).await;
    deployment.drain().await;
    assert!(deployment.world.tenant.journal().iter().all(|entry| entry.method != "DELETE"));
    assert_eq!(deployment.world.outcomes().await[&phone], "deferred(brake_open)");
    let (_, status) = gateway.ask("GET", "/status", None).await;
    assert_eq!(status["brake"]["last_move"]["who"], CALLER);
    let (status, moved) = gateway.ask("POST", "/brake/release", Some(&reason)).await;
    assert_eq!((status, &moved["brake"]["state"]), (200, &json!("released")));
    gateway.ask("POST", "/scans", None).await;
    deployment.drain().await;
    assert_eq!(deployment.world.outcomes().await[&phone], "rolled_back");
}

/// What a caller sends as registrations finds users, but dates no method and hides no event.
#[tokio::test(flavor = "multi_thread")]
async fn registrations_of_a_caller_find_users_and_vouch_for_nothing() {
    let deployment = Deployment::new(Double::Ministack, &[ENFORCE]).await;
    let gateway = &deployment.gateway;
    deployment.scan_and_drain().await;
    // Registered at the window's end, so that the next scan reads it; it shows only now.
    let at: jiff::Timestamp = deployment.world.env["REGISTERED_UNTIL"].parse().unwrap();
    let at = at - Duration::from_mins(30);
    let tenant = &deployment.world.tenant;
    let victim = tenant.add_user(NewUser::named("victim@contoso.example"));
    tenant.register_at(victim, NewMethod::authenticator(), at, now());
    let events = tenant.events();
    let of_victim = |event: &&Value| event["initiatedBy"]["user"]["id"] == json!(victim);
    let event = &events.iter().find(of_victim).unwrap()["id"];
    let nobody = deployment.of(Part::NeverRegistered);
    let registration = json!({ "user_id": nobody, "registered_at": at.to_string(), "event_id": event, "methods": ["phone"] });
    let outside = json!({ "user_id": victim, "registered_at": "2019-01-01T00:00:00Z" });
    let body = json!({ "registrations": [registration, outside] });
    let (status, taken) = gateway.ask("POST", "/rollbacks", Some(&body)).await;
    assert_eq!(status, 202, "{taken}");
    assert_eq!((&taken["accepted"], &taken["outside_window"]), (&json!(1), &json!(1)), "{taken}");
    let (_, again) = gateway.ask("POST", "/rollbacks", Some(&body)).await;
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(1)), "{again}");
    let (_, explained) = gateway.ask("GET", &format!("/users/{nobody}"), None).await;
    assert_eq!(explained["on_record"]["registrations"][0]["methods"], json!([]), "{explained}");
    let (_, summary) = gateway.ask("POST", "/scans", None).await;
    assert_eq!(summary["candidates"], 1, "no event of the log was marked as seen: {summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_a_problem_of_its_kind() {
    let deployment = Deployment::new(Double::Ministack, &[]).await;
    let gateway = &deployment.gateway;
    let id = deployment.of(Part::Phone);
    let many: Vec<&str> = vec!["x"; 1_001];
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let cases = [
        ("POST", "/rollbacks".to_owned(), json!({ "user_ids": [id], "reason": "x", "mode": "enforce" }), 400),
        ("POST", "/rollbacks".to_owned(), json!({ "user_ids": [id] }), 400),
        ("POST", "/rollbacks".to_owned(), json!({ "reason": "x" }), 400),
        ("POST", "/rollbacks".to_owned(), json!({ "user_ids": many, "reason": "x" }), 400),
        ("POST", "/rollbacks".to_owned(), json!({ "user_ids": [id], "reason": "x".repeat(501) }), 400),
        ("POST", "/rollbacks".to_owned(), json!({ "user_ids": [id], "reason": "a\nb" }), 400),
        ("POST", "/rollbacks".to_owned(), serde_json::from_str(&deep[100..500]).unwrap_or(json!([])), 400),
        ("POST", "/rollbacks".to_owned(), json!({ "user_ids": ["x".repeat(600_000)], "reason": "x" }), 413),
        ("POST", "/scans".to_owned(), json!({ "from": "yesterday" }), 400),
        (
            "POST",
            "/scans".to_owned(),
            json!({ "from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z" }),
            400,
        ),
        ("POST", "/scans".to_owned(), json!({ "window": {} }), 400),
        ("POST", "/brake/open".to_owned(), json!({}), 400),
        ("POST", "/brake/release".to_owned(), json!({ "reason": " " }), 400),
        ("POST", format!("/users/{id}/release"), json!({ "reason": "x" }), 404),
        ("POST", "/users/nobody/release".to_owned(), json!({ "reason": "x" }), 400),
        ("POST", "/events/none/release".to_owned(), json!({ "reason": "x" }), 404),
    ];
    for (method, path, body, expected) in cases {
        let (status, problem) = gateway.ask(method, &path, Some(&body)).await;
        assert_eq!(status, expected, "{method} {path} {problem}");
        assert_eq!(problem["status"], expected);
    }
    for (path, expected) in [
        ("/users?outcome=nothing", 400),
        ("/users?limit=0", 400),
        ("/users?limit=501", 400),
        ("/users?limit=1&limit=2", 400),
        ("/users?cursor=x", 400),
        ("/users?mode=enforce", 400),
        ("/status?verbose=1", 400),
        ("/users/no@body.example", 404),
        ("/users/a%2Fb", 400),
        ("/users/00000000-0000-0000-0000-000000000000", 400),
        ("/nothing", 404),
        ("/nothing/at/all", 404),
        ("/", 404),
    ] {
        let (status, problem) = gateway.ask("GET", path, None).await;
        assert_eq!(status, expected, "{path} {problem}");
    }
    assert_eq!(gateway.ask("DELETE", "/rollbacks", None).await.0, 405);
    let (status, problem) = gateway.ask("POST", "/rollbacks", None).await;
    assert_eq!((status, kind(&problem)), (415, "unsupported-media-type"));
}
