//! Finding the end of one JSON value, without reading what is in it.

use crate::audit::{names::plain, preselect::special};

/// The longest that one record may be, in bytes.
pub(super) const LIMIT: usize = 4 * 1024 * 1024;
/// The JSON reader goes no deeper than this.
const DEPTH_LIMIT: u32 = 127;

/// An array whose elements are records, or contain them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// `value`: a page of Graph.
    Value,
    /// `records`: Azure Monitor's envelope.
    Records,
    /// `tables`: the answer to a Log Analytics query, whose elements hold `rows`.
    Tables,
    /// `rows`: arrays with a value for each column, or objects.
    Rows,
    /// A list that another product has around records.
    List,
}

/// What a name says about the object that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// Its value, if it is an array, contains records.
    Of(Container),
    /// Its value, if it is an object, may have such an array.
    Wrapper(Container),
    /// Audit records have this name, with a text as its value.
    Record,
    /// Audit records have this name, or their envelopes do, with anything as its value.
    OfRecord,
    /// Answers that failed have this name.
    Error,
    /// Pages that have another one behind them have this name.
    NextLink,
    Other,
}

impl Name {
    /// What a name says, in any spelling.
    pub(super) fn of(name: &[u8]) -> Self {
        match plain(name).as_bytes() {
            b"value" => Self::Of(Container::Value),
            b"records" => Self::Of(Container::Records),
            b"tables" => Self::Of(Container::Tables),
            b"rows" => Self::Of(Container::Rows),
            b"results" | b"items" | b"events" | b"logs" | b"auditlogs" | b"entries" | b"documents"
            | b"messages" | b"values" => Self::Of(Container::List),
            b"hits" | b"data" | b"body" | b"response" | b"result" => Self::Wrapper(Container::List),
            b"error" => Self::Error,
            b"odatanextlink" | b"nextlink" => Self::NextLink,
            b"activitydatetime" | b"activitydisplayname" => Self::Record,
            b"properties" | b"loggedbyservice" | b"initiatedby" | b"targetresources" | b"creationtime" => {
                Self::OfRecord
            }
            _ => Self::Other,
        }
    }

    /// The container that an array of this name is.
    fn container(self) -> Option<Container> {
        match self {
            Self::Of(kind) | Self::Wrapper(kind) => Some(kind),
            _ => None,
        }
    }
}

/// How far a scan has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// More bytes are needed.
    More,
    /// The value ends at [`Scan::at`].
    Whole,
    /// It is an object around records; their array's bracket is at [`Scan::at`], the array's name begins at
    /// `name_at`, and `depth` objects are around the array.
    Container { kind: Container, name_at: usize, depth: u32 },
    /// It is not JSON, from [`Scan::at`] on.
    Broken(&'static str),
}

/// A scan that can stop anywhere and continue with more bytes.
///
/// Besides the nesting it checks which byte may follow which. That is just enough to notice early that a
/// quote or a bracket is missing, before the next records are taken for a part of this one.
pub(super) struct Scan {
    /// How many bytes have been scanned.
    pub(super) at: usize,
    /// Whether the object has a name that audit records have.
    pub(super) is_record_like: bool,
    /// One bit for each open bracket, the innermost the lowest: 1 for an object, 0 for an array.
    nesting: u128,
    depth: u32,
    string_at: Option<usize>,
    /// The last byte outside of strings that is not blank; a quote stands for a string.
    last: u8,
    name: Name,
    /// Where the latest of the names that are looked at begins and ends, with its quotes.
    name_at: usize,
    name_end: usize,
    /// How many objects are around the names that are looked at: one, or more below wrappers.
    level: u32,
    /// Where an array began that is a container if an object or an array is in it.
    list_at: Option<(Container, usize)>,
    lines: Lines,
}

/// How an object is laid out on lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// On one line, so far.
    One,
    /// Spread over lines, with its first bracket alone on one.
    Spread,
    /// On more than one line, although it began like an object on one line.
    Unexpected,
}

