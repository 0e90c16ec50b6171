//! Paged lists: the next link is followed as it is, but only on the configured host, and not forever.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use url::Url;

use super::{
    answer::{Answer, Page},
    call::{Budget, Call},
    client::Graph,
    error::GraphError,
};

/// The most pages of one list: none that this program reads has more.
pub const MAX_PAGES: usize = 10_000;

/// The most items of one list: none that this program keeps is longer.
pub(super) const MAX_ITEMS: usize = 1_000_000;

/// The most items of one page: Graph's have at most 1,000, and small items take many times their text in
/// memory.
const MAX_ITEMS_OF_PAGE: usize = 10_000;

/// One page as Graph sends it.
#[derive(Deserialize)]
pub(super) struct RawPage {
    #[serde(deserialize_with = "at_most_a_page")]
    pub(super) value: Vec<Box<RawValue>>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next_link: Option<String>,
}

#[derive(Deserialize)]
struct Misplaced {
    #[serde(rename = "error")]
    _error: serde::de::IgnoredAny,
    id: Option<serde::de::IgnoredAny>,
}

impl RawPage {
    /// Returns an error if the service failed in the middle, and put an error object among the items.
    pub(super) fn has_only_items(&self) -> Result<(), GraphError> {
        let is_misplaced =
            |raw: &RawValue| serde_json::from_str::<Misplaced>(raw.get()).is_ok_and(|item| item.id.is_none());
        if self.value.iter().any(|raw| is_misplaced(raw)) {
            let cause = "an error object among a page's items".to_owned();
            return Err(GraphError::Unavailable { cause });
        }
        Ok(())
    }
}

impl Graph {
    /// Checks that a link leads to the configured host before the token goes there.
    pub(super) fn check_link(&self, link: &str) -> Result<(), GraphError> {
        let base = Url::parse(&self.base).map_err(|_| unreadable("a Graph address"))?;
        let url = Url::parse(link).map_err(|_| unreadable("a next link that is an address"))?;
        let same = url.scheme() == base.scheme()
            && url.host() == base.host()
            && url.port_or_known_default() == base.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none();
        if same { Ok(()) } else { Err(unreadable("a next link to the configured Graph host")) }
    }

    /// Reads one page, and checks its next link before anybody follows it.
    pub(super) async fn page<T: DeserializeOwned>(&self, call: Call) -> Result<Page<T>, GraphError> {
        let answer: Answer<RawPage> = self.get(call).await?;
        answer.body.has_only_items()?;
        let mut items = Vec::with_capacity(answer.body.value.len());
        for raw in &answer.body.value {
            let item = serde_json::from_str(raw.get());
            items.push(item.map_err(|_| unreadable("items of the documented shape"))?);
        }
        if let Some(link) = &answer.body.next_link {
            self.check_link(link)?;
        }
        Ok(Page { items, next: answer.body.next_link, request_id: answer.request_id, sent: answer.sent })
    }

    /// Reads a whole list.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        url: String,
        needs: &'static [&'static str],
    ) -> Result<Vec<T>, GraphError> {
        self.list_within(Budget::Directory, url, needs).await
    }

    /// Reads a whole list that counts against `budget`.
    pub(super) async fn list_within<T: DeserializeOwned>(
        &self,
        budget: Budget,
        url: String,
        needs: &'static [&'static str],
    ) -> Result<Vec<T>, GraphError> {
        let mut seen = HashSet::new();
        let mut next = Some(url);
        let mut items = Vec::new();
        while let Some(url) = next {
            if seen.len() >= MAX_PAGES || items.len() > MAX_ITEMS || !seen.insert(url.clone()) {
                return Err(unreadable("a list that ends"));
            }
            let page = self.page(Call { budget, ..Call::get(url, needs) }).await?;
            items.extend(page.items);
            next = page.next;
        }
        Ok(items)
    }
}

fn at_most_a_page<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    struct Items;
    impl<'de> Visitor<'de> for Items {
        type Value = Vec<Box<RawValue>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX_ITEMS_OF_PAGE} items")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = list.next_element()? {
                if items.len() == MAX_ITEMS_OF_PAGE {
                    return Err(A::Error::invalid_length(items.len() + 1, &self));
                }
                items.push(item);
            }
            Ok(items)
        }
    }
    input.deserialize_seq(Items)
}

fn unreadable(what: &str) -> GraphError {
    GraphError::Unreadable { what: what.to_owned() }
}
