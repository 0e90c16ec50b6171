//! The tenant on loopback HTTP.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use tower::Service;

use crate::{answer::ConnectionLost, service::InProcess, tenant::Tenant};

/// No request that the tenant understands is larger.
const MOST_BYTES: usize = 1 << 20;

impl Tenant {
    /// Serves HTTP/1.1 until the task is dropped. A connection that is lost closes without an answer.
    pub async fn serve(&self, listener: TcpListener) -> std::io::Result<()> {
        let service = self.service();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(connection(service.clone(), stream))),
                Err(error) if is_the_callers(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether the caller went away before it was served, which is no failure of the listener.
fn is_the_callers(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Ends when either side closes; a service that fails closes without an answer.
async fn connection(tenant: InProcess, stream: TcpStream) {
    let service = service_fn(move |request| answer(tenant.clone(), request));
    let ended =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
    drop(ended);
}

async fn answer(
    mut tenant: InProcess,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, ConnectionLost> {
    let (parts, body) = request.into_parts();
    if body.size_hint().lower() > MOST_BYTES as u64 {
        return Ok(too_large());
    }
    let body = match Limited::new(body, MOST_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(too_large()),
        Err(_) => return Err(ConnectionLost),
    };
    let response = tenant.call(Request::from_parts(parts, body)).await?;
    Ok(response.map(Full::new))
}

fn too_large() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::{Faults, Options};

    async fn exchange(tenant: &Tenant, request: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tenant.clone();
        let server = tokio::spawn(async move { serving.serve(listener).await });
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        server.abort();
        answer
    }

    fn tenant() -> Tenant {
        Tenant::new(Options::new(1, || jiff::Timestamp::UNIX_EPOCH))
    }

    #[tokio::test]
    async fn requests_are_answered_over_http() {
        let tenant = tenant();
        let answer =
            exchange(&tenant, "GET /v1.0/users?$top=1 HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n\r\n")
                .await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.contains("request-id: ") && answer.contains("InvalidAuthenticationToken"));
        assert_eq!(tenant.journal()[0].path, "/v1.0/users?$top=1");
    }

    #[tokio::test]
    async fn a_lost_connection_closes_without_an_answer() {
        let tenant = tenant();
        tenant.set_faults(Faults { reset_before: 1.0, ..Faults::default() });
        let answer = exchange(&tenant, "GET /v1.0/users HTTP/1.1\r\nhost: sim\r\n\r\n").await;
        assert_eq!(answer, "");
        assert_eq!(tenant.journal()[0].status, 0);
    }

    #[tokio::test]
    async fn a_huge_request_is_refused() {
        let request = "POST /x HTTP/1.1\r\nhost: sim\r\nconnection: close\r\ncontent-length: 9000000\r\n\r\n";
        let answer = exchange(&tenant(), request).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}
