//! What can be seen of a record that cannot be read.

use std::fmt;

use jiff::Timestamp;
use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};

/// The id and the time of a record, if they stand before what is broken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// Its id; `None` if it cannot be seen.
    pub id: Option<String>,
    /// When its activity was.
    pub at: Option<Timestamp>,
}

/// Reads a record's own members, not those of anything in it, up to the first that is broken.
pub fn glimpse(record: &str) -> Glimpse {
    struct Into<'a>(&'a mut Glimpse);

    impl<'de> DeserializeSeed<'de> for Into<'_> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
            input.deserialize_map(self)
        }
    }

    impl<'de> Visitor<'de> for Into<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a record")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
            while let Some(name) = members.next_key::<String>()? {
                match name.as_str() {
                    "id" => self.0.id = Some(members.next_value()?),
                    "activityDateTime" => {
                        self.0.at = members.next_value::<String>()?.parse().ok();
                    }
                    _ => {
                        members.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok(())
        }
    }

    let mut seen = Glimpse::default();
    // What is broken ends the reading, and what was seen before it stays.
    let _ = Into(&mut seen).deserialize(&mut serde_json::Deserializer::from_str(record));
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_break_is_seen_and_nothing_of_what_is_inside() {
        let seen =
            glimpse(r#"{"x":{"id":"inner"},"id":"event-1","activityDateTime":"2026-02-10T09:15:00Z","y":"#);
        let at = "2026-02-10T09:15:00Z".parse().ok();
        assert_eq!(seen, Glimpse { id: Some("event-1".to_owned()), at });
        for nothing in [r#"{"x":{"id":"inner""#, r#"{"id":"event-"#, "", "x", "[1]"] {
            assert_eq!(glimpse(nothing), Glimpse::default(), "{nothing}");
        }
    }
}
