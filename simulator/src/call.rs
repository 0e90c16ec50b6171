//! One request, taken apart.

use bytes::Bytes;
use http::{Method, Request, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;

use crate::answer::Refusal;

/// Which version of Graph was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    Beta,
}

/// What is encoded in a path: all but letters, digits and `-._~`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Stands for an empty segment, which no route would match.
const EMPTY: &str = "\0empty";

/// A segment of a path that names something.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(crate) struct Name(pub(crate) String);

impl From<String> for Name {
    fn from(segment: String) -> Self {
        Self(if segment == EMPTY { String::new() } else { segment })
    }
}

/// A request as the endpoints read it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Scheme and host that the caller used: links to next pages point there.
    base: String,
    /// The path as it was sent.
    pub(crate) path: String,
    /// The query as it was sent.
    query: String,
    segments: Option<Vec<String>>,
    options: Option<Vec<(String, String)>>,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn new(request: Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let base = match (parts.uri.scheme_str(), parts.uri.authority()) {
            (Some(scheme), Some(host)) => format!("{scheme}://{host}"),
            _ => format!("http://{}", header(header::HOST).unwrap_or("localhost")),
        };
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Self {
            base,
            segments: path.split('/').skip(1).map(decoded).collect(),
            options: pairs(&query),
            authorization: header(header::AUTHORIZATION).map(str::to_owned),
            content_type: header(header::CONTENT_TYPE).unwrap_or_default().to_owned(),
            method: parts.method,
            path,
            query,
            body,
        }
    }

    /// Scheme, host and path as the caller addressed them.
    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.base, self.path)
    }

    /// Path and query as they were sent.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// Returns the decoded segments of the path, or `None` if they cannot be decoded.
    pub(crate) fn segments(&self) -> Option<Vec<&str>> {
        self.segments.as_ref().map(|segments| segments.iter().map(String::as_str).collect())
    }

    /// Returns the last segment below the version; empty if there is none.
    pub(crate) fn last_segment(&self) -> &str {
        self.segments.iter().flatten().skip(1).last().map_or("", String::as_str)
    }

    /// The version of Graph in the path.
    pub(crate) fn version(&self) -> Version {
        let is_beta = self.segments.iter().flatten().next().is_some_and(|first| first == "beta");
        if is_beta { Version::Beta } else { Version::V1 }
    }

    /// The path for the router, in one spelling: Graph decodes segments before it looks at them.
    pub(crate) fn route(&self) -> Uri {
        let segments = self.segments.iter().flatten().map(|segment| {
            let segment = if segment.is_empty() { EMPTY } else { segment };
            utf8_percent_encode(segment, ENCODED).to_string()
        });
        let path = format!("/{}", segments.collect::<Vec<_>>().join("/"));
        path.parse().expect("an encoded path is a URI")
    }

    /// Refuses everything but GET.
    pub(crate) fn must_be_get(&self) -> Result<(), Refusal> {
        self.must_be(&Method::GET)
    }

    /// Refuses every other method.
    pub(crate) fn must_be(&self, method: &Method) -> Result<(), Refusal> {
        if self.method == *method { Ok(()) } else { Err(Refusal::method_not_allowed()) }
    }

    /// Refuses query options other than these, and any that comes twice.
    pub(crate) fn only(&self, allowed: &[&str]) -> Result<(), Refusal> {
        let options = self.options.as_ref().ok_or_else(|| Refusal::bad("Malformed query string."))?;
        for (index, (name, _)) in options.iter().enumerate() {
            if !allowed.contains(&name.as_str()) {
                return Err(Refusal::bad(format!("Query option '{name}' is not supported.")));
            }
            if options[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Refusal::bad(format!("Query option '{name}' was specified more than once.")));
            }
        }
        Ok(())
    }

    /// The value of a query option.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.as_ref()?.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// Reads `$top`, from 1 to `max`. Returns `None` if it is not given.
    pub(crate) fn top(&self, max: usize) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.option("$top") else {
            return Ok(None);
        };
        let invalid = || {
            Refusal::bad(format!(
                "Invalid page size specified: '{text}'. Must be between 1 and {max} inclusive."
            ))
        };
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let top: usize = text.parse().map_err(|_| invalid())?;
        if (1..=max).contains(&top) { Ok(Some(top)) } else { Err(invalid()) }
    }

    /// Reads `$select`, and refuses names that are not in `known`.
    pub(crate) fn select(&self, kind: &str, known: &[&str]) -> Result<Option<Vec<&str>>, Refusal> {
        let Some(text) = self.option("$select") else {
            return Ok(None);
        };
        text.split(',')
            .map(|name| {
                let name = name.trim();
                known.contains(&name).then_some(name).ok_or_else(|| {
                    Refusal::bad(format!(
                        "Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
                    ))
                })
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Some)
    }

    /// Makes the link to this list's next page.
    pub(crate) fn next_link(&self, cursor: &str) -> String {
        let mut link = self.url() + "?";
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            if decoded(name).as_deref() != Some("$skiptoken") {
                link.push_str(pair);
                link.push('&');
            }
        }
        link + "$skiptoken=" + cursor
    }
}

/// Reads `a=b&c=d`. Returns `None` if it cannot be decoded.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?))
        })
        .collect()
}

fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let sound = bytes.iter().enumerate().all(|(at, byte)| {
        *byte != b'%' || bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    sound.then(|| percent_decode_str(text).decode_utf8().ok().map(Into::into))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(uri: &str) -> Call {
        Call::new(Request::get(uri).header("host", "127.0.0.1:9").body(Bytes::new()).unwrap())
    }

    #[test]
    fn segments_and_options_are_decoded() {
        let call = call("/v1.0/users/a%23EXT%23%40b.example?$select=id&%24top=5");
        assert_eq!(call.segments().unwrap(), ["v1.0", "users", "a#EXT#@b.example"]);
        assert_eq!(call.option("$top"), Some("5"));
        assert_eq!(call.url(), "http://127.0.0.1:9/v1.0/users/a%23EXT%23%40b.example");
        assert_eq!(call.target(), "/v1.0/users/a%23EXT%23%40b.example?$select=id&%24top=5");
    }

    #[test]
    fn a_plus_is_a_space_as_in_graph() {
        assert_eq!(call("/x?$filter=a+eq%20'b%2Bc'").option("$filter"), Some("a eq 'b+c'"));
    }

    #[test]
    fn malformed_unknown_and_repeated_options_are_refused() {
        for query in ["$top=%zz", "$skip=1", "top=1", "$top=1&$top=2", "$top=%f"] {
            assert_eq!(call(&format!("/x?{query}")).only(&["$top"]).unwrap_err().status, 400, "{query}");
        }
        for top in ["0", "1001", "-1", "x", "", "+5", "1.0"] {
            assert!(call(&format!("/x?$top={top}")).top(1000).is_err(), "{top}");
        }
        assert_eq!(call("/x?$top=1000").top(1000).unwrap(), Some(1000));
    }

    #[test]
    fn next_links_stay_on_the_host_and_keep_the_query() {
        let link = call("/v1.0/x?$top=5&$skiptoken=old").next_link("new");
        assert_eq!(link, "http://127.0.0.1:9/v1.0/x?$top=5&$skiptoken=new");
        let link = call("https://graph.example/v1.0/x").next_link("new");
        assert_eq!(link, "https://graph.example/v1.0/x?$skiptoken=new");
    }
}
