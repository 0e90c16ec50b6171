//! Schedules of faults with the ledger in DynamoDB. `MFA_ROLLBACK_SCHEDULES=300` plays so many.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use ::faults::{Run, run_on};
use async_trait::async_trait;
use functions::dynamodb::DynamoDbStore;
use shared::ledger::{Document, Key, LedgerError, OutcomeQuery, Store, Write};
use tokio::runtime::Handle;

use crate::support::{
    doubles::{Double, Service},
    stack::Stack,
};

/// A ledger in a runtime whose time is real. To the schedule, whose time is not, its answers take none.
struct Elsewhere {
    store: DynamoDbStore,
    runtime: Handle,
}

impl Elsewhere {
    fn wait<T: Send>(&self, answer: impl Future<Output = T> + Send) -> T {
        thread::scope(|scope| scope.spawn(|| self.runtime.block_on(answer)).join().unwrap())
    }
}

#[async_trait]
impl Store for Elsewhere {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Document>>, LedgerError> {
        self.wait(self.store.get(keys))
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), LedgerError> {
        self.wait(self.store.commit(writes))
    }

    async fn commit_each(&self, writes: &[Write]) -> Result<Vec<Result<(), LedgerError>>, LedgerError> {
        self.wait(self.store.commit_each(writes))
    }

    async fn by_outcome(&self, query: &OutcomeQuery) -> Result<Vec<Document>, LedgerError> {
        self.wait(self.store.by_outcome(query))
    }

    async fn count(&self, outcome: &str) -> Result<u64, LedgerError> {
        self.wait(self.store.count(outcome))
    }

    async fn children(&self, pk: &str, sk_prefix: &str) -> Result<Vec<Document>, LedgerError> {
        self.wait(self.store.children(pk, sk_prefix))
    }
}

fn play(seed: u64, runtime: &Handle) -> Run {
    let stack = runtime.block_on(async {
        let stack = Stack::create(Service::shared(Double::Ministack)).await;
        stack.without_expiry().await
    });
    let store = DynamoDbStore::new(stack.dynamodb, stack.table);
    let runtime = runtime.clone();
    run_on(seed, move |_, _| -> Arc<dyn Store> { Arc::new(Elsewhere { store, runtime }) })
}

#[expect(clippy::disallowed_methods, reason = "it is a setting of the test")]
fn schedules() -> u64 {
    std::env::var("MFA_ROLLBACK_SCHEDULES").map_or(10, |count| count.parse().unwrap())
}

#[test]
fn no_schedule_breaks_an_invariant_with_the_ledger_in_dynamodb() {
    let schedules = schedules();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let next = AtomicU64::new(0);
    let one = || {
        let seeds = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)).filter(|seed| *seed < schedules));
        seeds.map(|seed| play(seed, runtime.handle())).collect::<Vec<_>>()
    };
    let runs = thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(one)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let deleted: u64 = runs.iter().map(|run| run.tally.deleted).sum();
    let broken: Vec<_> = runs.into_iter().filter(|run| !run.violations.is_empty()).collect();
    assert!(broken.is_empty(), "{} of {schedules} schedules: {broken:#?}", broken.len());
    // Most of a schedule's people have to be held.
    assert!(deleted > schedules / 2, "{deleted}");
}
