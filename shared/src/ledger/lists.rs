//! Lists and counts by outcome.

use super::{Entry, Ledger, LedgerError, Page, parse};
use crate::{
    domain::outcome,
    ledger::{Cursor, OutcomeQuery},
};

impl Ledger {
    /// Reads one page of the users (and events) that are listed under an outcome. Broken items are logged and
    /// left out.
    pub async fn list(&self, query: &OutcomeQuery) -> Result<Page, LedgerError> {
        let documents = self.store.by_outcome(query).await?;
        let next = (documents.len() == query.limit)
            .then(|| documents.last())
            .flatten()
            .map(|last| Cursor { updated_at: last.updated_at, key: last.key.clone() });
        let mut entries = Vec::with_capacity(documents.len());
        for document in &documents {
            let entry = if document.key.pk.starts_with("EVENT#") {
                parse(document).map(Entry::Event)
            } else {
                parse(document).map(|state| Entry::User(Box::new(state)))
            };
            match entry {
                Ok(entry) => entries.push(entry),
                Err(error @ (LedgerError::Item(_) | LedgerError::Newer(_))) => {
                    tracing::error!(error = %error, "item passed over");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Page { entries, next })
    }

    /// How many users and events are listed under `outcome`.
    pub async fn count(&self, outcome: &str) -> Result<u64, LedgerError> {
        self.store.count(outcome).await
    }

    /// How many are listed under each outcome; those with none are left out.
    pub async fn counts(&self) -> Result<Vec<(String, u64)>, LedgerError> {
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
