//! What a ledger is kept in: a store of small versioned documents under `pk`/`sk` keys, which change only on the
//! condition that nobody else changed them meanwhile.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::key::Key;

/// The version of the documents' shape. A newer one is left for newer code.
pub const SCHEMA: u32 = 2;

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it is.
    pub key: Key,
    /// How often it was written; conditions go by it.
    pub version: u64,
    /// Who wrote it last: tells an own write whose answer was lost from a lost race.
    pub write_id: Uuid,
    /// The shape of `body`.
    pub schema: u32,
    /// JSON.
    pub body: String,
    /// The outcome under which [`Store::by_outcome`] finds it.
    pub outcome: Option<String>,
    /// When it was written last.
    pub updated_at: Timestamp,
    /// When it may be forgotten. It may still be there later.
    pub expires_at: Option<Timestamp>,
}

/// On what condition a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is none under this key.
    Absent,
    /// There is one with this version.
    Version(u64),
    /// It does not matter.
    Any,
}

/// One conditional write. The document's `version` is the one it will have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// What is written.
    pub document: Document,
    /// On what condition.
    pub expect: Expect,
}

/// Why a ledger did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A condition failed: read again and look.
    #[error("somebody else changed the ledger meanwhile")]
    Conflict,
    /// Try again later; a write may or may not have been done.
    #[error("the ledger cannot be reached: {0}")]
    Unavailable(String),
    /// This one item is damaged.
    #[error("{0}")]
    Item(String),
    /// This one item was written by newer code: leave it for that.
    #[error("{0}")]
    Newer(String),
    /// Stop: it is damaged, another tenant's, or written by a newer version.
    #[error("{0}")]
    Unusable(String),
}

/// Where a list goes on: behind the document that was last on the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Its `updated_at`.
    pub updated_at: Timestamp,
    /// Its key.
    pub key: Key,
}

/// What a list is asked for.
#[derive(Debug, Clone)]
pub struct OutcomeQuery {
    /// The outcome, with its reason.
    pub outcome: String,
    /// Only documents written at or before.
    pub until: Option<Timestamp>,
    /// Where to go on.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: usize,
}

/// A store of versioned documents. Reads see every write that was answered before them, except
/// [`by_outcome`](Store::by_outcome), which may lag.
#[async_trait]
pub trait Store: Send + Sync {
    /// Reads documents, in the order of the keys; at most 100 keys.
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Document>>, LedgerError>;

    /// Writes all or none; at most 25. [`LedgerError::Conflict`] where a condition fails; one that
    /// fails because this very write (by its `write_id`) was done before may be answered as done.
    async fn commit(&self, writes: &[Write]) -> Result<(), LedgerError>;

    /// Writes each by itself. Says for each whether its condition held.
    async fn commit_each(&self, writes: &[Write]) -> Result<Vec<Result<(), LedgerError>>, LedgerError>;

    /// Documents with an outcome, the longest unchanged first. May lag behind writes: whoever acts
    /// on a document reads it again.
    async fn by_outcome(&self, query: &OutcomeQuery) -> Result<Vec<Document>, LedgerError>;

    /// How many documents have an outcome. May lag behind writes.
    async fn count(&self, outcome: &str) -> Result<u64, LedgerError>;

    /// All documents of one `pk` whose `sk` begins so, in ascending order.
    async fn children(&self, pk: &str, sk_prefix: &str) -> Result<Vec<Document>, LedgerError>;

    /// Whether a process that holds a lease is known to be dead. Where that cannot be known, leases
    /// end by time alone.
    fn owner_is_dead(&self, _owner: &str) -> bool {
        false
    }
}
