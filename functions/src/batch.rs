//! The messages of an SQS event.

use serde_json::Value;
use shared::drain::Record;

/// A message as the event source mapping delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The body, and the id by which the answer names the message.
    pub record: Record,
    /// The handle by which its visibility is changed.
    pub receipt_handle: String,
}

impl Received {
    /// Reads one record of an SQS event, leniently. Returns `None` only if the answer could not name it.
    pub fn read(record: &Value) -> Option<Self> {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let received = &record["attributes"]["ApproximateReceiveCount"];
        let receive_count = received.as_str().and_then(|count| count.parse().ok()).unwrap_or(1);
        let record = Record { message_id: text("messageId"), receive_count, body: text("body") };
        (!record.message_id.is_empty()).then(|| Self { record, receipt_handle: text("receiptHandle") })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_read_as_long_as_the_answer_can_name_it() {
        let bare = Received::read(&json!({ "messageId": "a", "body": 7 })).unwrap();
        assert_eq!((bare.record.body.as_str(), bare.record.receive_count), ("", 1));
        assert_eq!(Received::read(&json!({ "body": "{}" })), None);
    }
}
