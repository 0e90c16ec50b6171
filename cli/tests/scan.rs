//! `scan` on real exports and on broken ones.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{collections::BTreeMap, path::PathBuf};

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use crate::support::{binary, text};

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/tests/data")
}

fn scan(files: &[PathBuf], format: &str) -> std::process::Output {
    let mut command = binary();
    command.arg("scan").arg("--format").arg(format).arg("--audit-log").args(files);
    command.output().unwrap()
}

/// User, time to the microsecond.
fn expected() -> BTreeMap<String, Timestamp> {
    let bytes = std::fs::read(data().join("registrations/expected.json")).unwrap();
    let lines: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
    lines
        .iter()
        .map(|line| {
            (line["user_id"].as_str().unwrap().to_owned(), time(line["registered_at"].as_str().unwrap()))
        })
        .collect()
}

fn time(text: &str) -> Timestamp {
    let at: Timestamp = text.parse().unwrap();
    at.round(TimestampRound::new().smallest(Unit::Microsecond).mode(RoundMode::Trunc)).unwrap()
}

#[test]
fn every_form_of_export_gives_the_same_twenty_two_users_in_every_format() {
    let expected = expected();
    assert_eq!(expected.len(), 22);
    for name in [
        "events.jsonl",
        "graph-array.json",
        "graph-page.json",
        "azure-monitor.json",
        "azure-monitor.jsonl",
        "log-analytics.jsonl",
        "portal.csv",
    ] {
        let file = [data().join("registrations").join(name)];
        let output = scan(&file, "json");
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output.stderr));
        let lines: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        let got: BTreeMap<String, Timestamp> = lines
            .iter()
            .map(|line| {
                (line["user_id"].as_str().unwrap().to_owned(), time(line["registered_at"].as_str().unwrap()))
            })
            .collect();
        assert_eq!(got, expected, "{name}");
        let ids: Vec<&str> = lines.iter().map(|line| line["user_id"].as_str().unwrap()).collect();
        assert!(ids.is_sorted(), "{name}: sorted by user_id");
        assert!(lines.iter().all(|line| line["event_id"].is_null() == (name == "portal.csv")), "{name}");
        let output = scan(&file, "csv");
        let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
        let users: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
        assert_eq!(users, ids, "{name}");
        let table = text(&scan(&file, "table").stdout);
        assert!(ids.iter().all(|id| table.contains(id)), "{name}");
    }
}

#[test]
fn files_of_other_services_give_no_registration() {
    for name in [
        "azure-monitor/panther-azure-audit-tests.jsonl",
        "log-analytics/otrf-golden-saml-aad-audit-events.json",
        "graph-examples/directoryaudit-list.example2.json",
    ] {
        let output = scan(&[data().join(name)], "json");
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout).trim(), "[]", "{name}");
    }
}

#[test]
fn a_window_marks_who_is_outside() {
    let mut command = binary();
    for variable in ["PREVIEW_ENABLED_AT", "PREVIEW_DISABLED_AT"] {
        command.env(variable, "2026-09-01T06:30:00Z");
    }
    command.args(["scan", "--format", "json", "--audit-log"]);
    let output = command.arg(data().join("registrations/portal.csv")).output().unwrap();
    let lines: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    for line in lines {
        let at = line["registered_at"].as_str().unwrap();
        assert_eq!(line["in_window"], ("2026-09-01T06:30:00Z".."2026-09-04T06:30:00Z").contains(&at), "{at}");
    }
}

#[test]
fn what_is_no_export_is_one_clear_line_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let cases = [
        write("empty", b""),
        write("text", b"hello\nworld\n"),
        write("no-records", b"{\"value\":[]}"),
        data().join("registrations/expected.json"),
        folder.path().to_owned(),
        folder.path().join("absent"),
    ];
    for case in cases {
        let output = scan(std::slice::from_ref(&case), "json");
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{}: {message}", case.display());
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.starts_with(&case.display().to_string()), "{message}");
    }
}

#[test]
fn a_broken_record_is_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let lines = std::fs::read_to_string(data().join("registrations/events.jsonl")).unwrap();
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.insert(3, "{\"id\": nonsense}");
    let path = folder.path().join("broken.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    let output = scan(&[path], "json");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("record 4"), "{}", text(&output.stderr));
    let found: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found.len(), 22);
}

