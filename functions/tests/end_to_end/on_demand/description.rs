//! `infra/openapi.yaml` says what the code does: what the types hold, what the routes are, what is refused.

use std::{collections::BTreeSet, process::Command};

use functions::{drain, poll};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::{
    api::{
        ApprovalRequest, BrakeMoved, EventEnded, MAX_LIMIT, MAX_NAMED, MAX_REASON, Problem, ProblemKind,
        Redriven, Refused, Released, RollbackRequest, RollbacksTaken, ScanRange, UsersPage, read_json,
        read_reason,
    },
    diagnose::{AskedMethod, Bearing, Complaint, Diagnosis, Finding, Step, Symptom, ToldEvent},
    doctor::Check,
    domain::{
        account::About,
        brake::{BrakeState, Move},
        decision::{Consequences, Decision, Fingerprint, RuleAnswer, RuleResult},
        facts::{Claimed, RecordedRegistration, Vouched},
        ids::{EventId, MethodId, RunId, UserId},
        method::{MethodKind, MethodName},
        origin::{MethodOrigin, Origin, Shows},
        outcome::{Failed, Held, NotEligible, Outcome, Verdict},
        plan::PlanApproved,
        rule::Rule,
        state::Concluded,
        window::Window,
    },
    drain::{Explanation, ReadAt},
    plan::PlanApproval,
    poll::{Lag, Polled},
    settings::Mode,
    view::{
        BrakeView, FailureRate, Line, Past, PlanDiff, PlanHead, PlanList, PlanPage, PlannedLine, Status,
        listed,
    },
};

use crate::support::{gateway::openapi, python::python};

const AT: &str = "2026-03-01T00:00:00Z";
const ID: &str = "dd44fd36-4511-4889-801e-dc8e367e5d6d";

fn at() -> Timestamp {
    AT.parse().unwrap()
}

fn user() -> UserId {
    ID.parse().unwrap()
}

fn schema(name: &str) -> &'static Value {
    let schema = &openapi()["components"]["schemas"][name];
    assert!(schema.is_object(), "no schema {name}");
    schema
}

/// A schema that knows `null` where `OpenAPI` 3.0 says nullable.
fn draft(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut map: Map<String, Value> =
                map.iter().map(|(key, value)| (key.clone(), draft(value))).collect();
            match map.remove("nullable") {
                Some(Value::Bool(true)) => json!({ "anyOf": [map, { "type": "null" }] }),
                _ => Value::Object(map),
            }
        }
        Value::Array(list) => list.iter().map(draft).collect(),
        other => other.clone(),
    }
}

fn is_valid(name: &str, instance: &Value) -> Result<(), String> {
    let root = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": { "schemas": draft(&openapi()["components"]["schemas"]) },
    });
    let validator = jsonschema::options().should_validate_formats(true).build(&root).unwrap();
    validator.validate(instance).map_err(|error| format!("{name}: {error} at {}", error.instance_path()))
}

/// The samples fit the schema, and together have every property that it has.
fn answer(name: &str, samples: &[&dyn erased::Sample]) {
    let samples: Vec<Value> = samples.iter().map(|sample| sample.json()).collect();
    for sample in &samples {
        is_valid(name, sample).unwrap_or_else(|error| panic!("{error}\n{sample}"));
    }
    let described: BTreeSet<&String> = schema(name)["properties"].as_object().unwrap().keys().collect();
    let given: BTreeSet<&String> =
        samples.iter().flat_map(|sample| sample.as_object().unwrap().keys()).collect();
    assert_eq!(described, given, "{name}");
}

mod erased {
    use super::{Serialize, Value};

    pub trait Sample {
        fn json(&self) -> Value;
    }

    impl<T: Serialize> Sample for T {
        fn json(&self) -> Value {
            serde_json::to_value(self).unwrap()
        }
    }
}

/// The code takes what the schema takes: each property, with or without, and no other.
fn request(name: &str, full: &Value, takes: impl Fn(&[u8]) -> bool) {
    let both = |body: &Value, why: &str| {
        let described = is_valid(name, body).is_ok();
        assert_eq!(takes(body.to_string().as_bytes()), described, "{name}, {why}: {body}");
        described
    };
    assert!(both(full, "as it should be"));
    let properties: BTreeSet<&String> = schema(name)["properties"].as_object().unwrap().keys().collect();
    assert_eq!(properties, full.as_object().unwrap().keys().collect(), "{name}");
    for property in properties {
        let mut without = full.clone();
        without.as_object_mut().unwrap().remove(property);
        both(&without, &format!("without {property}"));
        let number =
            if schema(name)["properties"][property]["type"] == "integer" { json!("7") } else { json!(7) };
        for wrong in [json!({}), number, json!([[]])] {
            let mut with = full.clone();
            with[property] = wrong;
            assert!(!both(&with, &format!("{property} of another type")));
        }
    }
    let mut more = full.clone();
    more["mode"] = json!("enforce");
    assert!(!both(&more, "with a field that nobody knows"));
    assert!(!both(&json!([]), "a list"));
}

