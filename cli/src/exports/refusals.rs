//! What was refused in one file: each kind once, with its first place and a count.

use std::fmt;

use shared::audit::export::BadRecord;

/// Refused records of one file, by kind.
#[derive(Default)]
pub(super) struct Refusals {
    kinds: Vec<Kind>,
}

struct Kind {
    first: BadRecord,
    /// How many came after the first, and the line of the last one.
    more: u64,
    last_line: Option<u64>,
}

impl Refusals {
    pub(super) fn add(&mut self, bad: BadRecord) {
        match self.kinds.iter_mut().find(|kind| kind.first.kind == bad.kind) {
            Some(kind) => {
                kind.more += 1;
                kind.last_line = bad.line;
            }
            None => self.kinds.push(Kind { first: bad, more: 0, last_line: None }),
        }
    }

    /// One line for each kind, in the order in which they came.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.kinds.iter().map(ToString::to_string)
    }
}

/// Lines of a list of users that were refused: each cause once, with the number of its first line.
pub fn of_list(refused: &[(usize, String)]) -> Vec<String> {
    let mut kinds: Vec<(usize, &str, More)> = Vec::new();
    for (line, cause) in refused {
        match kinds.iter_mut().find(|(_, known, _)| known == cause) {
            Some((_, _, more)) => {
                more.count += 1;
                more.last_line = Some(*line as u64);
            }
            None => kinds.push((*line, cause, More { count: 0, last_line: None })),
        }
    }
    kinds.iter().map(|(line, cause, more)| format!("{line}: {cause}{more}")).collect()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.first, More { count: self.more, last_line: self.last_line })
    }
}

/// How many more there were like the first, and where the last one is.
pub(super) struct More {
    pub(super) count: u64,
    pub(super) last_line: Option<u64>,
}

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.count, self.last_line) {
            (0, _) => Ok(()),
            (count, Some(line)) => write!(f, " (and {count} more like it, the last on line {line})"),
            (count, None) => write!(f, " (and {count} more like it)"),
        }
    }
}
