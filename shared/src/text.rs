//! Comparing names that Microsoft does not spell consistently, and quoting input safely.

/// Whether two names are equal, ignoring ASCII case, extra whitespace, and periods at the end.
pub fn same_name(left: &str, right: &str) -> bool {
    // Most names differ in their first letters.
    if let (Some(a), Some(b)) = (left.bytes().next(), right.bytes().next())
        && a.is_ascii_alphanumeric()
        && b.is_ascii_alphanumeric()
        && !a.eq_ignore_ascii_case(&b)
    {
        return false;
    }
    let mut left = words(left);
    let mut right = words(right);
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {}
            _ => return false,
        }
    }
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.trim_end_matches(|c: char| c == '.' || c.is_whitespace()).split_whitespace()
}

/// Clips a text to `limit` characters on one line: unprintable characters become spaces, and an ellipsis
/// replaces what is cut off.
pub fn clip(text: &str, limit: usize) -> String {
    let mut clipped: String =
        text.chars().take(limit).map(|c| if is_unprintable(c) { ' ' } else { c }).collect();
    if text.chars().nth(limit).is_some() {
        clipped.push('…');
    }
    clipped
}

/// Whether a terminal or viewer would act on a character instead of showing it: control characters, invisible
/// marks, and changes of text direction.
pub fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_blanks_and_full_stops_at_the_end() {
        let name = "User registered security info";
        for other in [
            "user REGISTERED security info",
            "User registered security info.",
            "  User  registered\tsecurity\u{a0}info . . ",
        ] {
            assert!(same_name(name, other), "{other:?}");
        }
        for other in [
            "",
            "User registered security",
            "User registered security info x",
            "User registered securityinfo",
        ] {
            assert!(!same_name(name, other), "{other:?}");
        }
    }

    #[test]
    fn a_clipped_text_is_short_and_has_no_control_characters() {
        assert_eq!(clip("a\u{1b}[31m\nb\u{202e}c", 20), "a [31m b c");
        assert_eq!(clip("ééééé", 3), "ééé…");
        assert_eq!(clip("abc", 3), "abc");
    }
}
