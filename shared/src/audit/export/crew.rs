//! Reading records on every core, while the file is split on this one.
//!
//! The order stays that of the file: batches go round the workers in turn, and come back in turn. So the result is the
//! same as with one core, and memory is bounded by the batches that are under way.

use std::{
    collections::VecDeque,
    mem,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, Scope},
};

use crate::audit::preselect::Member;

/// A batch is handed on once it has this many bytes.
const BATCH: usize = 256 * 1024;
/// More workers than this only wait for the one that splits.
const MOST_WORKERS: usize = 7;
/// How many batches one worker has at a time.
const QUEUE: usize = 2;

/// Records that are read together.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    /// Where the members of each record are in it, if that is known.
    members: Vec<Member>,
}

/// Where a record is in the file and in its batch.
struct Piece {
    /// The line on which it begins.
    line: u64,
    /// Where it ends in the bytes.
    end: usize,
    /// Where its members end in those of the batch.
    members_end: usize,
}

/// A batch and what each of its records came to.
pub(super) struct Read<T> {
    batch: Batch,
    results: Vec<T>,
}

impl Batch {
    fn push(&mut self, line: u64, record: &[u8], members: &[Member]) {
        self.bytes.extend_from_slice(record);
        self.members.extend_from_slice(members);
        let (end, members_end) = (self.bytes.len(), self.members.len());
        self.pieces.push(Piece { line, end, members_end });
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH
    }

    /// Reads each record, on this core.
    fn read<T>(self, read: impl Fn(&[u8], &[Member]) -> T) -> Read<T> {
        let results = pieces(&self).map(|(_, record, members)| read(record, members)).collect();
        Read { batch: self, results }
    }
}

impl<T> Read<T> {
    /// Hands on each record with its line, its bytes and what it came to, in order.
    pub(super) fn each(self, mut each: impl FnMut(u64, &[u8], T)) {
        for ((line, record, _), result) in pieces(&self.batch).zip(self.results) {
            each(line, record, result);
        }
    }
}

fn pieces(batch: &Batch) -> impl Iterator<Item = (u64, &[u8], &[Member])> {
    let (mut start, mut members_start) = (0, 0);
    batch.pieces.iter().map(move |piece| {
        let start = mem::replace(&mut start, piece.end);
        let members_start = mem::replace(&mut members_start, piece.members_end);
        (piece.line, &batch.bytes[start..piece.end], &batch.members[members_start..piece.members_end])
    })
}

/// The workers of one file; none until the first batch is full.
pub(super) struct Crew<'scope, 'env, T, F> {
    scope: &'scope Scope<'scope, 'env>,
    /// Turns the bytes of one record into what the summary and the scan need of it.
    read: F,
    size: usize,
    workers: Vec<(SyncSender<Batch>, Receiver<Read<T>>)>,
    /// The workers that have a batch, in the order in which the batches came.
    busy: VecDeque<usize>,
    turn: usize,
    /// Records that no worker has yet.
    batch: Batch,
}

impl<'scope, 'env, T, F> Crew<'scope, 'env, T, F>
where
    T: Send + 'scope,
    F: Fn(&[u8], &[Member]) -> T + Copy + Send + 'scope,
{
    /// A crew of one worker for each core but this one.
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, read: F) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            scope,
            read,
            size: (cores - 1).min(MOST_WORKERS),
            workers: Vec::new(),
            busy: VecDeque::new(),
            turn: 0,
            batch: Batch::default(),
        }
    }

    /// Takes a record, and returns the oldest batch that is read, if it had to wait for it.
    pub(super) fn take(&mut self, line: u64, record: &[u8], members: &[Member]) -> Option<Read<T>> {
        self.batch.push(line, record, members);
        if !self.batch.is_full() {
            return None;
        }
        let batch = mem::take(&mut self.batch);
        if self.size == 0 {
            return Some(batch.read(self.read));
        }
        if self.workers.len() < self.size {
            self.hire();
        }
        let oldest = if self.busy.len() >= QUEUE * self.size { self.oldest() } else { None };
        let worker = self.turn % self.size;
        self.turn += 1;
        if self.workers[worker].0.send(batch).is_ok() {
            self.busy.push_back(worker);
        }
        oldest
    }

    /// Waits for the oldest batch that is under way, and reads the last one itself; `None` if there is none.
    pub(super) fn next(&mut self) -> Option<Read<T>> {
        self.oldest().or_else(|| {
            let rest = mem::take(&mut self.batch);
            (!rest.pieces.is_empty()).then(|| rest.read(self.read))
        })
    }

    fn oldest(&mut self) -> Option<Read<T>> {
        let worker = self.busy.pop_front()?;
        // A worker that panicked ends the scope in that panic.
        self.workers[worker].1.recv().ok()
    }

    fn hire(&mut self) {
        let (jobs, batches) = sync_channel::<Batch>(QUEUE);
        let (results_in, results) = sync_channel(QUEUE);
        let read = self.read;
        self.scope.spawn(move || {
            for batch in batches {
                if results_in.send(batch.read(read)).is_err() {
                    break;
                }
            }
        });
        self.workers.push((jobs, results));
    }
}
