//! Exports that are JSON: pages, arrays, lines and envelopes of records, and rows of tables.

use std::io::Read;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    error::ExportError,
    records::Records,
    scan::Container,
    source::Source,
    split::{Piece, Splitter},
    summary::{ExportFormat, Summary},
};
use crate::audit::{
    fields::{Field, Fields},
    record::{DirectoryAudit, RecordError},
};

pub(super) fn read<R: Read>(source: Source<R>, mut records: Records<'_>) -> Result<Summary, ExportError> {
    let mut splitter = Splitter::new(source);
    let mut columns = Vec::new();
    while let Some((line, piece)) = splitter.next()? {
        match piece {
            Piece::Object(json) => {
                let read = DirectoryAudit::from_json(json);
                records.enter(line, read.map(|(record, shape)| (record, shape.into())));
            }
            Piece::TableHead(json) => columns = columns_of(json),
            Piece::Row(json) => {
                records.enter(
                    line,
                    record_of(&columns, json).map(|record| (record, ExportFormat::LogAnalytics)),
                );
            }
            Piece::Broken(why) => records.bad(line, why),
        }
    }
    records.close(match splitter.container() {
        None | Some(Container::Value) => ExportFormat::Graph,
        Some(Container::Records) => ExportFormat::AzureMonitor,
        Some(Container::Tables | Container::Rows) => ExportFormat::LogAnalytics,
    })
}

/// The field of each column of a table, from the part of the table's object that precedes its rows.
fn columns_of(head: &[u8]) -> Vec<Option<Field>> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        columns: Vec<Column>,
    }
    #[derive(Deserialize)]
    struct Column {
        name: String,
    }
    let head = head.trim_ascii_end();
    let head = head.strip_suffix(b",").unwrap_or(head);
    let closed = [head, b"}"].concat();
    let columns = serde_json::from_slice::<Head>(&closed).map(|head| head.columns).unwrap_or_default();
    columns.iter().map(|column| Field::of(&column.name)).collect()
}

fn record_of(columns: &[Option<Field>], row: &[u8]) -> Result<DirectoryAudit, RecordError> {
    let cells: Vec<&RawValue> =
        serde_json::from_slice(row).map_err(|_| RecordError::Syntax("not a JSON array".to_owned()))?;
    if !columns.is_empty() && cells.len() != columns.len() {
        return Err(RecordError::Syntax("the row has not as many cells as the table has columns".to_owned()));
    }
    let mut fields = Fields::default();
    for (column, cell) in columns.iter().zip(cells) {
        if let Some(field) = *column {
            fields.set(field, cell);
        }
    }
    DirectoryAudit::from_fields(&fields)
}
