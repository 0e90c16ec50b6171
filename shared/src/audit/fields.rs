//! The properties of one record, found by name in any case and left unread until needed.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// A property that this program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    ActivityDateTime,
    ActivityDisplayName,
    OperationName,
    Category,
    LoggedByService,
    Result,
    ResultReason,
    CorrelationId,
    InitiatedBy,
    TargetResources,
    Properties,
}

const FIELDS: [(&str, Field); 12] = [
    ("id", Field::Id),
    ("activityDateTime", Field::ActivityDateTime),
    ("activityDisplayName", Field::ActivityDisplayName),
    ("operationName", Field::OperationName),
    ("category", Field::Category),
    ("loggedByService", Field::LoggedByService),
    ("result", Field::Result),
    ("resultReason", Field::ResultReason),
    ("correlationId", Field::CorrelationId),
    ("initiatedBy", Field::InitiatedBy),
    ("targetResources", Field::TargetResources),
    ("properties", Field::Properties),
];

impl Field {
    /// The property of that name. Graph begins names with a small letter, Log Analytics with a capital.
    pub(super) fn of(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| *field)
    }
}

/// The properties of one record as JSON. If a name occurs twice, the first value that is not null counts.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    values: [Option<&'a RawValue>; FIELDS.len()],
    /// Whether a name begins with a capital, as Log Analytics writes them.
    pub(super) capitals: bool,
}

impl<'a> Fields<'a> {
    /// A property's JSON, if it is there and not null.
    pub(super) fn raw(&self, field: Field) -> Option<&'a RawValue> {
        self.values[field as usize]
    }

    /// A property's text, if it is there and a text or a number.
    pub(super) fn text(&self, field: Field) -> Option<Cow<'a, str>> {
        self.raw(field).and_then(text)
    }

    pub(super) fn set(&mut self, field: Field, value: &'a RawValue) {
        let place = &mut self.values[field as usize];
        if place.is_none() && value.get() != "null" {
            *place = Some(value);
        }
    }
}

/// The text of a JSON string, number or boolean, without surrounding blanks; `None` for an empty one, null,
/// arrays and objects.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    let text = match json.as_bytes().first()? {
        b'"' => string(json)?,
        b'{' | b'[' | b'n' => return None,
        _ => Cow::Borrowed(json),
    };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        None
    } else if trimmed.len() == text.len() {
        Some(text)
    } else {
        Some(Cow::Owned(trimmed.to_owned()))
    }
}

fn string(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.get(1..json.len() - 1)?;
    if inner.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// The JSON of a value, taken out of its text if it is JSON in a text, as Log Analytics keeps it; `null` for
/// an empty text.
pub(super) fn unwrapped(value: &RawValue) -> Cow<'_, str> {
    if value.get().starts_with('"') {
        text(value).unwrap_or(Cow::Borrowed("null"))
    } else {
        Cow::Borrowed(value.get())
    }
}

struct Key {
    field: Option<Field>,
    capital: bool,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
                let capital = name.starts_with(|c: char| c.is_ascii_uppercase());
                Ok(Key { field: Field::of(name), capital })
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields::default();
                while let Some(Key { field, capital }) = map.next_key()? {
                    let Some(field) = field else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    fields.set(field, map.next_value()?);
                    fields.capitals |= capital;
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_the_first_that_is_not_null_counts() {
        let fields: Fields<'_> =
            serde_json::from_str(r#"{"Id": null, "id": "a\u0041", "ID": "b", "result": 7, "category": " "}"#)
                .unwrap();
        assert_eq!(fields.text(Field::Id).as_deref(), Some("aA"));
        assert_eq!(fields.text(Field::Result).as_deref(), Some("7"));
        assert_eq!(fields.text(Field::Category), None);
        assert!(fields.raw(Field::InitiatedBy).is_none());
    }
}
