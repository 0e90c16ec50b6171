//! The ledger in DynamoDB: one table with `pk` and `sk`, the sparse index `by_outcome`, and time to
//! live by `expires_at`. It is never scanned.

mod error;
mod item;

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::query::{QueryError, QueryOutput, builders::QueryFluentBuilder},
    types::{
        AttributeValue, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, Select,
        TransactWriteItem,
    },
};
use futures::{StreamExt, stream};
use shared::ledger::{Document, Expect, Key, LedgerError, OutcomeQuery, Store, Write};

use self::{
    error::{Failure, failure},
    item::{Item, document, key, sortable, to_item},
};

/// The index that lists state items by their outcome.
const BY_OUTCOME: &str = "by_outcome";

/// Requests in flight at once, if each item needs its own.
const AT_ONCE: usize = 16;

/// How often a request is sent at most if DynamoDB itself fails, beyond the SDK's own retries.
const TRIES: u32 = 6;

/// Keys in one `BatchGetItem`.
const KEYS: usize = 100;

/// The ledger's store, in one DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoDbStore {
    client: Client,
    table: String,
}

impl DynamoDbStore {
    /// Uses `table`, which must exist.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Writes one document if its condition holds. If the condition fails because an earlier attempt of this
    /// very write was done and its answer lost, the write counts as done.
    async fn put(&self, write: &Write) -> Result<(), LedgerError> {
        let condition = Condition::of(write.expect);
        self.patiently(|| {
            self.client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(to_item(&write.document)))
                .set_condition_expression(condition.expression())
                .set_expression_attribute_values(condition.values())
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
        })
        .await
        .map(drop)
        .or_else(|failure| failure.unless_own(std::slice::from_ref(write)))
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), LedgerError> {
        let items: Vec<TransactWriteItem> =
            writes.iter().map(|write| self.transact_item(write)).collect::<Result<_, _>>()?;
        // The id of the first write names the transaction: a repeat is answered like the first attempt.
        let token = writes.first().map(|write| write.document.write_id.to_string());
        self.patiently(|| {
            self.client
                .transact_write_items()
                .set_client_request_token(token.clone())
                .set_transact_items(Some(items.clone()))
                .send()
        })
        .await
        .map(drop)
        .or_else(|failure| failure.unless_own(writes))
    }

    fn transact_item(&self, write: &Write) -> Result<TransactWriteItem, LedgerError> {
        let condition = Condition::of(write.expect);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(to_item(&write.document)))
            .set_condition_expression(condition.expression())
            .set_expression_attribute_values(condition.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| LedgerError::Unusable(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Reads up to [`KEYS`] different keys. Asks again for what DynamoDB leaves unread.
    async fn batch(&self, keys: &[&Key]) -> Result<Vec<Document>, LedgerError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut wanted: Vec<Item> = keys.iter().map(|wanted| key(wanted)).collect();
        for attempt in 0.. {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()
                .map_err(|error| LedgerError::Unusable(error.to_string()))?;
            let answer = self
                .patiently(|| self.client.batch_get_item().request_items(&self.table, request.clone()).send())
                .await
                .map_err(LedgerError::from)?;
            for item in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                found.push(document(&item));
            }
            let left = answer.unprocessed_keys.and_then(|mut keys| keys.remove(&self.table));
            match left.map(|left| left.keys).filter(|keys| !keys.is_empty()) {
                None => break,
                Some(_) if attempt + 1 == TRIES => {
                    return Err(LedgerError::Unavailable("DynamoDB leaves keys unread".to_owned()));
                }
                Some(keys) => wanted = keys,
            }
            tokio::time::sleep(backoff(attempt)).await;
        }
        Ok(found)
    }

    /// Sends a request again if DynamoDB was throttled or another transaction was in the way.
    async fn patiently<T, E, F>(&self, send: impl Fn() -> F) -> Result<T, Failure>
    where
        E: aws_sdk_dynamodb::error::ProvideErrorMetadata + error::Items,
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        for attempt in 1.. {
            let failure = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => failure(&error, &self.table),
            };
            if attempt == TRIES || !failure.passes() {
                return Err(failure);
            }
            tokio::time::sleep(backoff(attempt)).await;
        }
        unreachable!("the last try returns")
    }

    /// Reads all pages of a query, until `limit` items are found.
    async fn pages(
        &self,
        query: QueryFluentBuilder,
        mut from: Option<Item>,
        limit: Option<usize>,
        mut take: impl FnMut(QueryOutput) -> usize,
    ) -> Result<(), LedgerError> {
        let mut found = 0;
        loop {
            let page_limit = limit.map(|limit| i32::try_from(limit - found).unwrap_or(i32::MAX));
            let mut page = self
                .patiently::<_, QueryError, _>(|| {
                    query
                        .clone()
                        .table_name(&self.table)
                        .set_exclusive_start_key(from.clone())
                        .set_limit(page_limit)
                        .send()
                })
                .await
                .map_err(LedgerError::from)?;
            from = page.last_evaluated_key.take();
            found += take(page);
            if from.is_none() || limit.is_some_and(|limit| found >= limit) {
                return Ok(());
            }
        }
    }

    fn listed(&self, outcome: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .index_name(BY_OUTCOME)
            .expression_attribute_values(":outcome", AttributeValue::S(outcome.to_owned()))
    }
}

