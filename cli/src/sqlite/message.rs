//! What the queue hands over, and what it gave up.

/// A message that was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// The row's id, which stays the same however often the message is received.
    pub id: i64,
    pub(super) receipt: String,
    /// The message as JSON, which may turn out to be unreadable.
    pub body: String,
}

/// A message that could not be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message's text, as it was received.
    pub body: String,
    /// Why it could not be handled.
    pub reason: String,
}
