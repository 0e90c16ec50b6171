//! Checks a file of evidence, without ledger or tenant. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    chain::{Link, canonical},
    evidence::{EvidenceEntry, FORMAT, frame},
    finding::{Finding, Kind, Verification},
};
use crate::{
    domain::{ids::UserId, outcome::Outcome},
    view::{Line, Past},
};

/// Checks the chain of hashes of a file of evidence, its head against the one that was noted when it was made, and that
/// each rollback in it has its intent. The error says why the file is no evidence.
pub fn verify_file(bytes: &[u8], noted: Option<&Link>, now: Timestamp) -> Result<Verification, String> {
    let file: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is not JSON: {error}"))?;
    match file["format"].as_str() {
        Some(FORMAT) => {}
        Some(other) => return Err(format!("its format is {other:?}, and this program checks {FORMAT:?}")),
        None => return Err("it does not say that it is evidence of mfa-rollback".to_owned()),
    }
    let entries = file["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut findings = chain_breaks(entries);
    let last = entries.last().and_then(|entry| entry["hash"].as_str()).unwrap_or_default();
    let head = file["head"].as_str().unwrap_or_default();
    if head != last || entries.is_empty() {
        let what =
            "the head is not the last entry's hash: entries are missing at the end, or the head was changed";
        findings.push(Finding::new(Kind::ChangedHistory, None, what));
    }
    if let Some(noted) = noted.filter(|noted| noted.to_string() != head) {
        let what =
            format!("the head is {head}, and {noted} was noted: this is not the file that was written then");
        findings.push(Finding::new(Kind::ChangedHistory, None, what));
    }
    if !is_as_written(bytes, entries, head) {
        let what = "the file does not have the form in which it is written: something was added, or a name stands twice";
        findings.push(Finding::new(Kind::ChangedHistory, None, what));
    }
    let mut told = Told::default();
    for (place, entry) in entries.iter().enumerate() {
        match serde_json::from_value(entry["entry"].clone()) {
            Ok(entry) => told.add(entry),
            Err(error) => {
                let what = format!("entry {}: {error}", place + 1);
                findings.push(Finding::new(Kind::NotRead, None, what));
            }
        }
    }
    findings.extend(told.forged());
    let compared = BTreeMap::from([
        ("entries".to_owned(), entries.len()),
        ("users".to_owned(), told.lines.len()),
        ("plans".to_owned(), told.plans),
    ]);
    let tenant_id = told.tenant_id;
    Ok(Verification { tenant_id, verified_at: now, head: Some(head.to_owned()), compared, findings }.sorted())
}

/// Each entry whose hash is not that of the entry and the hash before it.
fn chain_breaks(entries: &[Value]) -> Vec<Finding> {
    let mut previous: Option<Link> = None;
    let mut findings = Vec::new();
    for (place, chained) in entries.iter().enumerate() {
        let stored = chained["hash"].as_str().and_then(|hash| hash.parse::<Link>().ok());
        let entry = &chained["entry"];
        if stored.as_ref() != Some(&Link::of(previous.as_ref(), entry)) {
            let user = [&entry["user_id"], &entry["line"]["user_id"]].into_iter().find_map(Value::as_str);
            let user: Option<UserId> = user.and_then(|id| id.parse().ok());
            let what = format!(
                "entry {} ({}) is not what was written, or an entry before it was changed, added or taken out",
                place + 1,
                entry["done"]["what"].as_str().or(entry["is"].as_str()).unwrap_or("of no known kind"),
            );
            findings.push(Finding::new(Kind::ChangedHistory, user, what));
        }
        previous = stored.or(previous);
    }
    findings
}

/// Whether the bytes are those that these entries are written as. JSON may have one name twice, of which each program
/// reads the one that it likes.
fn is_as_written(bytes: &[u8], entries: &[Value], head: &str) -> bool {
    let (begin, end) = frame(head);
    let entries: Vec<String> = entries
        .iter()
        .map(|chained| format!("{{\"entry\":{},\"hash\":{}}}", canonical(&chained["entry"]), chained["hash"]))
        .collect();
    format!("{begin}{}{end}", entries.join(",\n")).as_bytes() == bytes
}

/// What the entries tell, by user.
#[derive(Default)]
struct Told {
    tenant_id: Option<crate::domain::ids::TenantId>,
    lines: BTreeMap<UserId, Line>,
    history: BTreeMap<UserId, Vec<Past>>,
    plans: usize,
}

impl Told {
    fn add(&mut self, entry: EvidenceEntry) {
        match entry {
            EvidenceEntry::Begin { tenant_id, .. } => self.tenant_id = Some(tenant_id),
            EvidenceEntry::OnRecord { line, .. } => {
                if let Some(user) = line.user_id {
                    self.lines.insert(user, *line);
                }
            }
            EvidenceEntry::History { user_id, done } => self.history.entry(user_id).or_default().push(done),
            EvidenceEntry::Plan { .. } | EvidenceEntry::PlanNotKept { .. } => self.plans += 1,
        }
    }

    /// Who is rolled back without an intent before it: the ledger itself was changed before the file was made.
    fn forged(&self) -> Vec<Finding> {
        let rolled_back = self.lines.iter().filter(|(_, line)| line.outcome == "rolled_back");
        let forged = rolled_back.filter(|(user, line)| {
            let history = self.history.get(user).map(Vec::as_slice).unwrap_or_default();
            let done = history.iter().position(|past| match past {
                Past::Outcome(it) => it.outcome == Outcome::RolledBack && Some(it.at) == line.at,
                _ => false,
            });
            let before = &history[..done.unwrap_or_default()];
            !before.iter().any(|past| matches!(past, Past::Intent { .. }))
        });
        forged
            .map(|(user, _)| {
                let what = "rolled_back, and the history does not have an intent and this outcome after it";
                Finding::new(Kind::ForgedOutcome, Some(*user), what)
            })
            .collect()
    }
}