#[async_trait]
impl Store for DynamoDbStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Document>>, LedgerError> {
        if let [only] = keys {
            let answer = self
                .patiently(|| {
                    self.client
                        .get_item()
                        .table_name(&self.table)
                        .set_key(Some(key(only)))
                        .consistent_read(true)
                        .send()
                })
                .await
                .map_err(LedgerError::from)?;
            return Ok(vec![answer.item.map(|item| document(&item))]);
        }
        // DynamoDB refuses a key that comes twice.
        let mut different: Vec<&Key> = keys.iter().collect();
        different.sort();
        different.dedup();
        let mut found: HashMap<Key, Document> = HashMap::with_capacity(keys.len());
        for chunk in different.chunks(KEYS) {
            found.extend(self.batch(chunk).await?.into_iter().map(|found| (found.key.clone(), found)));
        }
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), LedgerError> {
        match writes {
            [] => Ok(()),
            [only] => self.put(only).await,
            _ => self.transact(writes).await,
        }
    }

    async fn commit_each(&self, writes: &[Write]) -> Result<Vec<Result<(), LedgerError>>, LedgerError> {
        let puts: Vec<_> = writes.iter().map(|write| self.put(write)).collect();
        let done: Vec<_> = stream::iter(puts).buffered(AT_ONCE).collect().await;
        done.into_iter()
            .map(|done| match done {
                Err(error) if error != LedgerError::Conflict => Err(error),
                done => Ok(done),
            })
            .collect()
    }

    async fn by_outcome(&self, query: &OutcomeQuery) -> Result<Vec<Document>, LedgerError> {
        let mut documents = Vec::new();
        if query.limit == 0 {
            return Ok(documents);
        }
        let request = match query.until {
            None => self.listed(&query.outcome).key_condition_expression("outcome = :outcome"),
            Some(until) => self
                .listed(&query.outcome)
                .key_condition_expression("outcome = :outcome AND updated_at <= :until")
                .expression_attribute_values(":until", AttributeValue::S(sortable(until))),
        };
        let from = query.after.as_ref().map(|cursor| {
            let mut from = key(&cursor.key);
            from.insert("outcome".to_owned(), AttributeValue::S(query.outcome.clone()));
            from.insert("updated_at".to_owned(), AttributeValue::S(sortable(cursor.updated_at)));
            from
        });
        self.pages(request, from, Some(query.limit), |page| {
            let items = page.items.unwrap_or_default();
            documents.extend(items.iter().map(document));
            items.len()
        })
        .await?;
        Ok(documents)
    }

    async fn count(&self, outcome: &str) -> Result<u64, LedgerError> {
        let mut count = 0;
        let request =
            self.listed(outcome).key_condition_expression("outcome = :outcome").select(Select::Count);
        self.pages(request, None, None, |page| {
            count += u64::try_from(page.count).unwrap_or(0);
            0
        })
        .await?;
        Ok(count)
    }

    async fn children(&self, pk: &str, sk_prefix: &str) -> Result<Vec<Document>, LedgerError> {
        let mut documents = Vec::new();
        let request = self
            .client
            .query()
            .consistent_read(true)
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
        let request = if sk_prefix.is_empty() {
            request.key_condition_expression("pk = :pk")
        } else {
            request
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(sk_prefix.to_owned()))
        };
        self.pages(request, None, None, |page| {
            documents.extend(page.items().iter().map(document));
            0
        })
        .await?;
        Ok(documents)
    }
}

/// A condition in DynamoDB's syntax.
struct Condition(Expect);

impl Condition {
    fn of(expect: Expect) -> Self {
        Self(expect)
    }

    fn expression(&self) -> Option<String> {
        match self.0 {
            Expect::Absent => Some("attribute_not_exists(pk)".to_owned()),
            Expect::Version(_) => Some("version = :version".to_owned()),
            Expect::Any => None,
        }
    }

    fn values(&self) -> Option<Item> {
        match self.0 {
            Expect::Version(version) => {
                Some(Item::from([(":version".to_owned(), AttributeValue::N(version.to_string()))]))
            }
            Expect::Absent | Expect::Any => None,
        }
    }
}

/// Waits at random, from 12 ms at first to about a second.
fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(25 << attempt.min(6)).mul_f64(0.5 + fastrand::f64())
}