/// What the directory recorded of one user who was stamped, in each form, with a registration by nobody.
#[test]
fn who_was_stamped_is_listed_from_every_form_also_where_no_registration_is_logged() {
    const USER: &str = "fd741069-6bb6-43de-a515-1c401dd377bf";
    const FLAGS: &str = r#"[{"MethodType":6,"Default":true}]"#;
    let record = serde_json::json!({
        "id": "Directory_1", "activityDateTime": "2026-02-20T09:00:00Z", "activityDisplayName": "Update user",
        "loggedByService": "Core Directory", "category": "UserManagement", "result": "success",
        "initiatedBy": { "app": { "displayName": "Azure MFA StrongAuthenticationService" } },
        "targetResources": [{
            "id": USER, "type": "User", "userPrincipalName": "ada@contoso.example",
            "modifiedProperties": [
                { "displayName": "StrongAuthenticationMethod", "oldValue": "[]", "newValue": FLAGS },
                { "displayName": "Included Updated Properties", "oldValue": null, "newValue": "\"StrongAuthenticationMethod\"" },
            ],
        }],
    });
    let row = serde_json::json!({
        "Id": "Directory_1", "ActivityDateTime": "2026-02-20T09:00:00Z", "OperationName": "Update user",
        "LoggedByService": "Core Directory", "Result": "success", "InitiatedBy": record["initiatedBy"].to_string(),
        "TargetResources": record["targetResources"].to_string(),
    });
    let unified = serde_json::json!({
        "Id": "Directory_1", "CreationTime": "2026-02-20T09:00:00", "Operation": "Update user.", "ResultStatus": "Success",
        "Workload": "AzureActiveDirectory", "Actor": [{ "ID": "Azure MFA StrongAuthenticationService", "Type": 1 }],
        "Target": [{ "ID": format!("User_{USER}"), "Type": 2 }, { "ID": "ada@contoso.example", "Type": 5 }],
        "ModifiedProperties": [{ "Name": "StrongAuthenticationMethod", "OldValue": "[]", "NewValue": FLAGS }],
    });
    let quoted = FLAGS.replace('"', "\"\"");
    let csv = format!(
        "Date (UTC),Service,Activity,Result,ActorDisplayName,Target1ObjectId,Target1UserPrincipalName,\
         Target1ModifiedProperty1Name,Target1ModifiedProperty1OldValue,Target1ModifiedProperty1NewValue\n\
         2026-02-20T09:00:00Z,Core Directory,Update user,success,,{USER},ada@contoso.example,\
         StrongAuthenticationMethod,[],\"{quoted}\"\n"
    );
    let capitals = record.to_string().replace("modifiedProperties", "ModifiedProperties");
    let folder = tempfile::tempdir().unwrap();
    for (name, content, has_id) in [
        ("graph.json", serde_json::json!({ "value": [record] }).to_string(), true),
        ("powershell.json", capitals.replace("oldValue", "OldValue").replace("newValue", "NewValue"), true),
        (
            "monitor.json",
            serde_json::json!({ "records": [{ "category": "AuditLogs", "properties": record }] }).to_string(),
            true,
        ),
        ("rows.jsonl", row.to_string(), true),
        ("unified.json", unified.to_string(), true),
        ("portal.csv", csv, false),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let output = binary()
            .args(["scan", "--stamped", "--format", "json", "--audit-log"])
            .arg(&file)
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
        let event = if has_id { "\"Directory_1\"" } else { "null" };
        let expected = format!(
            r#"[{{"user_id":"{USER}","user_principal_name":"ada@contoso.example","stamped_at":"2026-02-20T09:00:00Z","event_id":{event},"registered_at":null}}]"#
        );
        let got: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(got, serde_json::from_str::<serde_json::Value>(&expected).unwrap(), "{name}: {said}");
        let output = scan(&[file], "json");
        assert_eq!(text(&output.stdout).trim(), "[]", "{name}");
        assert!(
            text(&output.stderr).contains("1 of 1 users who were stamped"),
            "{name}: {}",
            text(&output.stderr)
        );
    }
}
