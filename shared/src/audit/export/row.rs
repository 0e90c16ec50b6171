//! Rows of a table of comma-separated values.
//!
//! This is not the `csv` crate's reader: there, a quote that does not end swallows the rest of the file, in
//! memory. Here it costs one line.

use std::{
    borrow::Cow,
    io::{self, Read},
};

use memchr::memchr;

use super::{scan::LIMIT, source::Source};
use crate::audit::preselect::either;

/// A row, by its length in the source. If it is broken, `length` is that of its line.
pub(super) enum Row {
    Whole(usize),
    Broken { length: usize, why: &'static str },
}

/// Where in a row the search is.
#[derive(Clone, Copy)]
enum State {
    /// Outside of quotes: a line break ends the row.
    Plain,
    /// In a quoted cell.
    Quoted,
    /// Behind a quote in a quoted cell.
    QuoteInQuoted,
}

/// Finds the row that begins the source; it ends with a newline outside of quotes. Returns `None` at the end.
pub(super) fn find<R: Read>(source: &mut Source<R>, delimiter: u8) -> io::Result<Option<Row>> {
    let mut state = State::Plain;
    let mut at = 0;
    loop {
        let rest = source.rest();
        let rest = &rest[..rest.len().min(LIMIT)];
        let found = match state {
            State::Plain => either(&rest[at..], b'"', b'\n'),
            State::Quoted => memchr(b'"', &rest[at..]),
            State::QuoteInQuoted => (at < rest.len()).then_some(0),
        };
        let Some(found) = found else {
            at = rest.len();
            let is_long = at >= LIMIT;
            if !is_long && source.more()? {
                continue;
            }
            let why = match state {
                State::Quoted => "its quotes do not match",
                _ if is_long => "longer than 4 MiB",
                _ if at == 0 => return Ok(None),
                _ => return Ok(Some(Row::Whole(at))),
            };
            return broken(source, why).map(Some);
        };
        let is_start = |at: usize| at == 0 || rest[at - 1] == delimiter;
        let begins_cell = is_start(at + found);
        let byte = rest[at + found];
        at += found + 1;
        state = match (state, byte) {
            (State::Quoted, _) => State::QuoteInQuoted,
            (State::QuoteInQuoted, b'"') => State::Quoted,
            (_, b'\n') => return Ok(Some(Row::Whole(at))),
            (State::Plain, _) => {
                if begins_cell {
                    State::Quoted
                } else {
                    State::Plain
                }
            }
            (State::QuoteInQuoted, byte) if byte == delimiter => State::Plain,
            (State::QuoteInQuoted, b' ' | b'\r') => State::QuoteInQuoted,
            (State::QuoteInQuoted, _) => {
                return broken(source, "its quotes do not match").map(Some);
            }
        };
    }
}

fn broken<R: Read>(source: &mut Source<R>, why: &'static str) -> io::Result<Row> {
    let line = source.line_length(LIMIT)?;
    Ok(Row::Broken { length: line.unwrap_or(source.rest().len()), why })
}

/// The cells of a row, without quotes and surrounding blanks.
pub(super) fn cells(row: &str, delimiter: u8) -> Vec<Cow<'_, str>> {
    raw_cells(row, delimiter).into_iter().map(unquoted).collect()
}

/// The cells of a row as they stand.
pub(super) fn raw_cells(row: &str, delimiter: u8) -> Vec<&str> {
    let row = row.trim_end_matches(['\n', '\r']);
    let mut cells = Vec::with_capacity(32);
    let bytes = row.as_bytes();
    let (mut start, mut at) = (0, 0);
    let mut is_quoted = false;
    while let Some(found) = either(&bytes[at..], b'"', delimiter) {
        at += found;
        let is_quote = bytes[at] == b'"';
        if is_quote && (is_quoted || at == start) {
            is_quoted = !is_quoted;
        } else if is_quote && bytes[start] == b'"' {
            // The second quote of two within a quoted cell.
            is_quoted = true;
        } else if bytes[at] == delimiter && !is_quoted {
            cells.push(&row[start..at]);
            start = at + 1;
        }
        at += 1;
    }
    cells.push(&row[start..]);
    cells
}

/// A cell without its quotes and surrounding blanks.
pub(super) fn unquoted(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if inner.contains('"') {
        Cow::Owned(inner.trim().replace("\"\"", "\""))
    } else {
        Cow::Borrowed(inner.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_taken_out_of_their_quotes() {
        let row = "a,\"b,\"\"c\"\"\nd\",,\" e \" ,f \"g\",\"\"\r\n";
        assert_eq!(cells(row, b','), ["a", "b,\"c\"\nd", "", "e", "f \"g\"", ""]);
    }

    #[test]
    fn a_row_ends_at_a_newline_outside_of_quotes() {
        let mut source = Source::new(&b"a,\"b\n\"\"c\",d\nx"[..]);
        let Some(Row::Whole(length)) = find(&mut source, b',').unwrap() else { panic!("broken") };
        assert_eq!(length, 12);
        source.consume(length);
        assert!(matches!(find(&mut source, b',').unwrap(), Some(Row::Whole(1))));
        source.consume(1);
        assert!(find(&mut source, b',').unwrap().is_none());
    }

    #[test]
    fn a_quote_that_does_not_end_costs_one_line() {
        for text in ["a,\"b\nc,d\n", "a,\"b\nc,\"d\",e\n"] {
            let mut source = Source::new(text.as_bytes());
            assert!(
                matches!(find(&mut source, b',').unwrap(), Some(Row::Broken { length: 5, .. })),
                "{text}"
            );
        }
    }

    /// What [`find`] must find, byte by byte: where the row ends, or `None` if its quotes do not match.
    fn end(bytes: &[u8]) -> Option<usize> {
        let (mut is_start, mut is_quoted, mut is_behind) = (true, false, false);
        for (at, byte) in bytes.iter().enumerate() {
            (is_start, is_quoted, is_behind) = match byte {
                b'"' if is_quoted => (false, false, true),
                _ if is_quoted => (false, true, false),
                b'"' if is_start || is_behind => (false, true, false),
                b'\n' => return Some(at + 1),
                b',' => (true, false, false),
                b' ' | b'\r' if is_behind => (false, false, true),
                _ if is_behind => return None,
                _ => (false, false, false),
            };
        }
        (!is_quoted).then_some(bytes.len())
    }

    proptest::proptest! {
        #[test]
        fn rows_end_where_each_byte_says(text in "[a\",\n \r\u{e9}]{1,40}") {
            let found = find(&mut Source::new(text.as_bytes()), b',').unwrap();
            let whole = found.and_then(|row| if let Row::Whole(length) = row { Some(length) } else { None });
            proptest::prop_assert_eq!(whole, end(text.as_bytes()));
        }
    }
}
