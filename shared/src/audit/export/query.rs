//! Answers to queries: rows of cells below columns that are named once.

use serde_json::value::RawValue;

use super::{records::Found, summary::ExportFormat};
use crate::audit::{
    fields::{Field, Fields, Members, Value},
    names::{Known, known},
    record::{DirectoryAudit, RecordError},
};

/// The field of each column.
#[derive(Debug, Default)]
pub(super) struct Query {
    columns: Vec<Option<Known>>,
}

impl Query {
    /// The columns that the part of a table's object names that precedes its rows; `None` if it names none.
    pub(super) fn of_head(head: &[u8]) -> Option<Self> {
        let head = head.trim_ascii_end();
        let head = head.strip_suffix(b",").unwrap_or(head);
        let closed = [head, b"}"].concat();
        let members: Members<'_> = serde_json::from_slice(&closed).ok()?;
        members.get("columns").map(|columns| Self::of_columns(columns.get()))
    }

    /// The columns that an object without rows names, for rows that come later.
    pub(super) fn of_object(json: &str) -> Option<Self> {
        let members: Members<'_> = serde_json::from_str(json).ok()?;
        let query = Self::of_columns(members.get("columns")?.get());
        (!query.columns.is_empty() && members.get("rows").is_none()).then_some(query)
    }

    /// The columns of a list of objects with their names: `name`, or `ColumnName` as Kusto has it.
    pub(super) fn of_columns(json: &str) -> Self {
        let columns: Vec<Members<'_>> = serde_json::from_str(json).unwrap_or_default();
        let name = |column: &Members<'_>| column.text("columnname").or_else(|| column.text("name"));
        let mut columns: Vec<Option<Known>> =
            columns.iter().map(|column| name(column).and_then(|name| known(&name))).collect();
        let is = |column: &Option<Known>, wanted| matches!(column, Some(Known::Field(field, _)) if *field == wanted);
        if columns.iter().any(|column| is(column, Field::ActivityDateTime)) {
            // What a row lacks there, the time of its arrival does not tell.
            columns
                .iter_mut()
                .filter(|column| is(column, Field::TimeGenerated))
                .for_each(|column| *column = None);
        }
        Self { columns }
    }

    /// Whether rows of these columns may be audit records.
    pub(super) fn is_audit(&self) -> bool {
        let has = |wanted: Field| {
            self.columns
                .iter()
                .flatten()
                .any(|column| matches!(column, Known::Field(field, _) if *field == wanted))
        };
        (has(Field::ActivityDateTime) || has(Field::TimeGenerated))
            && (has(Field::ActivityDisplayName) || has(Field::OperationName))
    }

    /// Makes a record of one row, by the names of the table's columns.
    pub(super) fn record(&self, row: &[u8]) -> Found {
        let cells: Vec<&RawValue> =
            serde_json::from_slice(row).map_err(|_| RecordError::Syntax("not a JSON array".to_owned()))?;
        if !self.columns.is_empty() && cells.len() != self.columns.len() {
            let why = "the row has not as many cells as the table has columns";
            return Err(RecordError::Syntax(why.to_owned()));
        }
        let mut fields = Fields::default();
        for (column, cell) in self.columns.iter().zip(cells) {
            if let Some(name) = *column {
                fields.set(name, Value::Json(cell.get()));
            }
        }
        DirectoryAudit::from_fields(&fields).map(|record| (record, ExportFormat::LogAnalytics))
    }
}
