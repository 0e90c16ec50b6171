//! The code that reads input from outside, fed with any bytes, and what must hold then. The fuzzer and
//! `shared/tests/fuzz_seeds.rs` call the same functions.

mod api;
mod graph;

use std::io::Read;

pub use api::api_requests;
pub use graph::{graph_answers, retry_after};
use shared::{
    audit::{
        DirectoryAudit, Event,
        export::{BadRecord, ExportError, Summary, read_export},
        interpret,
    },
    domain::{ids::UserId, user_ref::UserRef},
    ids_file,
    queue::Message,
};

/// Checks that a text may go into a log line: short, of one line, and with nothing that a terminal obeys.
fn is_clean(text: &str) {
    assert!(text.len() <= 600, "{} bytes: {text:?}", text.len());
    let obeyed = |c: char| {
        c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    assert!(!text.contains(obeyed), "{text:?}");
}

/// An export of the audit log, in any of its formats.
pub fn audit_logs(data: &[u8]) {
    let whole = read(data);
    assert_eq!(whole, read(InPieces(data)), "it matters how the bytes come");
    match whole {
        Err(error) => is_clean(&error),
        Ok((summary, records)) => {
            let good = records.iter().filter(|record| record.is_ok()).count() as u64;
            assert_eq!((summary.records, summary.bad), (good, records.len() as u64 - good));
            for record in records {
                match record {
                    Ok(record) => understood(&record),
                    Err(bad) => is_clean(&bad.to_string()),
                }
            }
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        match DirectoryAudit::from_graph(text) {
            Ok(record) => understood(&record),
            Err(error) => is_clean(&error.to_string()),
        }
    }
}

type Export = Result<(Summary, Vec<Result<DirectoryAudit, BadRecord>>), String>;

fn read(input: impl Read) -> Export {
    let mut records = Vec::new();
    let read: Result<Summary, ExportError> = read_export(input, &mut |_, record| records.push(record));
    read.map(|summary| (summary, records)).map_err(|error| error.to_string())
}

/// Returns at most seven bytes at a time.
struct InPieces<'a>(&'a [u8]);

impl Read for InPieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(7);
        self.0.read(&mut buffer[..most])
    }
}

fn understood(record: &DirectoryAudit) {
    match interpret(record) {
        Event::Registration(registration) => {
            let id = registration.user_id.to_string();
            assert_eq!(id.parse::<UserId>(), Ok(registration.user_id));
            assert_eq!(id, id.to_lowercase());
            assert!(!registration.key().to_string().is_empty());
        }
        Event::Ambiguous(registration) => assert!(!registration.key().to_string().is_empty()),
        _ => {}
    }
}

/// A file of object ids and principal names, one per line.
pub fn ids_file(data: &[u8]) {
    let file = ids_file::read(data).expect("it is in memory");
    let mut known = std::collections::BTreeSet::new();
    for (user, _) in &file.users {
        let text = user.to_string();
        assert_eq!(text.parse::<UserRef>().as_ref(), Ok(user), "{text:?}");
        is_clean(&text);
        assert!(known.insert(user.clone()), "{text} is named twice");
    }
    for (line, cause) in &file.refused {
        assert!(*line > 0);
        is_clean(cause);
    }
}

/// The body of a message of the queue.
pub fn queue_messages(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Message::parse(text) {
        Ok(message) => {
            let body = serde_json::to_string(&message).expect("a message is plain data");
            assert_eq!(Message::parse(&body), Ok(message));
        }
        Err(error) => is_clean(&error.to_string()),
    }
}
