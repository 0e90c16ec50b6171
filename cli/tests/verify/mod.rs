//! `verify`: each finding, by tampering with ledger, tenant or file from outside.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod evidence;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{NewMethod, Part, PhoneType};
use tower::ServiceExt;
use uuid::Uuid;

use crate::support::{World, binary, now, text};

/// A tenant that went through a rollback of everybody, some time ago.
struct Scene {
    world: World,
    /// How many seconds the tenant is ahead of the clock.
    ahead: Arc<AtomicI64>,
}

impl Scene {
    /// The tenant after a run, with records of the log that show a while later.
    fn after(args: &[&str]) -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        let seconds = Arc::clone(&ahead);
        let world = World::with(60, 71, move |options| {
            options.clock = Arc::new(move || now() + SignedDuration::from_secs(seconds.load(SeqCst)));
        });
        world.json(0, args);
        Self { world, ahead }
    }

    fn rolled_back() -> Self {
        let scene = Self::after(&["run", "--mode", "enforce", "--yes"]);
        scene.ahead.store(600, SeqCst);
        scene
    }

    fn verify(&self, exit: i32) -> Vec<(String, Value)> {
        let verification = self.world.json(exit, &["verify"]);
        let findings = verification["findings"].as_array().unwrap().iter();
        findings.map(|it| (it["kind"].as_str().unwrap().to_owned(), it.clone())).collect()
    }

    fn tamper(&self, change: &str, key: &str) {
        let ledger = rusqlite::Connection::open(self.world.path("ledger")).unwrap();
        assert!(ledger.execute(change, [key]).unwrap() > 0, "{change}");
    }

    /// A user's history as the ledger keeps it.
    fn history(&self, user: Uuid) -> Vec<(String, Value)> {
        let ledger = rusqlite::Connection::open(self.world.path("ledger")).unwrap();
        let mut query = ledger
            .prepare("SELECT sk, body FROM documents WHERE pk = ?1 AND sk LIKE 'H#%' ORDER BY sk")
            .unwrap();
        let rows = query
            .query_map([format!("USER#{user}")], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .unwrap();
        rows.map(Result::unwrap).map(|(sk, body)| (sk, serde_json::from_str(&body).unwrap())).collect()
    }

    /// Puts an entry into a user's history as if it had been there since this moment.
    fn forge(&self, user: Uuid, at: Timestamp, entry: &Value) {
        let ledger = rusqlite::Connection::open(self.world.path("ledger")).unwrap();
        let sql = "INSERT INTO documents (pk, sk, version, write_id, schema, body, updated_at) VALUES (?1, ?2, 1, ?3, 2, ?4, ?5)";
        let sk = format!("H#{at:.9}#{}", Uuid::nil());
        let pk = format!("USER#{user}");
        let id = Uuid::nil().to_string();
        ledger.execute(sql, [&pk, &sk, &id, &entry.to_string(), &at.to_string()]).unwrap();
    }

    /// Deletes a method with the app's own credentials, and without the program.
    fn delete_behind_the_ledger(&self, user: Uuid, segment: &str, id: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = &self.world.options;
            let form = format!(
                "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
                options.client_id, options.client_secret
            );
            let login = http::Request::post(format!("/{}/oauth2/v2.0/token", options.tenant_id))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.into())
                .unwrap();
            let service = self.world.tenant.service();
            let answer = service.clone().oneshot(login).await.unwrap();
            let token: Value = serde_json::from_slice(answer.body()).unwrap();
            let delete = http::Request::delete(format!("/v1.0/users/{user}/authentication/{segment}/{id}"))
                .header("authorization", format!("Bearer {}", token["access_token"].as_str().unwrap()))
                .body(bytes::Bytes::new())
                .unwrap();
            assert_eq!(service.oneshot(delete).await.unwrap().status(), 204);
        });
    }
}

fn of(findings: &[(String, Value)], kind: &str) -> Vec<Value> {
    findings.iter().filter(|(found, _)| found == kind).map(|(_, finding)| finding.clone()).collect()
}

#[test]
fn after_an_honest_run_nothing_needs_a_person() {
    let scene = Scene::rolled_back();
    let verification = scene.world.json(0, &["verify"]);
    assert_eq!(verification["findings"], json!([]), "{verification:#}");
    let compared = &verification["compared"];
    let deleted =
        scene.world.tenant.journal().iter().filter(|entry| entry.method == "DELETE" && entry.acted).count();
    assert_eq!(compared["deletions_by_the_app"], deleted);
    assert!(compared["intents"].as_u64().unwrap() > 10, "{compared}");
    let printed = text(&scene.world.run(&["verify"]).stdout);
    assert!(printed.contains("Nothing needs a person."), "{printed}");
    let journal = scene.world.tenant.journal();
    let writes = journal.iter().filter(|entry| entry.method == "DELETE" || entry.method == "PATCH").count();
    assert!(
        writes >= deleted
            && journal.iter().rev().take(20).all(|entry| entry.method == "GET" || entry.method == "POST")
    );
}

