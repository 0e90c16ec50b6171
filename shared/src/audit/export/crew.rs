//! Reading records on every core, while the file is split on this one.
//!
//! The order stays that of the file: batches go round the workers in turn, and come back in turn. So the result is the
//! same as with one core, and memory is bounded by the batches that are under way.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, Scope},
};

use crate::audit::record::{DirectoryAudit, RecordError, Shape};

/// A batch is handed on once it has this many bytes.
const BATCH: usize = 256 * 1024;
/// More workers than this only wait for the one that splits.
const MOST_WORKERS: usize = 7;
/// How many batches one worker has at a time.
const QUEUE: usize = 2;

/// Records that are read together.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// The line on which each record begins, and where it ends in the bytes.
    pieces: Vec<(u64, usize)>,
}

/// A batch and what each of its records came to.
pub(super) struct Read {
    batch: Batch,
    records: Vec<Result<(DirectoryAudit, Shape), RecordError>>,
}

impl Batch {
    pub(super) fn push(&mut self, line: u64, json: &[u8]) {
        self.bytes.extend_from_slice(json);
        self.pieces.push((line, self.bytes.len()));
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH
    }

    /// Reads it, on this core.
    pub(super) fn read(self) -> Read {
        let records = pieces(&self).map(|(_, json)| DirectoryAudit::from_json(json)).collect();
        Read { batch: self, records }
    }
}

impl Read {
    /// Hands on each record with its line and its JSON, in order.
    pub(super) fn each(self, mut each: impl FnMut(u64, &[u8], Result<(DirectoryAudit, Shape), RecordError>)) {
        for ((line, json), record) in pieces(&self.batch).zip(self.records) {
            each(line, json, record);
        }
    }
}

fn pieces(batch: &Batch) -> impl Iterator<Item = (u64, &[u8])> {
    let starts = std::iter::once(0).chain(batch.pieces.iter().map(|(_, end)| *end));
    batch.pieces.iter().zip(starts).map(|((line, end), start)| (*line, &batch.bytes[start..*end]))
}

/// The workers of one file; none until the first batch is full.
pub(super) struct Crew<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    size: usize,
    workers: Vec<(SyncSender<Batch>, Receiver<Read>)>,
    /// The workers that have a batch, in the order in which the batches came.
    busy: VecDeque<usize>,
    turn: usize,
}

impl<'scope, 'env> Crew<'scope, 'env> {
    /// A crew of one worker for each core but this one.
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            scope,
            size: (cores - 1).min(MOST_WORKERS),
            workers: Vec::new(),
            busy: VecDeque::new(),
            turn: 0,
        }
    }

    /// Takes a batch, and returns the oldest that is read, if it had to wait for it.
    pub(super) fn take(&mut self, batch: Batch) -> Option<Read> {
        if self.size == 0 {
            return Some(batch.read());
        }
        if self.workers.len() < self.size {
            self.hire();
        }
        let oldest = if self.busy.len() >= QUEUE * self.size { self.next() } else { None };
        let worker = self.turn % self.size;
        self.turn += 1;
        if self.workers[worker].0.send(batch).is_ok() {
            self.busy.push_back(worker);
        }
        oldest
    }

    /// Waits for the oldest batch; `None` if none is under way.
    pub(super) fn next(&mut self) -> Option<Read> {
        let worker = self.busy.pop_front()?;
        // A worker that panicked ends the scope in that panic.
        self.workers[worker].1.recv().ok()
    }

    fn hire(&mut self) {
        let (jobs, batches) = sync_channel::<Batch>(QUEUE);
        let (read, results) = sync_channel(QUEUE);
        self.scope.spawn(move || {
            for batch in batches {
                if read.send(batch.read()).is_err() {
                    break;
                }
            }
        });
        self.workers.push((jobs, results));
    }
}
