//! Reading an export of the audit log, in any known format, as a stream.

mod columns;
mod error;
mod json;
mod records;
mod recover;
mod row;
mod scan;
mod source;
mod split;
mod summary;
mod table;

use std::io::{self, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;
pub use error::{BadRecord, ExportError};
pub use summary::{ExportFormat, Summary};

use self::{records::Records, source::Source};
use super::record::DirectoryAudit;

/// Reads an export and hands each record to `each`, in the file's order and one at a time.
///
/// The format is recognised by content. A record that cannot be read is passed on as a [`BadRecord`], and
/// reading continues after it. Only a file that is no export at all, or that cannot be read, is an error; a
/// list without records is not. Memory stays at a few MiB, however long the file and its lines are.
pub fn read_export(
    mut input: impl Read,
    each: &mut dyn FnMut(Result<DirectoryAudit, BadRecord>),
) -> Result<Summary, ExportError> {
    let mut head = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut head)?;
    if let Some(hint) = hint_by_magic(&head) {
        return Err(ExportError::UnknownFormat { hint: hint.to_owned() });
    }
    let decoded = DecodeReaderBytesBuilder::new()
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

/// If the file begins like one that has to be converted first, says what it is.
fn hint_by_magic(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => Some("it is gzip: unpack it first"),
        [b'P', b'K', 3, 4] => {
            Some("it is a zip archive or an Excel workbook: unpack it, or save it as CSV, first")
        }
        [b'{' | b'[' | b'D' | b'"', 0, ..] | [0, b'{' | b'[' | b'D' | b'"', ..] => {
            Some("it is UTF-16 without a byte order mark: save it as UTF-8 first")
        }
        _ => None,
    }
}