#[test]
fn records_that_come_late_are_waited_for() {
    let scene = Scene::after(&["run", "--mode", "enforce", "--yes"]);
    let findings = scene.verify(0);
    assert!(findings.len() > 10 && findings.iter().all(|(kind, _)| kind == "not_yet"), "{findings:?}");
}

#[test]
fn a_method_that_is_registered_anew_is_listed_and_no_alarm() {
    let scene = Scene::rolled_back();
    let user = scene.world.of(Part::Phone).id;
    scene.world.tenant.register(user, NewMethod::authenticator());
    let findings = scene.verify(0);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].0.as_str(), &findings[0].1["user_id"]), ("registered_anew", &json!(user)));
}

#[test]
fn a_deletion_that_the_ledger_does_not_know_is_an_alarm() {
    let scene = Scene::rolled_back();
    let tenant = &scene.world.tenant;
    let (rolled_back, stranger) = (scene.world.of(Part::Phone).id, scene.world.of(Part::Guest).id);
    let anew = tenant.register(rolled_back, NewMethod::phone(PhoneType::Mobile, "+1 2065550177"));
    let app = tenant.register(stranger, NewMethod::authenticator());
    scene.delete_behind_the_ledger(rolled_back, "phoneMethods", &anew);
    scene.delete_behind_the_ledger(stranger, "microsoftAuthenticatorMethods", &app);
    scene.ahead.store(1200, SeqCst);
    let findings = scene.verify(1);
    let alarms = of(&findings, "unknown_deletion");
    let mut users: Vec<&str> = alarms.iter().map(|alarm| alarm["user_id"].as_str().unwrap()).collect();
    users.sort_unstable();
    let mut expected = [rolled_back.to_string(), stranger.to_string()];
    expected.sort();
    assert_eq!(users, expected, "{findings:?}");
    assert_eq!(findings.len(), 2, "{findings:?}");
    let events = tenant.events();
    for alarm in &alarms {
        let event = events.iter().find(|event| event["id"] == alarm["event_id"]).unwrap();
        assert_eq!(event["targetResources"][0]["id"], alarm["user_id"]);
        assert!(alarm["next_step"].as_str().unwrap().contains("another ledger of the same app"));
    }
}

#[test]
fn what_another_ledger_of_the_same_app_deleted_is_an_alarm_too() {
    let scene = Scene::rolled_back();
    let other = scene.world.path("other");
    let verify = |exit: i32| {
        let mut command = binary();
        command.envs(&scene.world.env).args(["verify", "--format", "json", "--ledger"]).arg(&other);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{}", text(&output.stderr));
        output
    };
    assert!(text(&verify(2).stderr).contains("there is no ledger"));
    let mut run = binary();
    assert!(run.envs(&scene.world.env).arg("run").arg("--ledger").arg(&other).status().unwrap().success());
    let verification: Value = serde_json::from_slice(&verify(1).stdout).unwrap();
    let findings = verification["findings"].as_array().unwrap();
    assert_eq!(verification["compared"]["deletions_by_the_app"], findings.len());
    assert!(findings.iter().all(|finding| finding["kind"] == "unknown_deletion"));
}

#[test]
fn an_intent_whose_event_never_came_is_named_after_a_day() {
    let (scene, donor) = (Scene::after(&["run"]), Scene::rolled_back());
    let user = scene.world.of(Part::Phone).id;
    let days = |days: i64| now() - SignedDuration::from_hours(24 * days);
    let history = donor.history(donor.world.of(Part::Phone).id);
    let entry = |kind: &str, outcome: Option<&str>| {
        let is_it = |body: &Value| body["entry"] == kind && body["outcome"].as_str() == outcome;
        history.iter().map(|(_, body)| body).find(|body| is_it(body)).unwrap().clone()
    };
    let (mut intent, mut outcome) = (entry("intent", None), entry("outcome", Some("rolled_back")));
    for method in intent["intent"]["methods"].as_array().unwrap() {
        assert!(scene.world.tenant.remove_method(user, method["id"].as_str().unwrap()));
    }
    for (at, exit, kind) in [(days(2), 1, "missing_event"), (days(40), 0, "too_old")] {
        (intent["intent"]["written_at"], outcome["at"]) = (json!(at), json!(at + Duration::from_secs(2)));
        scene.forge(user, at, &intent);
        scene.forge(user, at + Duration::from_secs(2), &outcome);
        let findings = scene.verify(exit);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((findings[0].0.as_str(), &findings[0].1["user_id"]), (kind, &json!(user)));
        let forged = format!("DELETE FROM documents WHERE pk = ?1 AND sk LIKE '%{}'", Uuid::nil());
        scene.tamper(&forged, &format!("USER#{user}"));
    }
    for (at, kind) in [(now(), "not_yet"), (days(1), "nothing_deleted")] {
        intent["intent"]["written_at"] = json!(at);
        scene.forge(user, at, &intent);
        assert_eq!(scene.verify(0).pop().unwrap().0, kind);
        let forged = format!("DELETE FROM documents WHERE pk = ?1 AND sk LIKE '%{}'", Uuid::nil());
        scene.tamper(&forged, &format!("USER#{user}"));
    }
}

