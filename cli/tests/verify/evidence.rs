//! `report --evidence`, and `verify FILE`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use shared::verify::chain::{Link, canonical};
use simulator::Part;

use super::Scene;
use crate::support::{binary, text};

/// Writes evidence, and returns the file and its head.
fn evidence(scene: &Scene) -> (PathBuf, String) {
    let path = scene.world.path("evidence.json");
    let made = scene.world.json(0, &["report", "--evidence", path.to_str().unwrap()]);
    (path, made["head"].as_str().unwrap().to_owned())
}

/// Checks a file, with nothing but the file.
fn verify_file(path: &Path, args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = binary().arg("verify").arg(path).args(args).args(["--format", "json"]).output().unwrap();
    let verification: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let findings = verification["findings"].as_array().cloned().unwrap_or_default();
    (output.status.code(), findings)
}

#[test]
fn evidence_stands_until_an_entry_is_changed() {
    let scene = Scene::rolled_back();
    let (path, head) = evidence(&scene);
    assert_eq!(verify_file(&path, &["--head", &head]), (Some(0), vec![]));
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(scene.world.tenant.secrets().count("a phone number") > 20);
    assert_eq!(scene.world.tenant.secrets().told_in(written.as_bytes()), None);
    for hidden in ["number_hash", "salt"] {
        assert!(!written.contains(hidden), "with {hidden} anybody finds the number by trying them all");
    }
    let again = scene.world.run(&["report", "--evidence", path.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2), "it is never written over");

    let changed = scene.world.path("changed.json");
    let line = written.lines().find(|line| line.contains("\"what\":\"intent\"")).unwrap();
    let outcome = written.lines().find(|line| line.contains("\"outcome\":\"rolled_back\",")).unwrap();
    let user = &line[line.find("\"user_id\":\"").unwrap() + 11..][..36];
    let doubled = line.replacen("{\"at\":", "{\"at\":\"2020-01-01T00:00:00Z\",\"at\":", 1);
    let kind = if line.contains("\"type\":\"phone\"") { "phone" } else { "microsoftAuthenticator" };
    for (what, forged, says) in [
        (
            "a method",
            written.replace(line, &line.replacen(kind, "softwareOath", 1)),
            "(intent) is not what was written",
        ),
        (
            "an outcome",
            written.replace(outcome, &outcome.replacen("rolled_back", "would_roll_back", 1)),
            "is not what was written",
        ),
        ("an entry that is gone", written.replace(&format!("{line}\n"), ""), "is not what was written"),
        ("a name twice", written.replace(line, &doubled), "a name stands twice"),
        ("a space", written.replacen("{\"entry\"", "{ \"entry\"", 1), "does not have the form"),
    ] {
        assert_ne!(forged, written, "{what}");
        std::fs::write(&changed, &forged).unwrap();
        let (code, findings) = verify_file(&changed, &[]);
        let told: Vec<&str> = findings.iter().map(|finding| finding["what"].as_str().unwrap()).collect();
        assert_eq!(code, Some(1), "{what}");
        assert!(told.iter().any(|told| told.contains(says)), "{what}: {told:?}");
        if what == "a method" {
            assert_eq!((findings.len(), &findings[0]["user_id"]), (1, &json!(user)), "{findings:?}");
        }
    }
}

/// Who can change the file can compute every hash anew: that is what the noted head is for.
#[test]
fn a_chain_that_was_computed_anew_differs_from_the_head_that_was_noted() {
    let scene = Scene::rolled_back();
    let (path, head) = evidence(&scene);
    let written = std::fs::read_to_string(&path).unwrap();
    let mut file: Value = serde_json::from_str(&written).unwrap();
    let mut previous = None;
    let mut lines = Vec::new();
    for chained in file["entries"].as_array_mut().unwrap() {
        if chained["entry"]["is"] == "begin" {
            chained["entry"]["made_by"] = json!("nobody");
        }
        let entry = canonical(&chained["entry"]);
        let hash = Link::of(previous.as_ref(), &chained["entry"]);
        lines.push(format!("{{\"entry\":{entry},\"hash\":\"{hash}\"}}"));
        previous = Some(hash);
    }
    let forged = format!(
        "{{\"format\":\"mfa-rollback evidence 1\",\"entries\":[\n{}\n],\"head\":\"{}\"}}\n",
        lines.join(",\n"),
        previous.unwrap()
    );
    let changed = scene.world.path("changed.json");
    std::fs::write(&changed, forged).unwrap();
    assert_eq!(verify_file(&changed, &[]), (Some(0), vec![]), "nothing in the file itself can show it");
    let (code, findings) = verify_file(&changed, &["--head", &head]);
    assert_eq!((code, findings.len()), (Some(1), 1));
    assert!(findings[0]["what"].as_str().unwrap().contains("was noted"));
}

