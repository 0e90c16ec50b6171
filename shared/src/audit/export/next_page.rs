//! Whether a page says that there is another one behind it.

use super::scan::Name;
use crate::audit::fields::{Members, text};

/// Whether the part of a page before its records names a next page, with `depth` objects around them.
pub(super) fn names_next(head: &[u8], depth: u32) -> bool {
    const LONGEST_HEAD: usize = 64 * 1024;
    if head.len() > LONGEST_HEAD {
        return false;
    }
    let head = head.trim_ascii_end();
    let head = head.strip_suffix(b",").unwrap_or(head);
    let closed = [head, "}".repeat(depth as usize).as_bytes()].concat();
    let Ok(mut members) = serde_json::from_slice::<Members<'_>>(&closed) else { return false };
    loop {
        if members
            .0
            .iter()
            .any(|(name, value)| Name::of(name.as_bytes()) == Name::NextLink && text(value).is_some())
        {
            return true;
        }
        let inner = members.0.last().map(|(_, value)| serde_json::from_str(value.get()));
        let Some(Ok(inner)) = inner else { return false };
        members = inner;
    }
}
