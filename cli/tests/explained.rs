//! `docs/explained.md`: what `explain` says of one user in each situation, with default settings.
//! `MFA_ROLLBACK_WRITE_DOCS=true cargo test explained` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::Value;
use simulator::{Part, Shows};

use crate::support::World;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/explained.md");

const HEAD: &str = "# What explain says of each situation\n
One user in each situation of the simulated tenant, with default settings: the decision, where each strong method
comes from, and the rules that object. `E` stands for an event's id, `T` for a time. A test writes this page\n\
(`MFA_ROLLBACK_WRITE_DOCS=true cargo test explained`).\n";

/// Replaces what differs from run to run.
fn masked(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches(['.', ',', ';', ')']);
        let rest = &word[bare.len()..];
        if bare.parse::<Timestamp>().is_ok() {
            format!("T{rest}")
        } else if bare.contains('_') && bare.len() > 40 {
            format!("E{rest}")
        } else {
            word.to_owned()
        }
    };
    let text = text.split(' ').map(word).collect::<Vec<_>>().join(" ");
    ["Core E", "Authentication E", "Azure MFA E"].iter().fold(text, |text, long| text.replace(long, "E"))
}

/// What the program found of the methods, to be compared with what a person finds.
fn shown(explained: &Value) -> Shows {
    let methods = explained["decision"]["methods"].as_array().unwrap();
    match methods.iter().filter(|method| method["origin"] == "of_window").count() {
        _ if methods.is_empty() => Shows::Nothing,
        count if count == methods.len() => Shows::All,
        _ => Shows::NotAll,
    }
}

fn section(part: Part, explained: &Value) -> String {
    let decision = &explained["decision"];
    let text = |value: &Value| masked(value.as_str().unwrap_or_default());
    let mut section = format!("\n## {}\n\n`{}`\n", part.describes(), text(&decision["verdict"]));
    let methods = decision["methods"].as_array().unwrap();
    if !methods.is_empty() {
        section.push_str("\n| method | origin | evidence |\n|---|---|---|\n");
    }
    for method in methods {
        let (kind, origin) = (text(&method["type"]), text(&method["origin"]));
        writeln!(section, "| {kind} | {origin} | {} |", text(&method["evidence"])).unwrap();
    }
    for rule in decision["rules"].as_array().unwrap() {
        let (name, verdict, note) = (text(&rule["rule"]), text(&rule["verdict"]), text(&rule["note"]));
        assert!(verdict == "not_applicable" || !note.is_empty(), "{part:?}: {name} does not say what it saw");
        if ["no", "unknown"].contains(&verdict.as_str()) && name != "methods_of_window" {
            writeln!(section, "\n{name}: {verdict}: {note}").unwrap();
        }
    }
    section
}

#[expect(clippy::disallowed_methods, reason = "the environment says it to this test alone")]
fn is_to_be_written() -> bool {
    std::env::var("MFA_ROLLBACK_WRITE_DOCS").is_ok_and(|value| value == "true")
}

#[test]
fn every_situation_is_explained_as_the_document_says() {
    let world = World::new(60, 27);
    world.json(0, &["run"]);
    let mut page = HEAD.to_owned();
    for part in Part::ORDINARY.into_iter().chain(Part::SPECIAL) {
        let explained = world.json(0, &["explain", &world.of(part).id.to_string()]);
        assert_eq!(Some(shown(&explained)), part.shows(), "{part:?}");
        page.push_str(&section(part, &explained));
    }
    if is_to_be_written() {
        std::fs::write(DOCUMENT, &page).unwrap();
    }
    let kept = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    let differs = kept.lines().zip(page.lines()).find(|(kept, made)| kept != made);
    assert!(kept == page, "docs/explained.md is not up to date (see this file's head): first at {differs:?}");
}
