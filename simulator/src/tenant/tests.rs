use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;

use super::*;
use crate::{
    Budget, ConnectionLost, Faults, Limit, PerUserMfa,
    testing::{START, client, mobile, options, wait},
};

fn only(set: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    set(&mut faults);
    faults
}

#[tokio::test(start_paused = true)]
async fn the_journal_tells_who_was_asked_about() {
    let client = client(options()).await;
    let user = client.user("ada");
    let phone = client.tenant.register(user, mobile());
    client.get("/v1.0/users/ada%40contoso.example?$select=id").await;
    client.delete(&format!("/v1.0/users/{user}/authentication/phoneMethods/{phone}")).await;
    client.delete(&format!("/v1.0/users/{user}/authentication/phoneMethods/{phone}")).await;
    let journal = client.tenant.journal();
    assert_eq!(journal.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((journal[1].user, journal[1].segment.as_deref()), (Some(user), None));
    assert_eq!(journal[1].path, "/v1.0/users/ada%40contoso.example?$select=id");
    assert_eq!(journal[2].segment.as_deref(), Some("phoneMethods"));
    assert_eq!(journal[2].method_id.as_deref(), Some(phone.as_str()));
    assert_eq!((journal[2].status, journal[2].acted), (204, true));
    assert_eq!((journal[3].status, journal[3].acted), (404, false));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_has_or_has_not_been_acted_on() {
    let client = client(options()).await;
    let user = client.user("ada");
    let phone = client.tenant.register(user, mobile());
    let path = format!("/v1.0/users/{user}/authentication/phoneMethods/{phone}");
    client.tenant.set_faults(only(|faults| faults.reset_before = 1.0));
    assert_eq!(client.ask("DELETE", &path).await.unwrap_err(), ConnectionLost);
    assert!(client.tenant.user(user).unwrap().has_strong_methods());
    client.tenant.set_faults(only(|faults| faults.reset_after = 1.0));
    assert_eq!(client.ask("DELETE", &path).await.unwrap_err(), ConnectionLost);
    assert!(!client.tenant.user(user).unwrap().has_strong_methods());
    let journal = client.tenant.journal();
    assert_eq!((journal[1].status, journal[1].acted), (0, false));
    assert_eq!((journal[2].status, journal[2].acted), (0, true));
}

#[tokio::test(start_paused = true)]
async fn throttling_says_when_to_come_back_in_half_of_the_cases() {
    let client = client(options()).await;
    client.tenant.set_faults(only(|faults| faults.throttle = 1.0));
    let (mut without, mut forms) = (0, HashSet::new());
    for _ in 0..200 {
        let reply = client.get("/v1.0/users").await;
        assert_eq!((reply.status, reply.code().as_str()), (429, "TooManyRequests"));
        match reply.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned()) {
            None => without += 1,
            Some(text) if text.ends_with("GMT") => drop(forms.insert("date")),
            Some(text) if text.contains('.') => drop(forms.insert("fraction")),
            Some(text) => {
                assert!(text.parse::<u32>().is_ok());
                forms.insert("whole");
            }
        }
    }
    assert!((70..130).contains(&without), "{without}");
    assert_eq!(forms.len(), 3);
    assert!(client.tenant.journal()[1].throttled);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_timeout_hides_an_act_and_other_errors_do_not() {
    let client = client(options()).await;
    client.tenant.set_faults(only(|faults| faults.server_error = 1.0));
    let mut seen = HashSet::new();
    for n in 0..40 {
        let user = client.user(&format!("user{n}"));
        let phone = client.tenant.register(user, mobile());
        let path = format!("/v1.0/users/{user}/authentication/phoneMethods/{phone}");
        let status = client.delete(&path).await.status;
        assert_eq!(client.tenant.user(user).unwrap().has_strong_methods(), status != 504, "{status}");
        seen.insert(status);
    }
    assert_eq!(seen, HashSet::from([500, 502, 503, 504]));
}

#[tokio::test(start_paused = true)]
async fn a_broken_page_never_looks_like_a_whole_one() {
    let client = client(options()).await;
    client.user("ada");
    client.tenant.set_faults(only(|faults| faults.error_in_page = 1.0));
    let mut shapes = HashSet::new();
    for _ in 0..40 {
        let reply = client.get("/v1.0/users").await;
        assert_eq!(reply.status, 200);
        let body: Result<serde_json::Value, _> = serde_json::from_str(&reply.text);
        shapes.insert(match body {
            Err(_) => "not JSON",
            Ok(body) if body.get("value").is_none() => "error alone",
            Ok(body) if body.get("error").is_some() => "error beside the items",
            Ok(body) => {
                assert!(body["value"].as_array().unwrap().iter().any(|item| item.get("error").is_some()));
                "error among the items"
            }
        });
    }
    assert_eq!(shapes.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_late_server_acts_even_when_the_caller_has_hung_up() {
    let client = client(options()).await;
    client.tenant.set_faults(only(|faults| {
        faults.slow = 1.0;
        faults.slow_for = Duration::from_secs(90);
    }));
    let mut late = 0;
    for n in 0..20 {
        let user = client.user(&format!("user{n}"));
        let phone = client.tenant.register(user, mobile());
        let path = format!("/v1.0/users/{user}/authentication/phoneMethods/{phone}");
        let hung_up = tokio::time::timeout(Duration::from_secs(65), client.ask("DELETE", &path)).await;
        assert!(hung_up.is_err());
        late += usize::from(client.tenant.user(user).unwrap().has_strong_methods());
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert!(!client.tenant.user(user).unwrap().has_strong_methods());
    }
    assert!((4..17).contains(&late), "{late}");
}

#[tokio::test(start_paused = true)]
async fn a_hook_acts_between_two_requests() {
    let client = client(options()).await;
    let user = client.user("ada");
    let (tenant, calls) = (client.tenant.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&calls);
    client.tenant.on_request(move |entry| {
        counted.fetch_add(1, Ordering::Relaxed);
        if entry.segment.as_deref() == Some("methods") {
            tenant.set_per_user_mfa(user, PerUserMfa::Enabled);
        }
    });
    let requirements = format!("/beta/users/{user}/authentication/requirements");
    assert_eq!(client.get(&requirements).await.json()["perUserMfaState"], "disabled");
    client.get(&format!("/beta/users/{user}/authentication/methods")).await;
    assert_eq!(client.get(&requirements).await.json()["perUserMfaState"], "enabled");
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn the_real_budgets_are_kept() {
    let mut real = options();
    real.budget = Budget::Real;
    let client = client(real).await;
    let user = client.user("ada");
    let audits = "/v1.0/auditLogs/directoryAudits?$top=1";
    let report = "/v1.0/reports/authenticationMethods/userRegistrationDetails";
    for path in [audits, report, audits, report, audits] {
        assert_eq!(client.get(path).await.status, 200);
    }
    assert_eq!(client.get(audits).await.status, 429);
    assert_eq!(client.get(report).await.status, 429);
    wait(10).await;
    assert_eq!(client.get(audits).await.status, 200);
    let methods = format!("/beta/users/{user}/authentication/methods");
    for _ in 0..10 {
        assert_eq!(client.get(&methods).await.status, 200);
    }
    let refused = client.get(&methods).await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers.contains_key("retry-after"));
    let access = "/v1.0/identity/conditionalAccess/policies";
    assert_eq!(client.get(access).await.status, 200);
    let refused = client.get(access).await;
    assert_eq!(refused.status, 429);
    assert!(!refused.headers.contains_key("retry-after"));
    assert_eq!(client.get(&format!("/v1.0/users/{user}")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn other_limits_are_kept_as_they_are_set() {
    let mut slow = options();
    slow.budget = Budget::Real;
    slow.authentication_limit = Limit { requests: 2, period: Duration::from_secs(3) };
    let client = client(slow).await;
    let user = client.user("ada");
    let methods = format!("/beta/users/{user}/authentication/methods");
    assert_eq!(client.get(&methods).await.status, 200);
    assert_eq!(client.get(&methods).await.status, 200);
    assert_eq!(client.get(&methods).await.status, 429);
    wait(2).await;
    assert_eq!(client.get(&methods).await.status, 429);
    wait(3).await;
    assert_eq!(client.get(&methods).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn answers_are_under_way_as_long_as_was_drawn_and_the_server_has_acted_before() {
    let mut far = options();
    far.latency = Duration::from_millis(80)..=Duration::from_millis(300);
    let client = client(far).await;
    let mut took = Vec::new();
    for _ in 0..20 {
        let begun = tokio::time::Instant::now();
        client.get("/v1.0/users?$top=1").await;
        took.push(begun.elapsed().as_millis());
    }
    assert!(took.iter().all(|it| (80..=301).contains(it)), "{took:?}");
    assert!(took.iter().max().unwrap() - took.iter().min().unwrap() > 50, "{took:?}");
    let arrivals: Vec<_> = client.tenant.journal().iter().map(|entry| entry.at).collect();
    let gaps = arrivals.windows(2).map(|two| two[1].duration_since(two[0]).as_millis());
    assert!(gaps.skip(1).all(|gap| (80..=301).contains(&gap)));
}

#[tokio::test(start_paused = true)]
async fn waiting_as_told_is_always_enough() {
    let mut real = options();
    real.budget = Budget::Real;
    let client = client(real).await;
    let user = client.user("ada");
    let methods = format!("/beta/users/{user}/authentication/methods");
    for _ in 0..20 {
        while client.get(&methods).await.status == 200 {}
        let refused = client.get(&methods).await;
        let text = refused.headers["retry-after"].to_str().unwrap().to_owned();
        let now: Timestamp = (client.options.clock)();
        let pause = text.parse::<f64>().unwrap_or_else(|_| {
            let date = jiff::fmt::rfc2822::parse(&text).unwrap().timestamp();
            date.duration_since(now).as_secs_f64()
        });
        tokio::time::advance(Duration::from_secs_f64(pause)).await;
        assert_eq!(client.get(&methods).await.status, 200, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn paths_that_graph_does_not_know_are_refused() {
    let client = client(options()).await;
    for (path, status) in [
        ("/v2.0/users", 404),
        ("/", 404),
        ("/v1.0", 400),
        ("/v1.0/Users", 400),
        ("/v1.0/users/", 404),
        ("/v1.0/me", 400),
        ("/v1.0/$batch", 400),
        ("/v1.0/users/a%ZZ", 400),
    ] {
        assert_eq!(client.get(path).await.status, status, "{path}");
    }
    let anonymous = Request::get("/v1.0/users").body(Bytes::new()).unwrap();
    assert_eq!(crate::testing::send(&client.tenant, anonymous).await.unwrap().status, 401);
    assert_eq!(START.parse::<Timestamp>().unwrap(), client.tenant.journal()[0].at);
}
