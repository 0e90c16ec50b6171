//! What can be read of a page of Graph's that is broken.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    source::Source,
    split::{Piece, Splitter},
};
use crate::audit::glimpse::glimpse;

/// The most records of one page: Graph's have at most 1,000.
const MOST: usize = 10_000;

/// The name of the link to the next page.
const LINK: &str = "\"@odata.nextLink\"";

/// What a page holds, as far as it can be read.
#[derive(Debug, Default)]
pub struct Salvage {
    /// The records before and after what is broken, not parsed yet.
    pub records: Vec<Box<RawValue>>,
    /// What stands broken between them.
    pub broken: Vec<Broken>,
    /// What stands where the page ends too early, which may be nothing; `None` if it does not.
    pub cut: Option<Broken>,
    /// The link to the next page, if there is one.
    pub next: Option<String>,
}

/// Something that should be a record and is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its text as it came, perhaps cut off.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
    /// How many records of the page stand before it.
    pub after: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Peek {
    id: Option<IgnoredAny>,
    activity_date_time: Option<IgnoredAny>,
}

/// Reads the records of a page that is not JSON as a whole, or that has something else among them. Returns `None` if
/// this is no page, or if it holds nothing of a record.
pub fn salvage(body: &[u8]) -> Option<Salvage> {
    let text = String::from_utf8_lossy(body);
    let value = text.find("\"value\"")?;
    // The end of what was last read.
    let mut at = value + text[value..].find('[')? + 1;
    let mut splitter = Splitter::new(Source::new(text.as_bytes()));
    let link = next_link(&text);
    let mut found = Salvage { next: link.clone().unwrap_or_default(), ..Salvage::default() };
    let mut wrong: Option<&'static str> = None;
    let mut has_failed = false;
    while let Ok(Some((_, piece))) = splitter.next() {
        let json = match piece {
            Piece::Object(json, _) => std::str::from_utf8(json).ok()?,
            Piece::Broken(why) => {
                wrong.get_or_insert(why);
                continue;
            }
            // The service failed in the middle, and says so in a record's place.
            Piece::Wrapper(_) => {
                has_failed = true;
                break;
            }
            Piece::TableHead(_) | Piece::Row(_) => continue,
        };
        let Some(begins) = text[at..].find(json) else { continue };
        let raw = RawValue::from_string(json.to_owned());
        let is_record = serde_json::from_str::<Peek>(json)
            .is_ok_and(|peek| peek.id.is_some() || peek.activity_date_time.is_some());
        match raw {
            Ok(_) if !is_record => {
                has_failed = true;
                break;
            }
            Ok(raw) => {
                found.name(wrong.take(), &text[at..at + begins]);
                found.records.push(raw);
                at += begins + json.len();
            }
            Err(_) => {
                wrong.get_or_insert("not JSON");
            }
        }
        if found.records.len() > MOST {
            return None;
        }
    }
    // The link may stand before the list or behind it.
    let closing = if text[value..].contains(LINK) { "}" } else { "]}" };
    let is_closed = text[at..].trim_end().ends_with(closing) && link.is_ok();
    if !is_closed || has_failed {
        let rest = if has_failed { "" } else { rest_of(&text[at..]) };
        let why = wrong.or(link.err()).unwrap_or("the page ends before its list does");
        found.cut = Some(Broken { text: rest.to_owned(), why, after: found.records.len() });
    } else {
        found.name(wrong, &text[at..]);
    }
    let is_nothing = found.records.is_empty()
        && found.broken.is_empty()
        && found.cut.as_ref().is_none_or(|cut| cut.text.is_empty());
    (!is_nothing).then_some(found)
}

impl Salvage {
    fn name(&mut self, wrong: Option<&'static str>, text: &str) {
        let (why, after) = (wrong.unwrap_or("not a record"), self.records.len());
        let pieces = pieces(text).map(rest_of).filter(|text| !text.is_empty());
        self.broken.extend(pieces.map(|text| Broken { text: text.to_owned(), why, after }));
    }
}

/// Splits broken text where another record begins: several may be broken in a row.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let is_record = |at: &usize| text[..*at].trim_end().ends_with(',') && glimpse(&text[*at..]).at.is_some();
    let begins = text.match_indices('{').map(|(at, _)| at).filter(is_record);
    let mut ends: Vec<usize> = begins.chain([text.len()]).collect();
    ends.dedup();
    let mut from = 0;
    ends.into_iter().map(move |end| &text[std::mem::replace(&mut from, end)..end])
}

/// The text without what separates records and closes their list.
fn rest_of(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == ',')
        .trim_end_matches(|c: char| c.is_whitespace() || ",]}".contains(c))
}

