//! `docs/api.md` is made from the description and one real exchange for each route.
//!
//! `MFA_ROLLBACK_WRITE_DOCS=true cargo test --test it document::` writes it anew.

use std::{collections::BTreeSet, fmt::Write, fs, sync::LazyLock};

use regex_lite::Regex;
use serde_json::{Value, json};
use shared::api::ProblemKind;
use simulator::Part;

use super::Deployment;
use crate::support::{doubles::Double, gateway::openapi};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md");

const HEAD: &str = "\
# The API

The stack's output `ApiUrl` says where it is. Requests are signed with Signature Version 4 for the service
`execute-api`. The caller's own IAM policy has to allow the route (`execute-api:Invoke`), and the parameter
`ApiCallerArns`, where it is set, has to name the caller; without it, no other account gets in. To release or to erase, the
caller has to be named in `ApiReleaserArns`, and to approve a plan in `ApiApproverArns`; where one is empty, nobody may. The
stack's policies `…-reader`, `…-operator`, `…-releaser` and `…-approver` allow the routes that each of them needs
([SECURITY.md](../SECURITY.md)). The command line does all of it: `mfa-rollback --stack URL`. Any other client that signs will do:

```sh
curl --aws-sigv4 aws:amz:REGION:execute-api --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" \\
  --header \"x-amz-security-token: $AWS_SESSION_TOKEN\" URL/status
```

This page is made from [infra/openapi.yaml](../infra/openapi.yaml). The exchanges are real ones, with a simulated
tenant; only moments and random ids were made equal.

";

const HASH_SHOWN: &str = "5f0c1a9d3e7b48620f1d2c3b4a596877";

/// The caller who approves.
const SECOND_PERSON: &str = "arn:aws:sts::123456789012:assumed-role/Approvers/grady";

const MOMENT_SHOWN: &str = "2026-03-02T09:30:00Z";

/// One route, asked for and answered.
struct Exchange {
    route: (&'static str, &'static str),
    path: String,
    body: Option<Value>,
    status: u16,
    answer: Value,
}

async fn exchange(
    deployment: &Deployment,
    route: (&'static str, &'static str),
    path: &str,
    body: Option<Value>,
) -> Exchange {
    let (status, mut answer) = deployment.gateway.ask(route.0, path, body.as_ref()).await;
    assert!(status < 300, "{route:?}: {answer}");
    scrub("", &mut answer);
    Exchange { route, path: path.to_owned(), body, status, answer }
}

/// Every route once, in an order in which each has something to say.
async fn exchanges() -> Vec<Exchange> {
    let deployment = Deployment::new(Double::Ministack, &[("MODE", "enforce")]).await;
    let ask = |method, route, path: String, body| {
        let deployment = &deployment;
        async move { exchange(deployment, (method, route), &path, body).await }
    };
    let same = |method, route: &'static str, body| ask(method, route, route.to_owned(), body);
    let reason = |why: &str| Some(json!({ "reason": why }));
    let guest = deployment.of(Part::Guest);
    let mut all = vec![same("GET", "/doctor", None).await, same("POST", "/scans", Some(json!({}))).await];
    deployment.drain().await;
    all.push(same("GET", "/status", None).await);
    all.push(ask("GET", "/users", "/users?outcome=held(new_account)&limit=1".to_owned(), None).await);
    all.push(ask("GET", "/users/{user_id}", format!("/users/{guest}"), None).await);
    let diagnosis = format!("/users/{guest}/diagnosis?symptom=unexpected-prompt");
    all.push(ask("GET", "/users/{user_id}/diagnosis", diagnosis, None).await);
    let release = format!("/users/{guest}/release");
    all.push(ask("POST", "/users/{user_id}/release", release, reason("Asked her, ticket 4711")).await);
    let named = json!({ "user_ids": [guest, "nobody"], "reason": "Wants to start anew, ticket 4712" });
    all.push(same("POST", "/rollbacks", Some(named)).await);
    let (_, ambiguous) = deployment.gateway.ask("GET", "/users?outcome=held(ambiguous_event)", None).await;
    let event = ambiguous["entries"][0]["event_id"].as_str().unwrap();
    let end = format!("/events/{event}/release");
    all.push(ask("POST", "/events/{event_id}/release", end, reason("The kiosk's user, ticket 4713")).await);
    let left = format!("/users/{}/erase", deployment.of(Part::PerUserMfaEnabled));
    all.push(ask("POST", "/users/{user_id}/erase", left, reason("Asked for it, ticket 4715")).await);
    all.push(same("POST", "/brake/open", reason("Looking at ticket 4714")).await);
    all.push(same("POST", "/brake/release", reason("Nothing was wrong, ticket 4714")).await);
    all.push(same("POST", "/dead-letters/redrive", None).await);
    all.extend(exchanges_of_plans().await);
    all
}

