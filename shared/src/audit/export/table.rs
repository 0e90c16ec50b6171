//! Exports that are tables: the portal's CSV, and what spreadsheets make of it.

use std::{io::Read, thread};

use super::{
    columns::Columns,
    crew::{self, Crew},
    encoding::Decoder,
    error::ExportError,
    guess,
    records::{Found, Records},
    row::{self, Row},
    source::Source,
    summary::Summary,
};
use crate::audit::{preselect::Member, record::RecordError, time::parse_time};

const HEADER_LIMIT: usize = 64 * 1024;
/// A first line with fewer columns, none of them known, is not a header.
const FEW_COLUMNS: usize = 4;
/// How many rows are looked at to find out what an unknown header means.
const ROWS_LOOKED_AT: usize = 200;

/// What a row came to; `None` if it is not UTF-8.
type ReadRow = Option<Result<Vec<Found>, RecordError>>;

pub(super) fn read<R: Read>(mut source: Source<R>, mut records: Records<'_>) -> Result<Summary, ExportError> {
    let mut decoder = Decoder::default();
    let (columns, delimiter) = header(&mut source, &mut decoder)?;
    let row_of = |text: &str| columns.record(&row::raw_cells(text, delimiter));
    let mut enter = |records: &mut Records<'_>, read: crew::Read<ReadRow>| {
        read.each(|line, bytes, read| match read.unwrap_or_else(|| row_of(&decoder.decode(bytes))) {
            Ok(found) => found.into_iter().for_each(|found| records.enter(line, found)),
            Err(error) => records.enter(line, Err(error)),
        });
    };
    thread::scope(|scope| {
        let mut crew = Crew::new(scope, |row: &[u8], _: &[Member]| str::from_utf8(row).ok().map(row_of));
        let ended = loop {
            let (length, is_whole) = match row::find(&mut source, delimiter) {
                Ok(Some(Row::Whole(length))) => (length, Ok(())),
                Ok(Some(Row::Broken { length, why })) => (length, Err(why)),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            let line = source.line();
            if let Err(why) = is_whole {
                while let Some(read) = crew.next() {
                    enter(&mut records, read);
                }
                records.bad(line, why);
            } else if !source.rest()[..length].trim_ascii().is_empty()
                && let Some(read) = crew.take(line, &source.rest()[..length], &[])
            {
                enter(&mut records, read);
            }
            source.consume(length);
        };
        while let Some(read) = crew.next() {
            enter(&mut records, read);
        }
        ended
    })?;
    records.close(columns.format())
}

/// Reads the header; the delimiter is the one that makes the most columns.
fn header<R: Read>(source: &mut Source<R>, decoder: &mut Decoder) -> Result<(Columns, u8), ExportError> {
    let mut line = header_line(source, decoder)?;
    let mut named = None;
    loop {
        if let Some(delimiter) = line.strip_prefix("sep=") {
            // A part of a letter separates nothing.
            named = delimiter.bytes().next().filter(u8::is_ascii);
        } else if !line.trim_start_matches('"').starts_with("#TYPE") {
            break;
        }
        line = header_line(source, decoder)?;
    }
    let candidates = named.map_or_else(|| b",;\t|".to_vec(), |delimiter| vec![delimiter]);
    let count = |delimiter: &u8| row::cells(&line, *delimiter).len();
    let delimiter = candidates.iter().rev().copied().max_by_key(count).unwrap_or(b',');
    let cells = row::cells(&line, delimiter);
    let error = match Columns::of(&cells) {
        Ok(columns) => return Ok((columns, delimiter)),
        Err(error) => error,
    };
    if let ExportError::MissingColumns { missing, .. } = &error {
        if missing.len() >= FEW_COLUMNS && cells.len() < FEW_COLUMNS {
            let is_other = line.contains(|c: char| !c.is_ascii());
            return Err(not_a_table(if is_other { "\u{fffd}" } else { &line }));
        }
        let has_time =
            |delimiter: &u8| row::cells(&line, *delimiter).iter().any(|cell| parse_time(cell).is_ok());
        if candidates.iter().any(has_time) {
            return Err(ExportError::NoHeader);
        }
        let rows = first_rows(source, decoder, delimiter)?;
        let rows: Vec<_> = rows.iter().map(|row| row::cells(row, delimiter)).collect();
        if let Some(columns) = guess::columns(cells.len(), &rows) {
            return Ok((columns, delimiter));
        }
    }
    Err(error)
}

/// The first rows after the header, which stay in the source.
fn first_rows<R: Read>(
    source: &mut Source<R>,
    decoder: &mut Decoder,
    delimiter: u8,
) -> Result<Vec<String>, ExportError> {
    while source.rest().len() < HEADER_LIMIT && source.more()? {}
    let rest = source.rest();
    let is_all = rest.len() < HEADER_LIMIT;
    let mut ahead = Source::new(&rest[..rest.len().min(HEADER_LIMIT)]);
    let mut rows = Vec::new();
    while rows.len() < ROWS_LOOKED_AT
        && let Some(Row::Whole(length)) = row::find(&mut ahead, delimiter)?
    {
        let bytes = &ahead.rest()[..length];
        let is_whole = is_all || bytes.ends_with(b"\n");
        if is_whole && !bytes.trim_ascii().is_empty() {
            rows.push(decoder.decode(bytes).into_owned());
        }
        ahead.consume(length);
    }
    Ok(rows)
}

fn header_line<R: Read>(source: &mut Source<R>, decoder: &mut Decoder) -> Result<String, ExportError> {
    let length = source.line_length(HEADER_LIMIT)?.ok_or_else(|| not_a_table(""))?;
    let bytes = &source.rest()[..length];
    let is_binary = bytes.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
    let line = decoder.decode(bytes).into_owned();
    if is_binary {
        return Err(not_a_table("\u{fffd}"));
    }
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
