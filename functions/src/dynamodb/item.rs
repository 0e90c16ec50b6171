//! Documents as items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use shared::ledger::{Document, Key, LedgerError};

pub(super) type Item = HashMap<String, AttributeValue>;

/// A time as it sorts as text.
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

pub(super) fn document(item: &Item) -> Result<Document, LedgerError> {
    let key = Key::new(text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default());
    read(item, key.clone()).ok_or_else(|| {
        let cause = format!("the ledger's item {} / {} was not written by mfa-rollback", key.pk, key.sk);
        let is_one_of_many = key.pk.starts_with("USER#") || key.pk.starts_with("EVENT#");
        if is_one_of_many { LedgerError::Item(cause) } else { LedgerError::Unusable(cause) }
    })
}

fn read(item: &Item, key: Key) -> Option<Document> {
    Some(Document {
        key,
        version: number(item, "version")?,
        write_id: text(item, "write_id")?.parse().ok()?,
        schema: number(item, "schema")?,
        body: text(item, "body")?.to_owned(),
        outcome: text(item, "outcome").map(str::to_owned),
        updated_at: text(item, "updated_at")?.parse().ok()?,
        expires_at: match item.get("expires_at") {
            Some(_) => Some(Timestamp::from_second(number(item, "expires_at")?).ok()?),
            None => None,
        },
    })
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
    fn an_item_of_another_program_spoils_only_itself() {
        let foreign = |pk: &str| {
            let item = key(&Key::new(pk, "STATE"));
            document(&item).unwrap_err()
        };
        assert!(matches!(foreign("USER#x"), LedgerError::Item(_)));
        assert!(matches!(foreign("BRAKE"), LedgerError::Unusable(_)));
    }
}
