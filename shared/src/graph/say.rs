//! The log line of an answered request.

use bytes::Bytes;
use http::Response;
use jiff::SignedDuration;
use url::Url;

use super::{answer::request_id, call::Call};

/// An answer that took this long gets a line of its own at level INFO.
const SLOW: SignedDuration = SignedDuration::from_secs(1);

/// Logs which request was answered, how, and how long it took.
pub(super) fn answered(call: &Call, answer: &Response<Bytes>, took: SignedDuration) {
    macro_rules! say {
        ($level:expr) => {
            tracing::event!(
                $level,
                graph.operation = operation(call),
                graph.status = answer.status().as_u16(),
                graph.request_id = request_id(answer),
                duration_ms = u64::try_from(took.as_millis()).unwrap_or(0),
                "graph answered"
            )
        };
    }
    if took < SLOW {
        say!(tracing::Level::DEBUG);
    } else {
        say!(tracing::Level::INFO);
    }
}

/// Method and path, with a star for anything that may be an id or a name.
fn operation(call: &Call) -> String {
    let url = Url::parse(&call.url).ok();
    let segments = url.iter().filter_map(Url::path_segments).flatten();
    let shown = segments.map(|segment| {
        let is_word = segment.chars().all(|c| c.is_ascii_alphabetic());
        let is_version = matches!(segment, "v1.0" | "beta");
        if is_word || is_version { segment } else { "*" }
    });
    format!("{} /{}", call.method, shown.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_names_nobody() {
        for (url, shown) in [
            ("https://graph.example/v1.0/users/ada@contoso.example?$select=id", "GET /v1.0/users/*"),
            (
                "https://graph.example/beta/users/dd44fd36-4511-4889-801e-dc8e367e5d6d/authentication/requirements",
                "GET /beta/users/*/authentication/requirements",
            ),
            (
                "https://graph.example/v1.0/auditLogs/directoryAudits?$skiptoken=x",
                "GET /v1.0/auditLogs/directoryAudits",
            ),
        ] {
            let call = Call::get(url.to_owned(), &[]);
            assert_eq!(operation(&call), shown);
        }
    }
}
