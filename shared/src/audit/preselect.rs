//! A first look at a record, in one pass over its bytes: most records are no registrations, and this is all that is
//! read of them besides their texts.
//!
//! It is right because it answers only where nothing is in doubt. What it takes for well-formed, every reader of JSON
//! does; whatever is unusual (a name with an escape, a number with an exponent, a line's end) it leaves to
//! `serde_json`, which also words the errors. Names are not compared here: the table of names decides, as for any
//! other record.

use std::ops::Range;

/// An object that is nested deeper than this is left to `serde_json`.
const DEEPEST: u32 = 60;

/// What came of a first look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// The object is well-formed, stands on one line and has this length.
    Whole(usize),
    /// The bytes end before the object does.
    More,
    /// It has to be read in full.
    Unsure,
}

/// Where a member of an object is: its name without the quotes, and its value.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

/// What may come next.
#[derive(Clone, Copy)]
enum Next {
    NameOrEnd,
    Name,
    Colon,
    ValueOrEnd,
    Value,
    CommaOrEnd,
}

/// Looks at the object that begins with the first byte, and hands on where each of its own members is, in their order. `opens` is asked, by the name, about each value that is an object or
/// an array; if it says no, the look ends unsure.
pub(super) fn look(bytes: &[u8], opens: impl FnMut(&[u8]) -> bool, each: impl FnMut(Member)) -> Look {
    walk(bytes, opens, each).map_or_else(|look| look, Look::Whole)
}

fn walk(
    bytes: &[u8],
    mut opens: impl FnMut(&[u8]) -> bool,
    mut each: impl FnMut(Member),
) -> Result<usize, Look> {
    if bytes.first() != Some(&b'{') {
        return Err(Look::Unsure);
    }
    let mut at = 1;
    // One bit for each open bracket, the innermost the lowest: 1 for an object, 0 for an array.
    let mut nesting = 1u64;
    let mut depth = 1u32;
    let mut next = Next::NameOrEnd;
    let mut name = 0..0;
    let mut value_at = 0;
    loop {
        let byte = *bytes.get(at).ok_or(Look::More)?;
        match (next, byte) {
            (_, b' ' | b'\t') => {
                at += 1;
                continue;
            }
            (Next::Name | Next::NameOrEnd, b'"') => {
                let (end, is_escaped) = string(bytes, at + 1)?;
                if depth == 1 {
                    if is_escaped {
                        return Err(Look::Unsure);
                    }
                    name = at + 1..end;
                }
                at = end + 1;
                next = Next::Colon;
                continue;
            }
            (Next::Colon, b':') => {
                at += 1;
                next = Next::Value;
                continue;
            }
            (Next::CommaOrEnd, b',') => {
                at += 1;
                next = if nesting & 1 == 1 { Next::Name } else { Next::Value };
                continue;
            }
            (Next::Value | Next::ValueOrEnd, _) if !matches!(byte, b']' | b'}') => {
                if depth == 1 {
                    value_at = at;
                }
                at = match byte {
                    b'"' => string(bytes, at + 1)?.0 + 1,
                    b'{' | b'[' => {
                        if depth == DEEPEST || (depth == 1 && !opens(&bytes[name.clone()])) {
                            return Err(Look::Unsure);
                        }
                        let is_object = byte == b'{';
                        nesting = nesting << 1 | u64::from(is_object);
                        depth += 1;
                        next = if is_object { Next::NameOrEnd } else { Next::ValueOrEnd };
                        at += 1;
                        continue;
                    }
                    b'n' => literal(bytes, at, b"null")?,
                    b't' => literal(bytes, at, b"true")?,
                    b'f' => literal(bytes, at, b"false")?,
                    _ => number(bytes, at)?,
                };
            }
            (Next::NameOrEnd | Next::CommaOrEnd, b'}') if nesting & 1 == 1 => {
                at += 1;
                nesting >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
            (Next::ValueOrEnd | Next::CommaOrEnd, b']') if nesting & 1 == 0 => {
                at += 1;
                nesting >>= 1;
                depth -= 1;
            }
            _ => return Err(Look::Unsure),
        }
        // A value ends here.
        if depth == 1 {
            each(Member { name: name.clone(), value: value_at..at });
        }
        next = Next::CommaOrEnd;
    }
}

/// Finds the quote that ends a text whose first byte is at `at`. Returns whether it has escapes, too.
fn string(bytes: &[u8], mut at: usize) -> Result<(usize, bool), Look> {
    let mut is_escaped = false;
    loop {
        at += special(bytes.get(at..).unwrap_or_default()).ok_or(Look::More)?;
        match bytes[at] {
            b'"' => return Ok((at, is_escaped)),
            b'\\' => {
                is_escaped = true;
                at += match bytes.get(at + 1).ok_or(Look::More)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                    b'u' => {
                        let digits = bytes.get(at + 2..at + 6).ok_or(Look::More)?;
                        if !digits.iter().all(u8::is_ascii_hexdigit) {
                            return Err(Look::Unsure);
                        }
                        6
                    }
                    _ => return Err(Look::Unsure),
                };
            }
            _ => return Err(Look::Unsure),
        }
    }
}

