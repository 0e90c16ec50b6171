//! What the queue hands over.

/// A message that was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// What tells it from every other message, however often it is received.
    pub id: i64,
    pub(super) receipt: String,
    /// Its body.
    pub body: String,
}

/// A message that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its body.
    pub body: String,
    /// Why.
    pub reason: String,
}
