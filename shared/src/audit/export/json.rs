//! Exports that are JSON: pages, arrays, lines and envelopes of records, and rows of tables.

use std::{
    io::{self, Read},
    thread,
};

use super::{
    crew::{self, Crew},
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
use crate::audit::{
    preselect::Member,
    record::{DirectoryAudit, RecordError, Shape},
};

pub(super) fn read<R: Read>(source: Source<R>, records: Records<'_>) -> Result<Summary, ExportError> {
    thread::scope(|scope| {
        let mut reader = Reader {
            records,
            query: Query::default(),
            decoder: Decoder::default(),
            crew: Crew::new(scope, DirectoryAudit::from_members as ReadJson),
        };
        let mut splitter = Splitter::new(source);
        let read = reader.read(&mut splitter);
        // What was read before a fault is handed on all the same.
        reader.finish();
        read?;
        reader.records.has_next |= splitter.has_next();
        reader.records.close(match splitter.container() {
            None | Some(Container::Value | Container::List) => ExportFormat::Graph,
            Some(Container::Records) => ExportFormat::AzureMonitor,
            Some(Container::Tables | Container::Rows) => ExportFormat::LogAnalytics,
        })
    })
}

type ReadOne = Result<(DirectoryAudit, Shape), RecordError>;
type ReadJson = fn(&[u8], &[Member]) -> ReadOne;

/// Reads the pieces of one file, in order.
struct Reader<'a, 'scope, 'env> {
    records: Records<'a>,
    query: Query,
    decoder: Decoder,
    crew: Crew<'scope, 'env, ReadOne, ReadJson>,
}

impl Reader<'_, '_, '_> {
    fn read<R: Read>(&mut self, splitter: &mut Splitter<R>) -> io::Result<()> {
        while let Some((line, piece)) = splitter.next()? {
            if let Piece::Object(json, members) = piece {
                if let Some(read) = self.crew.take(line, json, members) {
                    self.enter(read);
                }
                continue;
            }
            self.finish();
            match piece {
                Piece::Object(json, _) | Piece::Wrapper(json) => {
                    if self.object(line, json) {
                        splitter.pass_over();
                    }
                }
                Piece::TableHead(json) => {
                    if let Some(columns) = Query::of_head(json) {
                        self.query = columns;
                    }
                }
                Piece::Row(json) if self.query.is_audit() => {
                    self.records.enter(line, self.query.record(json));
                }
                Piece::Row(_) => self.records.something_else(None),
                Piece::Broken(why) => self.records.bad(line, why),
            }
        }
        Ok(())
    }

    /// Reads all that came so far.
    fn finish(&mut self) {
        while let Some(read) = self.crew.next() {
            self.enter(read);
        }
    }

    fn enter(&mut self, read: crew::Read<ReadOne>) {
        read.each(|line, json, record| match record {
            Err(RecordError::NotAudit(_) | RecordError::Syntax(_)) => {
                self.object(line, json);
            }
            record => self.records.enter(line, record.map(|(record, shape)| (record, shape.into()))),
        });
    }

    /// Reads an object of any kind. Returns whether all that is in it has been read.
    fn object(&mut self, line: u64, json: &[u8]) -> bool {
        match object(json, &mut self.decoder) {
            Object::Record(read) => self.records.enter(line, *read),
            Object::Envelope(contents) => {
                self.records.has_next |= contents.has_next;
                for found in contents.found {
                    self.records.enter(line, found);
                }
                return true;
            }
            Object::Columns(columns) => self.query = columns,
            Object::Else(error, what) => {
                self.records.something_else(what);
                self.records.enter(line, Err(error));
                return true;
            }
            Object::Broken(error) => self.records.enter(line, Err(error)),
        }
        false
    }
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
