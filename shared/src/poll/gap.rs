//! Parts of the audit log that could not be read. They stay on record until a sweep has read them.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    audit::{Broken, Service, glimpse},
    domain::window::{Range, shift},
    graph::{AuditPage, at},
};

/// A part of what a service logged that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The service whose records are missing.
    pub service: Service,
    /// From when to when, both ends included.
    pub range: Range,
    /// When it was last met.
    pub met_at: Timestamp,
    /// What is wrong there.
    pub why: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { from, to } = self.range;
        let (service, why) = (self.service.name(), &self.why);
        write!(f, "{service} from {from} to {to} ({why})")
    }
}

/// Why the audit log cannot be read any further, for as long as that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When it began.
    pub since: Timestamp,
    /// What went wrong at the last attempt.
    pub what: String,
}

/// The part of the log in which a broken piece of a page lies: its moment, if that can be seen, or else between the
/// records around it.
pub(super) fn around(broken: &Broken, page: &AuditPage, scanned: Range) -> Range {
    if let Some(at) = glimpse(&broken.text).at.filter(|at| scanned.contains(*at)) {
        return Range { from: at, to: at };
    }
    let before = page.records[..broken.after.min(page.records.len())].iter().rev().find_map(|raw| at(raw));
    let after = page.records.iter().skip(broken.after).find_map(|raw| at(raw));
    let from = before.unwrap_or(scanned.from).clamp(scanned.from, scanned.to);
    Range { from, to: after.unwrap_or(scanned.to).clamp(from, scanned.to) }
}

/// The part of the log that is passed over when reading goes on `by` later than `from`.
pub(super) fn passed_over(from: Timestamp, by: SignedDuration, scanned: Range) -> Range {
    Range { from, to: shift(from, by).min(scanned.to) }
}
