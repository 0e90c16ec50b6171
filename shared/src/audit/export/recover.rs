//! Finding the next good record after a broken one.

use std::io::{self, Read};

use super::{
    scan::Step,
    split::{Found, Looking, Splitter},
};

impl<R: Read> Splitter<R> {
    /// Reports that the value here is broken at `at`, and decides how to find the next one.
    pub(super) fn broken(&mut self, why: &'static str, at: usize) -> Found {
        let rest = self.source.rest();
        let is_one_line = !rest[..at.min(rest.len())].trim_ascii_end().contains(&b'\n');
        self.is_unclosed |= !self.frames.is_empty();
        let is_document = self.frames.is_empty();
        self.looking = Some(if is_document && is_one_line { Looking::OnThisLine } else { Looking::Anywhere });
        self.taken = 1;
        Found::Broken(why)
    }

    /// Looks for the next object that looks like a record or contains records.
    pub(super) fn look(&mut self, looking: Looking) -> io::Result<Option<Found>> {
        let ends_at_newline = matches!(looking, Looking::OnThisLine);
        let reach = if let Looking::Within(reach) = looking { reach } else { usize::MAX };
        let rest = self.source.rest();
        let window = &rest[..rest.len().min(reach)];
        let found = window.iter().position(|byte| *byte == b'{' || (ends_at_newline && *byte == b'\n'));
        let skipped = found.unwrap_or(window.len());
        let is_object = found.is_some_and(|at| window[at] == b'{');
        self.skip_looking(skipped);
        if !is_object {
            if found.is_some() || skipped == reach || (skipped == 0 && !self.source.more()?) {
                self.looking = None;
            }
            return Ok(None);
        }
        self.line = self.source.line();
        let (scan, step) = self.scan()?;
        match step {
            Step::Container { kind, name_at, depth } => {
                self.looking = None;
                return Ok(self.enter(kind, name_at, scan.at, depth));
            }
            Step::Whole if scan.is_record_like => {
                self.looking = match looking {
                    Looking::Within(reach) => Some(Looking::Within(reach.saturating_sub(skipped + scan.at))),
                    _ => None,
                };
                return Ok(Some(self.take(Found::Object, scan.at)));
            }
            // This object may be broken too, or contain the next good one.
            _ => self.skip_looking(1),
        }
        Ok(None)
    }

    fn skip_looking(&mut self, count: usize) {
        self.source.consume(count);
        if let Some(Looking::Within(reach)) = &mut self.looking {
            *reach = reach.saturating_sub(count);
        }
    }
}
