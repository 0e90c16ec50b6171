//! Plays the event source mapping between the queue and the drains.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use aws_sdk_sqs::{
    Client,
    types::{
        ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
        MessageSystemAttributeName, QueueAttributeName,
    },
};
use futures::future::{join, join_all};
use serde_json::Value;

use super::{
    lambda::{Function, FunctionError},
    sqs_event,
    stack::Stack,
};

/// Messages that were received together.
pub type Batch = Vec<Message>;

/// The result of an invocation.
pub type Answer = Result<Value, FunctionError>;

/// What happens to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is delivered, and settled by the answer.
    Delivered,
    /// It is delivered twice, one after the other, and settled by the second answer.
    Twice,
    /// It is delivered to two functions at once, and settled by the answer of the first of them.
    ToBoth,
    /// It is deleted, and nobody ever sees it.
    Lost,
}

/// What became of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub batches: usize,
    pub deleted: usize,
    pub returned: usize,
    /// Invocations without a result.
    pub errors: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.batches += other.batches;
        self.deleted += other.deleted;
        self.returned += other.returned;
        self.errors += other.errors;
    }
}

/// The event source mapping of one queue.
#[derive(Debug, Clone)]
pub struct Mapping {
    client: Client,
    url: String,
    arn: String,
    /// Messages that go back show again at once, as if their time had come.
    impatient: bool,
}

impl Mapping {
    pub fn new(stack: &Stack) -> Self {
        Self {
            client: stack.sqs.clone(),
            url: stack.queue_url.clone(),
            arn: stack.queue_arn.clone(),
            impatient: false,
        }
    }

    /// Returned messages show again at once, not after the queue's visibility timeout or what the
    /// function changed it to.
    #[must_use]
    pub fn impatient(mut self) -> Self {
        self.impatient = true;
        self
    }

    /// Up to ten messages, which are then out of sight for the queue's own time.
    pub async fn receive(&self) -> Batch {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .unwrap();
        answer.messages.unwrap_or_default()
    }

    /// Invokes the function with a batch and does nothing else.
    pub async fn invoke(&self, batch: &Batch, function: &Function) -> Answer {
        function.invoke(&sqs_event::event(batch, &self.arn)).await
    }

    /// Deletes what the answer allows to.
    pub async fn apply(&self, batch: &Batch, answer: &Answer) -> Tally {
        let failed = answer.as_ref().ok().and_then(|answer| sqs_event::failures(answer, batch));
        let failed: BTreeSet<String> =
            failed.unwrap_or_else(|| batch.iter().filter_map(|message| message.message_id.clone()).collect());
        let (back, done): (Batch, Batch) = batch
            .iter()
            .cloned()
            .partition(|message| failed.contains(message.message_id().unwrap_or_default()));
        self.delete(&done).await;
        if self.impatient {
            self.show(&back).await;
        }
        Tally { batches: 1, deleted: done.len(), returned: back.len(), errors: usize::from(answer.is_err()) }
    }

    /// Invokes and settles.
    pub async fn deliver(&self, batch: &Batch, function: &Function) -> Tally {
        let answer = self.invoke(batch, function).await;
        self.apply(batch, &answer).await
    }

    /// Invokes two functions with the same batch at the same time, and settles by the first one's.
    pub async fn deliver_to_both(&self, batch: &Batch, one: &Function, other: &Function) -> Tally {
        let (answer, _) = join(self.invoke(batch, one), self.invoke(batch, other)).await;
        self.apply(batch, &answer).await
    }

    /// Deletes messages, seen by nobody or done with.
    pub async fn delete(&self, batch: &Batch) {
        if batch.is_empty() {
            return;
        }
        let entry = |(n, message): (usize, &Message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
            entry.set_receipt_handle(message.receipt_handle.clone()).build().unwrap()
        };
        let entries = batch.iter().enumerate().map(entry).collect();
        self.client
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .unwrap();
    }

    /// Lets messages be seen again at once.
    pub async fn show(&self, batch: &Batch) {
        if batch.is_empty() {
            return;
        }
        let entry = |(n, message): (usize, &Message)| {
            let entry =
                ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string()).visibility_timeout(0);
            entry.set_receipt_handle(message.receipt_handle.clone()).build().unwrap()
        };
        let entries = batch.iter().enumerate().map(entry).collect();
        let request = self.client.change_message_visibility_batch().queue_url(&self.url);
        request.set_entries(Some(entries)).send().await.unwrap();
    }

    /// How many messages the queue holds, in sight or not.
    pub async fn left(&self) -> usize {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = request.set_attribute_names(Some(names.to_vec())).send().await.unwrap();
        let count = |name| answer.attributes()?.get(name)?.parse::<usize>().ok();
        names.iter().filter_map(count).sum()
    }

    /// Delivers until the queue is empty, to all functions at once. Ends the test where that takes
    /// longer than `limit`.
    pub async fn drain(&self, functions: &[&Function], limit: Duration) -> Tally {
        self.drain_with(functions, limit, |_| Fate::Delivered).await
    }

    /// The same, with a fate for each batch.
    pub async fn drain_with(
        &self,
        functions: &[&Function],
        limit: Duration,
        fate: impl Fn(&Batch) -> Fate,
    ) -> Tally {
        let end = Instant::now() + limit;
        let tallies = (0..functions.len()).map(|n| self.poll(functions, n, end, &fate));
        let mut sum = Tally::default();
        for tally in join_all(tallies).await {
            sum += tally;
        }
        sum
    }

    async fn poll(
        &self,
        functions: &[&Function],
        n: usize,
        end: Instant,
        fate: &impl Fn(&Batch) -> Fate,
    ) -> Tally {
        let (function, other) = (functions[n], functions[(n + 1) % functions.len()]);
        let mut tally = Tally::default();
        loop {
            assert!(
                Instant::now() < end,
                "after all this time {} messages are left; so far {tally:?}\n{}",
                self.left().await,
                last_lines(&function.logs())
            );
            let batch = self.receive().await;
            if batch.is_empty() {
                if self.left().await == 0 {
                    return tally;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
            match fate(&batch) {
                Fate::Delivered => tally += self.deliver(&batch, function).await,
                Fate::Twice => {
                    drop(self.invoke(&batch, function).await);
                    tally += self.deliver(&batch, function).await;
                }
                Fate::ToBoth => tally += self.deliver_to_both(&batch, function, other).await,
                Fate::Lost => self.delete(&batch).await,
            }
        }
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
