//! The event that Lambda makes of messages, and what it reads from the answer.

use std::collections::BTreeSet;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Name};
use serde_json::{Map, Value, json};

use super::REGION;

/// The event of a batch of messages from the queue with this ARN.
pub fn event(messages: &[Message], queue_arn: &str) -> Value {
    json!({"Records": messages.iter().map(|message| record(message, queue_arn)).collect::<Vec<_>>()})
}

fn record(message: &Message, queue_arn: &str) -> Value {
    let attribute = |name: Name| message.attributes().and_then(|all| all.get(&name)).cloned();
    let own: Map<String, Value> = message
        .message_attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let value = json!({
                "stringValue": value.string_value(),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value.data_type(),
            });
            (name.clone(), value)
        })
        .collect();
    json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": {
            "ApproximateReceiveCount": attribute(Name::ApproximateReceiveCount),
            "SentTimestamp": attribute(Name::SentTimestamp),
            "SenderId": attribute(Name::SenderId),
            "ApproximateFirstReceiveTimestamp": attribute(Name::ApproximateFirstReceiveTimestamp),
        },
        "messageAttributes": own,
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    })
}

/// The ids of the messages that failed; `None` where the whole batch goes back, because the answer
/// is none that Lambda reads, or names a message that is not in the batch.
pub fn failures(answer: &Value, messages: &[Message]) -> Option<BTreeSet<String>> {
    let ids: BTreeSet<_> = messages.iter().filter_map(|message| message.message_id()).collect();
    let answer = match answer {
        Value::Null => return Some(BTreeSet::new()),
        Value::Object(answer) => answer,
        _ => return None,
    };
    let failed = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Some(BTreeSet::new()),
        Some(failed) => failed.as_array()?,
    };
    let id =
        |entry: &Value| entry["itemIdentifier"].as_str().filter(|id| ids.contains(id)).map(str::to_owned);
    failed.iter().map(id).collect()
}
