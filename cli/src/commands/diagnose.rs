//! `diagnose`: why one user is asked for MFA, or does not see the methods that they expect.

use shared::{
    diagnose::{Bearing, Complaint, Diagnosis, Finding, Question, ToldEvent},
    domain::user_ref::UserRef,
};

use super::explain::{interrupted, named};
use crate::{
    args::Format,
    engine::Engine,
    error::{CommandError, Exit},
    output::{self, Rows, plain},
    progress::clock_time,
};

pub(super) async fn diagnose(
    engine: &Engine,
    user: &UserRef,
    question: Question,
    format: Format,
) -> Result<Exit, CommandError> {
    let id = named(engine, user).await?;
    match engine.run.diagnose(id, question).await.map_err(interrupted)? {
        Some(diagnosis) => show(&diagnosis, format),
        None => Err(CommandError::input(format!(
            "{id}: nobody in this tenant has this object id; deleted users can be restored for 30 days"
        ))),
    }
}

/// Writes a diagnosis. As CSV, it has the findings only.
pub(super) fn show(diagnosis: &Diagnosis, format: Format) -> Result<Exit, CommandError> {
    match format {
        Format::Json | Format::Ndjson => output::write_json(format, diagnosis)?,
        Format::Csv => output::write(format, &rows(diagnosis), &())?,
        Format::Table | Format::Html | Format::Mail => write_text(diagnosis),
    }
    Ok(Exit::Done)
}

fn rows(diagnosis: &Diagnosis) -> Rows {
    let of = |complaint: &Complaint| {
        let row = |finding: &Finding| {
            vec![
                complaint.symptom.to_string(),
                finding.step.to_string(),
                finding.bearing.to_string(),
                finding.looked_at.clone(),
                finding.answer.clone(),
                finding.next_step.clone().unwrap_or_default(),
            ]
        };
        complaint.findings.iter().map(row).collect::<Vec<_>>()
    };
    Rows {
        header: vec!["symptom", "step", "bearing", "looked_at", "answer", "next_step"],
        rows: diagnosis.complaints.iter().flat_map(of).collect(),
    }
}

fn write_text(diagnosis: &Diagnosis) {
    let name = diagnosis.user_principal_name.as_deref().unwrap_or("a user whose account could not be read");
    output::say!("{} ({})", plain(name), diagnosis.user_id);
    for complaint in &diagnosis.complaints {
        output::say!("\n\"{}\" ({})", complaint.complaint, complaint.symptom);
        output::say!("{}", summary(&complaint.findings));
        for finding in &complaint.findings {
            write_finding(finding);
        }
    }
    output::say!("\nWhat the audit log tells of this user's security info:");
    for event in &diagnosis.story {
        write_event(event);
    }
    if diagnosis.story.is_empty() {
        output::say!("  nothing");
    }
    if let Some(lacks) = &diagnosis.story_lacks {
        output::say!("  Not all of it: {}", plain(lacks));
    }
}

/// Says first what may be why, then what is not known.
fn summary(findings: &[Finding]) -> String {
    let steps = |bearing: Bearing| {
        let found = findings.iter().filter(|finding| finding.bearing == bearing);
        found.map(title).collect::<Vec<_>>().join(", ")
    };
    let (why, unread) = (steps(Bearing::MayBeWhy), steps(Bearing::NotRead));
    let why = if why.is_empty() {
        "Nothing that could be read is why.".to_owned()
    } else {
        format!("May be why: {why}.")
    };
    if unread.is_empty() { why } else { format!("{why} Not read: {unread}.") }
}

/// The name of a step, in words.
fn title(finding: &Finding) -> String {
    let step = finding.step.to_string().replace('_', " ");
    step.replace("mfa", "MFA").replace("sspr", "SSPR").replace("conditional access", "Conditional Access")
}

fn write_finding(finding: &Finding) {
    let bearing = match finding.bearing {
        Bearing::MayBeWhy => "may be why",
        Bearing::NotWhy => "not why",
        Bearing::NotRead => "not read",
        Bearing::Tells => "good to know",
    };
    output::say!("  {} ({bearing}): {}", title(finding), plain(&finding.answer));
    output::say!("      looked at: {}", finding.looked_at);
    if let Some(next) = &finding.next_step {
        output::say!("      next: {}", plain(next));
    }
}

fn write_event(event: &ToldEvent) {
    let reason = if event.reason.is_empty() { String::new() } else { format!(" - {}", plain(&event.reason)) };
    output::say!("  {} {} ({}){reason}", clock_time(event.at), plain(&event.activity), plain(&event.status));
    output::say!("      {}", event.means);
    if let Some(next) = &event.next_step {
        output::say!("      next: {next}");
    }
}
