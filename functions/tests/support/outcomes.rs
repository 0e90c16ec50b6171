//! What the ledger's table holds, read past the program.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

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
