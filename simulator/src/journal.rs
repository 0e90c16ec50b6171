//! What was asked of the tenant.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// One request. Requests stand in the journal in the order of their arrival.
#[derive(Debug, Clone, Serialize)]
pub struct JournalEntry {
    /// When it arrived.
    pub at: Timestamp,
    /// Its place in the journal, from 0.
    pub seq: usize,
    /// The HTTP method.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The status of the answer; 0 where the connection was lost, and for a slow request that is
    /// not yet through.
    pub status: u16,
    /// Whether the tenant did what was asked, whatever the answer was: for a DELETE, that the
    /// method went with this request.
    pub acted: bool,
    /// The user that the path names, by id or principal name.
    pub user: Option<Uuid>,
    /// What follows `authentication` in the path, like `phoneMethods`.
    pub segment: Option<String>,
    /// What follows that.
    pub method_id: Option<String>,
    /// Whether the answer was 429.
    pub throttled: bool,
}
