//! Records that are found at a first look.

use std::io::{self, Read};

use super::{
    scan::{LIMIT, Name},
    source::CHUNK,
    split::Splitter,
};
use crate::audit::preselect::{Look, Member, look};

impl<R: Read> Splitter<R> {
    /// The length of the object that begins here, if it is certain at a first look that it is a record on one line: what
    /// a scan would find, sooner. Then [`Splitter::members`] says where its members are.
    pub(super) fn record_at_first_look(&mut self) -> io::Result<Option<usize>> {
        loop {
            match record_at_first_look(self.source.rest(), &mut self.members) {
                Ok(Some(length)) if length < LIMIT => return Ok(Some(length)),
                Err(()) if self.source.rest().len() <= CHUNK && self.source.more()? => {}
                _ => {
                    self.members.clear();
                    return Ok(None);
                }
            }
        }
    }
}

/// The same for the object that begins with the first byte. An error asks for more bytes.
fn record_at_first_look(bytes: &[u8], members: &mut Vec<Member>) -> Result<Option<usize>, ()> {
    members.clear();
    let mut is_record_like = false;
    let opens = |name: &[u8]| {
        let name = Name::of(name);
        is_record_like |= name == Name::OfRecord;
        is_record_like && name != Name::Record
    };
    match look(bytes, opens, |member| members.push(member)) {
        Look::Whole(length) => Ok(Some(length).filter(|_| is_record_like)),
        Look::More => Err(()),
        Look::Unsure => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::export::scan::{Scan, Step};

    const NAMES: [&str; 9] = [
        "activityDateTime",
        "activity_date_time",
        "initiatedBy",
        "properties",
        "value",
        "data",
        "rows",
        "note",
        "error",
    ];
    const VALUES: [&str; 9] = [
        "1",
        "null",
        "\"a\\\"{[\"",
        "{}",
        "[]",
        "[{}]",
        "{\"value\":[{}]}",
        "{\"initiatedBy\":[[1]]}",
        "\n{",
    ];

    proptest! {
        #[test]
        fn a_first_look_finds_what_a_scan_does(
            members in prop::collection::vec((0..NAMES.len(), 0..VALUES.len()), 0..6),
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let members = members.iter().map(|(name, value)| format!("\"{}\":{}", NAMES[*name], VALUES[*value]));
            let mut json = format!("{{{}}} ,", members.collect::<Vec<_>>().join(", ")).into_bytes();
            for _ in 0..2 {
                if let Ok(Some(length)) = record_at_first_look(&json, &mut Vec::new()) {
                    let mut scan = Scan::new();
                    prop_assert_eq!(scan.advance(&json), Step::Whole);
                    prop_assert!(scan.at == length && scan.is_record_like);
                }
                let place = place.index(json.len());
                json[place] = byte;
            }
        }
    }
}
