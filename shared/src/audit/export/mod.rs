//! Reading an export of the audit log, whatever its format, as a stream.

mod columns;
mod error;
mod json;
mod records;
mod recover;
mod row;
mod scan;
mod source;
mod split;
mod table;

use std::{
    fmt,
    io::{self, Read},
};

use encoding_rs_io::DecodeReaderBytesBuilder;
pub use error::{BadRecord, ExportError};

use self::{records::Records, source::Source};
use super::record::DirectoryAudit;

/// The format of an export, recognised by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// Records as Graph answers them and as the portal downloads them: JSON.
    Graph,
    /// The portal's table.
    PortalCsv,
    /// Azure Monitor's envelope, as an Event Hub or a storage account keeps it.
    AzureMonitor,
    /// Rows of the `AuditLogs` table.
    LogAnalytics,
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Graph => "Graph JSON",
            Self::PortalCsv => "portal CSV",
            Self::AzureMonitor => "Azure Monitor",
            Self::LogAnalytics => "Log Analytics",
        })
    }
}

/// What was in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Its format.
    pub format: ExportFormat,
    /// How many audit records were read.
    pub records: u64,
    /// How many records could not be read.
    pub bad: u64,
}

/// Reads an export and hands each record to `each`, in the file's order and one at a time.
///
/// The format is recognised by content. A record that cannot be read is handed on as a [`BadRecord`]
/// and reading goes on behind it; only a file that is no export at all, or that cannot be read, is an
/// error. A list without records is none. Memory stays at a few MiB, however long the file and its
/// lines are.
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

/// What a file is that begins so and has to be made readable first.
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
