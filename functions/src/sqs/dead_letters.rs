//! Dead letters: messages that nobody can handle, with the reason, and the way back for those that can be
//! handled now.

use std::time::Duration;

use aws_sdk_sqs::types::{Message as Received, MessageAttributeValue};
use jiff::Timestamp;
use shared::{
    api::Redriven,
    clock::Clock,
    queue::{Message, QueueError},
};

use super::{ENTRIES, SqsQueue, queue_error};

/// The attribute that holds the reason.
const REASON: &str = "reason";

/// In bytes. Longer reasons are cut: a message and its attributes must fit into SQS.
const LONGEST_REASON: usize = 1024;

/// How long letters that stay where they are stay hidden, so that one pass sees each once.
const HIDDEN: Duration = Duration::from_mins(2);

impl SqsQueue {
    /// Sends a body to the dead letters, with the reason as an attribute.
    pub async fn bury(&self, body: &str, reason: &str) -> Result<(), QueueError> {
        let reason = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(attribute(reason))
            .build()
            .map_err(|error| QueueError(error.to_string()))?;
        self.client
            .send_message()
            .queue_url(&self.dead_letters_url)
            // SQS refuses an empty body.
            .message_body(if body.is_empty() { " " } else { body })
            .message_attributes(REASON, reason)
            .send()
            .await
            .map_err(|error| queue_error(&error))?;
        Ok(())
    }

    /// Sends the dead letters that can be read back to the queue, until `deadline`. SQS itself cannot move
    /// letters that this program put there (`CouldNotDetermineMessageSource`), so each is sent to the queue
    /// first, then deleted here. A crash in between costs a repeat.
    pub async fn redrive(&self, clock: &Clock, deadline: Timestamp) -> Result<Redriven, QueueError> {
        let mut redriven = Redriven::default();
        loop {
            if clock.now() >= deadline {
                return Ok(redriven);
            }
            let letters = self.receive_letters().await?;
            if letters.is_empty() {
                redriven.complete = true;
                return Ok(redriven);
            }
            let (readable, unreadable): (Vec<_>, Vec<_>) = letters
                .into_iter()
                .partition(|letter| letter.body().is_some_and(|body| Message::parse(body).is_ok()));
            redriven.unreadable += unreadable.len() as u64;
            if readable.is_empty() {
                continue;
            }
            self.send_batch(readable.iter().filter_map(|letter| letter.body.clone()).collect()).await?;
            for letter in &readable {
                self.forget(letter).await?;
                redriven.redriven += 1;
            }
        }
    }

    async fn receive_letters(&self) -> Result<Vec<Received>, QueueError> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.dead_letters_url)
            .max_number_of_messages(i32::try_from(ENTRIES).unwrap_or(10))
            .visibility_timeout(i32::try_from(HIDDEN.as_secs()).unwrap_or(120))
            // A short poll asks only some of the servers, and may miss messages.
            .wait_time_seconds(1)
            .send()
            .await
            .map_err(|error| queue_error(&error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    async fn forget(&self, letter: &Received) -> Result<(), QueueError> {
        self.client
            .delete_message()
            .queue_url(&self.dead_letters_url)
            .set_receipt_handle(letter.receipt_handle.clone())
            .send()
            .await
            .map_err(|error| queue_error(&error))?;
        Ok(())
    }
}

/// Makes a reason that SQS accepts: no control characters, not empty, not long.
fn attribute(reason: &str) -> String {
    let mut text: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.truncate(text.floor_char_boundary(LONGEST_REASON));
    if text.trim().is_empty() { "no reason".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_an_attribute_that_sqs_takes() {
        assert_eq!(attribute("line\none\u{0}"), "line one ");
        assert_eq!(attribute("\n"), "no reason");
        assert!(attribute(&"ä".repeat(2000)).len() <= LONGEST_REASON);
    }
}
