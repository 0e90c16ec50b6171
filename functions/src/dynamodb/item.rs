//! Ledger documents as DynamoDB items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use shared::ledger::{Document, Key, SCHEMA};
use uuid::Uuid;

pub(super) type Item = HashMap<String, AttributeValue>;

/// Formats a time so that it sorts as text.
pub(super) fn sortable(at: Timestamp) -> String {
    format!("{at:.9}")
}

pub(super) fn key(key: &Key) -> Item {
    Item::from([
        ("pk".to_owned(), AttributeValue::S(key.pk.clone())),
        ("sk".to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}

pub(super) fn to_item(document: &Document) -> Item {
    let mut item = key(&document.key);
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    set("version", AttributeValue::N(document.version.to_string()));
    set("write_id", AttributeValue::S(document.write_id.to_string()));
    set("schema", AttributeValue::N(document.schema.to_string()));
    set("body", AttributeValue::S(document.body.clone()));
    set("updated_at", AttributeValue::S(sortable(document.updated_at)));
    if let Some(outcome) = &document.outcome {
        set("outcome", AttributeValue::S(outcome.clone()));
    }
    if let Some(expires_at) = document.expires_at {
        // Time to live takes whole seconds since 1970 (DynamoDB developer guide, "Using TTL").
        set("expires_at", AttributeValue::N(expires_at.as_second().to_string()));
    }
    item
}

/// Reads the document in an item. If the item is damaged or another program's, the document has no body: it
/// cannot be read, and affects nothing else.
pub(super) fn document(item: &Item) -> Document {
    let stored = || {
        let write_id = text(item, "write_id")?.parse().ok()?;
        Some((number(item, "version")?, write_id, number(item, "schema")?, text(item, "body")?))
    };
    let (version, write_id, schema, body) = stored().unwrap_or((0, Uuid::nil(), SCHEMA, ""));
    Document {
        key: Key::new(text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default()),
        version,
        write_id,
        schema,
        body: body.to_owned(),
        outcome: text(item, "outcome").map(str::to_owned),
        updated_at: text(item, "updated_at").and_then(|at| at.parse().ok()).unwrap_or_default(),
        expires_at: number(item, "expires_at").and_then(|at| Timestamp::from_second(at).ok()),
    }
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_whose_version_schema_or_write_id_is_damaged_is_no_version_to_go_by() {
        let whole = Document {
            key: Key::new("USER#1", "STATE"),
            version: 7,
            write_id: Uuid::from_u128(1),
            schema: SCHEMA,
            body: "{}".to_owned(),
            outcome: None,
            updated_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        };
        assert_eq!(document(&to_item(&whole)), whole);
        for name in ["version", "schema", "write_id"] {
            let mut item = to_item(&whole);
            item.insert(name.to_owned(), AttributeValue::S("seven".to_owned()));
            assert_eq!(document(&item).body, "", "{name}");
            item.remove(name);
            assert_eq!(document(&item).body, "", "{name}");
        }
    }
}