#[derive(Clone, Copy)]
enum Class {
    Blank,
    Newline,
    Literal,
    Separator,
    Quote,
    Open,
    Close,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0u8;
    loop {
        classes[byte as usize] = match byte {
            b' ' | b'\t' | b'\r' => Class::Blank,
            b'\n' => Class::Newline,
            b'0'..=b'9'
            | b'+'
            | b'-'
            | b'.'
            | b'E'
            | b'a'
            | b'e'
            | b'f'
            | b'l'
            | b'n'
            | b'r'
            | b's'
            | b't'
            | b'u' => Class::Literal,
            b',' | b':' => Class::Separator,
            b'"' => Class::Quote,
            b'{' | b'[' => Class::Open,
            b'}' | b']' => Class::Close,
            _ => Class::Other,
        };
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

impl Scan {
    /// A scan of a value that begins with a bracket at the first byte.
    pub(super) fn new() -> Self {
        Self {
            at: 0,
            is_record_like: false,
            nesting: 0,
            depth: 0,
            string_at: None,
            last: b':',
            name: Name::Other,
            name_at: 0,
            name_end: 0,
            level: 1,
            list_at: None,
            lines: Lines::One,
        }
    }

    /// Continues as far as `bytes` reach: the same bytes as last time, followed by more.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Step {
        loop {
            if let Some(string_at) = self.string_at
                && let Some(step) = self.finish_string(bytes, string_at)
            {
                return step;
            }
            let Some(&byte) = bytes.get(self.at) else {
                return Step::More;
            };
            match CLASSES[usize::from(byte)] {
                Class::Blank => {}
                Class::Newline => {
                    if self.lines == Lines::One {
                        let is_bare = self.depth == 1 && self.last == b'{';
                        self.lines = if is_bare { Lines::Spread } else { Lines::Unexpected };
                    }
                }
                Class::Literal | Class::Separator => self.last = byte,
                Class::Quote => {
                    if !matches!(self.last, b'{' | b'[' | b',' | b':') {
                        return Step::Broken("a comma or a quote is missing");
                    }
                    self.string_at = Some(self.at);
                }
                Class::Open => {
                    let begins_line = self.at > 0 && bytes[self.at - 1] == b'\n';
                    if self.is_text_wanted(bytes)
                        && let Some(step) = not_a_date(&bytes[self.at..])
                    {
                        return step;
                    }
                    if let Some(step) = self.open(byte, begins_line) {
                        return step;
                    }
                }
                Class::Close => {
                    if self.is_in_object() != (byte == b'}') {
                        return Step::Broken("a bracket is missing");
                    }
                    self.nesting >>= 1;
                    self.depth -= 1;
                    self.level = self.level.min(self.depth.max(1));
                    self.last = byte;
                    if self.depth == 0 {
                        self.at += 1;
                        return Step::Whole;
                    }
                }
                Class::Other => return Step::Broken("not JSON"),
            }
            self.at += 1;
        }
    }

    /// Whether what comes next is the value of a name that audit records have with a text.
    fn is_text_wanted(&self, bytes: &[u8]) -> bool {
        self.is_record_like
            && self.depth == 1
            && self.last == b':'
            && Name::of(&bytes[self.name_at + 1..self.name_end]) == Name::Record
    }

    fn is_in_object(&self) -> bool {
        self.nesting & 1 == 1
    }

    fn open(&mut self, byte: u8, begins_line: bool) -> Option<Step> {
        let may_open = matches!(self.last, b':' | b'[') || (self.last == b',' && !self.is_in_object());
        let is_next_line = begins_line && byte == b'{' && self.lines == Lines::Unexpected;
        if !may_open || is_next_line {
            return Some(Step::Broken("it does not end before the next one begins"));
        }
        if self.depth == DEPTH_LIMIT {
            return Some(Step::Broken("nested too deeply"));
        }
        if let Some((kind, bracket_at)) = self.list_at.take()
            && self.last == b'['
        {
            self.at = bracket_at;
            return Some(Step::Container { kind, name_at: self.name_at, depth: self.level });
        }
        if self.depth == self.level && self.is_in_object() && !self.is_record_like {
            match self.name.container() {
                Some(Container::List) if byte == b'[' => self.list_at = Some((Container::List, self.at)),
                Some(kind) if byte == b'[' => {
                    return Some(Step::Container { kind, name_at: self.name_at, depth: self.level });
                }
                _ if byte == b'{' && matches!(self.name, Name::Wrapper(_)) => self.level += 1,
                _ => {}
            }
        }
        self.nesting = self.nesting << 1 | u128::from(byte == b'{');
        self.depth += 1;
        self.last = byte;
        None
    }

    /// Takes notice of a name, in an object that has none of a record's so far.
    fn take_name(&mut self, name: &[u8]) {
        self.name = Name::of(name);
        let is_of_record = matches!(self.name, Name::Record | Name::OfRecord);
        if is_of_record && self.depth == 1 {
            self.is_record_like = true;
        } else if is_of_record {
            // A record below wrappers: what is in it is no container.
            self.level = 1;
            self.name = Name::Other;
        }
    }

    /// Moves past the string that begins at `string_at`. A string must end on its line.
    fn finish_string(&mut self, bytes: &[u8], string_at: usize) -> Option<Step> {
        let mut at = self.at.max(string_at + 1);
        loop {
            let Some(found) = special(&bytes[at..]) else {
                self.at = bytes.len();
                return Some(Step::More);
            };
            at += found;
            match bytes[at] {
                b'"' => break,
                b'\n' => {
                    self.at = at;
                    return Some(Step::Broken("a text does not end on its line"));
                }
                b'\\' => match bytes.get(at + 1) {
                    Some(b'\n') => at += 1,
                    Some(_) => at += 2,
                    None => {
                        self.at = at;
                        return Some(Step::More);
                    }
                },
                _ => at += 1,
            }
        }
        if self.depth == self.level && self.is_in_object() && matches!(self.last, b'{' | b',') {
            (self.name_at, self.name_end) = (string_at, at);
            if !self.is_record_like {
                self.take_name(&bytes[string_at + 1..at]);
            }
        }
        self.last = b'"';
        self.string_at = None;
        self.at = at + 1;
        None
    }
}

/// What follows from a bracket where a text should be; nothing if it begins an object that Windows `PowerShell`
/// made of a date, which has the text as its `value`.
fn not_a_date(bytes: &[u8]) -> Option<Step> {
    const BEGIN: &[u8] = b"\"value\"";
    let broken = Some(Step::Broken("a bracket stands where a text should be"));
    let Some(inner) = bytes.strip_prefix(b"{") else { return broken };
    let inner = inner.trim_ascii_start();
    if inner.starts_with(BEGIN) {
        None
    } else if BEGIN.starts_with(inner) {
        Some(Step::More)
    } else {
        broken
    }
}
