//! `docs/logs.md` says what the program logs: no message, field, level or metric more or less.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use regex_lite::Regex;
use serde_json::Value;
use shared::telemetry::Metric;

use super::busy::busy;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What every line has.
pub const COMMON: [&str; 4] = ["timestamp", "level", "message", "target"];

fn document() -> String {
    fs::read_to_string(Path::new(ROOT).join("docs/logs.md")).unwrap()
}

/// The rows of the table below a heading, by cell.
fn table(heading: &str) -> Vec<Vec<String>> {
    let document = document();
    let part = document.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = part.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn codes(cell: &str) -> BTreeSet<String> {
    let code = Regex::new("`([^`]+)`").unwrap();
    code.captures_iter(cell).map(|found| found[1].to_owned()).collect()
}

/// Levels and fields of each message.
type Messages = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

fn documented() -> Messages {
    let levels = Regex::new("[A-Z]{4,}").unwrap();
    let row = |row: Vec<String>| {
        let levels = levels.find_iter(&row[1]).map(|level| level.as_str().to_owned()).collect();
        (codes(&row[0]).into_iter().next().unwrap(), (levels, codes(&row[2])))
    };
    table("Messages").into_iter().map(row).collect()
}

/// The fields that may be in a line.
pub fn fields() -> BTreeSet<String> {
    table("Fields").iter().flat_map(|row| codes(&row[0])).collect()
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// The arguments of a macro whose opening parenthesis was read: split at the commas between them.
fn arguments(code: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0_i32, false, false);
    let mut all = vec![String::new()];
    for c in code.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        all.last_mut().unwrap().push(c);
    }
    all.into_iter().map(|argument| argument.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

/// What the code says.
fn written() -> Messages {
    let mut code = Vec::new();
    for folder in ["shared/src", "functions/src"] {
        sources(&Path::new(ROOT).join(folder), &mut code);
    }
    let say = Regex::new(r"tracing::(error|warn|info|debug|trace|event)!\(").unwrap();
    let mut all = Messages::new();
    for code in &code {
        for found in say.captures_iter(code) {
            let mut arguments = arguments(&code[found.get(0).unwrap().end()..]);
            let message = arguments.pop().unwrap();
            let message = message.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            let message = message.unwrap_or_else(|| panic!("{arguments:?} has no fixed message")).to_owned();
            let levels = match &found[1] {
                "event" => {
                    arguments.remove(0);
                    BTreeSet::from(["DEBUG".to_owned(), "INFO".to_owned()])
                }
                level => BTreeSet::from([level.to_uppercase()]),
            };
            let name = |argument: &String| {
                let name = argument.split('=').next().unwrap().trim();
                name.trim_start_matches(['%', '?']).to_owned()
            };
            let entry = all.entry(message).or_default();
            entry.0.extend(levels);
            entry.1.extend(arguments.iter().map(name));
        }
    }
    all
}

#[test]
fn every_message_is_documented_and_every_documented_one_is_written() {
    let (documented, written) = (documented(), written());
    assert!(written.len() > 40, "{}", written.len());
    for (message, says) in &written {
        assert_eq!(Some(says), documented.get(message), "{message}");
    }
    let stale: Vec<_> = documented.keys().filter(|message| !written.contains_key(*message)).collect();
    assert!(stale.is_empty(), "{stale:?}");
    let used: BTreeSet<String> = written.into_values().flat_map(|(_, fields)| fields).collect();
    assert_eq!(used, fields());
}

#[test]
fn every_metric_is_documented_with_its_unit() {
    let documented: Vec<(String, String)> = table("Metrics")
        .into_iter()
        .map(|row| (codes(&row[0]).into_iter().next().unwrap(), row[1].clone()))
        .collect();
    let unit = |metric: Metric| match metric {
        Metric::BrakeOpen => "0 or 1",
        Metric::CredentialDaysLeft => "days",
        metric if metric.unit() == ::metrics::Unit::Seconds => "s",
        _ => "count",
    };
    let told: Vec<_> =
        Metric::ALL.iter().map(|metric| (metric.name().to_owned(), unit(*metric).to_owned())).collect();
    assert_eq!(documented, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_a_run_are_as_documented() {
    let (busy, documented) = (busy().await, documented());
    let mut met = BTreeSet::new();
    for text in busy.text.lines() {
        let line: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {text}"));
        let line = line.as_object().unwrap();
        for common in ["timestamp", "level", "message"] {
            assert!(line.get(common).is_some_and(Value::is_string), "{common}: {text}");
        }
        line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let message = line["message"].as_str().unwrap();
        if message == "metrics" {
            continue;
        }
        let target = line["target"].as_str().unwrap();
        assert!(target.starts_with("shared") || target.starts_with("functions"), "{text}");
        let (levels, fields) = documented.get(message).unwrap_or_else(|| panic!("{message}"));
        assert!(levels.contains(line["level"].as_str().unwrap()), "{text}");
        let odd = line.keys().find(|name| !fields.contains(*name) && !COMMON.contains(&name.as_str()));
        assert_eq!(odd, None, "{text}");
        met.insert(message.to_owned());
    }
    assert!(met.len() > 10, "{met:?}");
    for forbidden in &busy.forbidden {
        assert!(!busy.text.contains(forbidden), "{forbidden}");
    }
    let phone = Regex::new(r"\+\d{1,3} ?\d{6,}").unwrap();
    assert!(phone.find(&busy.text).is_none(), "{:?}", phone.find(&busy.text));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_handling_says_once_what_was_decided_and_what_came_of_it() {
    let busy = busy().await;
    let of = |message: &str| -> BTreeMap<String, Vec<&Value>> {
        let mut by_user: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for line in busy.lines.iter().filter(|line| line["message"] == message) {
            by_user.entry(line["user.id"].as_str().unwrap().to_owned()).or_default().push(line);
        }
        by_user
    };
    let (decided, outcomes) = (of("user decided"), of("user outcome"));
    assert!(decided.len() > 40);
    for (user, outcome) in &busy.outcomes {
        let said = outcomes.get(user).unwrap_or_else(|| panic!("{user}: {outcome}"));
        assert_eq!(decided[user].len(), said.len(), "{user}");
        let last = said.last().unwrap();
        let reason = last["reason"].as_str().map(|reason| format!("({reason})")).unwrap_or_default();
        assert_eq!(format!("{}{reason}", last["outcome"].as_str().unwrap()), *outcome);
        let is_gone = last["reason"] == "user_not_found";
        assert!(is_gone || !last["graph.request_ids"].as_str().unwrap().is_empty(), "{last}");
    }
    let polls = busy.lines.iter().filter(|line| line["message"] == "poll finished").count();
    let runs: BTreeSet<&str> = busy
        .lines
        .iter()
        .filter(|line| line["message"] == "poll finished")
        .map(|line| line["run.id"].as_str().unwrap())
        .collect();
    assert_eq!(polls, runs.len(), "one line a scan");
}
