//! Reading Avro as Event Hubs Capture writes it: each record keeps one message in `Body`.

use std::io::{self, Read};

use apache_avro::{Reader, types::Value};

/// A block of records that is larger, in bytes, is refused: captures have one for each MiB.
const LARGEST_BLOCK: usize = 64 << 20;

/// The messages, one behind another, each on its own line.
pub(super) struct Bodies<R: Read> {
    records: Reader<'static, R>,
    body: io::Cursor<Vec<u8>>,
}

impl<R: Read> Bodies<R> {
    /// Reads the header. An error says that it is not such Avro.
    pub(super) fn new(input: R) -> io::Result<Self> {
        apache_avro::util::max_allocation_bytes(LARGEST_BLOCK);
        let records = Reader::new(input).map_err(|error| broken(&error))?;
        Ok(Self { records, body: io::Cursor::default() })
    }
}

impl<R: Read> Read for Bodies<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.body.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(record) = self.records.next() else { return Ok(0) };
            let mut body = body(record.map_err(|error| broken(&error))?)?;
            body.push(b'\n');
            self.body = io::Cursor::new(body);
        }
    }
}

/// The message of one record.
fn body(record: Value) -> io::Result<Vec<u8>> {
    let Value::Record(fields) = record else { return Err(no_body()) };
    let body = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("body")).ok_or_else(no_body)?;
    match body.1 {
        Value::Union(_, inner) => text(*inner),
        value => text(value),
    }
}

fn text(value: Value) -> io::Result<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        Value::String(text) => Ok(text.into_bytes()),
        Value::Null => Ok(Vec::new()),
        _ => Err(no_body()),
    }
}

fn no_body() -> io::Error {
    let why = "it is Avro, but not as Event Hubs Capture writes it (a record without Body): convert it to JSON first";
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn broken(error: &apache_avro::Error) -> io::Error {
    let why = shared::text::clip(&error.to_string(), 120);
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("it is Avro, and broken ({why}): capture it again, or convert it to JSON"),
    )
}
