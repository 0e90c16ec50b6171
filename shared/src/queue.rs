//! The queue: it only wakes. What is to be done, and whether it still is, the ledger says.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{RunId, UserId};

/// The version of a message's shape. A newer one is left for newer code.
pub const SCHEMA: u32 = 1;

/// "Look at this user."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Whom to look at.
    pub user_id: UserId,
    /// The run that asked for it.
    pub run_id: RunId,
    /// When.
    pub enqueued_at: Timestamp,
}

/// Why a message could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue cannot be reached: {0}")]
pub struct QueueError(pub String);

/// What is to be done with a message that was handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It is done with.
    Acknowledge,
    /// It shows again after so long.
    ComeBack(std::time::Duration),
    /// It goes to the dead letters, with the reason.
    DeadLetter(String),
}

/// A place to put messages.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends messages. Once it returns, all of them are in the queue.
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError>;
}

/// Why a body is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It goes to the dead letters.
    #[error("not a message of mfa-rollback: {0}")]
    Unreadable(String),
    /// It is left for newer code.
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
