//! Splitting an export of JSON into records, however they are wrapped, and skipping broken ones.

use std::io::{self, Read};

use super::{
    next_page::names_next,
    scan::{Container, LIMIT, Name, Scan, Step},
    source::Source,
};
use crate::audit::preselect::Member;

const NESTING_LIMIT: usize = 32;

/// How to find the next good record after a broken one.
#[derive(Clone, Copy)]
pub(super) enum Looking {
    /// Only on this line: each line is a document of its own.
    OnThisLine,
    /// Anywhere from here on.
    Anywhere,
    /// Within this many bytes.
    Within(usize),
}

/// A piece of an export.
pub(super) enum Piece<'a> {
    /// An object that should be a record, and where its members are, if a first look found them.
    Object(&'a [u8], &'a [Member]),
    /// An object that may have records in it. Unless it is passed over, they come next.
    Wrapper(&'a [u8]),
    /// The part of a table's object before its rows; its last byte may be a comma.
    TableHead(&'a [u8]),
    /// One row of the table whose head came last.
    Row(&'a [u8]),
    /// Something that is no record, and why.
    Broken(&'static str),
}

/// A piece by its length in the source.
pub(super) enum Found {
    Object(usize),
    Wrapper(usize),
    TableHead(usize),
    Row(usize),
    Broken(&'static str),
}

/// An open bracket around records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// Of an array of records.
    Array,
    /// Of an array of rows.
    Rows,
    /// Of an object with such an array: the name of the latest member, and whether its value comes next.
    Object { name: Name, at_value: bool },
}

/// Returns the pieces of an export one at a time, in the memory of one record.
pub(super) struct Splitter<R> {
    pub(super) source: Source<R>,
    pub(super) frames: Vec<Frame>,
    pub(super) looking: Option<Looking>,
    /// How many bytes of the source the latest piece takes up.
    pub(super) taken: usize,
    pub(super) line: u64,
    /// Where the members of the latest piece are.
    pub(super) members: Vec<Member>,
    container: Option<Container>,
    had_broken: bool,
    pub(super) is_unclosed: bool,
    /// Whether the latest page names a next one.
    has_next: bool,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(source: Source<R>) -> Self {
        Self {
            source,
            frames: Vec::new(),
            looking: None,
            taken: 0,
            line: 1,
            members: Vec::new(),
            container: None,
            had_broken: false,
            is_unclosed: false,
            has_next: false,
        }
    }

    /// Whether the last page names a next one.
    pub(super) fn has_next(&self) -> bool {
        self.has_next
    }

    /// Skips what is left of the latest wrapper: all that is in it has been read.
    pub(super) fn pass_over(&mut self) {
        if let Some(Looking::Within(rest)) = self.looking.take() {
            self.taken += rest;
        }
    }

    /// The first container of records that was found.
    pub(super) fn container(&self) -> Option<Container> {
        self.container
    }

    /// Returns the next piece and the line on which it begins.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Piece<'_>)>> {
        self.members.clear();
        let found = self.find()?;
        let rest = self.source.rest();
        Ok(found.map(|found| {
            let piece = match found {
                Found::Object(length) => Piece::Object(&rest[..length], &self.members),
                Found::Wrapper(length) => Piece::Wrapper(&rest[..length]),
                Found::TableHead(length) => Piece::TableHead(&rest[..length]),
                Found::Row(length) => Piece::Row(&rest[..length]),
                Found::Broken(why) => {
                    self.had_broken = true;
                    Piece::Broken(why)
                }
            };
            (self.line, piece)
        }))
    }

    fn find(&mut self) -> io::Result<Option<Found>> {
        self.source.consume(std::mem::take(&mut self.taken));
        loop {
            let found = if let Some(looking) = self.looking {
                self.look(looking)?
            } else {
                let Some(byte) = self.source.skip_while(is_blank)? else {
                    return Ok(self.end());
                };
                self.line = self.source.line();
                match self.frames.last().copied() {
                    Some(Frame::Object { name, at_value }) => self.member(byte, name, at_value)?,
                    frame => self.element(byte, frame)?,
                }
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// A document, or an element of an array.
    fn element(&mut self, byte: u8, frame: Option<Frame>) -> io::Result<Option<Found>> {
        match byte {
            b'{' => self.object(),
            b'[' if frame == Some(Frame::Rows) => {
                let (scan, step) = self.scan()?;
                Ok(Some(match step {
                    Step::Broken(why) => self.broken(why, scan.at),
                    _ => self.take(Found::Row, scan.at),
                }))
            }
            b'[' if self.frames.len() < NESTING_LIMIT => {
                self.source.consume(1);
                self.frames.push(Frame::Array);
                Ok(None)
            }
            b',' => {
                self.source.consume(1);
                Ok(None)
            }
            b']' if frame.is_some() => {
                self.source.consume(1);
                self.frames.pop();
                Ok(None)
            }
            b']' | b'}' if self.had_broken => {
                self.source.consume(1);
                Ok(None)
            }
            b'"' if frame.is_some() => {
                if let Some(length) = self.record_in_text()? {
                    return Ok(Some(self.take(Found::Object, length)));
                }
                self.skip_string()?;
                Ok(Some(Found::Broken("not a JSON object")))
            }
            b'0'..=b'9' | b'a'..=b'z' | b'-' if frame.is_some() => {
                self.source
                    .skip_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'))?;
                Ok(Some(Found::Broken("not a JSON object")))
            }
            _ => {
                self.looking = Some(Looking::OnThisLine);
                self.taken = 1;
                Ok(Some(Found::Broken("not a JSON object")))
            }
        }
    }

    /// Handles what follows the records in the object around them.
    fn member(&mut self, byte: u8, name: Name, at_value: bool) -> io::Result<Option<Found>> {
        let mut next = Frame::Object { name, at_value: byte == b':' };
        match byte {
            b'}' => {
                self.source.consume(1);
                self.frames.pop();
                return Ok(None);
            }
            b'[' if at_value && matches!(name, Name::Of(kind) if kind != Container::List) => {
                self.source.consume(1);
                self.enter_array(name);
                return Ok(None);
            }
            b'{' | b'[' if at_value => {
                let (scan, step) = self.scan()?;
                return Ok(match step {
                    Step::Broken(why) => Some(self.broken(why, scan.at)),
                    Step::Whole if scan.is_record_like => Some(self.take(Found::Object, scan.at)),
                    Step::Whole => {
                        self.source.consume(1);
                        self.looking = Some(Looking::Within(scan.at - 1));
                        (name == Name::Error)
                            .then_some(Found::Broken("the service added an error to its answer"))
                    }
                    Step::Container { kind, name_at, depth } => self.enter(kind, name_at, scan.at, depth),
                    Step::More => None,
                });
            }
            b'"' => {
                let text = self.skip_string()?;
                if !at_value {
                    next = Frame::Object { name: text, at_value: false };
                } else if name == Name::NextLink {
                    self.has_next = true;
                }
            }
            b',' | b':' | b'0'..=b'9' | b'a'..=b'z' | b'-' | b'+' | b'.' | b'E' => {
                self.source.consume(1);
            }
            _ => {
                self.frames.pop();
                self.is_unclosed = true;
                return Ok(Some(Found::Broken(
                    "the object around the records before this place does not end",
                )));
            }
        }
        if let Some(frame) = self.frames.last_mut() {
            *frame = next;
        }
        Ok(None)
    }

    fn object(&mut self) -> io::Result<Option<Found>> {
        if let Some(length) = self.record_at_first_look()? {
            return Ok(Some(self.take(Found::Object, length)));
        }
        let (scan, step) = self.scan()?;
        Ok(match step {
            Step::Container { kind, name_at, depth } => self.enter(kind, name_at, scan.at, depth),
            Step::Broken(why) => Some(self.broken(why, scan.at)),
            _ if !scan.is_record_like => {
                self.looking = Some(Looking::Within(scan.at - 1));
                self.taken = 1;
                Some(Found::Wrapper(scan.at))
            }
            _ => Some(self.take(Found::Object, scan.at)),
        })
    }

    pub(super) fn take(&mut self, found: impl Fn(usize) -> Found, length: usize) -> Found {
        self.taken = length;
        found(length)
    }

    /// Enters the array of records in an object that begins here, with `depth` objects around the array.
    pub(super) fn enter(
        &mut self,
        kind: Container,
        name_at: usize,
        bracket_at: usize,
        depth: u32,
    ) -> Option<Found> {
        self.container.get_or_insert(kind);
        if self.frames.len() > NESTING_LIMIT {
            self.frames.clear();
        }
        if kind != Container::Rows {
            self.has_next = names_next(&self.source.rest()[..name_at], depth);
        }
        for _ in 0..depth {
            self.frames.push(Frame::Object { name: Name::Other, at_value: false });
        }
        self.enter_array(Name::Of(kind));
        self.taken = bracket_at + 1;
        if kind == Container::Rows {
            return Some(Found::TableHead(name_at));
        }
        self.source.consume(std::mem::take(&mut self.taken));
        None
    }

    fn enter_array(&mut self, name: Name) {
        let is_rows = name == Name::Of(Container::Rows);
        self.frames.push(if is_rows { Frame::Rows } else { Frame::Array });
    }

    /// Scans the value that begins here.
    pub(super) fn scan(&mut self) -> io::Result<(Scan, Step)> {
        let mut scan = Scan::new();
        loop {
            let rest = self.source.rest();
            let bytes = &rest[..rest.len().min(LIMIT)];
            let is_at_limit = bytes.len() == LIMIT;
            match scan.advance(bytes) {
                Step::More if is_at_limit => return Ok((scan, Step::Broken("longer than 4 MiB"))),
                Step::More => {
                    if !self.source.more()? {
                        return Ok((scan, Step::Broken("the file ends in the middle of it")));
                    }
                }
                step => return Ok((scan, step)),
            }
        }
    }

    /// Skips a string, at most to the end of its line. Returns what it means as a name.
    fn skip_string(&mut self) -> io::Result<Name> {
        let mut at = 1;
        let mut is_escaped = false;
        loop {
            match self.source.rest().get(at) {
                Some(b'"') if !is_escaped => break,
                Some(b'\n') => {
                    self.source.consume(at);
                    return Ok(Name::Other);
                }
                Some(_) if at > LIMIT => {
                    self.source.consume(at);
                    at = 0;
                }
                Some(byte) => {
                    is_escaped = *byte == b'\\' && !is_escaped;
                    at += 1;
                }
                None => {
                    if !self.source.more()? {
                        self.source.consume(self.source.rest().len());
                        return Ok(Name::Other);
                    }
                }
            }
        }
        let name = Name::of(self.source.rest().get(1..at).unwrap_or_default());
        self.source.consume(at + 1);
        Ok(name)
    }

    /// The length of the string that begins here, with its quotes, if it may be a record as JSON in a text.
    fn record_in_text(&mut self) -> io::Result<Option<usize>> {
        let mut at = 1;
        loop {
            match self.source.rest().get(at) {
                Some(b'"') => {
                    let is_record = self.source.rest()[1..at].starts_with(b"{\\\"")
                        || self.source.rest()[1..at].starts_with(b"eyJ");
                    return Ok(is_record.then_some(at + 1));
                }
                Some(b'\\') => at += 2,
                Some(b'\n') => return Ok(None),
                Some(_) if at > LIMIT => return Ok(None),
                Some(_) => at += 1,
                None => {
                    if !self.source.more()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn end(&mut self) -> Option<Found> {
        let is_cut_off = !self.frames.is_empty() && !self.is_unclosed;
        self.frames.clear();
        self.line = self.source.line();
        is_cut_off.then_some(Found::Broken("the file ends in the middle of the list of records"))
    }
}

/// Whether a byte is blank, a record separator, or part of the byte order mark of a file that was appended.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf | 0x1e)
}
