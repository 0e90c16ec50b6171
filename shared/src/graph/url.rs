//! URLs of Graph requests: whatever an id contains, it stays in its place.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::GraphError;

const KEEP: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Encodes one path segment. Refuses what would change the path, even if a proxy decodes it once too often;
/// no id or principal name contains that.
pub(super) fn segment(text: &str) -> Result<String, GraphError> {
    let changes_the_path = |c: char| "/\\%".contains(c) || c.is_control();
    if text.len() > 512 || text.chars().all(|c| c == '.') || text.contains(changes_the_path) {
        return Err(GraphError::Unreadable { what: "an id that can stand in a path".to_owned() });
    }
    Ok(utf8_percent_encode(text, &KEEP).to_string())
}

/// Encodes the key of an object behind the name of its collection: a path segment, or a key in parentheses if it
/// begins with `$`, which a segment must not.
///
/// Source: <https://learn.microsoft.com/en-us/graph/api/user-get>.
pub(super) fn key(text: &str) -> Result<String, GraphError> {
    let encoded = segment(text)?;
    if !text.starts_with('$') {
        return Ok(format!("/{encoded}"));
    }
    Ok(format!("('{}')", encoded.replace("%27", "%27%27")))
}

/// Builds a query: names as they are, values encoded.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, &KEEP));
    }
    text
}

/// Quotes a text for an `OData` filter.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_path_segment() {
        for text in ["a?b=c", "a#b", "a b", "a..b", "o'neill@x.example", "ä"] {
            let encoded = segment(text).unwrap();
            assert!(!encoded.contains(['/', '?', '#', '\0', '\'', '@']), "{encoded}");
            let url = url::Url::parse(&format!("https://graph.example/v1.0/users/{encoded}/authentication"))
                .unwrap();
            assert_eq!(url.path_segments().unwrap().count(), 4, "{text}");
        }
        for text in ["", ".", "..", "...", "a/b", "../..", "a\\b", "a%2fb", "a\0b", "a\r\nb"] {
            assert!(segment(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_key_that_begins_with_a_dollar_stands_in_parentheses() {
        assert_eq!(key("ada@x.example").unwrap(), "/ada%40x.example");
        assert_eq!(key("$a'b@x.example").unwrap(), "('%24a%27%27b%40x.example')");
        assert!(key("$a/b").is_err());
    }

    #[test]
    fn nothing_breaks_out_of_a_filter() {
        assert_eq!(quoted("x' or true or 'x"), "'x'' or true or ''x'");
        assert_eq!(query(&[("$filter", "a eq 'b&c'")]), "?$filter=a%20eq%20%27b%26c%27");
    }
}
