//! Where methods come from.

use jiff::Timestamp;
use serde::Serialize;

/// Who gave a user a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// The user, in security info or for self-service password reset.
    User,
    /// An administrator or the helpdesk.
    Admin,
    /// The directory itself: a number from HR.
    Directory,
}

/// Where a method really comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// Since when the user has had just this: this number, this registration of the app.
    pub came_at: Timestamp,
    /// Who gave it; the same number given again keeps its first giver.
    pub by: By,
    /// The id of the audit event that reports it; `None` if there is none.
    pub event_id: Option<String>,
}
