//! Lists and counts by outcome.

use super::{Book, BookError, Entry, Page, parse};
use crate::{
    ledger::{Cursor, OutcomeQuery},
    outcome,
};

impl Book {
    /// One page of the users (and events) that are listed under `outcome`.
    pub async fn list(&self, query: &OutcomeQuery) -> Result<Page, BookError> {
        let documents = self.ledger.by_outcome(query).await?;
        let next = (documents.len() == query.limit)
            .then(|| documents.last())
            .flatten()
            .map(|last| Cursor { updated_at: last.updated_at, key: last.key.clone() });
        let entries = documents
            .iter()
            .map(|document| {
                if document.key.pk.starts_with("EVENT#") {
                    parse(document).map(Entry::Event)
                } else {
                    parse(document).map(|state| Entry::User(Box::new(state)))
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(Page { entries, next })
    }

    /// How many are listed under `outcome`.
    pub async fn count(&self, outcome: &str) -> Result<u64, BookError> {
        self.ledger.count(outcome).await
    }

    /// How many are listed under each outcome; those with none are left out.
    pub async fn counts(&self) -> Result<Vec<(String, u64)>, BookError> {
        let mut counts = Vec::new();
        let names = std::iter::once("pending".to_owned())
            .chain(outcome::Outcome::all().into_iter().map(|outcome| outcome.to_string()));
        for name in names {
            let count = self.count(&name).await?;
            if count > 0 {
                counts.push((name, count));
            }
        }
        Ok(counts)
    }
}
