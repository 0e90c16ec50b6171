//! Servers on loopback, and passing requests on.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

/// The connection is to close without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is lost")]
pub struct Lost;

/// A server that ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves HTTP/1.1 on a free port. A handler ends early where its caller hangs up.
pub async fn serve<H, F>(handler: H) -> Server
where
    H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response<Bytes>, Lost>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = Arc::new(handler);
    let accepting = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let handler = Arc::clone(&handler);
            let service = service_fn(move |request: Request<Incoming>| {
                let handler = Arc::clone(&handler);
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
                    handler(Request::from_parts(parts, body)).await.map(|answer| answer.map(Full::new))
                }
            });
            connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            while connections.try_join_next().is_some() {}
        }
    });
    Server { address, accepting }
}

/// A client for servers on loopback. Connections are not kept: a double may close them at the wrong moment.
pub fn client() -> reqwest::Client {
    // It needs no certificates, and reading the system's takes long.
    let builder = reqwest::Client::builder().tls_certs_only([]);
    builder.pool_max_idle_per_host(0).no_proxy().build().unwrap()
}

/// Sends requests on.
#[derive(Debug, Clone)]
pub struct Forward {
    client: reqwest::Client,
    base: String,
}

impl Forward {
    /// To `base`, like `http://127.0.0.1:1234` and perhaps the start of a path.
    pub fn to(base: impl Into<String>) -> Self {
        Self { client: client(), base: base.into() }
    }

    /// Sends it with its path and headers and takes the whole answer.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = parts.headers;
        for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::HOST] {
            headers.remove(name);
        }
        let request =
            self.client.request(parts.method, format!("{}{path}", self.base)).headers(headers).body(body);
        let answer = request.send().await.map_err(|_| Lost)?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::TRANSFER_ENCODING);
        headers.remove(header::CONNECTION);
        let mut response = Response::new(answer.bytes().await.map_err(|_| Lost)?);
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}

/// An answer of JSON.
pub fn json(status: StatusCode, body: &serde_json::Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// So long is anything waited for that has no limit of its own.
pub const PATIENCE: Duration = Duration::from_secs(30);
