//! The ledger in `SQLite`.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use shared::ledger::{Document, Expect, Key, LedgerError, OutcomeQuery, Store, Write};
use uuid::Uuid;

use super::{Database, ledger_error, text};

const COLUMNS: &str = "pk, sk, version, write_id, schema, body, outcome, updated_at, expires_at";

#[async_trait]
impl Store for Database {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Document>>, LedgerError> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM documents WHERE pk = ?1 AND sk = ?2"))
            .map_err(ledger_error)?;
        keys.iter()
            .map(|key| statement.query_row([&key.pk, &key.sk], document).optional())
            .collect::<Result<_, _>>()
            .map_err(ledger_error)
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), LedgerError> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(ledger_error)?;
        for write in writes {
            if !put(&transaction, write).map_err(ledger_error)? {
                return Err(LedgerError::Conflict);
            }
        }
        transaction.commit().map_err(ledger_error)
    }

    async fn commit_each(&self, writes: &[Write]) -> Result<Vec<Result<(), LedgerError>>, LedgerError> {
        self.with(|transaction| {
            writes
                .iter()
                .map(|write| {
                    let done = put(transaction, write)?;
                    Ok(if done { Ok(()) } else { Err(LedgerError::Conflict) })
                })
                .collect()
        })
        .map_err(ledger_error)
    }

    async fn by_outcome(&self, query: &OutcomeQuery) -> Result<Vec<Document>, LedgerError> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM documents
                 WHERE outcome = ?1 AND updated_at <= ?2 AND (updated_at, pk, sk) > (?3, ?4, ?5)
                 ORDER BY updated_at, pk, sk LIMIT ?6"
            ))
            .map_err(ledger_error)?;
        let until = query.until.map_or_else(|| "9999".to_owned(), text);
        let (after, pk, sk) = match &query.after {
            Some(cursor) => (text(cursor.updated_at), cursor.key.pk.as_str(), cursor.key.sk.as_str()),
            None => (String::new(), "", ""),
        };
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        statement
            .query_map(params![query.outcome, until, after, pk, sk, limit], document)
            .and_then(Iterator::collect)
            .map_err(ledger_error)
    }

    async fn count(&self, outcome: &str) -> Result<u64, LedgerError> {
        self.lock()
            .prepare_cached("SELECT count(*) FROM documents WHERE outcome = ?1")
            .and_then(|mut statement| statement.query_row([outcome], |row| row.get(0)))
            .map_err(ledger_error)
    }

    async fn children(&self, pk: &str, sk_prefix: &str) -> Result<Vec<Document>, LedgerError> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM documents WHERE pk = ?1 AND substr(sk, 1, length(?2)) = ?2 ORDER BY sk"
            ))
            .map_err(ledger_error)?;
        statement.query_map([pk, sk_prefix], document).and_then(Iterator::collect).map_err(ledger_error)
    }

    fn owner_is_dead(&self, owner: &str) -> bool {
        self.owners.as_ref().is_some_and(|owners| owners.is_dead(owner))
    }
}

/// Writes a document if its condition holds, and says whether it did.
fn put(transaction: &Transaction<'_>, write: &Write) -> rusqlite::Result<bool> {
    let Write { document, expect } = write;
    let there: Option<u64> = transaction
        .prepare_cached("SELECT version FROM documents WHERE pk = ?1 AND sk = ?2")?
        .query_row([&document.key.pk, &document.key.sk], |row| row.get(0))
        .optional()?;
    let holds = match expect {
        Expect::Absent => there.is_none(),
        Expect::Version(version) => there == Some(*version),
        Expect::Any => true,
    };
    if holds {
        transaction
            .prepare_cached(&format!(
                "INSERT OR REPLACE INTO documents ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            ))?
            .execute(params![
                document.key.pk,
                document.key.sk,
                document.version,
                document.write_id.to_string(),
                document.schema,
                document.body,
                document.outcome,
                text(document.updated_at),
                document.expires_at.map(text),
            ])?;
    }
    Ok(holds)
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        key: Key::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?),
        version: row.get(2)?,
        write_id: parsed::<Uuid>(row, 3)?,
        schema: row.get(4)?,
        body: row.get(5)?,
        outcome: row.get(6)?,
        updated_at: parsed::<Timestamp>(row, 7)?,
        expires_at: row.get::<_, Option<String>>(8)?.map(|_| parsed(row, 8)).transpose()?,
    })
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| rusqlite::Error::InvalidColumnType(column, text, rusqlite::types::Type::Text))
}
