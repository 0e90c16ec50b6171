//! What the ledger's table holds, read past the program.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use super::world::World;

impl World {
    /// Every user's outcome, as `outcome` or `outcome(reason)`.
    pub async fn outcomes(&self) -> BTreeMap<String, String> {
        let mut outcomes = BTreeMap::new();
        let mut pages =
            self.stack.dynamodb.scan().table_name(&self.stack.table).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
            if let (Some(pk), Some("STATE"), Some(outcome)) =
                (text("pk"), text("sk").as_deref(), text("outcome"))
                && let Some(user) = pk.strip_prefix("USER#")
            {
                outcomes.insert(user.to_owned(), outcome);
            }
        }
        outcomes
    }

    /// Lets a user's state item look as if it was written that long ago.
    pub async fn age(&self, user: &str, by: std::time::Duration) {
        let at = super::now() - by;
        self.set(user, "updated_at", AttributeValue::S(format!("{at:.9}"))).await;
    }

    /// Lets a user's state item look as if newer code had written it.
    pub async fn make_newer(&self, user: &str) {
        self.set(user, "schema", AttributeValue::N("99".to_owned())).await;
    }

    /// Changes what an item of the ledger says that is no user's.
    pub async fn change(&self, pk: &str, change: impl FnOnce(&mut Value)) {
        let key = |name: &str| AttributeValue::S(name.to_owned());
        let item = self.stack.dynamodb.get_item().table_name(&self.stack.table);
        let item = item.key("pk", key(pk)).key("sk", key("STATE")).send().await.unwrap().item.unwrap();
        let mut body: Value = serde_json::from_str(item["body"].as_s().unwrap()).unwrap();
        change(&mut body);
        let put = self.stack.dynamodb.put_item().table_name(&self.stack.table).set_item(Some(item));
        put.item("body", AttributeValue::S(body.to_string())).send().await.unwrap();
    }

    async fn set(&self, user: &str, attribute: &str, value: AttributeValue) {
        self.stack
            .dynamodb
            .update_item()
            .table_name(&self.stack.table)
            .key("pk", AttributeValue::S(format!("USER#{user}")))
            .key("sk", AttributeValue::S("STATE".to_owned()))
            .update_expression("SET #name = :value")
            .expression_attribute_names("#name", attribute)
            .expression_attribute_values(":value", value)
            .send()
            .await
            .unwrap();
    }

    /// The dead letters: body and reason.
    pub async fn dead_letters(&self) -> Vec<(String, String)> {
        let mut letters = Vec::new();
        loop {
            let answer = self
                .stack
                .sqs
                .receive_message()
                .queue_url(&self.stack.dead_letter_queue_url)
                .max_number_of_messages(10)
                .message_attribute_names("All")
                .visibility_timeout(5)
                .send()
                .await
                .unwrap();
            let messages = answer.messages.unwrap_or_default();
            if messages.is_empty() {
                return letters;
            }
            for message in messages {
                let reason = message
                    .message_attributes
                    .as_ref()
                    .and_then(|all| all.get("reason")?.string_value.clone());
                letters.push((message.body.unwrap_or_default(), reason.unwrap_or_default()));
            }
        }
    }
}