#[test]
fn a_rollback_that_only_the_state_tells_of_is_forged() {
    let scene = Scene::after(&["run"]);
    let user = scene.world.of(Part::Phone).id;
    let state = format!("USER#{user}");
    scene.tamper(
        "UPDATE documents SET body = json_set(body, '$.concluded.outcome', 'rolled_back'), outcome = 'rolled_back' WHERE pk = ?1 AND sk = 'STATE'",
        &state,
    );
    let findings = scene.verify(1);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].0.as_str(), &findings[0].1["user_id"]), ("forged_outcome", &json!(user)));
}

#[test]
fn a_rollback_that_was_written_into_state_and_history_is_forged_as_the_tenant_shows() {
    let scene = Scene::after(&["run"]);
    let user = scene.world.of(Part::Authenticator).id;
    let at = now() - Duration::from_mins(1);
    let method = scene
        .world
        .json(0, &["report"])
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["user_id"] == json!(user))
        .unwrap()["methods_left"]
        .as_array()
        .unwrap()
        .iter()
        .find(|method| method["type"] == "microsoftAuthenticator")
        .unwrap()
        .clone();
    let intent = json!({"entry": "intent", "run_id": Uuid::nil(), "intent": {
        "id": Uuid::from_u128(7), "written_at": at, "slot_at": at, "salt": Uuid::from_u128(8),
        "methods": [{"type": method["type"], "id": method["id"], "created": null, "number_hash": null}]}});
    scene.forge(user, at, &intent);
    let (_, mut outcome) =
        scene.history(user).into_iter().find(|(_, body)| body["entry"] == "outcome").unwrap();
    let concluded_at = at + Duration::from_secs(2);
    outcome["outcome"] = json!("rolled_back");
    outcome["methods_deleted"] = json!([method]);
    outcome["at"] = json!(concluded_at);
    scene.forge(user, concluded_at, &outcome);
    let ledger = rusqlite::Connection::open(scene.world.path("ledger")).unwrap();
    let mut concluded = outcome.clone();
    concluded.as_object_mut().unwrap().remove("entry");
    ledger
        .execute(
            "UPDATE documents SET body = json_set(body, '$.concluded', json(?2)), outcome = 'rolled_back' WHERE pk = ?1 AND sk = 'STATE'",
            [format!("USER#{user}"), concluded.to_string()],
        )
        .unwrap();
    let findings = scene.verify(1);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].0.as_str(), &findings[0].1["user_id"]), ("forged_outcome", &json!(user)));
    assert!(findings[0].1["what"].as_str().unwrap().contains("the tenant still lists it"));
}

#[test]
fn an_intent_that_was_taken_out_of_the_history_is_missed() {
    let scene = Scene::rolled_back();
    let user = scene.world.of(Part::Phone).id;
    scene.tamper(
        "DELETE FROM documents WHERE pk = ?1 AND sk LIKE 'H#%' AND body LIKE '%\"entry\":\"intent\"%'",
        &format!("USER#{user}"),
    );
    let findings = scene.verify(1);
    assert_eq!(of(&findings, "changed_history").len(), 1, "{findings:?}");
    assert!(!of(&findings, "unknown_deletion").is_empty(), "{findings:?}");
    assert!(findings.iter().all(|(_, finding)| finding["user_id"] == json!(user)));
}

#[test]
fn what_cannot_be_read_is_said() {
    let scene = Scene::rolled_back();
    let user = scene.world.of(Part::Phone).id;
    scene.world.tenant.set_restricted(user, true);
    let findings = scene.verify(1);
    assert_eq!((findings.len(), findings[0].0.as_str()), (1, "not_read"), "{findings:?}");
    scene.world.tenant.set_permissions(vec!["User.Read.All".to_owned()]);
    scene.world.tenant.revoke_tokens();
    let refused = scene.world.run(&["verify"]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
}
