//! Every form that exports and lists of users come in, each with what must come of it.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{collections::BTreeMap, path::PathBuf};

use crate::support::{World, binary, text};

const ADA: &str = "3b1f0c52-7a44-4e0d-9c15-5d2a6e8f9011";
const BEN: &str = "8e27d4b9-1c63-4f5a-a0b2-4c7e13d6f022";

fn forms() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/tests/data/forms")
}

fn scan(files: &[&str]) -> (Option<i32>, BTreeMap<String, Vec<String>>, String) {
    let output = binary()
        .current_dir(forms())
        .args(["scan", "--format", "json", "--audit-log"])
        .args(files)
        .output()
        .unwrap();
    let message = text(&output.stderr);
    let lines: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let methods = |line: &serde_json::Value| {
        line["methods"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap().to_owned()).collect()
    };
    let users =
        lines.iter().map(|line| (line["user_id"].as_str().unwrap().to_owned(), methods(line))).collect();
    (output.status.code(), users, message)
}

#[test]
fn each_form_gives_its_users_its_exit_code_and_its_sentence() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for table in ["reported.tsv", "made.tsv"] {
        let table = std::fs::read_to_string(forms().join(table)).unwrap();
        for line in table.lines().skip(1) {
            let cells: Vec<&str> = line.split('\t').collect();
            let [file, exit, users, says] = cells.as_slice() else { panic!("{line}") };
            seen += 1;
            let (code, found, message) = scan(&[file]);
            // The unified audit log does not name the methods.
            let names_methods = !(file.contains("unified")
                || file.contains("management-activity")
                || file.contains("purview")
                || file.contains("office"));
            let methods = |kinds: &[&str]| {
                let kinds = if names_methods { kinds } else { &[] };
                kinds.iter().map(ToString::to_string).collect::<Vec<_>>()
            };
            let mut expected = BTreeMap::new();
            for user in users.split(',').filter(|user| !user.is_empty()) {
                match user {
                    "ada" => expected.insert(ADA.to_owned(), methods(&["phone"])),
                    _ => {
                        expected.insert(BEN.to_owned(), methods(&["microsoftAuthenticator", "softwareOath"]))
                    }
                };
            }
            if code != exit.parse().ok() || found != expected || !message.contains(says) {
                wrong.push(format!("{file}: exit {code:?}, {found:?}\n{message}"));
            }
            assert!(message.lines().all(|line| line.starts_with(file)), "{message}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 60, "{seen}");
}

#[test]
fn pages_in_order_are_one_list_and_a_page_that_is_not_there_is_missed() {
    let [more, last] = ["made/graph-page-of-more.json", "made/graph-page.json"];
    assert_eq!(scan(&[more, last]).0, Some(0));
    for files in [[last, more], [more, "made/portal.csv"]] {
        let (code, users, message) = scan(&files);
        assert_eq!((code, users.len()), (Some(1), 2), "{message}");
        assert!(message.contains(&format!("{more}: partial: its last page names a next one")), "{message}");
    }
}

#[test]
fn a_registration_that_another_source_names_clearly_is_no_riddle_in_either_order() {
    for files in
        [["made/nobody.json", "made/graph-page.json"], ["made/monitor-lines.jsonl", "made/nobody.json"]]
    {
        let (code, users, message) = scan(&files);
        assert_eq!((code, users.len()), (Some(0), 2), "{message}");
    }
    let (code, _, message) = scan(&["made/nobody.json", "made/portal.csv"]);
    assert_eq!(code, Some(1), "a table has no ids: {message}");
}

#[test]
fn a_part_of_the_window_that_no_file_reaches_is_told() {
    let scan = |disabled: &str, files: &[&str]| {
        let mut command = binary();
        command.current_dir(forms()).env("PREVIEW_ENABLED_AT", "2026-02-10T00:00:00Z");
        command.env("PREVIEW_DISABLED_AT", disabled).env("REGISTERED_UNTIL", disabled);
        let output = command.args(["scan", "--audit-log"]).args(files).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (code, message) = scan("2026-02-13T00:00:00Z", &["made/portal.csv"]);
    assert_eq!(code, Some(0), "{message}");
    let (code, message) = scan("2026-02-20T00:00:00Z", &["made/portal.csv"]);
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains("from 2026-02-12T11:00:00Z to 2026-02-20T00:00:00Z"), "{message}");
}

#[test]
fn each_form_of_a_list_of_users_names_them() {
    let world = World::new(40, 44);
    let residents =
        [simulator::Part::Phone, simulator::Part::Authenticator].map(|part| world.of(part).id.to_string());
    let [ada, ben] = &residents;
    for form in [
        "29a-select-outfile.txt",
        "29b-export-csv.txt",
        "29c-two-columns.txt",
        "29d-one-line.txt",
        "29e-braces.txt",
    ] {
        let bytes = std::fs::read(forms().join("reported").join(form)).unwrap();
        let is_utf_16 = bytes.starts_with(&[0xff, 0xfe]);
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let list =
            if is_utf_16 { String::from_utf16(&units).unwrap() } else { String::from_utf8(bytes).unwrap() };
        let short = |id: &str| id.replace('-', "");
        let list = list.replace(ADA, ada).replace(BEN, ben).replace(&short(BEN), &short(ben));
        let bytes: Vec<u8> = if is_utf_16 {
            list.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else {
            list.into_bytes()
        };
        let path = world.path(form);
        std::fs::write(&path, bytes).unwrap();
        let ledger = world.path(&format!("{form}.ledger"));
        let output = binary()
            .envs(&world.env)
            .args(["rollback", "--format", "json", "--path"])
            .arg(path)
            .arg("--ledger")
            .arg(ledger)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{form}: {}", text(&output.stderr));
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let users: std::collections::BTreeSet<&str> = result["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["user_id"].as_str().unwrap())
            .collect();
        assert_eq!(users, residents.iter().map(String::as_str).collect(), "{form}");
    }
}
