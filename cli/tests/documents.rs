//! What the documents say of the command line: each command in them is one that it takes.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::path::{Path, PathBuf};

use clap::Parser;
use mfa_rollback::args::Args;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn documents() -> Vec<PathBuf> {
    let in_folder = |folder: PathBuf| {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|it| it == "md")).collect::<Vec<_>>()
    };
    let root = Path::new(ROOT);
    [root.to_owned(), root.join("docs"), root.join("docs/decisions")]
        .into_iter()
        .flat_map(in_folder)
        .collect()
}

/// The words after the program's name, as a shell would split them, up to a comment, a pipe or a redirection.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in command.chars().chain([' ']) {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    let end = words.iter().position(|word| ["#", "|", ">", ">>", "&&", ";"].contains(&word.as_str()));
    words.truncate(end.unwrap_or(words.len()));
    words
}

/// What stands for a value becomes one.
fn filled(word: &str) -> String {
    match word {
        "HASH" | "EARLIER_HASH" => "0123456789abcdef0123456789abcdef".to_owned(),
        "HEAD" => "0123456789abcdef".repeat(4),
        "USER_ID" | "USER" => "3b1f0c52-7a44-4e0d-9c15-5d2a6e8f9011".to_owned(),
        "…" => "because".to_owned(),
        "$STACK" | "URL" => "https://abc.execute-api.eu-west-1.amazonaws.com/live".to_owned(),
        word => word.to_owned(),
    }
}

/// Every command of a document: whole lines of its code blocks, and what stands in backticks.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            found.extend(["mfa-rollback ", "cargo run -- "].iter().find_map(|name| line.strip_prefix(name)));
        }
    }
    let text = text.replace('\n', " ");
    let inline = text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("mfa-rollback "));
    let inline = inline.filter(|arguments| !arguments.starts_with('-'));
    found.into_iter().chain(inline).map(str::to_owned).collect()
}

#[test]
fn every_command_in_a_document_is_one_that_the_command_line_takes() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for command in commands(&text) {
            let words = words(&command).into_iter().map(|word| filled(&word));
            let parsed = Args::try_parse_from(["mfa-rollback".to_owned()].into_iter().chain(words));
            seen += 1;
            if let Err(error) = parsed
                && !matches!(error.kind(), clap::error::ErrorKind::DisplayHelp)
            {
                wrong.push(format!("{}: {command}\n{error}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 40, "{seen}");
}
