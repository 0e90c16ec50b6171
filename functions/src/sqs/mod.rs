//! The queue in SQS.

mod dead_letters;
mod visibility;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{QueueAttributeName, SendMessageBatchRequestEntry},
};
use futures::{TryStreamExt, stream};
use shared::queue::{Message, Queue, QueueError};

use crate::aws::cause;

/// Entries in one request (SQS `SendMessageBatch`, `ChangeMessageVisibilityBatch`).
const ENTRIES: usize = 10;

/// Bytes in one `SendMessageBatch`, all entries together: SQS accepts 1 MiB; queues made before 2025 may be
/// limited to 256 KiB.
const BYTES: usize = 256 << 10;

/// Batches in flight at once.
const AT_ONCE: usize = 8;

/// How often an entry is sent at most if SQS refuses it through no fault of ours.
const TRIES: u32 = 6;

/// The queue of candidates and its dead letters.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
    dead_letters_url: String,
}

/// How many messages a queue has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that can be received: `ApproximateNumberOfMessages`.
    pub waiting: u64,
    /// Messages that somebody has received: `ApproximateNumberOfMessagesNotVisible`.
    pub handled: u64,
}

impl SqsQueue {
    /// Uses the queue at `url`, with its dead letters at `dead_letters_url`.
    pub fn new(client: Client, url: impl Into<String>, dead_letters_url: impl Into<String>) -> Self {
        Self { client, url: url.into(), dead_letters_url: dead_letters_url.into() }
    }

    /// Counts the messages that wait and that are being handled, in the queue and in the dead letters. SQS
    /// counts roughly.
    pub async fn depths(&self) -> Result<[Depth; 2], QueueError> {
        Ok([self.depth(&self.url).await?, self.depth(&self.dead_letters_url).await?])
    }

    async fn depth(&self, url: &str) -> Result<Depth, QueueError> {
        let asked = self.client.get_queue_attributes().queue_url(url).set_attribute_names(Some(vec![
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ]));
        let answer = asked.send().await.map_err(|error| queue_error(&error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let number = |name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0);
        Ok(Depth {
            waiting: number(QueueAttributeName::ApproximateNumberOfMessages),
            handled: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        })
    }

    /// Sends up to [`ENTRIES`] bodies. Single entries may fail; those are sent again.
    async fn send_batch(&self, bodies: Vec<String>) -> Result<(), QueueError> {
        let mut left = bodies
            .into_iter()
            .enumerate()
            .map(|(n, body)| {
                SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(body).build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| QueueError(error.to_string()))?;
        for attempt in 1.. {
            let answer = self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(left.clone()))
                .send()
                .await
                .map_err(|error| queue_error(&error))?;
            let done =
                |entry: &SendMessageBatchRequestEntry| answer.successful.iter().any(|ok| ok.id == entry.id);
            left.retain(|entry| !done(entry));
            if left.is_empty() {
                return Ok(());
            }
            let ours = answer.failed.iter().find(|failed| failed.sender_fault);
            if let Some(code) = ours.or(answer.failed.first()).map(|failed| failed.code.clone())
                && (ours.is_some() || attempt == TRIES)
            {
                return Err(QueueError(format!("SQS refuses a message: {code}")));
            }
            if attempt == TRIES {
                return Err(QueueError("SQS leaves messages unanswered".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(50 << attempt).mul_f64(0.5 + fastrand::f64())).await;
        }
        unreachable!("the last try returns")
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError> {
        let bodies = messages
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| QueueError(error.to_string()))?;
        stream::iter(batches(bodies).into_iter().map(Ok))
            .try_for_each_concurrent(AT_ONCE, |batch| self.send_batch(batch))
            .await
    }
}

/// Splits bodies into batches that SQS accepts.
fn batches(bodies: Vec<String>) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for body in bodies {
        match batches.last_mut() {
            Some(batch) if batch.len() < ENTRIES && bytes + body.len() <= BYTES => {
                bytes += body.len();
                batch.push(body);
            }
            _ => {
                bytes = body.len();
                batches.push(vec![body]);
            }
        }
    }
    batches
}

fn queue_error<E: ProvideErrorMetadata>(error: &SdkError<E>) -> QueueError {
    let cause = cause(error);
    let hint = if cause.contains("NonExistentQueue") || cause.contains("QueueDoesNotExist") {
        ": look at QUEUE_URL and DEAD_LETTER_QUEUE_URL"
    } else if cause.contains("AccessDenied") {
        ": the function's role may not use the queue or its key"
    } else {
        ""
    };
    QueueError(format!("SQS: {cause}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_ten_messages_and_no_more_bytes_than_sqs_takes() {
        let small = batches(vec!["x".to_owned(); 23]);
        assert_eq!(small.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 3]);
        let large = batches(vec!["x".repeat(100 << 10); 5]);
        assert_eq!(large.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        assert!(batches(Vec::new()).is_empty());
    }
}
