//! `docs/schema`: what commands write as JSON. `MFA_ROLLBACK_WRITE_DOCS=true cargo test the_schemas` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::path::PathBuf;

use serde_json::Value;
use simulator::Part;

use crate::support::{World, binary, text};

const NAMES: [&str; 8] = ["scan", "run", "explain", "report", "status", "doctor", "verify", "evidence"];

fn schema(name: &str) -> String {
    let output = binary().args(["schema", name]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_schemas_are_those_of_the_documents() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema"));
    for name in NAMES {
        let (path, made) = (folder.join(format!("{name}.json")), schema(name));
        if shared::settings::environment("MFA_ROLLBACK_WRITE_DOCS").as_deref() == Some("true") {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "docs/schema/{name}.json is not up to date (see this file's head)");
    }
}

/// Checks an output against its schema, and that the schema names every field of an entry.
fn is_as_described(name: &str, json: &Value) {
    let schema: Value = serde_json::from_str(&schema(name)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(json).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{name}: {}", faults.join("\n"));
    let (entry, described) = match json {
        Value::Array(items) => {
            let entry = schema["items"]["$ref"].as_str().unwrap().trim_start_matches("#/$defs/");
            (&items[0], &schema["$defs"][entry]["properties"])
        }
        one => (one, &schema["properties"]),
    };
    for field in entry.as_object().unwrap().keys() {
        assert!(described.get(field).is_some(), "{name}: {field} is not described");
    }
}

#[test]
fn what_commands_write_is_as_the_schemas_say_and_a_wrong_field_is_not() {
    let world = World::new(60, 28);
    is_as_described("run", &world.json(0, &["run"]));
    is_as_described("report", &world.json(0, &["report", "--names"]));
    is_as_described("status", &world.json(0, &["status"]));
    is_as_described("doctor", &world.json(0, &["doctor"]));
    is_as_described("verify", &world.json(0, &["verify"]));
    let evidence = world.path("evidence.json");
    world.json(0, &["report", "--evidence", evidence.to_str().unwrap()]);
    is_as_described("evidence", &serde_json::from_slice(&std::fs::read(evidence).unwrap()).unwrap());
    for part in [Part::Phone, Part::Authenticator, Part::AmbiguousEvent] {
        is_as_described("explain", &world.json(0, &["explain", &world.of(part).id.to_string()]));
    }
    let forms =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/tests/data/forms/made/graph-page.json");
    let found = binary().args(["scan", "--format", "json", "--audit-log"]).arg(forms).output().unwrap();
    is_as_described("scan", &serde_json::from_slice(&found.stdout).unwrap());
    let schema: Value = serde_json::from_str(&schema("status")).unwrap();
    let mut wrong = world.json(0, &["status"]);
    wrong["missed"] = "none".into();
    assert!(!jsonschema::is_valid(&schema, &wrong));
}

#[test]
fn lines_of_json_are_the_entries_of_the_list() {
    let world = World::new(60, 28);
    let users = world.json(0, &["run"])["users"].as_array().unwrap().len();
    assert!(users > 40);
    let lines = |args: &[&str]| -> Vec<Value> {
        let output = world.run(&[args, &["--format", "ndjson"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(Value::Array(lines(&["report"])), world.json(0, &["report"]));
    assert_eq!(Value::Array(lines(&["doctor"])), world.json(0, &["doctor"]));
    assert_eq!(lines(&["status"]).len(), 1);
}

#[test]
fn completions_and_manual_know_every_command() {
    let print = |args: &[&str]| {
        let output = binary().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let manual = print(&["man"]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = print(&["completions", shell]);
        for command in ["demo", "scan", "run", "rollback", "explain", "release", "brake", "report", "status"]
        {
            assert!(script.contains(command), "{shell}: {command}");
            assert!(manual.contains(command), "{command}");
        }
    }
    assert!(print(&["man", "run"]).contains("\\-\\-mode"));
    let unknown = binary().args(["man", "nonsense"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
}
