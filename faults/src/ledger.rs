//! A ledger that is slow, does not answer, loses answers and reports conflicts, and whose index lags.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use shared::{
    clock::Clock,
    ledger::{Document, Key, LedgerError, OutcomeQuery, Store, Write},
};

use crate::{
    steps::{Steps, lock},
    watch::{View, Watch},
};

/// What goes wrong with the ledger, as probabilities per request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// It does not answer, and has done nothing.
    pub(crate) refuses: f64,
    /// It has done what was asked, and the answer is lost.
    pub(crate) loses_answers: f64,
    /// A write meets another one, and is not done.
    pub(crate) conflicts: f64,
    /// It takes up to [`SLOW`].
    pub(crate) slow: f64,
}

const SLOW: Duration = Duration::from_secs(4);

/// An index that shows writes late, shared by all processes.
pub(crate) struct Index {
    lag: SignedDuration,
    clock: Clock,
    /// Documents as they were before their latest writes, in the order of those writes.
    before: Mutex<Vec<(Timestamp, Key, Option<Document>)>>,
}

impl Index {
    pub(crate) fn new(lag: SignedDuration, clock: Clock) -> Self {
        Self { lag, clock, before: Mutex::default() }
    }

    async fn note(&self, store: &dyn Store, writes: &[Write]) -> Result<(), LedgerError> {
        if self.lag.is_zero() {
            return Ok(());
        }
        let keys: Vec<Key> = writes.iter().map(|write| write.document.key.clone()).collect();
        let now = self.clock.now();
        let there = store.get(&keys).await?;
        let mut before = lock(&self.before);
        before.retain(|(at, _, _)| now.duration_since(*at) <= self.lag);
        before.extend(keys.into_iter().zip(there).map(|(key, document)| (now, key, document)));
        Ok(())
    }

    /// Returns the answer as it was a while ago.
    async fn by_outcome(
        &self,
        store: &dyn Store,
        query: &OutcomeQuery,
    ) -> Result<Vec<Document>, LedgerError> {
        let mut shown = store.by_outcome(query).await?;
        let now = self.clock.now();
        let mut late: BTreeMap<Key, Option<Document>> = BTreeMap::new();
        for (at, key, document) in &*lock(&self.before) {
            if now.duration_since(*at) <= self.lag {
                late.entry(key.clone()).or_insert_with(|| document.clone());
            }
        }
        if late.is_empty() {
            return Ok(shown);
        }
        shown.retain(|document| !late.contains_key(&document.key));
        shown.extend(late.into_values().flatten().filter(|document| {
            let behind = query
                .after
                .as_ref()
                .is_none_or(|after| (document.updated_at, &document.key) > (after.updated_at, &after.key));
            document.outcome.as_ref() == Some(&query.outcome)
                && query.until.is_none_or(|until| document.updated_at <= until)
                && behind
        }));
        shown.sort_by(|a, b| (a.updated_at, &a.key).cmp(&(b.updated_at, &b.key)));
        shown.truncate(query.limit);
        Ok(shown)
    }
}

/// The ledger as one process sees it.
pub(crate) struct FaultyStore {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) steps: Arc<Steps>,
    pub(crate) view: Arc<View>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) index: Arc<Index>,
    pub(crate) weather: Weather,
}

impl FaultyStore {
    async fn io<T>(&self, work: impl Future<Output = Result<T, LedgerError>>) -> Result<T, LedgerError> {
        let lost = || LedgerError::Unavailable("no answer".to_owned());
        self.steps.step().await;
        self.dawdle().await;
        if self.steps.happens(self.weather.refuses) {
            return Err(lost());
        }
        let answer = work.await;
        self.steps.step().await;
        self.dawdle().await;
        if self.steps.happens(self.weather.loses_answers) { Err(lost()) } else { answer }
    }

    async fn dawdle(&self) {
        if self.steps.happens(self.weather.slow) {
            tokio::time::sleep(self.steps.some_time(SLOW)).await;
        }
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Document>>, LedgerError> {
        let documents = self.io(self.store.get(keys)).await?;
        self.view.has_read(&documents);
        Ok(documents)
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), LedgerError> {
        let work = async {
            if self.steps.happens(self.weather.conflicts) {
                return Err(LedgerError::Conflict);
            }
            self.index.note(&*self.store, writes).await?;
            self.store.commit(writes).await?;
            for write in writes {
                self.watch.recorded(&self.view, &write.document);
            }
            Ok(())
        };
        self.io(work).await
    }

    async fn commit_each(&self, writes: &[Write]) -> Result<Vec<Result<(), LedgerError>>, LedgerError> {
        let work = async {
            self.index.note(&*self.store, writes).await?;
            self.store.commit_each(writes).await
        };
        self.io(work).await
    }

    async fn by_outcome(&self, query: &OutcomeQuery) -> Result<Vec<Document>, LedgerError> {
        self.io(self.index.by_outcome(&*self.store, query)).await
    }

    async fn count(&self, outcome: &str) -> Result<u64, LedgerError> {
        self.io(self.store.count(outcome)).await
    }

    async fn children(&self, pk: &str, sk_prefix: &str) -> Result<Vec<Document>, LedgerError> {
        self.io(self.store.children(pk, sk_prefix)).await
    }
}
