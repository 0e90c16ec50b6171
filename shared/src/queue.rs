//! The queue only wakes the handling of a user. The ledger says what is to be done, and whether it still is.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{RunId, UserId};

/// The version of the message format. A message of a newer version is left for newer code.
pub const SCHEMA: u32 = 1;

/// Says "look at this user", and nothing else. Travels as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The format's version: [`SCHEMA`] in every message that this version sends.
    pub schema: u32,
    /// The user to look at.
    pub user_id: UserId,
    /// The run that sent the message.
    pub run_id: RunId,
    /// When the message was made, just before it was sent.
    pub enqueued_at: Timestamp,
}

/// Why the queue cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue cannot be reached: {0}")]
pub struct QueueError(pub String);

/// What to do with a message after its handling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// Remove it from the queue: it is done.
    Acknowledge,
    /// Make it visible again after this long.
    ComeBack(std::time::Duration),
    /// Move it to the dead letters, with this reason.
    DeadLetter(String),
}

/// Where messages are sent.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends messages. When it returns `Ok`, all of them are in the queue.
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError>;
}

/// Why a body is not a message that this version can handle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is not a valid message, and goes to the dead letters.
    #[error("not a message of mfa-rollback: {0}")]
    Unreadable(String),
    /// It has this newer version, and is left for newer code.
    #[error("a message of version {0}, which this version of mfa-rollback does not know")]
    Newer(u32),
}

impl Message {
    /// Reads a message's body.
    pub fn parse(body: &str) -> Result<Self, MessageError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let unreadable = |error: serde_json::Error| {
            MessageError::Unreadable(format!("{:?} at column {}", error.classify(), error.column()))
        };
        let version: Version = serde_json::from_str(body).map_err(unreadable)?;
        if version.schema > SCHEMA {
            return Err(MessageError::Newer(version.schema));
        }
        serde_json::from_str(body).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_message_is_told_from_an_unreadable_one() {
        assert_eq!(Message::parse(r#"{"schema":2,"more":true}"#), Err(MessageError::Newer(2)));
        for body in [
            "",
            "{}",
            "null",
            r#"{"schema":1}"#,
            r#"{"schema":1,"user_id":"../x","run_id":"x","enqueued_at":"x"}"#,
        ] {
            assert!(matches!(Message::parse(body), Err(MessageError::Unreadable(_))), "{body}");
        }
    }
}
