//! Names that other people chose, on the way to a terminal, a log and a spreadsheet.

use std::time::Duration;

use simulator::{NewEvent, NewMethod, NewUser};

use crate::support::{World, now, text};

/// Clears the screen, sets the window's title, turns the writing round, starts a line, and is a formula.
const NAME: &str = "=cmd|'x'!A1\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\u{9b}31m";

fn is_harmless(what: &str, bytes: &[u8]) {
    let text = text(bytes);
    let obeyed = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(obeyed), "{what}: {text:?}");
    assert!(!text.lines().any(|line| line.starts_with("{\"level\":\"ERROR\"")), "{what}: {text}");
}

fn world() -> (World, String) {
    let mut world = World::new(40, 71);
    world.env.insert("LOG_USER_PRINCIPAL_NAMES".into(), "true".into());
    let mut user = NewUser::named("odd@contoso.example");
    NAME.clone_into(&mut user.display_name);
    let id = world.tenant.add_user(user);
    let at = now() - Duration::from_hours(100);
    world.tenant.register_at(id, NewMethod::authenticator(), at, at);
    let event = NewEvent::by_user(NAME, at, id, "odd@contoso.example").service("Authentication Methods");
    world.tenant.add_event(event.result(NAME).reason(NAME));
    (world, id.to_string())
}

#[test]
fn nothing_that_a_terminal_obeys_reaches_it() {
    let (world, id) = world();
    let log = world.path("log");
    let log = log.to_str().unwrap();
    for args in [
        &["run", "--log", log][..],
        &["explain", &id],
        &["report"],
        &["report", "--held"],
        &["report", "--format", "csv"],
        &["status"],
        &["doctor"],
        &["release", &id, "--reason", NAME],
        &["brake", "open", "--reason", NAME],
        &["brake", "release", "--reason", NAME],
    ] {
        let output = world.run(args);
        is_harmless(&format!("{args:?}"), &output.stdout);
        is_harmless(&format!("{args:?}"), &output.stderr);
    }
    let lines = std::fs::read_to_string(log).unwrap();
    assert!(!lines.contains('\u{1b}'));
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_ne!(line["message"], "forged");
    }
    assert!(lines.contains("user decided"));
}

#[test]
fn nor_from_an_export() {
    let (world, _) = world();
    let file = world.path("audit.json");
    let events = serde_json::json!({"value": world.tenant.events()});
    std::fs::write(&file, events.to_string()).unwrap();
    let file = file.to_str().unwrap();
    for format in ["table", "csv", "json"] {
        let output = world.run(&["scan", "--audit-log", file, "--format", format]);
        assert_eq!(output.status.code(), Some(1), "one registration is nobody's: {}", text(&output.stderr));
        is_harmless(format, &output.stdout);
        is_harmless(format, &output.stderr);
    }
    let output = world.run(&["scan", "--audit-log", "no\u{1b}[2J\n such file"]);
    is_harmless("a file's name", &output.stderr);
}
