//! Exports that are tables: the portal's CSV, and what spreadsheets make of it.

use std::io::Read;

use super::{
    columns::Columns,
    error::ExportError,
    records::Records,
    row::{self, Row},
    source::Source,
    summary::{ExportFormat, Summary},
};
use crate::audit::record::RecordError;

const HEADER_LIMIT: usize = 64 * 1024;
/// A first line with fewer columns, none of them known, is not a header.
const FEW_COLUMNS: usize = 4;

pub(super) fn read<R: Read>(mut source: Source<R>, mut records: Records<'_>) -> Result<Summary, ExportError> {
    let (columns, delimiter) = header(&mut source)?;
    while let Some(row) = row::find(&mut source, delimiter)? {
        let line = source.line();
        match row {
            Row::Broken { length, why } => {
                records.bad(line, why);
                source.consume(length);
            }
            Row::Whole(length) => {
                let bytes = &source.rest()[..length];
                if !bytes.trim_ascii().is_empty() {
                    let text =
                        str::from_utf8(bytes).map_err(|_| RecordError::Syntax("not UTF-8 text".to_owned()));
                    let record = text.and_then(|text| columns.record(&row::cells(text, delimiter)));
                    records.enter(line, record.map(|record| (record, ExportFormat::PortalCsv)));
                }
                source.consume(length);
            }
        }
    }
    records.close(ExportFormat::PortalCsv)
}

/// Reads the header; the delimiter is the one that makes the most columns.
fn header<R: Read>(source: &mut Source<R>) -> Result<(Columns, u8), ExportError> {
    let mut line = header_line(source)?;
    let mut named = None;
    if let Some(delimiter) = line.strip_prefix("sep=").and_then(|rest| rest.bytes().next()) {
        named = Some(delimiter);
        line = header_line(source)?;
    }
    let candidates = named.map_or_else(|| b",;\t".to_vec(), |delimiter| vec![delimiter]);
    let count = |delimiter: u8| row::cells(&line, delimiter).len();
    let delimiter = candidates.into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',');
    let cells = row::cells(&line, delimiter);
    match Columns::of(&cells) {
        Err(ExportError::MissingColumns { missing })
            if missing.len() >= FEW_COLUMNS && cells.len() < FEW_COLUMNS =>
        {
            Err(not_a_table(&line))
        }
        columns => Ok((columns?, delimiter)),
    }
}

fn header_line<R: Read>(source: &mut Source<R>) -> Result<String, ExportError> {
    let length = source.line_length(HEADER_LIMIT)?.ok_or_else(|| not_a_table(""))?;
    let line = str::from_utf8(&source.rest()[..length]).map_err(|_| not_a_table("\u{fffd}"))?.to_owned();
    source.consume(length);
    Ok(line)
}

fn not_a_table(line: &str) -> ExportError {
    let is_binary = line.contains(|c: char| c == '\u{fffd}' || (c.is_control() && !c.is_whitespace()));
    let hint = if is_binary {
        "it is not text"
    } else if line.starts_with('<') {
        "it is a web page or XML"
    } else {
        "expected JSON from Graph, the portal, Azure Monitor or Log Analytics, or the portal's CSV"
    };
    ExportError::UnknownFormat { hint: hint.to_owned() }
}