/// The routes of plans, where rollbacks wait for an approval.
async fn exchanges_of_plans() -> Vec<Exchange> {
    let waiting = [("MODE", "enforce"), ("REQUIRE_APPROVAL", "always")];
    let deployment =
        Deployment::with_parts(&[Part::Phone, Part::AuthenticatorWithCode, Part::BreakGlass], &waiting).await;
    deployment.scan_and_drain().await;
    let first = exchange(&deployment, ("POST", "/plans"), "/plans", None).await;
    let hash = first.answer["hash"].as_str().unwrap().to_owned();
    let read = "/plans/{hash}";
    let mut all = vec![first, exchange(&deployment, ("GET", "/plans"), "/plans", None).await];
    all.push(exchange(&deployment, ("GET", read), &format!("/plans/{hash}"), None).await);
    let diff = format!("/plans/latest/diff?since={hash}");
    all.push(exchange(&deployment, ("GET", "/plans/{hash}/diff"), &diff, None).await);
    let (route, path) = (("POST", "/plans/{hash}/approval"), format!("/plans/{hash}/approval"));
    let body = json!({ "reason": "Read by two, ticket 4716", "first": 1 });
    let (status, mut answer) = deployment.gateway.ask_as(SECOND_PERSON, route.0, &path, Some(&body)).await;
    assert_eq!(status, 200, "{answer}");
    scrub("", &mut answer);
    all.push(Exchange { route, path, body: Some(body), status, answer });
    for exchange in &mut all {
        exchange.path = exchange.path.replace(&hash, HASH_SHOWN);
        let shown = exchange.answer.to_string().replace(&hash, HASH_SHOWN);
        exchange.answer = serde_json::from_str(&shown).unwrap();
    }
    all
}

/// Makes equal what is another one in every run.
fn scrub(name: &str, value: &mut Value) {
    static STACK: LazyLock<Regex> = LazyLock::new(|| Regex::new("test-[0-9a-f]{32}").unwrap());
    static SECRET: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"secret:\S+").unwrap());
    static MOMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT[0-9:.]{8,}Z").unwrap());
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| scrub(name, value)),
        Value::Array(list) => list.iter_mut().for_each(|value| scrub(name, value)),
        Value::String(text) => match name {
            "next" => "eyJvdXRjb21lIjoiaGVsZCJ9".clone_into(text),
            "fingerprint" => "91f3c0d26c1b5a77".clone_into(text),
            "request_ids" | "run_id" => "3f5e9c1a-7d0b-4a52-9c1e-0d6f3b8a2c47".clone_into(text),
            _ => {
                let shown = MOMENT.replace_all(text, MOMENT_SHOWN);
                let shown = SECRET.replace_all(&shown, "secret:mfa-rollback-Ab12Cd");
                *text = STACK.replace_all(&shown, "mfa-rollback").into_owned();
            }
        },
        _ => {}
    }
}

/// Where a schema is explained, or what it is.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let nullable = if schema["nullable"] == true { " or null" } else { "" };
    let kind = match (schema["type"].as_str(), schema["allOf"].get(0)) {
        (_, Some(inner)) => kind(inner),
        (Some("array"), _) => format!("list of {}", kind(&schema["items"])),
        (Some("object"), _) if schema["additionalProperties"].is_object() => "counts by name".to_owned(),
        (Some("string"), _) if schema["format"] == "date-time" => "time".to_owned(),
        (Some("string"), _) if schema["enum"].is_array() => names(schema),
        (Some(simple), _) => simple.to_owned(),
        _ => panic!("no type: {schema}"),
    };
    format!("{kind}{nullable}{}", bounds(schema))
}