/// The place of the first quote, backslash or control character.
#[inline]
pub(super) fn special(bytes: &[u8]) -> Option<usize> {
    let in_word = |word| equal(word, b'"') | equal(word, b'\\') | below(word, 0x20);
    first(bytes, in_word, |byte| matches!(byte, b'"' | b'\\' | 0..0x20))
}

/// The place of the first of two bytes.
#[inline]
pub(super) fn either(bytes: &[u8], one: u8, other: u8) -> Option<usize> {
    first(bytes, |word| equal(word, one) | equal(word, other), |byte| byte == one || byte == other)
}

/// The place of the first byte that is wanted. What is looked for is mostly near: eight bytes at a time cost less than a
/// search that has to be set up.
#[inline]
fn first(bytes: &[u8], in_word: impl Fn(u64) -> u64, is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (place, eight) in eights.iter().enumerate() {
        let found = in_word(u64::from_le_bytes(*eight));
        if found != 0 {
            return Some(place * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|byte| is_wanted(*byte)).map(|at| eights.len() * 8 + at)
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// The high bits of the bytes below a limit. Of those that are set, the lowest is right.
fn below(word: u64, limit: u64) -> u64 {
    word.wrapping_sub(ONES * limit) & !word & (ONES << 7)
}

/// The same for the bytes that are this one.
fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

fn literal(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, Look> {
    let rest = &bytes[at..];
    if rest.starts_with(word) {
        Ok(at + word.len())
    } else if word.starts_with(rest) {
        Err(Look::More)
    } else {
        Err(Look::Unsure)
    }
}

/// Finds the end of a number without an exponent.
fn number(bytes: &[u8], at: usize) -> Result<usize, Look> {
    let digits = |from: usize| {
        let count = bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if from + count == bytes.len() { Err(Look::More) } else { Ok(from + count) }
    };
    let from = at + usize::from(bytes[at] == b'-');
    let mut end = digits(from)?;
    if end == from || (bytes[from] == b'0' && end > from + 1) {
        return Err(Look::Unsure);
    }
    if bytes[end] == b'.' {
        let from = end + 1;
        end = digits(from)?;
        if end == from {
            return Err(Look::Unsure);
        }
    }
    if matches!(bytes[end], b'e' | b'E') { Err(Look::Unsure) } else { Ok(end) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::fields::Fields;

    fn parts(json: &str) -> Option<Vec<(&str, &str)>> {
        let mut parts = Vec::new();
        let look =
            look(json.as_bytes(), |_| true, |member| parts.push((&json[member.name], &json[member.value])));
        (look == Look::Whole(json.len())).then_some(parts)
    }

    #[test]
    fn members_are_found_as_they_stand() {
        let json =
            r#"{"id" : "a\u0041\"}", "n":null,"t":true,"f":false,"x":-1.5,"o":{"y":[{},[],0]} ,"é":[ ]}"#;
        let expected = [
            ("id", r#""a\u0041\"}""#),
            ("n", "null"),
            ("t", "true"),
            ("f", "false"),
            ("x", "-1.5"),
            ("o", r#"{"y":[{},[],0]}"#),
            ("é", "[ ]"),
        ];
        assert_eq!(parts(json).unwrap(), expected);
        assert_eq!(parts("{}").unwrap(), []);
        for end in 0..json.len() {
            if json.is_char_boundary(end) && end > 0 {
                assert_eq!(look(&json.as_bytes()[..end], |_| true, |_| {}), Look::More, "{end}");
            }
        }
    }

    #[test]
    fn what_is_in_doubt_is_left_to_the_full_reader() {
        for json in [
            r#"{"a\u0041":1}"#,
            "{\"a\":\n1}",
            r#"{"a":1e5}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":-}"#,
            r#"{"a":nul}"#,
            r#"{"a":nulls}"#,
            r#"{"a" 1}"#,
            r#"{"a":1,}"#,
            r"{,}",
            r#"{"a":[1,]}"#,
            r#"{"a":[}"#,
            r#"{"a":]}"#,
            r#"{"a":"\q"}"#,
            r#"{"a":"\u00g0"}"#,
            "{\"a\":\"\t\"}",
            r"{1:2}",
            r#"{"a":{"b"}}"#,
            r#"{"a":'b'}"#,
            r#"{"a"::1}"#,
            r#"{"a":1 2}"#,
            r#"["a"]"#,
            "",
        ] {
            assert_eq!(look(json.as_bytes(), |_| true, |_| {}), Look::Unsure, "{json}");
        }
        assert_eq!(look(br#"{"a":{}}"#, |name| name != b"a", |_| {}), Look::Unsure);
    }

    /// A name in some spelling of one that is read, or another name.
    fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(vec![
                "id",
                "ID",
                "activityDateTime",
                "ActivityDateTime [UTC]",
                "activity_date_time",
                "result",
                "Status",
                "loggedByService",
                "properties",
                "targetResources",
                "Target1ObjectId",
                "operationName",
                "OperationName",
                "initiatedBy.user.id",
                "note",
                "additionalDetails",
                "activit\\u0079DateTime",
                "r\\u00e9sult",
            ])
            .prop_map(str::to_owned),
            "[a-zA-Zé .\\\\\"]{0,9}",
        ]
    }

    fn value() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            "-?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][0-9])?",
            "\"([a-zé \\[\\]{},:]|\\\\[\"\\\\/nu]|\\\\u00[0-9a-f]{2}){0,12}\"",
            any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            let member = (name(), inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(","))),
                prop::collection::vec(member, 0..4).prop_map(|list| format!("{{{}}}", list.join(", "))),
            ]
        })
    }

    fn object() -> impl Strategy<Value = String> {
        let member = (name(), value()).prop_map(|(name, value)| format!("\"{name}\" :{value}"));
        prop::collection::vec(member, 0..8).prop_map(|list| format!("{{{}}}", list.join(",")))
    }

    proptest! {
        #[test]
        fn a_first_look_finds_what_the_full_reader_does(json in object(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut broken = json.clone().into_bytes();
            let place = cut.index(broken.len());
            broken[place] = byte;
            for json in [json.as_bytes(), &broken, &json.as_bytes()[..place]] {
                let full: serde_json::Result<Fields<'_>> = serde_json::from_slice(json);
                let read = Fields::read(json);
                prop_assert_eq!(format!("{full:?}"), format!("{read:?}"), "{}", String::from_utf8_lossy(json));
            }
        }
    }
}
