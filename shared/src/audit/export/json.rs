//! Exports that are JSON: pages, arrays, lines and envelopes of records, and rows of tables.

use std::io::Read;

use super::{
    encoding::Decoder,
    error::ExportError,
    named,
    open::{Contents, open},
    query::Query,
    records::{Found, Records},
    scan::Container,
    source::Source,
    split::{Piece, Splitter},
    summary::{ExportFormat, Summary},
};
use crate::audit::record::{DirectoryAudit, RecordError};

pub(super) fn read<R: Read>(source: Source<R>, mut records: Records<'_>) -> Result<Summary, ExportError> {
    let mut splitter = Splitter::new(source);
    let mut query = Query::default();
    let mut decoder = Decoder::default();
    while let Some((line, piece)) = splitter.next()? {
        match piece {
            Piece::Object(json) => match object(json, &mut decoder) {
                Object::Record(read) => records.enter(line, *read),
                Object::Envelope(contents) => {
                    records.has_next |= contents.has_next;
                    contents.found.into_iter().for_each(|found| records.enter(line, found));
                    splitter.pass_over();
                }
                Object::Columns(columns) => query = columns,
                Object::Else(error, what) => {
                    records.something_else(what);
                    records.enter(line, Err(error));
                    splitter.pass_over();
                }
                Object::Broken(error) => records.enter(line, Err(error)),
            },
            Piece::TableHead(json) => {
                if let Some(columns) = Query::of_head(json) {
                    query = columns;
                }
            }
            Piece::Row(json) if query.is_audit() => records.enter(line, query.record(json)),
            Piece::Row(_) => records.something_else(None),
            Piece::Broken(why) => records.bad(line, why),
        }
    }
    records.has_next |= splitter.has_next();
    records.close(match splitter.container() {
        None | Some(Container::Value | Container::List) => ExportFormat::Graph,
        Some(Container::Records) => ExportFormat::AzureMonitor,
        Some(Container::Tables | Container::Rows) => ExportFormat::LogAnalytics,
    })
}

/// What an object of an export is.
enum Object {
    Record(Box<Found>),
    Envelope(Contents),
    /// The columns of rows that come later.
    Columns(Query),
    /// JSON of something else, with what it is, if that is known.
    Else(RecordError, Option<&'static str>),
    Broken(RecordError),
}

fn object(json: &[u8], decoder: &mut Decoder) -> Object {
    if json.starts_with(b"\"") {
        return match open(&decoder.decode(json)) {
            Ok(contents) if !contents.found.is_empty() => Object::Envelope(contents),
            _ => Object::Broken(RecordError::Syntax("not a JSON object".to_owned())),
        };
    }
    let error = match DirectoryAudit::from_json(json) {
        Ok((record, shape)) => return Object::Record(Box::new(Ok((record, shape.into())))),
        Err(error @ (RecordError::NotAudit(_) | RecordError::Syntax(_))) => error,
        Err(error) => return Object::Record(Box::new(Err(error))),
    };
    let text = decoder.decode(json);
    if matches!(error, RecordError::Syntax(_)) {
        if str::from_utf8(json).is_ok() {
            return Object::Broken(error);
        }
        match DirectoryAudit::from_json(text.as_bytes()) {
            Err(RecordError::NotAudit(_)) => {}
            read => return Object::Record(Box::new(read.map(|(record, shape)| (record, shape.into())))),
        }
    }
    match open(&text) {
        Err(error) => Object::Broken(error),
        Ok(contents) if contents.found.is_empty() => match Query::of_object(&text) {
            Some(columns) => Object::Columns(columns),
            None if contents.is_structure => Object::Envelope(contents),
            None => Object::Else(error, named::object(&text)),
        },
        Ok(contents) => Object::Envelope(contents),
    }
}
