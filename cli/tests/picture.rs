//! `docs/demo.svg`: what the demo prints, but for its first two modes, as a picture for the README.
//! `MFA_ROLLBACK_WRITE_DOCS=true cargo test the_picture` makes it anew.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::fmt::Write;

use crate::support::{binary, text};

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/demo.svg");

/// Pixels of a character, of a line, and around all of them.
const WIDTH: f64 = 7.83;
const HEIGHT: f64 = 18.0;
const MARGIN: f64 = 16.0;

/// Draws lines as a terminal shows them.
fn drawn(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap();
    let width = WIDTH * f64::from(u32::try_from(longest).unwrap()) + 2.0 * MARGIN;
    let height = HEIGHT * f64::from(u32::try_from(lines.len()).unwrap()) + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         aria-label=\"What mfa-rollback demo prints\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#14161a\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"13\" fill=\"#e9ebee\" xml:space=\"preserve\">\n"
    );
    let mut y = MARGIN + 13.0;
    for line in lines {
        let escaped = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let escaped = escaped.trim_end().replace(' ', "\u{a0}");
        if !escaped.is_empty() {
            writeln!(svg, "<text x=\"{MARGIN}\" y=\"{y}\">{escaped}</text>").unwrap();
        }
        y += HEIGHT;
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// Without what differs from one demo to the next: the days, the port, how many requests it took, and the folder.
fn lasting(line: &str) -> String {
    let differs = ["127.0.0.1", "its journal", "Look further"].iter().any(|word| line.contains(word));
    if differs { line.chars().filter(|c| !c.is_ascii_digit()).collect() } else { line.to_owned() }
}

#[test]
fn the_picture_shows_what_the_demo_prints() {
    let folder = tempfile::tempdir().unwrap();
    let output = binary().env("TMPDIR", folder.path()).arg("demo").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout).replace(&folder.path().display().to_string(), "/tmp");
    let (before, rest) = printed.split_once("\n1. Mode report").unwrap();
    let last = &rest[rest.find("3. Mode enforce").unwrap()..];
    let made = drawn(&format!("$ cargo run -- demo\n{before}\n… modes report and canary …\n\n{last}"));
    if shared::settings::environment("MFA_ROLLBACK_WRITE_DOCS").as_deref() == Some("true") {
        std::fs::write(PICTURE, &made).unwrap();
    }
    let kept = std::fs::read_to_string(PICTURE).unwrap_or_default();
    let [kept, made] = [kept, made].map(|svg| svg.lines().map(lasting).collect::<Vec<_>>());
    let differs = kept.iter().zip(&made).find(|(kept, made)| kept != made);
    assert!(kept == made, "docs/demo.svg is not up to date (see this file's head): first at {differs:?}");
}
