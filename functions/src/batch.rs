//! A batch of messages: each is settled by itself, whatever becomes of its neighbours.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use serde_json::Value;
use shared::{
    drain::NEWER_AGAIN,
    queue::{Disposition, Message, MessageError},
};

/// A message whose handling panics at this receipt or a later one will not get better.
const PANICS: u32 = 20;

/// A message as the event source mapping hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// By which the answer names it.
    pub message_id: String,
    /// By which its visibility is changed.
    pub receipt_handle: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// Its body.
    pub body: String,
}

impl Record {
    /// Reads one record of an SQS event, leniently: only one that the answer could not name is
    /// refused.
    pub fn read(record: &Value) -> Option<Self> {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let received = &record["attributes"]["ApproximateReceiveCount"];
        let message_id = text("messageId");
        (!message_id.is_empty()).then(|| Self {
            message_id,
            receipt_handle: text("receiptHandle"),
            receive_count: received.as_str().and_then(|count| count.parse().ok()).unwrap_or(1),
            body: text("body"),
        })
    }

    /// What a handling that panicked comes to.
    fn panicked(&self, again: Duration) -> Disposition {
        if self.receive_count < PANICS {
            return Disposition::ComeBack(again);
        }
        Disposition::DeadLetter(format!("its handling panicked at receipt {}", self.receive_count))
    }
}

/// Handles all records at once for at most `time`, and says what is to be done with each, in their
/// order. One that is cut off comes back `cut_again` after that; one whose handling panics, as if it
/// had been cut off.
pub async fn settle<F>(
    records: &[Record],
    time: Duration,
    cut_again: Duration,
    handle: impl Fn(Message) -> F,
) -> Vec<Disposition>
where
    F: Future<Output = Disposition>,
{
    let mut dispositions: Vec<Option<Disposition>> = vec![None; records.len()];
    let mut under_way = FuturesUnordered::new();
    for (n, record) in records.iter().enumerate() {
        match Message::parse(&record.body) {
            Ok(message) => {
                let handling = AssertUnwindSafe(async { handle(message).await }).catch_unwind();
                under_way.push(handling.map(move |handled| (n, handled)));
            }
            Err(MessageError::Unreadable(reason)) => {
                tracing::error!(message.id = record.message_id, reason, "message not read");
                dispositions[n] = Some(Disposition::DeadLetter(reason));
            }
            Err(error @ MessageError::Newer(_)) => {
                tracing::warn!(message.id = record.message_id, error = %error, "message left for a newer version");
                dispositions[n] = Some(Disposition::ComeBack(NEWER_AGAIN));
            }
        }
    }
    let all = async {
        while let Some((n, handled)) = under_way.next().await {
            dispositions[n] = Some(handled.unwrap_or_else(|_| records[n].panicked(time + cut_again)));
        }
    };
    if tokio::time::timeout(time, all).await.is_err() {
        tracing::warn!("invocation out of time");
    }
    dispositions
        .into_iter()
        .map(|disposition| disposition.unwrap_or(Disposition::ComeBack(cut_again)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AGAIN: Duration = Duration::from_mins(2);

    fn record(n: u32, body: &str) -> Record {
        Record {
            message_id: n.to_string(),
            receipt_handle: String::new(),
            receive_count: 1,
            body: body.to_owned(),
        }
    }

    fn message(n: u32) -> String {
        format!(
            r#"{{"schema":1,"user_id":"00000000-0000-0000-0000-00000000000{n}","run_id":"11111111-1111-1111-1111-111111111111","enqueued_at":"2026-03-01T00:00:00Z"}}"#
        )
    }

    async fn handle(message: Message) -> Disposition {
        match message.user_id.to_string().chars().last() {
            Some('2') => panic!("on purpose"),
            Some('3') => std::future::pending().await,
            _ => Disposition::Acknowledge,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_panics_hangs_or_cannot_be_read_leaves_its_neighbours_alone() {
        let mut last_try = record(5, &message(2));
        last_try.receive_count = PANICS;
        let records = [
            record(0, "not a message"),
            record(1, &message(1)),
            record(2, &message(2)),
            record(3, &message(3)),
            record(4, r#"{"schema":99}"#),
            last_try,
            record(6, &message(4)),
        ];
        let settled = settle(&records, Duration::from_mins(1), AGAIN, handle).await;
        assert!(matches!(settled[0], Disposition::DeadLetter(_)));
        assert_eq!(settled[1], Disposition::Acknowledge);
        assert_eq!(settled[2], Disposition::ComeBack(Duration::from_mins(1) + AGAIN));
        assert_eq!(settled[3], Disposition::ComeBack(AGAIN));
        assert_eq!(settled[4], Disposition::ComeBack(NEWER_AGAIN));
        assert_eq!(settled[5], Disposition::DeadLetter("its handling panicked at receipt 20".to_owned()));
        assert_eq!(settled[6], Disposition::Acknowledge);
    }

    #[test]
    fn a_record_is_read_as_long_as_the_answer_can_name_it() {
        let bare = Record::read(&json!({ "messageId": "a", "body": 7 })).unwrap();
        assert_eq!((bare.body.as_str(), bare.receive_count), ("", 1));
        assert_eq!(Record::read(&json!({ "body": "{}" })), None);
    }
}
