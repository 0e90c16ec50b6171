//! What a ledger is kept in: a store of small versioned documents under `pk`/`sk` keys, which change only on the
//! condition that nobody else changed them meanwhile.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::key::Key;

/// The version of the documents' shape. A document with a newer one is left for newer code.
pub const SCHEMA: u32 = 2;

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The key, which no other document has.
    pub key: Key,
    /// Goes up by 1 with each conditional write; conditions compare it.
    pub version: u64,
    /// The id of the latest write. It tells a write of our own whose answer was lost from a lost race.
    pub write_id: Uuid,
    /// The shape of `body`; see [`SCHEMA`].
    pub schema: u32,
    /// The content, as JSON text.
    pub body: String,
    /// The outcome under which [`Store::by_outcome`] finds it; `None` if it is in no list.
    pub outcome: Option<String>,
    /// When it was written last.
    pub updated_at: Timestamp,
    /// When it may be forgotten; `None` if never. It may still be there later.
    pub expires_at: Option<Timestamp>,
}

/// On what condition a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is no document under this key.
    Absent,
    /// There is a document with this version.
    Version(u64),
    /// No condition: whatever is there is overwritten.
    Any,
}

/// One conditional write. The document's `version` is the one it will have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The document as it will be after the write.
    pub document: Document,
    /// The condition for this write.
    pub expect: Expect,
}

/// Why a ledger did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A condition failed: read again and decide anew.
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
    /// Stop: the ledger is damaged, another tenant's, or written by a newer version.
    #[error("{0}")]
    Unusable(String),
}

/// Where a list continues: after the last document of the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// That document's `updated_at`, by which lists are sorted.
    pub updated_at: Timestamp,
    /// That document's key, for documents of the same moment.
    pub key: Key,
}

/// Which documents a list is asked for.
#[derive(Debug, Clone)]
pub struct OutcomeQuery {
    /// The outcome with its reason, or `pending`.
    pub outcome: String,
    /// Only documents last written at or before this time; `None` for all.
    pub until: Option<Timestamp>,
    /// Where to continue; `None` to start at the beginning.
    pub after: Option<Cursor>,
    /// At most this many documents.
    pub limit: usize,
}

/// A store of versioned documents. Reads see every write that was answered before them, except
/// [`by_outcome`](Store::by_outcome) and [`count`](Store::count), which may lag.
#[async_trait]
pub trait Store: Send + Sync {
    /// Reads documents, in the order of the keys, with `None` where there is none; at most 100 keys.
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Document>>, LedgerError>;

    /// Writes all or none; at most 25. Returns [`LedgerError::Conflict`] if a condition fails. If it fails
    /// because this very write (by its `write_id`) was done before, the store may answer that it is done.
    async fn commit(&self, writes: &[Write]) -> Result<(), LedgerError>;

    /// Writes each document by itself. Returns for each whether its condition held.
    async fn commit_each(&self, writes: &[Write]) -> Result<Vec<Result<(), LedgerError>>, LedgerError>;

    /// Documents with an outcome, the longest unchanged first. May lag behind writes: read a document again
    /// before acting on it.
    async fn by_outcome(&self, query: &OutcomeQuery) -> Result<Vec<Document>, LedgerError>;

    /// How many documents have an outcome. May lag behind writes.
    async fn count(&self, outcome: &str) -> Result<u64, LedgerError>;

    /// All documents of one `pk` whose `sk` begins with `sk_prefix`, in ascending order of `sk`.
    async fn children(&self, pk: &str, sk_prefix: &str) -> Result<Vec<Document>, LedgerError>;

    /// Whether a process that holds a lease is known to be dead. If a store cannot know that, leases end by
    /// time alone.
    fn owner_is_dead(&self, _owner: &str) -> bool {
        false
    }
}
