//! A hash chain over JSON: each entry's hash covers the one before it, so that the last hash, the head, covers all.
//!
//! Whoever can change the file can also compute every hash anew. The chain proves something only to those who noted the
//! head somewhere else at the time.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A SHA-256 in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Link(String);

impl FromStr for Link {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_lowercase();
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text))
        } else {
            Err("not a hash of evidence: 64 digits and letters a to f")
        }
    }
}

impl TryFrom<String> for Link {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Link {
    /// The hash of an entry: SHA-256 over the text of the hash before it (nothing for the first entry) and the entry's
    /// [`canonical`] JSON.
    pub fn of(previous: Option<&Self>, entry: &Value) -> Self {
        let mut hash = Sha256::new();
        hash.update(previous.map_or("", |link| link.0.as_str()));
        hash.update(canonical(entry));
        Self(hash.finalize().iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string does not fail");
            text
        }))
    }
}

/// JSON in the one form that RFC 8785 allows: no spaces, names in order. Evidence has whole numbers only.
/// Source: <https://www.rfc-editor.org/rfc/rfc8785>.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            let members: Vec<String> = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn canonical_json_is_that_of_the_rfc() {
        // The RFC's own example of order, section 3.2.3.
        let value = json!({"\u{20ac}": "Euro", "\r": "CR", "\u{fb33}": "Dalet", "1": "One", "\u{1f600}": "Grin",
            "\u{80}": "Control", "\u{f6}": "o"});
        let expected = "{\"\\r\":\"CR\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\"o\",\"\u{20ac}\":\"Euro\",\"\u{1f600}\":\"Grin\",\"\u{fb33}\":\"Dalet\"}";
        assert_eq!(canonical(&value), expected);
        assert_eq!(
            canonical(&json!([1, null, {"b": true, "a": "\u{f}\n\"\\/"}])),
            "[1,null,{\"a\":\"\\u000f\\n\\\"\\\\/\",\"b\":true}]"
        );
    }

    #[test]
    fn a_link_covers_the_entry_and_everything_before_it() {
        let first = Link::of(None, &json!({}));
        // SHA-256 of the two bytes `{}`.
        assert_eq!(first.to_string(), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        let second = Link::of(Some(&first), &json!({}));
        assert_ne!(first, second);
        assert_ne!(Link::of(Some(&second), &json!({})), second);
    }
}