fn enumeration(schema: &Value) -> BTreeSet<String> {
    serde_json::from_value(schema["enum"].clone()).unwrap()
}

fn names<T: Serialize>(all: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    all.into_iter().map(|one| serde_json::to_value(one).unwrap().as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_is_openapi() {
    let mut validator = Command::new(python());
    validator.args(["-m", "openapi_spec_validator"]);
    let ended =
        validator.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.yaml")).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}

#[test]
fn lists_of_names_are_those_of_the_code() {
    assert_eq!(enumeration(schema("Outcome")), names(Outcome::all()));
    assert_eq!(enumeration(schema("Held")), names(Held::all()));
    let mut verdicts = vec![Verdict::RollBack];
    verdicts.extend(NotEligible::ALL.iter().map(|reason| Verdict::NotEligible(*reason)));
    verdicts.extend(Held::all().map(Verdict::Held));
    assert_eq!(enumeration(schema("Verdict")), names(verdicts));
    assert_eq!(enumeration(schema("Mode")), names([Mode::Report, Mode::Canary, Mode::Enforce]));
    assert_eq!(enumeration(&schema("RuleResult")["properties"]["rule"]), names(Rule::ALL));
    assert_eq!(enumeration(schema("Symptom")), names(Symptom::ALL));
    assert_eq!(enumeration(schema("AskedMethod")), names(AskedMethod::ALL));
    assert_eq!(enumeration(&schema("Finding")["properties"]["step"]), names(Step::ALL));
    let bearings = names([Bearing::MayBeWhy, Bearing::NotWhy, Bearing::NotRead, Bearing::Tells]);
    assert_eq!(enumeration(&schema("Finding")["properties"]["bearing"]), bearings);
    let kinds = ProblemKind::ALL.iter().map(|kind| kind.uri()).collect();
    assert_eq!(enumeration(&schema("Problem")["properties"]["type"]), kinds);
    for name in enumeration(schema("Listed")) {
        assert!(listed(Some(&name)).is_some(), "{name}");
    }
    let described = enumeration(schema("Listed"));
    let entries: BTreeSet<String> = listed(None).unwrap().into_iter().collect();
    assert!(described.is_superset(&entries), "{:?}", entries.difference(&described));
}

#[test]
fn routes_are_those_of_the_functions() {
    let methods = ["get", "post", "put", "patch", "delete"];
    let mut described = BTreeSet::new();
    let mut statuses = BTreeSet::new();
    for (path, operations) in openapi()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if methods.contains(&method.as_str()) {
                let uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"].as_str().unwrap();
                described.insert((uri.contains("PollFunction"), method.to_uppercase(), path.clone()));
                statuses.extend(operation["responses"].as_object().unwrap().keys().cloned());
            }
        }
    }
    let of_poll = poll::ROUTES.iter().map(|route| (true, route.method.to_owned(), route.path.to_owned()));
    let of_drain = drain::ROUTES.iter().map(|route| (false, route.method.to_owned(), route.path.to_owned()));
    // drain's own doctor is asked by invocation.
    let own = (false, "GET".to_owned(), "/doctor".to_owned());
    let known: BTreeSet<_> = of_poll.chain(of_drain).filter(|route| *route != own).collect();
    assert_eq!(described, known);
    for kind in ProblemKind::ALL.iter().filter(|kind| **kind != ProblemKind::MethodNotAllowed) {
        assert!(statuses.contains(&kind.status().to_string()), "{kind:?}");
    }
}

#[test]
fn bounds_are_those_of_the_code() {
    let properties = &schema("RollbackRequest")["properties"];
    assert_eq!(properties["user_ids"]["maxItems"], json!(MAX_NAMED));
    assert_eq!(properties["registrations"]["maxItems"], json!(MAX_NAMED));
    assert_eq!(schema("Reason")["maxLength"], json!(MAX_REASON));
    let parameters = openapi()["paths"]["/users"]["get"]["parameters"].as_array().unwrap();
    let limit = parameters.iter().find(|parameter| parameter["name"] == "limit").unwrap();
    assert_eq!(limit["schema"]["maximum"], json!(MAX_LIMIT));
}

#[test]
fn requests_are_taken_as_described() {
    request("ScanRange", &json!({ "from": AT, "to": AT }), |body| read_json::<ScanRange>(body).is_ok());
    request("ReasonRequest", &json!({ "reason": "why" }), |body| read_reason(body).is_ok());
    let approval = json!({ "reason": "why", "first": 50, "user_ids": [ID], "except": [ID] });
    request("ApprovalRequest", &approval, |body| ApprovalRequest::read(body).is_ok());
    let one = json!({
        "user_id": ID, "registered_at": AT, "user_principal_name": "a@contoso.example", "event_id": "e",
        "methods": ["phone"], "in_window": true,
    });
    let registrations = |one: &[u8]| {
        let one: Value = serde_json::from_slice(one).unwrap();
        read_json::<RollbackRequest>(json!({ "registrations": [one] }).to_string().as_bytes()).is_ok()
    };
    request("NamedRegistration", &one, registrations);
    // That one list or the other is given no model can say.
    let full = json!({ "user_ids": [ID], "registrations": [one], "reason": "why" });
    request("RollbackRequest", &full, |body| read_json::<RollbackRequest>(body).is_ok());
}

#[test]
fn reasons_and_ids_are_refused_as_described() {
    for reason in
        ["", " ", "\u{1}", "a\nb", "why", " why ", "\u{7f}", "ä", &"x".repeat(500), &"x".repeat(501)]
    {
        let body = json!({ "reason": reason });
        let taken = read_reason(body.to_string().as_bytes()).is_ok();
        assert_eq!(taken, is_valid("ReasonRequest", &body).is_ok(), "{reason:?}");
    }
    let zero = "00000000-0000-0000-0000-000000000000";
    for id in [ID, &ID.to_uppercase(), zero, "", "x", &ID.replace('-', ""), &format!("{{{ID}}}")] {
        assert_eq!(id.parse::<UserId>().is_ok(), is_valid("UserId", &json!(id)).is_ok(), "{id}");
    }
}

#[test]
fn examples_are_requests_that_are_taken() {
    let mut seen = 0;
    for (path, operations) in openapi()["paths"].as_object().unwrap() {
        let body = &operations["post"]["requestBody"]["content"]["application/json"];
        let Some(example) = body.get("example") else { continue };
        let example = example.to_string();
        let taken = match path.as_str() {
            "/scans" => read_json::<ScanRange>(example.as_bytes()).map(drop),
            "/rollbacks" => {
                read_json::<RollbackRequest>(example.as_bytes()).and_then(|request| request.check())
            }
            "/plans/{hash}/approval" => ApprovalRequest::read(example.as_bytes()).map(drop),
            _ => read_reason(example.as_bytes()).map(drop),
        };
        assert_eq!(taken, Ok(()), "{path}");
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[test]
fn answers_have_what_is_described() {
    answer("Problem", &[&Problem::new(ProblemKind::BadRequest, "why")]);
    let summary = Polled { goes_on_at: Some(at()), ..Polled::default() };
    answer("ScanSummary", &[&summary, &Polled::default()]);
    answer("Check", &[&Check::ok("what", "detail"), &Check::missing("a", "b"), &Check::note("a", "b")]);
    let refused = Refused { line: 1, cause: "why".to_owned() };
    answer("Refused", &[&refused]);
    answer("RollbacksTaken", &[&RollbacksTaken { refused: vec![refused], ..RollbacksTaken::default() }]);
    answer("Released", &[&Released { user_id: user(), lifted: Held::all().collect() }]);
    answer("EventEnded", &[&EventEnded { event_id: EventId("e".to_owned()) }]);
    answer("Redriven", &[&Redriven::default()]);
}

#[test]
fn plans_have_what_is_described() {
    let approved = PlanApproved { who: "who".to_owned(), why: "why".to_owned(), at: at(), users: 1 };
    let plan = PlanHead {
        hash: "0123456789abcdef0123456789abcdef".parse().unwrap(),
        made_by: "who".to_owned(),
        made_at: at(),
        approve_by: at(),
        fingerprint: Fingerprint("f".to_owned()),
        users: 1,
        approved: vec![approved.clone()],
    };
    let method = MethodName { kind: MethodKind::Phone, id: MethodId("m".to_owned()) };
    let consequences =
        Consequences { sspr_loses: None, still_can_do_mfa: vec![MethodKind::Fido2], no_method_left: false };
    let line = PlannedLine {
        user_id: user(),
        methods: one_of_each_origin(&method),
        consequences: Some(consequences),
    };
    let other = PlannedLine { consequences: None, ..line.clone() };
    answer("PlanApproved", &[&approved]);
    answer("Plan", &[&plan]);
    answer("PlanList", &[&PlanList { plans: vec![plan.clone()] }]);
    answer("PlannedUser", &[&line, &other]);
    let last = PlanPage { plan: plan.clone(), users: Vec::new(), next: None };
    answer("PlanPage", &[&PlanPage { plan, users: vec![line, other], next: Some(1) }, &last]);
    answer("PlanDiff", &[&PlanDiff { added: vec![user()], removed: vec![user()], changed: vec![user()] }]);
    let approval = PlanApproval {
        passed_over: vec![user()],
        own_word: vec![user()],
        woken: vec![user()],
        ..PlanApproval::default()
    };
    answer("PlanApproval", &[&approval]);
}

#[test]
fn the_status_has_what_is_described() {
    let moved = Move { to: BrakeState::Open, at: at(), who: "who".to_owned(), why: "why".to_owned() };
    let brake = BrakeView { state: BrakeState::Open, last_move: Some(moved.clone()) };
    let lag = Lag { registrations: 1, p50_seconds: 1, p90_seconds: 1, p99_seconds: 1 };
    let window = Window { start: at(), preview_disabled_at: at(), end: at() };
    let rate = FailureRate { users: 1, failed: 0 };
    answer("BrakeMove", &[&moved]);
    answer("Brake", &[&brake, &BrakeView { state: BrakeState::Released, last_move: None }]);
    answer("BrakeMoved", &[&BrakeMoved { brake: brake.clone() }]);
    answer("Lag", &[&lag]);
    answer("Window", &[&window]);
    answer("FailureRate", &[&rate]);
    let status = Status {
        tenant_id: ID.parse().unwrap(),
        mode: Some(Mode::Report),
        window: Some(window),
        scanned_from: Some(at()),
        complete_to: None,
        scan_under_way: true,
        unread: vec!["what".to_owned()],
        missed: 0,
        lag: Some(lag),
        counts: Outcome::all().iter().map(|outcome| (outcome.to_string(), 1)).collect(),
        queue_depth: 1,
        dead_letters: 0,
        slots_taken: 1,
        max_rollbacks_per_day: Some(50),
        next_slot_at: None,
        failure_rate: rate,
        brake,
    };
    answer("Status", &[&status]);
}

#[test]
fn a_diagnosis_has_what_is_described() {
    let finding = |step: &Step, bearing, next_step: Option<&str>| Finding {
        step: *step,
        bearing,
        looked_at: "methods".to_owned(),
        answer: "why".to_owned(),
        next_step: next_step.map(str::to_owned),
    };
    let findings: Vec<Finding> =
        Step::ALL.iter().map(|step| finding(step, Bearing::NotRead, Some("look"))).collect();
    let told = ToldEvent {
        at: at(),
        event_id: Some(EventId("e".to_owned())),
        activity: "User registered security info".to_owned(),
        status: "success".to_owned(),
        reason: "why".to_owned(),
        means: "what".to_owned(),
        next_step: None,
    };
    let untold = ToldEvent { event_id: None, next_step: Some("ask".to_owned()), ..told.clone() };
    let complaint = Complaint {
        symptom: Symptom::CannotAdd,
        complaint: Symptom::CannotAdd.complaint().to_owned(),
        method: Some(AskedMethod::Phone),
        findings,
    };
    let other = Complaint { method: None, findings: Vec::new(), ..complaint.clone() };
    answer("Finding", &[&complaint.findings[0], &finding(&Step::Stamp, Bearing::Tells, None)]);
    answer("ToldEvent", &[&told, &untold]);
    answer("Complaint", &[&complaint, &other]);
    let diagnosis = Diagnosis {
        user_id: user(),
        user_principal_name: Some("ada@contoso.example".to_owned()),
        display_name: None,
        read_at: at(),
        complaints: vec![complaint, other],
        story: vec![told, untold],
        story_lacks: Some("why".to_owned()),
    };
    answer("Diagnosis", &[&diagnosis]);
}

fn one_of_each_origin(method: &MethodName) -> Vec<MethodOrigin> {
    let shows = || Shows { event_id: EventId("e".to_owned()), event_at: at() };
    [Origin::OfWindow, Origin::BeforeWindow, Origin::AfterWindow, Origin::ByAdmin, Origin::Unproven]
        .map(|origin| MethodOrigin {
            method: method.clone(),
            origin,
            evidence: "why".to_owned(),
            shown_by: (origin == Origin::OfWindow).then(shows),
            held: (origin == Origin::ByAdmin).then_some(Held::RegisteredByAdmin),
            kept: origin == Origin::BeforeWindow,
        })
        .into()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a sample of each kind")]
fn an_explanation_has_what_is_described() {
    let method = MethodName { kind: MethodKind::Phone, id: MethodId("m".to_owned()) };
    let registration = RecordedRegistration {
        event_id: EventId("e".to_owned()),
        registered_at: at(),
        methods: vec![MethodKind::Phone],
        first_seen_at: at(),
        claim: Some(Claimed { vouched: Some(Vouched { by: "ops".to_owned(), sha256: "0".to_owned() }) }),
    };
    let note = "why".to_owned();
    let answers = [
        RuleAnswer::Pass { note: Some(note.clone()) },
        RuleAnswer::No { reasons: vec![Verdict::Held(Held::External)], note: note.clone() },
        RuleAnswer::NotApplicable,
        RuleAnswer::Unknown { note },
    ];
    let rules: Vec<RuleResult> =
        answers.into_iter().zip(Rule::ALL).map(|(answer, &rule)| RuleResult { rule, answer }).collect();
    let consequences =
        Consequences { sspr_loses: None, still_can_do_mfa: vec![MethodKind::Fido2], no_method_left: false };
    let origins = one_of_each_origin(&method);
    let decision = Decision {
        verdict: Verdict::RollBack,
        rules: rules.clone(),
        methods: origins.clone(),
        consequences: Some(consequences.clone()),
        fingerprint: Fingerprint("f".to_owned()),
        decided_at: at(),
    };
    let text = || Some("text".to_owned());
    let about = About {
        enabled: Some(true),
        external: text(),
        synced: None,
        administrator: text(),
        display_name: text(),
        user_principal_name: None,
        per_user_mfa: text(),
        methods_before: vec![method.clone()],
    };
    let concluded = Concluded {
        outcome: Outcome::Failed(Failed::Refused),
        at: at(),
        run_id: RunId(ID.parse().unwrap()),
        methods_deleted: vec![method.clone()],
        methods_left: vec![method.clone()],
        decision: Some(decision.clone()),
        request_ids: vec!["r".to_owned()],
    };
    let line = Line {
        user_id: Some(user()),
        event_id: None,
        user_principal_name: text(),
        display_name: text(),
        outcome: "held".to_owned(),
        reason: text(),
        at: Some(at()),
        registrations: vec![registration.clone()],
        enabled: None,
        external: text(),
        synced: Some(false),
        administrator: None,
        per_user_mfa: text(),
        methods_before: vec![method.clone()],
        methods_deleted: Vec::new(),
        methods_left: Vec::new(),
        decision: Some(decision.clone()),
        asked_by: text(),
        next_step: "none".to_owned(),
        request_ids: Vec::new(),
    };
    let who = || ("who".to_owned(), "why".to_owned());
    let past = [
        Past::Outcome(Box::new(concluded)),
        Past::Intent { at: at(), methods: vec![method.clone()] },
        Past::Release { who: who().0, why: who().1, at: at() },
        Past::Erased { who: who().0, why: who().1, at: at() },
        Past::Approved {
            who: who().0,
            why: who().1,
            plan: "0123456789abcdef0123456789abcdef".parse().unwrap(),
            at: at(),
        },
        Past::ByHand { who: who().0, why: who().1, at: at() },
    ];
    answer("MethodName", &[&method]);
    answer("Registration", &[&registration]);
    answer("RuleResult", &[&rules[0], &rules[1], &rules[2], &rules[3]]);
    answer("MethodOrigin", &[&origins[0], &origins[1], &origins[2], &origins[3], &origins[4]]);
    answer("Consequences", &[&consequences]);
    answer("Decision", &[&decision]);
    answer("About", &[&about]);
    answer("User", &[&line]);
    answer("UsersPage", &[&UsersPage { entries: vec![line.clone()], next: None }]);
    answer("Past", &[&past[0], &past[1], &past[2], &past[3], &past[4]]);
    let explanation = Explanation {
        user_id: user(),
        on_record: Some(Box::new(line)),
        decision,
        stops_at: Some(Outcome::WouldRollBack),
        about,
        history: past.to_vec(),
        read_at: ReadAt { user: Some(at()), ..ReadAt::default() },
        request_ids: Vec::new(),
    };
    answer("ReadAt", &[&explanation.read_at]);
    answer("Explanation", &[&explanation]);
}