fn names(schema: &Value) -> String {
    let names: Vec<String> = schema["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| format!("`{}`", name.as_str().unwrap()))
        .collect();
    names.join(", ")
}

fn bounds(schema: &Value) -> String {
    let number = |name: &str| schema[name].as_u64().filter(|bound| *bound > 0);
    let of = |least: Option<u64>, most: Option<u64>, what: &str| match (least, most) {
        (Some(least), Some(most)) => format!(", {least} to {most}{what}"),
        (None, Some(most)) => format!(", at most {most}{what}"),
        _ => String::new(),
    };
    of(number("minimum"), number("maximum"), "")
        + &of(number("minLength"), number("maxLength"), " characters")
        + &of(number("minItems"), number("maxItems"), "")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// One route: what it does, what it takes, what it answers, and an exchange.
fn route(out: &mut String, exchange: &Exchange) {
    let (method, path) = exchange.route;
    let operation = &openapi()["paths"][path][method.to_lowercase()];
    writeln!(
        out,
        "## {method} {path}\n\n{}. {}\n",
        text(&operation["summary"]),
        text(&operation["description"])
    )
    .unwrap();
    let parameters = operation["parameters"].as_array();
    let body = operation["requestBody"]["content"].as_object();
    if parameters.is_some() || body.is_some() {
        out.push_str("| Takes | Type | |\n|---|---|---|\n");
    }
    for parameter in parameters.into_iter().flatten() {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let needed = if parameter["required"] == true { "" } else { ", optional" };
        let kind = kind(&parameter["schema"]);
        writeln!(out, "| `{name}` ({place}{needed}) | {kind} | {} |", text(&parameter["description"]))
            .unwrap();
    }
    for (media, body) in body.into_iter().flatten() {
        let needed = if operation["requestBody"]["required"] == true { "" } else { " (optional)" };
        let schema = &body["schema"];
        writeln!(out, "| body{needed} | {} | `{media}`. {} |", kind(schema), text(&schema["description"]))
            .unwrap();
    }
    if out.ends_with("|\n") {
        out.push('\n');
    }
    let mut problems = Vec::new();
    for (status, answer) in operation["responses"].as_object().unwrap() {
        let (media, content) = answer["content"].as_object().unwrap().iter().next().unwrap();
        let (kind, description) = (kind(&content["schema"]), text(&answer["description"]));
        if media == "application/json" {
            writeln!(out, "Answers {status}: {description}, {kind}.").unwrap();
        } else if ["404", "409", "422"].contains(&status.as_str()) {
            problems.push(format!("{status} ({})", description.to_lowercase()));
        } else {
            problems.push(status.clone());
        }
    }
    writeln!(out, "[Problems](#problems): {}.", problems.join(", ")).unwrap();
    let shown = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let asked =
        exchange.body.as_ref().map(|body| format!("Content-Type: application/json\n\n{}\n", shown(body)));
    let asked = format!("{method} {}\n{}", exchange.path.replace(' ', "%20"), asked.unwrap_or_default());
    let answered = format!("{}\n\n{}\n", exchange.status, shown(&exchange.answer));
    writeln!(out, "\n```http\n{asked}```\n\n```http\n{answered}```\n").unwrap();
}

fn problems(out: &mut String) {
    out.push_str("## Problems\n\n| `type` | Status | |\n|---|---|---|\n");
    for kind in ProblemKind::ALL.iter().copied() {
        writeln!(out, "| `{}` | {} | {} |", kind.uri(), kind.status(), kind.title()).unwrap();
    }
    out.push('\n');
}

/// What the routes take and answer, by name.
fn models(out: &mut String) {
    out.push_str("## Models\n");
    for (name, schema) in openapi()["components"]["schemas"].as_object().unwrap() {
        writeln!(out, "\n### {name}\n").unwrap();
        if let Some(description) = schema["description"].as_str() {
            writeln!(out, "{description}{}\n", if description.ends_with('.') { "" } else { "." }).unwrap();
        }
        let Some(properties) = schema["properties"].as_object() else {
            let pattern = schema["pattern"].as_str().map(|pattern| format!(" `{pattern}`"));
            writeln!(out, "{}{}", kind(schema), pattern.unwrap_or_default()).unwrap();
            continue;
        };
        out.push_str("| Field | Type | |\n|---|---|---|\n");
        let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().map(text).collect();
        let optional = properties.keys().map(String::as_str).filter(|name| !required.contains(name));
        for field in required.iter().copied().chain(optional) {
            let needed = if required.contains(&field) { "" } else { " (optional)" };
            let property = &properties[field];
            writeln!(out, "| `{field}`{needed} | {} | {} |", kind(property), text(&property["description"]))
                .unwrap();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "it is a setting of the test")]
fn writes() -> bool {
    std::env::var("MFA_ROLLBACK_WRITE_DOCS").is_ok_and(|value| value == "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_what_the_description_says_and_shows_each_route() {
    let exchanges = exchanges().await;
    let shown: BTreeSet<_> =
        exchanges.iter().map(|exchange| (exchange.route.1, exchange.route.0.to_lowercase())).collect();
    let described = openapi()["paths"].as_object().unwrap().iter();
    for (path, operations) in described {
        for method in operations.as_object().unwrap().keys().filter(|method| !method.starts_with("x-")) {
            assert!(shown.contains(&(path.as_str(), method.clone())), "{method} {path} is not shown");
        }
    }
    let mut page = HEAD.to_owned();
    for exchange in &exchanges {
        route(&mut page, exchange);
    }
    problems(&mut page);
    models(&mut page);
    if writes() {
        fs::write(DOCUMENT, page).unwrap();
        return;
    }
    let kept = fs::read_to_string(DOCUMENT).unwrap();
    let differs = kept.lines().zip(page.lines()).enumerate().find(|(_, (kept, page))| kept != page);
    assert!(kept == page, "docs/api.md is not up to date (see this file's head): first at {differs:?}");
}
