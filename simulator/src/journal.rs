//! What was asked of the tenant.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// One request. The journal lists requests in the order of their arrival.
#[derive(Debug, Clone, Serialize)]
pub struct JournalEntry {
    /// When the request arrived, by the tenant's clock.
    pub at: Timestamp,
    /// Its place in the journal, from 0.
    pub seq: usize,
    /// The HTTP method, such as `DELETE`.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The status of the answer; 0 if the connection was lost, or if a slow request is not finished yet.
    pub status: u16,
    /// Whether the tenant did what was asked, whatever the answer was. For a DELETE: whether this request
    /// removed the method.
    pub acted: bool,
    /// The user that the path names, by id or principal name.
    pub user: Option<Uuid>,
    /// What follows `authentication` in the path, like `phoneMethods`.
    pub segment: Option<String>,
    /// The segment after that: the id of a method.
    pub method_id: Option<String>,
    /// Whether the answer was 429.
    pub throttled: bool,
}
