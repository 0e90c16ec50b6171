//! Passing on what was read, and counting it.

use super::{
    error::{BadRecord, ExportError},
    summary::{ExportFormat, Summary},
};
use crate::audit::record::{DirectoryAudit, RecordError, Shape};

/// How many bad records are held back until it is clear that the file has audit records at all.
const HELD_LIMIT: usize = 1000;

/// Counts records and passes them on. Bad ones wait until the first audit record, so that a file of something
/// else ends in one error, not in a list of them.
pub(super) struct Records<'a> {
    each: &'a mut dyn FnMut(Result<DirectoryAudit, BadRecord>),
    held: Vec<BadRecord>,
    /// The first thing that was well-formed but not an audit record, if any.
    something_else: Option<String>,
    /// Whether there was an audit record, good or bad.
    has_audit: bool,
    format: Option<ExportFormat>,
    number: u64,
    read: u64,
    bad: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(each: &'a mut dyn FnMut(Result<DirectoryAudit, BadRecord>)) -> Self {
        Self {
            each,
            held: Vec::new(),
            something_else: None,
            has_audit: false,
            format: None,
            number: 0,
            read: 0,
            bad: 0,
        }
    }

    /// Takes one record as it was read, good or bad.
    pub(super) fn enter(&mut self, line: u64, read: Result<(DirectoryAudit, ExportFormat), RecordError>) {
        match read {
            Ok((record, format)) => {
                self.number += 1;
                self.read += 1;
                self.format.get_or_insert(format);
                self.is_audit();
                (self.each)(Ok(record));
            }
            Err(RecordError::OtherLog(log)) => {
                self.number += 1;
                self.something_else.get_or_insert_with(|| format!("records of another log ({log})"));
            }
            Err(error) => {
                match &error {
                    RecordError::NotAudit(_) => {
                        self.something_else.get_or_insert_with(|| "something else".to_owned());
                    }
                    RecordError::Syntax(_) => {}
                    _ => self.is_audit(),
                }
                self.bad(line, &error.to_string());
            }
        }
    }

    /// Takes something that could not be read.
    pub(super) fn bad(&mut self, line: u64, cause: &str) {
        self.number += 1;
        self.bad += 1;
        self.held.push(BadRecord::new(self.number, line, cause));
        if self.has_audit || self.held.len() > HELD_LIMIT {
            self.hand_on_held();
        }
    }

    /// Returns what was in the file, or an error if all of it was something else.
    pub(super) fn close(mut self, by_container: ExportFormat) -> Result<Summary, ExportError> {
        if !self.has_audit
            && let Some(found) = self.something_else
        {
            return Err(ExportError::NotAuditRecords { found });
        }
        self.hand_on_held();
        Ok(Summary { format: self.format.unwrap_or(by_container), records: self.read, bad: self.bad })
    }

    fn is_audit(&mut self) {
        self.has_audit = true;
        self.hand_on_held();
    }

    fn hand_on_held(&mut self) {
        for bad in self.held.drain(..) {
            (self.each)(Err(bad));
        }
    }
}

impl From<Shape> for ExportFormat {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::Graph => Self::Graph,
            Shape::AzureMonitor => Self::AzureMonitor,
            Shape::LogAnalytics => Self::LogAnalytics,
        }
    }
}
