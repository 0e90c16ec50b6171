//! What can be wrong with an export as a whole, and with one record of it.

use std::{fmt, io};

use crate::text::clip;

const CAUSE_LIMIT: usize = 240;

/// A record that could not be read; reading continues after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Its number in the file, counting the good ones too; the first is 1.
    pub number: u64,
    /// The line on which it begins; the first is 1.
    pub line: Option<u64>,
    /// What is wrong with it: one short printable line, with at most a short piece of the content.
    pub cause: String,
    /// What kind of fault it is: records of one file with the same kind need the same remedy.
    pub kind: &'static str,
}

impl BadRecord {
    pub(super) fn new(number: u64, line: u64, cause: &str, kind: &'static str) -> Self {
        Self { number, line: Some(line), cause: clip(cause, CAUSE_LIMIT), kind }
    }
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}", self.number)?;
        if let Some(line) = self.line {
            write!(f, " (line {line})")?;
        }
        write!(f, ": {}", self.cause)
    }
}

/// Why a file cannot be read as an export of the audit log.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file is empty or blank.
    #[error("the file is empty")]
    Empty,
    /// It is in no known format.
    #[error("not an export of the audit log: {hint}")]
    UnknownFormat {
        /// What it seems to be, or what was expected.
        hint: String,
    },
    /// It is JSON, but not of audit records.
    #[error(
        "no audit records in this file: expected directoryAudit records (with activityDateTime and \
         activityDisplayName) as Graph, the portal, Azure Monitor or Log Analytics export them, found {found}"
    )]
    NotAuditRecords {
        /// What was found instead.
        found: String,
    },
    /// It is an export of something else, which is known by name.
    #[error("this is {what}")]
    Named {
        /// What it is, what it lacks, and what to export.
        what: &'static str,
    },
    /// It is a table that lacks columns.
    #[error("the table lacks the {}: {}; {remedy}", 
        if missing.len() == 1 { "column" } else { "columns" }, missing.join(", "))]
    MissingColumns {
        /// The missing columns, by their English names.
        missing: Vec<String>,
        /// What to do about it.
        remedy: &'static str,
    },
    /// It is a table without names above its columns.
    #[error("the table has no header that names its columns: export it with one, or as JSON (az … -o json)")]
    NoHeader,
    /// It could not be read to its end.
    #[error("the file could not be read: {0}")]
    Io(#[from] io::Error),
}
