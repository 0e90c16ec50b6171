//! Answers of Graph and of the sign-in, read by the real client.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use jiff::Timestamp;
use shared::{
    audit::Service,
    clock::Clock,
    credentials::ClientSecret,
    domain::window::Range,
    graph::{AuditQuery, Graph, GraphError, Urgency},
    settings::Settings,
};
use tower::util::BoxCloneSyncService;
use url::Url;

use super::is_clean;

const USER: &str = "fd741069-6bb6-43de-a515-1c401dd377bf";

const START: &str = "2026-03-20T12:00:00Z";

/// How many requests one input may cause, with all retries.
const MOST_REQUESTS: usize = 200;

const VARS: [(&str, &str); 6] = [
    ("AZURE_TENANT_ID", "6babcaad-604b-40ac-a9d7-9fd97c0b779f"),
    ("AZURE_CLIENT_ID", "0f1c2f34-9d6f-4d3e-8d6a-2f7c1b0a9e55"),
    ("AZURE_CLIENT_SECRET", SECRET),
    ("PREVIEW_ENABLED_AT", "2026-01-01T00:00:00Z"),
    ("PREVIEW_DISABLED_AT", START),
    ("NO_EXCLUSIONS", "true"),
];

const SECRET: &str = "Xy7~client.secret-of-the-app";

const TOKEN: &str = "token-of-the-app";

/// Reads a digit or letter that says what to ask for, and the answers: a status and perhaps `Retry-After` on the first
/// line, then the body; `---` separates two answers. The digit 9 asks for a token.
pub fn graph_answers(data: &[u8]) {
    let Some((what, answers)) = data.split_first() else { return };
    let answers = split(answers);
    let is_login = *what == b'9';
    let answer = async |graph: &Graph| -> Result<(), GraphError> {
        let user = USER.parse().expect("an id");
        match what {
            b'0' => graph.user(&USER.parse().expect("an id")).await.map(drop),
            b'1' => graph.per_user_mfa(user, Urgency::New).await.map(drop),
            b'2' => graph.methods(user, Urgency::New).await.map(drop),
            b'3' => graph.role_assignments().await.map(drop),
            b'4' => graph.role_eligibilities().await.map(drop),
            b'5' => graph.transitive_members(USER).await.map(drop),
            b'6' => graph.policies().await.map(drop),
            b'7' => graph.registration_details(None).await.map(drop),
            b'8' => {
                let start: Timestamp = START.parse().expect("a time");
                graph
                    .audit_page(&AuditQuery::Range(
                        Service::AuthenticationMethods,
                        Range { from: start, to: start },
                    ))
                    .await
                    .map(drop)
            }
            b'a' => graph.methods_policy().await.map(drop),
            b'b' => graph.administrators_may_reset().await.map(drop),
            b'c' => graph.group(USER.parse().expect("an id")).await.map(drop),
            b'd' => graph.groups_of(user, &[USER.parse().expect("an id")].into()).await.map(drop),
            b'e' => graph.registration_details_of(user).await.map(drop),
            _ => graph.granted_permissions().await.map(drop),
        }
    };
    if let Err(error) = ask(answers, is_login, answer) {
        is_clean(&error.to_string());
    }
}

/// The value of a `Retry-After` header.
pub fn retry_after(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
    answer.headers_mut().insert(header::RETRY_AFTER, value);
    let answers = VecDeque::from(vec![answer; 5]);
    let asked = ask(answers, false, async |graph: &Graph| {
        graph.per_user_mfa(USER.parse().expect("an id"), Urgency::New).await.map(drop)
    });
    match asked {
        Err(GraphError::Throttled { retry_after }) => assert!(retry_after <= Duration::from_hours(24)),
        other => panic!("{other:?}"),
    }
}

fn split(data: &[u8]) -> VecDeque<Response<Bytes>> {
    let text = String::from_utf8_lossy(data);
    text.split("\n---\n").filter_map(response).take(20).collect()
}

fn response(text: &str) -> Option<Response<Bytes>> {
    let (head, body) = text.trim_start().split_once('\n')?;
    let (status, retry_after) = head.split_once(' ').unwrap_or((head, ""));
    let mut builder = Response::builder().status(status.trim().parse::<u16>().ok()?);
    if !retry_after.is_empty() {
        builder = builder.header(header::RETRY_AFTER, retry_after);
    }
    builder.header("request-id", body.get(..40).unwrap_or("x")).body(Bytes::from(body.to_owned())).ok()
}

/// Asks a client that gets these answers, and checks its requests.
fn ask(
    answers: VecDeque<Response<Bytes>>,
    is_login: bool,
    question: impl AsyncFnOnce(&Graph) -> Result<(), GraphError>,
) -> Result<(), GraphError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let lookup =
            |name: &str| VARS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let settings = Settings::read(lookup).expect("settings that are right");
        let secret = ClientSecret::read(lookup).expect("settings that are right");
        let (begun, start) = (tokio::time::Instant::now(), START.parse::<Timestamp>().expect("a time"));
        let clock = Clock::from_fn(move || start + begun.elapsed());
        let (answers, asked) = (Arc::new(Mutex::new(answers)), Arc::new(Mutex::new(0)));
        let transport = tower::service_fn(move |request: Request<Bytes>| {
            *asked.lock().expect("no panic") += 1;
            assert!(*asked.lock().expect("no panic") <= MOST_REQUESTS, "it asks for ever");
            let of_login = goes_where_it_may(&request);
            let answer = if of_login && !is_login {
                Response::new(Bytes::from(format!(r#"{{"access_token":"{TOKEN}","expires_in":3600}}"#)))
            } else {
                answers.lock().expect("no panic").pop_front().unwrap_or_else(not_found)
            };
            async { Ok(answer) }
        });
        let graph = Graph::new(&settings, Arc::new(secret), BoxCloneSyncService::new(transport), clock);
        question(&graph).await
    })
}

fn not_found() -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = http::StatusCode::NOT_FOUND;
    answer
}

/// Checks that the token goes to Graph, the secret to the sign-in, and nothing anywhere else.
fn goes_where_it_may(request: &Request<Bytes>) -> bool {
    // Parsed as the HTTP client parses it.
    let url = Url::parse(&request.uri().to_string()).expect("an address");
    let is_login = url.host_str() == Some("login.microsoftonline.com");
    assert!(is_login || url.host_str() == Some("graph.microsoft.com"), "{url}");
    assert_eq!((url.scheme(), url.port(), url.username(), url.password()), ("https", None, "", None));
    assert_eq!(request.headers().contains_key(header::AUTHORIZATION), !is_login);
    assert!(is_login || !String::from_utf8_lossy(request.body()).contains(SECRET));
    is_login
}
