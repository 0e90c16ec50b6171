//! The bytes of an export: a window on the input that moves forward and grows with the record in it.

use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memchr_iter};

/// How much is read at once.
pub(super) const CHUNK: usize = 256 * 1024;

/// What has been read and is still needed: no more than one record and one chunk.
pub(super) struct Source<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    line: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; CHUNK], start: 0, end: 0, line: 1 }
    }

    /// What has been read and not consumed yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The line on which [`Source::rest`] begins; the first is 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Reads more after [`Source::rest`]. Returns `false` at the end of the input.
    pub(super) fn more(&mut self) -> io::Result<bool> {
        if self.end == self.buffer.len() {
            self.make_room();
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() - self.end < CHUNK {
            self.buffer.resize(self.end + CHUNK, 0);
        }
    }

    /// Consumes `count` bytes of [`Source::rest`].
    pub(super) fn consume(&mut self, count: usize) {
        self.line += memchr_iter(b'\n', &self.rest()[..count]).count() as u64;
        self.start += count;
    }

    /// Consumes bytes while `skip` says yes. Returns the first byte that it says no to, or `None` at the end.
    pub(super) fn skip_while(&mut self, skip: impl Fn(u8) -> bool) -> io::Result<Option<u8>> {
        loop {
            if let Some(at) = self.rest().iter().position(|byte| !skip(*byte)) {
                let byte = self.rest()[at];
                self.consume(at);
                return Ok(Some(byte));
            }
            self.consume(self.rest().len());
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// The length of the line that begins here, including its newline; `None` if it is longer than `limit`.
    pub(super) fn line_length(&mut self, limit: usize) -> io::Result<Option<usize>> {
        let mut seen = 0;
        loop {
            if let Some(at) = memchr(b'\n', &self.rest()[seen..]) {
                return Ok(Some(seen + at + 1).filter(|length| *length <= limit));
            }
            seen = self.rest().len();
            if seen > limit {
                return Ok(None);
            }
            if !self.more()? {
                return Ok(Some(seen));
            }
        }
    }
}
