//! The properties of one record, found by name in any spelling and left unread until needed.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

pub(super) use super::names::Field;
use super::{
    names::{COUNT, Known, TargetPart, known},
    preselect::{Look, Member, look},
};

/// A value as it came: well-formed JSON, or a cell of a table.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    Json(&'a str),
    Cell(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// The text of a value, without surrounding blanks; `None` for an empty one, null, arrays and objects.
    pub(super) fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Json(json) => text_of(json),
            Self::Cell(cell) => Some(cell.clone()).filter(|cell| !cell.is_empty()),
        }
    }

    /// The JSON of a value, taken out of its text if it is JSON in a text, as tables and Log Analytics keep
    /// it; empty for an empty text.
    pub(super) fn json(&self) -> Cow<'a, str> {
        match self {
            Self::Json(json) => unwrapped(json),
            Self::Cell(cell) => cell.clone(),
        }
    }
}

/// The parts of one target that have names of their own.
#[derive(Debug, Default)]
pub(super) struct FlatTarget<'a> {
    pub(super) id: Option<Value<'a>>,
    pub(super) kind: Option<Value<'a>>,
    pub(super) name: Option<Value<'a>>,
    /// Each property that changed: its name, old and new value.
    pub(super) properties: Vec<[Option<Value<'a>>; 3]>,
}

/// The properties of one record. If a field occurs twice, the name that comes first in the table of names
/// counts, and of one name the first value that is not null.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    values: [Option<(u8, Value<'a>)>; COUNT],
    pub(super) targets: Vec<FlatTarget<'a>>,
    /// Whether a name begins with a capital, as Log Analytics writes them.
    pub(super) capitals: bool,
}

impl<'a> Fields<'a> {
    /// A field's value, if it is there and not null.
    pub(super) fn get(&self, field: Field) -> Option<&Value<'a>> {
        self.values[field as usize].as_ref().map(|(_, value)| value)
    }

    /// Whether a field is there under the name that Graph gives it.
    pub(super) fn has_own(&self, field: Field) -> bool {
        self.values[field as usize].as_ref().is_some_and(|(rank, _)| *rank == 0)
    }

    /// The place of a field's name in the table of names.
    pub(super) fn rank(&self, field: Field) -> Option<usize> {
        self.values[field as usize].as_ref().map(|(rank, _)| usize::from(*rank))
    }

    /// A field's text, if it is there and a text or a number.
    pub(super) fn text(&self, field: Field) -> Option<Cow<'a, str>> {
        self.get(field).and_then(Value::text)
    }

    /// Reads an object: at a first look if that is enough, otherwise in full.
    pub(super) fn read(json: &'a [u8]) -> serde_json::Result<Self> {
        str::from_utf8(json).map_or_else(|_| serde_json::from_slice(json), Self::read_text)
    }

    /// Like [`Fields::read`], of what is known to be UTF-8.
    pub(super) fn read_text(json: &'a str) -> serde_json::Result<Self> {
        let mut fields = Self::default();
        match look(json.as_bytes(), |_| true, |member| fields.take(json, &member)) {
            Look::Whole(length) if length == json.len() => Ok(fields),
            _ => serde_json::from_str(json),
        }
    }

    /// The fields of an object of whose members it is known where they are.
    pub(super) fn of_members(text: &'a str, members: &[Member]) -> Self {
        let mut fields = Self::default();
        for member in members {
            fields.take(text, member);
        }
        fields
    }

    fn take(&mut self, text: &'a str, member: &Member) {
        let name = &text[member.name.clone()];
        if let Some(known) = known(name) {
            self.set(known, Value::Json(&text[member.value.clone()]));
            self.capitals |= is_capital(name);
        }
    }

    pub(super) fn set(&mut self, name: Known, value: Value<'a>) {
        match name {
            Known::Field(field, rank) => {
                let place = &mut self.values[field as usize];
                let is_better = place.as_ref().is_none_or(|(known, _)| rank < *known);
                if is_better && value.text_or_nested() {
                    *place = Some((rank, value));
                }
            }
            Known::Target(number, part) => {
                if self.targets.len() <= number {
                    self.targets.resize_with(number + 1, FlatTarget::default);
                }
                let target = &mut self.targets[number];
                let place = match part {
                    TargetPart::Id => &mut target.id,
                    TargetPart::Kind => &mut target.kind,
                    TargetPart::Name => &mut target.name,
                    TargetPart::Property(number, part) => {
                        if target.properties.len() <= number {
                            target.properties.resize_with(number + 1, Default::default);
                        }
                        &mut target.properties[number][part as usize]
                    }
                };
                place.get_or_insert(value);
            }
        }
    }
}

impl Value<'_> {
    /// Whether there is anything: null and empty cells are nothing.
    fn text_or_nested(&self) -> bool {
        match self {
            Self::Json(json) => *json != "null",
            Self::Cell(cell) => !cell.is_empty(),
        }
    }
}

/// The text of a JSON string, number or boolean, without surrounding blanks; `None` for an empty one, null,
/// arrays and objects.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    text_of(value.get())
}

fn text_of(json: &str) -> Option<Cow<'_, str>> {
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

/// The JSON of a value, taken out of its text if it is JSON in a text; `null` for an empty text.
fn unwrapped(json: &str) -> Cow<'_, str> {
    if json.starts_with('"') { text_of(json).unwrap_or(Cow::Borrowed("null")) } else { Cow::Borrowed(json) }
}

fn is_capital(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

struct Key {
    name: Option<Known>,
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
                Ok(Key { name: known(name), capital: is_capital(name) })
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
                while let Some(Key { name, capital }) = map.next_key()? {
                    let Some(name) = name else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    fields.set(name, Value::Json(map.next_value::<&RawValue>()?.get()));
                    fields.capitals |= capital;
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// The members of a nested object, found by name in any spelling; those of an object that stands for a list
/// (`"0"`, `"1"`, …) are its elements.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The first member of a name, given in plain form, that is not null.
    pub(super) fn get(&self, plain: &str) -> Option<&'a RawValue> {
        self.0
            .iter()
            .find(|(name, value)| super::names::is(name, plain) && value.get() != "null")
            .map(|(_, value)| *value)
    }

    /// The text of such a member.
    pub(super) fn text(&self, plain: &str) -> Option<String> {
        self.get(plain).and_then(text).map(Cow::into_owned)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_spelling_and_the_first_that_is_not_null_counts() {
        let fields: Fields<'_> = serde_json::from_str(
            r#"{"Id": null, "id": "a\u0041", "ID": "b", "status": 8, "result": 7, "Status": 9, "category": " "}"#,
        )
        .unwrap();
        assert_eq!(fields.text(Field::Id).as_deref(), Some("aA"));
        assert_eq!(fields.text(Field::Result).as_deref(), Some("7"));
        assert_eq!(fields.text(Field::Category), None);
        assert!(fields.get(Field::InitiatedBy).is_none());
    }
}
