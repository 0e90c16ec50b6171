//! A deployed stack, reached through its API.

mod signed;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use shared::{
    api::{Problem, ProblemKind},
    cloud::is_loopback,
    graph::transport,
};
use tower::ServiceExt;
use url::Url;

use self::signed::Signer;
use crate::error::{CommandError, Exit};

/// How often a request is sent at most if the stack cannot answer.
const TRIES: u32 = 4;

/// The API of one deployment.
pub struct Stack {
    base: Url,
    transport: transport::Transport,
    signer: Signer,
}

/// A request: method, route and query, body, and idempotency key.
pub struct Call<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: Vec<(&'a str, String)>,
    body: Option<Value>,
    key: Option<String>,
}

impl<'a> Call<'a> {
    pub fn get(path: &[&'a str]) -> Self {
        Self { method: Method::GET, path: path.to_vec(), query: Vec::new(), body: None, key: None }
    }

    /// Makes a POST. It is not sent again unless it is marked [`once`](Self::once).
    pub fn post(path: &[&'a str]) -> Self {
        Self { method: Method::POST, ..Self::get(path) }
    }

    /// Adds a JSON body.
    #[must_use]
    pub fn with(self, body: &impl Serialize) -> Self {
        Self { body: Some(serde_json::to_value(body).expect("a request is plain data")), ..self }
    }

    /// Adds an idempotency key: a repeat is answered, not done again.
    #[must_use]
    pub fn once(self) -> Self {
        Self { key: Some(uuid::Uuid::new_v4().to_string()), ..self }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn parameter(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Whether it may be sent again: a GET changes nothing, and a request with a key is done once.
    fn can_be_repeated(&self) -> bool {
        self.method == Method::GET || self.key.is_some()
    }
}

impl Stack {
    /// The stack at `url`, the output `ApiUrl` of its deployment.
    pub fn at(url: &str) -> Result<Self, CommandError> {
        let usage = |cause: &str| CommandError::usage(format!("--stack: {cause}"));
        let mut base = Url::parse(url.trim_end_matches('/')).map_err(|_| {
            usage("a URL is needed, like https://abc123.execute-api.eu-west-1.amazonaws.com/live")
        })?;
        if base.scheme() != "https" && !(base.scheme() == "http" && is_loopback(&base)) {
            return Err(usage("only https is taken"));
        }
        if !base.username().is_empty() || base.password().is_some() || base.query().is_some() {
            return Err(usage("neither a name nor parameters belong into the URL"));
        }
        base.set_fragment(None);
        let signer = Signer::for_host(base.host_str().unwrap_or_default())?;
        let transport = transport::network(&base).map_err(|error| usage(&error.to_string()))?;
        Ok(Self { base, transport, signer })
    }

    /// Sends a request, again if the stack could not answer and a repeat does no harm.
    pub async fn ask<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, CommandError> {
        let mut tried = 1;
        loop {
            let (status, body) = self.send(&call).await?;
            if status.is_success() {
                return serde_json::from_slice(&body).map_err(|_| unreadable(status));
            }
            let comes_back = [429, 502, 503, 504].contains(&status.as_u16());
            if !comes_back || !call.can_be_repeated() || tried == TRIES {
                return Err(refused(status, &body));
            }
            tokio::time::sleep(Duration::from_secs(1 << tried)).await;
            tried += 1;
        }
    }

    async fn send(&self, call: &Call<'_>) -> Result<(StatusCode, Bytes), CommandError> {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("it is an http URL").extend(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder().method(call.method.clone()).uri(url.as_str());
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Bytes::from(body)).expect("its parts are clean");
        let request = self.signer.sign(request).await?;
        let answer: Response<Bytes> = self.transport.clone().oneshot(request).await.map_err(|error| {
            CommandError { exit: Exit::Tenant, message: format!("the stack cannot be reached: {error}") }
        })?;
        let (parts, body) = answer.into_parts();
        Ok((parts.status, body))
    }
}

fn unreadable(status: StatusCode) -> CommandError {
    let message = format!(
        "the stack's answer ({status}) cannot be read: is --stack the ApiUrl of an mfa-rollback of this version?"
    );
    CommandError { exit: Exit::Tenant, message }
}

/// Turns the stack's problem into an error with an exit code.
fn refused(status: StatusCode, body: &[u8]) -> CommandError {
    let Ok(Problem { uri, title, detail, .. }) = serde_json::from_slice(body) else {
        return unreadable(status);
    };
    let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    let (exit, hint) = match status.as_u16() {
        401 => (Exit::Tenant, "\nset AWS_PROFILE or other AWS credentials"),
        403 if uri == ProblemKind::SecondPersonNeeded.uri() => (Exit::Incomplete, ""),
        403 => (Exit::Tenant, "\nyour AWS identity needs execute-api:Invoke on this route"),
        404 | 409 | 422 => (Exit::Incomplete, ""),
        400..=499 if status != StatusCode::TOO_MANY_REQUESTS => (Exit::Usage, ""),
        _ => (Exit::Tenant, ""),
    };
    CommandError { exit, message: crate::output::plain(&format!("{title}{detail}")) + hint }
}
