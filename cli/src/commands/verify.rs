//! `verify`: whether what the ledger, or a file of evidence, says is true.

use std::path::Path;

use shared::{
    clock::Clock,
    verify::{Finding, Verification, chain::Link, verify_file},
};

use super::explain::interrupted;
use crate::{
    args::Format,
    engine::Engine,
    error::{CommandError, Exit},
    output::{self, Rows, plain},
    progress::{Progress, clock_time},
};

/// Compares the ledger with the tenant.
pub(super) async fn verify(engine: &Engine, format: Format) -> Result<Exit, CommandError> {
    let progress = Progress::start("comparing the ledger with the tenant");
    let verification = engine.run.verify().await;
    progress.done();
    show(&verification.map_err(interrupted)?, format)
}

/// Checks a file of evidence.
pub(super) fn file(path: &Path, head: Option<&Link>, format: Format) -> Result<Exit, CommandError> {
    let name = output::file(path);
    let bytes = std::fs::read(path).map_err(|error| CommandError::usage(format!("{name}: {error}")))?;
    let verification = verify_file(&bytes, head, Clock::system().now())
        .map_err(|why| CommandError::input(format!("{name} cannot be verified: {why}")))?;
    if head.is_none() {
        eprintln!(
            "whoever can change a file can compute its hashes anew: compare the head with the one that was noted, or name it with --head"
        );
    }
    show(&verification, format)
}

/// Writes a verification. As CSV, it has the findings only.
fn show(verification: &Verification, format: Format) -> Result<Exit, CommandError> {
    match format {
        Format::Json | Format::Ndjson => output::write_json(format, verification)?,
        Format::Csv => output::write(format, &rows(&verification.findings), &())?,
        Format::Table | Format::Html | Format::Mail => write_text(verification),
    }
    Ok(if verification.needs_a_person() { Exit::Incomplete } else { Exit::Done })
}

fn rows(findings: &[Finding]) -> Rows {
    let row = |finding: &Finding| {
        vec![
            finding.kind.to_string(),
            finding.user_id.map(|user| user.to_string()).unwrap_or_default(),
            finding.at.map(|at| at.to_string()).unwrap_or_default(),
            finding.event_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            finding.what.clone(),
            finding.next_step.clone().unwrap_or_default(),
        ]
    };
    Rows {
        header: vec!["kind", "user_id", "at", "event_id", "what", "next_step"],
        rows: findings.iter().map(row).collect(),
    }
}

fn write_text(verification: &Verification) {
    let compared = verification.compared.iter();
    let compared: Vec<String> =
        compared.map(|(name, count)| format!("{}: {count}", name.replace('_', " "))).collect();
    output::say!("compared: {}", compared.join(", "));
    if let Some(head) = &verification.head {
        output::say!("head: {}", plain(head));
    }
    let mut latest = None;
    for finding in &verification.findings {
        if latest.replace(finding.kind) != Some(finding.kind) {
            let says = if finding.kind.needs_a_person() { "needs a person" } else { "good to know" };
            output::say!("\n{} ({says})", finding.kind.to_string().replace('_', " "));
            if let Some(next) = &finding.next_step {
                output::say!("  next: {next}");
            }
        }
        let user = finding.user_id.map(|user| format!("{user}: ")).unwrap_or_default();
        let at = finding.at.map(|at| format!("{} ", clock_time(at))).unwrap_or_default();
        output::say!("  {at}{user}{}", plain(&finding.what));
    }
    if !verification.needs_a_person() {
        output::say!("\nNothing needs a person.");
    }
}
