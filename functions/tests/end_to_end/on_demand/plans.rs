//! Plans over the API: nothing goes that a second person has not approved.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use simulator::{NewMethod, Part};

use super::Deployment;
use crate::ENFORCE;
use crate::support::{doubles::Double, now};

const ALWAYS: (&str, &str) = ("REQUIRE_APPROVAL", "always");

/// Sessions of Identity Center, each under a permission set.
const ADA: &str = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Ops_0123/ada@contoso.example";
const ADA_AS_LEAD: &str =
    "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Leads_4567/ada@contoso.example";
const BEN: &str = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Leads_4567/ben@contoso.example";
const CYD: &str = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Leads_4567/cyd@contoso.example";

fn deleted(deployment: &Deployment) -> BTreeSet<String> {
    let journal = deployment.world.tenant.journal();
    let deletes = journal.iter().filter(|entry| entry.method == "DELETE" && entry.acted);
    deletes.filter_map(|entry| Some(entry.user?.to_string())).collect()
}

fn ids(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn kind(problem: &Value) -> &str {
    problem["type"].as_str().unwrap().strip_prefix("urn:mfa-rollback:problem:").unwrap()
}

/// Makes a plan, and returns its hash and whom it names.
async fn made(deployment: &Deployment, maker: &str) -> (String, BTreeSet<String>) {
    let (status, plan) = deployment.gateway.ask_as(maker, "POST", "/plans", None).await;
    assert_eq!((status, &plan["made_by"]), (201, &json!(maker)), "{plan}");
    let hash = plan["hash"].as_str().unwrap().to_owned();
    let (status, page) = deployment.gateway.ask("GET", "/plans/latest", None).await;
    assert_eq!((status, &page["plan"], &page["next"]), (200, &plan, &Value::Null));
    assert!(!page.to_string().contains("salt") && !page.to_string().contains("number_hash"));
    let users = page["users"].as_array().unwrap().iter();
    let users: BTreeSet<String> = users.map(|user| user["user_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(plan["users"], users.len());
    (hash, users)
}

async fn approve(deployment: &Deployment, who: &str, hash: &str, body: Value) -> (u16, Value) {
    deployment.gateway.ask_as(who, "POST", &format!("/plans/{hash}/approval"), Some(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_that_a_second_person_has_not_approved_and_what_changed_is_held() {
    let deployment = Deployment::new(Double::Ministack, &[ENFORCE, ALWAYS]).await;
    let world = &deployment.world;
    deployment.scan_and_drain().await;
    assert_eq!(deleted(&deployment), BTreeSet::new(), "nobody approved anything");
    let phone = deployment.of(Part::Phone);
    assert_eq!(world.outcomes().await[&phone], "deferred(not_approved)");

    let (hash, planned) = made(&deployment, ADA).await;
    assert!(planned.contains(&phone) && planned.len() > 3, "{planned:?}");
    let everybody = json!({ "reason": "read, ticket 4716" });
    for maker in [ADA, ADA_AS_LEAD] {
        let (status, problem) = approve(&deployment, maker, &hash, everybody.clone()).await;
        assert_eq!((status, kind(&problem)), (403, "second-person-needed"), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("had the plan made"), "{problem}");
    }
    // Behind the plan's back the user registers another method.
    world.tenant.register(world.of(Part::Phone).id, NewMethod::authenticator());
    let spared = planned.iter().find(|user| **user != phone).unwrap().clone();
    let body = json!({ "reason": "read, ticket 4716", "except": [spared] });
    let (status, approval) = approve(&deployment, BEN, &hash, body).await;
    assert_eq!((status, &approval["left_out"], &approval["complete"]), (200, &json!(1), &json!(true)));
    assert_eq!(approval["approved"], planned.len() - 1, "{approval}");
    assert_eq!(ids(&approval["woken"]), planned.iter().filter(|user| **user != spared).cloned().collect());
    deployment.drain().await;

    let gone: BTreeSet<String> =
        planned.iter().filter(|user| **user != spared && **user != phone).cloned().collect();
    assert_eq!(deleted(&deployment), gone);
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes[&phone], "held(registered_after)");
    assert_eq!(outcomes[&spared], "deferred(not_approved)");
    assert!(gone.iter().all(|user| outcomes[user] == "rolled_back"));
    world.assert_safe();

    // What a person releases still has to be reviewed as it is now.
    let path = format!("/users/{phone}/release");
    let (status, released) = deployment.gateway.ask("POST", &path, Some(&json!({ "reason": "asked" }))).await;
    assert_eq!((status, &released["lifted"]), (200, &json!(["registered_after"])), "{released}");
    deployment.drain().await;
    assert_eq!(world.outcomes().await[&phone], "held(changed_since_review)");

    let (next, users) = made(&deployment, BEN).await;
    assert!(users.contains(&phone) && users.contains(&spared) && users.is_disjoint(&gone));
    let path = format!("/plans/latest/diff?since={hash}");
    let (status, diff) = deployment.gateway.ask("GET", &path, None).await;
    assert_eq!((status, ids(&diff["removed"]), &diff["changed"]), (200, gone, &json!([phone])), "{diff}");
    let (_, list) = deployment.gateway.ask("GET", "/plans", None).await;
    assert_eq!(
        (&list["plans"][0]["hash"], &list["plans"][1]["approved"][0]["who"]),
        (&json!(next), &json!(BEN))
    );
    let (status, approval) = approve(&deployment, CYD, &next, json!({ "reason": "all of it" })).await;
    assert_eq!(status, 200, "{approval}");
    deployment.drain().await;
    assert_eq!(deleted(&deployment), &planned | &users);
    assert_eq!(world.strong_methods(world.of(Part::Phone)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvers_are_two_people_and_whoever_named_a_user_is_neither() {
    let two = ("PLAN_APPROVERS", "2");
    let deployment = Deployment::new(Double::Ministack, &[ENFORCE, ALWAYS, two]).await;
    deployment.scan_and_drain().await;
    let phone = deployment.of(Part::Phone);
    let named = json!({ "user_ids": [phone], "reason": "ticket 4717" });
    assert_eq!(deployment.gateway.ask_as(BEN, "POST", "/rollbacks", Some(&named)).await.0, 202);
    deployment.drain().await;
    let (hash, planned) = made(&deployment, ADA).await;
    let approved = |approval: &Value| (approval["approvers_missing"].clone(), approval["woken"].clone());

    let alone = json!({ "reason": "read", "user_ids": [phone] });
    let (status, problem) = approve(&deployment, BEN, &hash, alone).await;
    assert_eq!((status, kind(&problem)), (403, "second-person-needed"), "{problem}");
    let ben_again = BEN.replace("AWSReservedSSO_Leads_4567", "AWSReservedSSO_Other_89ab");
    for session in [BEN, &ben_again] {
        let (status, approval) = approve(&deployment, session, &hash, json!({ "reason": "read" })).await;
        assert_eq!((status, approved(&approval)), (200, (json!(1), json!([]))), "{approval}");
        assert_eq!(approval["own_word"], json!([phone]));
    }
    deployment.drain().await;
    assert_eq!(deleted(&deployment), BTreeSet::new(), "one of two");
    let (status, approval) = approve(&deployment, CYD, &hash, json!({ "reason": "read, too" })).await;
    let both: BTreeSet<String> = planned.iter().filter(|user| **user != phone).cloned().collect();
    assert_eq!((status, &approval["approvers_missing"]), (200, &json!(0)), "{approval}");
    assert_eq!(ids(&approval["woken"]), both);
    deployment.drain().await;
    assert_eq!(deleted(&deployment), both);
    assert_eq!(deployment.world.outcomes().await[&phone], "deferred(not_approved)");
    deployment.world.assert_safe();
}

/// What does not fit into a request goes on with the same request.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_is_cut_off_goes_on() {
    let deployment = Deployment::with_parts(&[Part::Phone, Part::BreakGlass], &[ENFORCE, ALWAYS]).await;
    deployment.scan_and_drain().await;
    let (hash, _) = made(&deployment, ADA).await;
    let answer = async |came: jiff::Timestamp| {
        let event = json!({
            "httpMethod": "POST", "resource": "/plans/{hash}/approval", "path": format!("/plans/{hash}/approval"),
            "pathParameters": { "hash": hash }, "headers": { "content-type": "application/json" },
            "body": json!({ "reason": "read" }).to_string(),
            "requestContext": { "identity": { "userArn": BEN }, "requestTimeEpoch": came.as_millisecond() },
        });
        let answer = deployment.drains[0].invoke(&event).await.unwrap();
        serde_json::from_str::<Value>(answer["body"].as_str().unwrap()).unwrap()
    };
    let late = answer(now() - Duration::from_secs(26)).await;
    assert_eq!(
        (&late["complete"], &late["approved"], &late["approvers_missing"]),
        (&json!(false), &json!(0), &json!(1))
    );
    let done = answer(now()).await;
    assert_eq!(
        (&done["complete"], &done["approved"], &done["approvers_missing"]),
        (&json!(true), &json!(1), &json!(0))
    );
    deployment.drain().await;
    assert_eq!(deleted(&deployment), BTreeSet::from([deployment.of(Part::Phone)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_approved_or_shown_is_refused() {
    let deployment =
        Deployment::with_parts(&[Part::Phone, Part::Guest, Part::BreakGlass], &[ENFORCE, ALWAYS]).await;
    let gateway = &deployment.gateway;
    assert_eq!(gateway.ask("GET", "/plans/latest", None).await.0, 404);
    deployment.scan_and_drain().await;
    let (hash, _) = made(&deployment, ADA).await;
    let unknown = "0123456789abcdef0123456789abcdef";
    for (path, expected) in [
        (format!("/plans/{hash}?cursor=0"), 200),
        (format!("/plans/{hash}?cursor=1"), 400),
        (format!("/plans/{hash}?page=0"), 400),
        (format!("/plans/{unknown}"), 404),
        ("/plans/x".to_owned(), 400),
        (format!("/plans/{hash}/diff"), 400),
        (format!("/plans/{hash}/diff?since=latest"), 400),
        (format!("/plans/{hash}/diff?since={unknown}"), 404),
        (format!("/plans/{hash}/diff?since={hash}"), 200),
    ] {
        let (status, answer) = gateway.ask("GET", &path, None).await;
        assert_eq!(status, expected, "{path} {answer}");
    }
    let guest = deployment.of(Part::Guest);
    for (hash, body, expected) in [
        (hash.as_str(), json!({}), 400),
        (&hash, json!({ "reason": "x", "first": 0 }), 400),
        (&hash, json!({ "reason": "x", "user_ids": [] }), 400),
        (&hash, json!({ "reason": "x", "except": [] }), 400),
        (&hash, json!({ "reason": "x", "except": [guest] }), 409),
        (&hash, json!({ "reason": "x", "except": [deployment.of(Part::Phone)] }), 409),
        (unknown, json!({ "reason": "x" }), 404),
        ("latest", json!({ "reason": "x" }), 400),
    ] {
        let (status, problem) = approve(&deployment, BEN, hash, body.clone()).await;
        assert_eq!(status, expected, "{body} {problem}");
    }
    deployment.drain().await;
    assert_eq!(deleted(&deployment), BTreeSet::new());
}