/// Reads the link, which a last page lacks. Returns an error if the link is broken itself.
fn next_link(text: &str) -> Result<Option<String>, &'static str> {
    let Some((_, rest)) = text.split_once(LINK) else { return Ok(None) };
    let value = rest.trim_start().strip_prefix(':').unwrap_or_default();
    let link = serde_json::Deserializer::from_str(value).into_iter().next();
    link.and_then(Result::ok).ok_or("its link to the next page is broken")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"@odata.context":"x","@odata.nextLink":"https://graph.example/2","value":["#;

    fn record(id: &str) -> String {
        format!(
            r#"{{"id":"{id}","activityDateTime":"2026-02-10T09:15:00Z","activityDisplayName":"x","initiatedBy":{{"user":{{"id":"u"}}}},"targetResources":[{{"id":"t"}}]}}"#
        )
    }

    fn ids(found: &Salvage) -> Vec<String> {
        let id = |raw: &RawValue| {
            serde_json::from_str::<serde_json::Value>(raw.get()).unwrap()["id"].as_str().unwrap().to_owned()
        };
        found.records.iter().map(|raw| id(raw)).collect()
    }

    #[test]
    fn what_stands_before_and_after_a_broken_record_is_read() {
        let bad = record("bad");
        for broken in [&bad[..60], &bad[..bad.len() - 1], &bad.replace("\"x\"", "\"x\n"), "{bad}", &bad[..12]]
        {
            let page = format!("{HEAD}{},{broken},{},{}]}}", record("a"), record("b"), record("c"));
            let found = salvage(page.as_bytes()).unwrap();
            assert_eq!(ids(&found), ["a", "b", "c"], "{broken}");
            assert_eq!(found.broken.len(), 1, "{broken}: {:?}", found.broken);
            assert_eq!(found.broken[0].after, 1);
            assert!(broken.starts_with(&found.broken[0].text), "{:?}", found.broken[0].text);
            assert_eq!((found.cut, found.next.as_deref()), (None, Some("https://graph.example/2")));
        }
    }

    #[test]
    fn records_that_are_broken_in_a_row_are_named_one_by_one() {
        let (one, two) = (record("one"), record("two"));
        let page = format!("{HEAD}{},{},{},{}]}}", record("a"), &one[..90], &two[..100], record("b"));
        let found = salvage(page.as_bytes()).unwrap();
        assert_eq!(ids(&found), ["a", "b"]);
        let named: Vec<_> = found.broken.iter().filter_map(|broken| glimpse(&broken.text).id).collect();
        assert_eq!(named, ["one", "two"]);
    }

    #[test]
    fn a_page_that_is_cut_says_so_wherever_it_is_cut() {
        let page = format!("{HEAD}{},{},{}]}}", record("a"), record("b"), record("c"));
        let first = HEAD.len() + record("a").len();
        for end in first..page.len() - 2 {
            let found = salvage(&page.as_bytes()[..end]).unwrap();
            assert!(ids(&found).iter().zip(["a", "b", "c"]).all(|(got, right)| got == right));
            assert!(!found.records.is_empty(), "{end}");
            assert!(found.cut.is_some() && found.broken.is_empty(), "{end}");
        }
    }

    #[test]
    fn a_page_whose_link_is_broken_is_cut() {
        for (link, is_cut) in [(r#""https://x""#, false), ("null", false), (r#""https://x\q""#, true)] {
            let page = format!(r#"{{"value":[{},{{bad}}],"@odata.nextLink":{link}}}"#, record("a"));
            let found = salvage(page.as_bytes()).unwrap();
            assert_eq!((ids(&found).len(), found.cut.is_some()), (1, is_cut), "{link}");
        }
    }

    #[test]
    fn what_stands_behind_an_error_waits_for_the_next_page() {
        let page = format!(r#"{HEAD}{},{{"error":{{"code":"x"}}}},{}]}}"#, record("a"), record("b"));
        let found = salvage(page.as_bytes()).unwrap();
        assert_eq!((ids(&found), found.cut.is_some()), (vec!["a".to_owned()], true));
    }

    #[test]
    fn an_error_among_the_records_is_no_record_and_what_is_no_page_holds_none() {
        let page = format!(r#"{HEAD}{},{{"error":{{"code":"UnknownError"}}}}]}}"#, record("a"));
        let found = salvage(page.as_bytes()).unwrap();
        assert_eq!((ids(&found).len(), found.broken.len()), (1, 0));
        assert!(found.cut.is_some());
        for other in [r#"{"error":{"code":"x"}}"#, "<html>", "", r#"{"value":{}}"#, r#"{"value":[]}"#, "[1]"]
        {
            assert!(salvage(other.as_bytes()).is_none(), "{other}");
        }
    }
}
