//! The columns of a table of audit records, found by name in any spelling and any order.

use std::borrow::Cow;

use super::{error::ExportError, named, open, records::Found, row::unquoted, summary::ExportFormat};
use crate::audit::{
    fields::{Field, Fields, Value},
    names::{Known, TargetPart, is, known},
    record::{DirectoryAudit, RecordError},
    update,
};

/// Names, in plain form, of columns that keep a whole record as JSON.
const NESTED: [&str; 5] = ["auditdata", "raw", "eventoriginal", "rawdata", "properties"];

/// Where each column is.
#[derive(Debug, Default)]
pub(super) struct Columns {
    count: usize,
    /// The position of the last column that a row must reach.
    last_needed: usize,
    known: Vec<(usize, Known)>,
    /// The columns of what the directory changed, which only its own records need.
    changes: Vec<(usize, Known)>,
    /// The column that keeps a whole record, if the others do not make one.
    nested: Option<usize>,
}

impl Columns {
    /// Finds the columns by the names in a header.
    pub(super) fn of(header: &[Cow<'_, str>]) -> Result<Self, ExportError> {
        let known = header.iter().enumerate().filter_map(|(at, name)| known(name).map(|known| (at, known)));
        let columns = Self::at(header.len(), known.collect());
        let missing = columns.missing();
        if missing.is_empty() {
            return Ok(columns);
        }
        let nested = NESTED.iter().find_map(|name| header.iter().position(|cell| is(cell, name)));
        if let Some(nested) = nested {
            return Ok(Self { nested: Some(nested), last_needed: nested, ..columns });
        }
        if let Some(what) = named::names(header.iter().map(AsRef::as_ref)) {
            return Err(ExportError::Named { what });
        }
        Err(ExportError::MissingColumns { missing, remedy: columns.remedy(header) })
    }

    /// Columns at known places.
    pub(super) fn at(count: usize, known: Vec<(usize, Known)>) -> Self {
        let is_change = |(_, known): &(usize, Known)| {
            matches!(
                known,
                Known::Target(_, TargetPart::Property(..)) | Known::Field(Field::ModifiedProperties, _)
            )
        };
        let (changes, known) = known.into_iter().partition(is_change);
        let mut columns = Self { count, known, changes, ..Self::default() };
        if columns.place(Field::ActivityDateTime).is_some() {
            // What a row lacks there, the time of its arrival does not tell.
            columns.known.retain(|(_, known)| !matches!(known, Known::Field(Field::TimeGenerated, _)));
        }
        columns.last_needed = columns.find_last_needed();
        columns
    }

    /// Which columns it lacks, by their English names.
    fn missing(&self) -> Vec<String> {
        let has = |fields: &[Field]| fields.iter().any(|field| self.place(*field).is_some());
        let has_target =
            self.known.iter().any(|(_, known)| matches!(known, Known::Target(_, TargetPart::Id)));
        [
            ("Date (UTC)", has(&[Field::ActivityDateTime, Field::TimeGenerated])),
            ("Activity", has(&[Field::ActivityDisplayName, Field::OperationName])),
            ("Result", has(&[Field::Result])),
            (
                "Target1ObjectId or ActorObjectId",
                has_target || has(&[Field::ActorId, Field::InitiatedBy, Field::TargetResources]),
            ),
        ]
        .iter()
        .filter(|(_, found)| !found)
        .map(|(name, _)| (*name).to_owned())
        .collect()
    }

    /// What to do about missing columns.
    fn remedy(&self, header: &[Cow<'_, str>]) -> &'static str {
        let has = |field| self.place(field).is_some();
        if header.iter().any(|name| name.to_lowercase().contains("local time")) {
            "set the portal's time zone to UTC (above the results) and export again"
        } else if has(Field::OperationName) || has(Field::TimeGenerated) || has(Field::InitiatedBy) {
            "add it to the query: project ActivityDateTime, OperationName, Result, ResultReason, LoggedByService, \
             InitiatedBy, TargetResources, Id"
        } else {
            "export the audit log from the portal in English"
        }
    }

    /// Reads a row, whose cells are still in their quotes. It may lack cells at the end, since some editors drop empty ones, but none that say who
    /// did what. A row with more cells than columns is refused, because its cells are shifted.
    pub(super) fn record(&self, cells: &[&str]) -> Result<Vec<Found>, RecordError> {
        if cells.len() > self.count || cells.len() <= self.last_needed {
            let (cells, columns) = (cells.len(), self.count);
            return Err(RecordError::Syntax(format!("it has {cells} cells, the header {columns}")));
        }
        if let Some(nested) = self.nested {
            let found = open::open(&unquoted(cells[nested]))?.found;
            return if found.is_empty() {
                Err(RecordError::NotAudit("its cell of JSON is none"))
            } else {
                Ok(found)
            };
        }
        let mut fields = Fields::default();
        let mut set = |columns: &[(usize, Known)]| {
            for (at, name) in columns {
                if let Some(cell) = cells.get(*at) {
                    fields.set(*name, Value::Cell(unquoted(cell)));
                }
            }
            update::is_named(&fields)
        };
        if set(&self.known) {
            set(&self.changes);
        }
        Ok(vec![DirectoryAudit::from_known(&fields).map(|record| (record, self.format()))])
    }

    /// The format of its records.
    pub(super) fn format(&self) -> ExportFormat {
        if self.place(Field::TargetResources).is_some() {
            ExportFormat::LogAnalytics
        } else {
            ExportFormat::PortalCsv
        }
    }

    /// Where the column of a field is.
    fn place(&self, field: Field) -> Option<usize> {
        let is_it = |(_, known): &&(usize, Known)| matches!(known, Known::Field(its, _) if *its == field);
        self.known.iter().find(is_it).map(|(at, _)| *at)
    }

    fn find_last_needed(&self) -> usize {
        use Field::{
            ActivityDateTime, ActivityDisplayName, ActorId, InitiatedBy, LoggedByService, OperationName,
            Result, ResultReason, TargetResources, TimeGenerated,
        };
        let first_target = Known::Target(0, TargetPart::Id);
        let target = self.known.iter().find(|(_, known)| *known == first_target).map(|(at, _)| *at);
        let either = |first, second| self.place(first).or_else(|| self.place(second));
        [Result, LoggedByService, ActorId, ResultReason, InitiatedBy, TargetResources]
            .map(|field| self.place(field))
            .into_iter()
            .chain([
                either(ActivityDateTime, TimeGenerated),
                either(ActivityDisplayName, OperationName),
                target,
            ])
            .flatten()
            .max()
            .unwrap_or(0)
    }
}
