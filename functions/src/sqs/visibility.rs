//! When a received message reappears.

use std::time::Duration;

use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;

use super::{ENTRIES, SqsQueue, queue_error};

/// SQS keeps a message hidden for 12 h from its receipt at most; nothing here waits nearly as long.
const LONGEST: Duration = Duration::from_hours(11);

impl SqsQueue {
    /// Makes messages, named by their receipt handles, reappear after the given times. A message for which
    /// this fails reappears when the queue's own visibility timeout expires.
    pub async fn show_again(&self, messages: &[(String, Duration)]) {
        for chunk in messages.chunks(ENTRIES) {
            let entries = chunk.iter().enumerate().map(|(n, (receipt, after))| {
                // Rounded up: a message that reappears too early is only received once more in vain.
                let seconds = after.min(&LONGEST).as_millis().div_ceil(1000);
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(n.to_string())
                    .receipt_handle(receipt)
                    .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX))
                    .build()
            });
            let entries = match entries.collect::<Result<Vec<_>, _>>() {
                Ok(entries) => entries,
                Err(error) => {
                    tracing::warn!(error = %error, "message visibility not changed");
                    continue;
                }
            };
            let sent = self
                .client
                .change_message_visibility_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send();
            match sent.await {
                Ok(answer) => {
                    for failed in answer.failed {
                        tracing::warn!(error = failed.code, "message visibility not changed");
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %queue_error(&error), "message visibility not changed");
                }
            }
        }
    }
}
