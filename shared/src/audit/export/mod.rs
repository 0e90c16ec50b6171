//! Reading an export of the audit log, in any known format, as a stream.

mod columns;
mod crew;
mod encoding;
mod error;
mod first_look;
mod guess;
mod json;
mod named;
mod next_page;
mod open;
mod page;
mod query;
mod records;
mod recover;
mod row;
mod scan;
mod source;
mod split;
mod summary;
mod table;

use std::io::{self, Read};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
pub use error::{BadRecord, ExportError};
pub use page::{Broken, Salvage, salvage};
pub use summary::{ExportFormat, Partial, Summary};

use self::{records::Records, source::Source};
use super::record::DirectoryAudit;

/// Reads an export and hands each record to `each`, in the file's order and one at a time, with the line on
/// which it begins.
///
/// The format is recognised by content. A record that cannot be read is passed on as a [`BadRecord`], and
/// reading continues after it. Only a file that is no export at all, or that cannot be read, is an error; a
/// list without records is not. Memory stays at a few MiB, however long the file and its lines are.
pub fn read_export(
    mut input: impl Read,
    each: &mut dyn FnMut(u64, Result<DirectoryAudit, BadRecord>),
) -> Result<Summary, ExportError> {
    let mut head = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut head)?;
    if let Some(hint) = hint_by_magic(&head) {
        return Err(ExportError::UnknownFormat { hint: hint.to_owned() });
    }
    let decoded = DecodeReaderBytesBuilder::new()
        .encoding(utf_16_without_mark(&head))
        .utf8_passthru(true)
        .strip_bom(true)
        .build(io::Cursor::new(head).chain(input));
    let mut source = Source::new(decoded);
    match source.skip_while(|byte| byte.is_ascii_whitespace())? {
        None => Err(ExportError::Empty),
        Some(b'{' | b'[') => json::read(source, Records::new(each)),
        Some(_) => table::read(source, Records::new(each)),
    }
}

/// UTF-16, if the file begins like ASCII in it and has no byte order mark.
fn utf_16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [1..=0x7f, 0, 1..=0x7f, 0] => Some(UTF_16LE),
        [0, 1..=0x7f, 0, 1..=0x7f] => Some(UTF_16BE),
        _ => None,
    }
}

/// If the file begins like one that has to be converted first, says what it is.
fn hint_by_magic(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => Some("it is gzip: unpack it first"),
        [0x28, 0xb5, 0x2f, 0xfd] => Some("it is zstd: unpack it first"),
        [b'P', b'K', 3, 4] => {
            Some("it is a zip archive or an Excel workbook: unpack it, or save it as CSV, first")
        }
        [b'O', b'b', b'j', 1] => Some("it is Avro (Event Hubs Capture): convert it to JSON first"),
        [b'P', b'A', b'R', b'1'] => Some("it is Parquet: convert it to JSON or CSV first"),
        [b'S', b'Q', b'L', b'i'] => Some("it is an SQLite database: export its records as JSON or CSV"),
        [0xd0, 0xcf, 0x11, 0xe0] => Some("it is an old Excel workbook: save it as CSV first"),
        [b'7', b'z', 0xbc, 0xaf] => Some("it is a 7-Zip archive: unpack it first"),
        [b'%', b'P', b'D', b'F'] => Some("it is PDF: export the audit log as JSON"),
        _ => None,
    }
}
