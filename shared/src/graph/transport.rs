//! How requests travel: HTTPS in production, the simulated tenant in process in fault runs.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use tower::{BoxError, util::BoxCloneSyncService};
use url::Url;

use crate::cloud::is_loopback;

/// Anything that answers HTTP requests.
pub type Transport = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, BoxError>;

/// How long a read may take: Graph itself gives up on a methods request after 60 s.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(65);

/// How long a DELETE or a sign-in may take: the lease must outlast them.
pub(super) const SHORT_TIMEOUT: Duration = Duration::from_secs(15);

/// The largest answer that is read, in bytes: a page of 1,000 audit events takes about 2 MB.
pub const MAX_BODY: usize = 32 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The answer took too long.
    #[error("timed out")]
    Timeout,
    /// The answer is larger than [`MAX_BODY`].
    #[error("an answer of more than {} MiB", MAX_BODY >> 20)]
    TooLarge,
    /// The connection failed, for this innermost cause.
    #[error("connection failed: {0}")]
    Connection(String),
}

/// Makes a transport over the network, for requests to `host`. It never follows redirects, so that a token
/// goes only to the configured hosts.
pub fn network(host: &Url) -> Result<Transport, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(REQUEST_TIMEOUT)
        // A frozen sandbox leaves dead sockets in the pool.
        .pool_idle_timeout(Duration::from_secs(20))
        .user_agent(concat!("mfa-rollback/", env!("CARGO_PKG_VERSION")));
    if is_loopback(host) {
        builder = builder.no_proxy();
    }
    let client = builder.build()?;
    Ok(BoxCloneSyncService::new(tower::service_fn(move |request| send(client.clone(), request))))
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
    let request = reqwest::Request::try_from(request)?;
    let mut answer = client.execute(request).await.map_err(classify)?;
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(classify)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(TransportError::TooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// Leaves the URL out of the text: it may contain a principal name.
fn classify(error: reqwest::Error) -> TransportError {
    if error.is_timeout() {
        return TransportError::Timeout;
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    TransportError::Connection(text)
}