/// The lines of docs/verify.md with which an auditor checks the chain without this program.
#[test]
fn the_documents_own_script_computes_the_same_head() {
    let scene = Scene::rolled_back();
    let (path, head) = evidence(&scene);
    let document = include_str!("../../../docs/verify.md");
    let script = document.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let run = || Command::new("python3").args(["-c", script]).arg(&path).output().unwrap();
    let output = run();
    assert_eq!(
        (text(&output.stdout).trim(), output.status.success()),
        (head.as_str(), true),
        "{}",
        text(&output.stderr)
    );
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, written.replacen("rolled_back", "would_roll_back", 1)).unwrap();
    assert!(!run().status.success());
}

#[test]
fn evidence_of_a_forged_ledger_shows_a_rollback_without_its_intent() {
    let scene = Scene::after(&["run"]);
    let user = scene.world.of(Part::Phone).id;
    scene.tamper(
        "UPDATE documents SET body = json_set(body, '$.concluded.outcome', 'rolled_back'), outcome = 'rolled_back' WHERE pk = ?1 AND sk = 'STATE'",
        &format!("USER#{user}"),
    );
    let (path, head) = evidence(&scene);
    let (code, findings) = verify_file(&path, &["--head", &head]);
    assert_eq!((code, findings.len()), (Some(1), 1));
    assert_eq!((&findings[0]["kind"], &findings[0]["user_id"]), (&json!("forged_outcome"), &json!(user)));
}

#[test]
fn what_is_no_evidence_is_refused_with_its_reason() {
    let scene = Scene::after(&["run"]);
    for (content, code, says) in [
        ("{", 1, "it is not JSON"),
        ("[1]", 1, "does not say that it is evidence"),
        (r#"{"format": "mfa-rollback evidence 2"}"#, 1, "its format is"),
    ] {
        let path = scene.world.path("other.json");
        std::fs::write(&path, content).unwrap();
        let output = binary().arg("verify").arg(&path).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(says), "{said}");
    }
    for (args, says) in [
        (&["verify", "nowhere.json"][..], "nowhere.json"),
        (&["verify", "--head", "0"], "not a hash of evidence"),
        (&["report", "--evidence", "x", "--held"], "cannot be used with"),
        (&["report", "--evidence", "x", "--format", "csv"], "writes JSON"),
    ] {
        let output = scene.world.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(says), "{args:?}: {}", text(&output.stderr));
    }
}

#[test]
fn evidence_has_plan_and_approval_as_people_gave_them() {
    let scene = Scene::after(&["run"]);
    let hash = scene.world.json(0, &["plan", "make"])["hash"].as_str().unwrap().to_owned();
    scene.world.json(0, &["plan", "approve", &hash, "--reason", "read by two", "--first", "3"]);
    let (path, _) = evidence(&scene);
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let entries: Vec<&Value> = file["entries"].as_array().unwrap().iter().map(|it| &it["entry"]).collect();
    let plan = entries.iter().find(|entry| entry["is"] == "plan").unwrap();
    assert_eq!(
        (&plan["plan"]["hash"], &plan["plan"]["approved"][0]["why"]),
        (&json!(hash), &json!("read by two"))
    );
    assert!(plan["users"].as_array().unwrap().len() > 3);
    let approved = entries.iter().filter(|entry| entry["done"]["what"] == "approved");
    assert_eq!(approved.filter(|entry| entry["done"]["plan"] == json!(hash)).count(), 3);
    let on_record = entries.iter().filter(|entry| entry["is"] == "on_record").count();
    assert_eq!(on_record, scene.world.json(0, &["report"]).as_array().unwrap().len());
}
