//! How requests travel: HTTPS in production, the simulated tenant in process in fault runs.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use tower::{BoxError, util::BoxCloneSyncService};
use url::Url;

use crate::cloud::is_loopback;

/// Anything that answers HTTP requests.
pub type Transport = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, BoxError>;

/// Graph itself gives up on a methods request after 60 s.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(65);

/// A DELETE or a sign-in is given up after this: the lease must outlast them.
pub(super) const SHORT_TIMEOUT: Duration = Duration::from_secs(15);

/// The largest answer that is read: a page of 1,000 audit events takes about 2 MB.
pub const MAX_BODY: usize = 32 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// It took too long.
    #[error("timed out")]
    Timeout,
    /// It is larger than [`MAX_BODY`].
    #[error("an answer of more than {} MiB", MAX_BODY >> 20)]
    TooLarge,
    /// The connection failed.
    #[error("connection failed: {0}")]
    Connection(String),
}

/// The network, for requests to `host`. Redirects are never followed: a token goes to the configured hosts only.
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

/// The URL is left out of the text: it may hold a principal name.
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
