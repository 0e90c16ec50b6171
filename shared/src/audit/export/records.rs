//! Passing on what was read, and counting it.

use jiff::Timestamp;

use super::{
    error::{BadRecord, ExportError},
    summary::{ExportFormat, Summary, partial},
};
use crate::audit::record::{DirectoryAudit, RecordError, Shape};

/// One record as it was read, good or bad.
pub(super) type Found = Result<(DirectoryAudit, ExportFormat), RecordError>;

/// How many bad records are held back until it is clear that the file has audit records at all.
const HELD_LIMIT: usize = 1000;

/// Counts records and passes them on. Bad ones wait until the first audit record, so that a file of something
/// else ends in one error, not in a list of them.
pub(super) struct Records<'a> {
    each: &'a mut dyn FnMut(u64, Result<DirectoryAudit, BadRecord>),
    held: Vec<BadRecord>,
    /// The first thing that was well-formed but not an audit record, if any.
    something_else: Option<String>,
    /// What that is, if it is known by name.
    named: Option<&'static str>,
    /// Whether there was an audit record, good or bad.
    has_audit: bool,
    /// Whether the last page names a next one.
    pub(super) has_next: bool,
    span: Option<(Timestamp, Timestamp)>,
    format: Option<ExportFormat>,
    number: u64,
    read: u64,
    bad: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(each: &'a mut dyn FnMut(u64, Result<DirectoryAudit, BadRecord>)) -> Self {
        Self {
            each,
            held: Vec::new(),
            something_else: None,
            named: None,
            has_audit: false,
            has_next: false,
            span: None,
            format: None,
            number: 0,
            read: 0,
            bad: 0,
        }
    }

    /// Takes one record as it was read, good or bad.
    pub(super) fn enter(&mut self, line: u64, read: Found) {
        match read {
            Ok((record, format)) => {
                self.number += 1;
                self.read += 1;
                self.format.get_or_insert(format);
                self.is_audit();
                let at = record.activity_date_time;
                let (first, last) = self.span.unwrap_or((at, at));
                self.span = Some((first.min(at), last.max(at)));
                (self.each)(line, Ok(record));
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
                self.refuse(line, &error.to_string(), error.kind());
            }
        }
    }

    /// Takes notice of something that is no audit record, and of what it is, if that is known.
    pub(super) fn something_else(&mut self, what: Option<&'static str>) {
        self.something_else.get_or_insert_with(|| "something else".to_owned());
        self.named = self.named.or(what);
    }

    /// Takes something that could not be read.
    pub(super) fn bad(&mut self, line: u64, cause: &'static str) {
        self.refuse(line, cause, cause);
    }

    fn refuse(&mut self, line: u64, cause: &str, kind: &'static str) {
        self.number += 1;
        self.bad += 1;
        self.held.push(BadRecord::new(self.number, line, cause, kind));
        if self.has_audit || self.held.len() > HELD_LIMIT {
            self.hand_on_held();
        }
    }

    /// Returns what was in the file, or an error if all of it was something else.
    pub(super) fn close(mut self, by_container: ExportFormat) -> Result<Summary, ExportError> {
        if !self.has_audit
            && let Some(found) = self.something_else
        {
            return Err(match self.named {
                Some(what) => ExportError::Named { what },
                None => ExportError::NotAuditRecords { found },
            });
        }
        self.hand_on_held();
        Ok(Summary {
            format: self.format.unwrap_or(by_container),
            records: self.read,
            bad: self.bad,
            span: self.span,
            partial: partial(self.has_next, self.read + self.bad),
        })
    }

    fn is_audit(&mut self) {
        self.has_audit = true;
        self.hand_on_held();
    }

    fn hand_on_held(&mut self) {
        for bad in self.held.drain(..) {
            (self.each)(bad.line.unwrap_or_default(), Err(bad));
        }
    }
}

impl From<Shape> for ExportFormat {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::Graph => Self::Graph,
            Shape::AzureMonitor => Self::AzureMonitor,
            Shape::LogAnalytics => Self::LogAnalytics,
            Shape::Management => Self::Unified,
        }
    }
}
