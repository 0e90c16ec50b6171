//! The tenant for a client in the same process.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};

use crate::tenant::Tenant;

/// The connection was lost before an answer came; the tenant may have acted or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLost;

impl fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection lost")
    }
}

impl Error for ConnectionLost {}

/// The tenant as a tower service. All waiting is tokio's, so paused time works.
#[derive(Clone)]
pub struct InProcess {
    tenant: Tenant,
}

impl InProcess {
    pub(crate) fn new(tenant: Tenant) -> Self {
        Self { tenant }
    }
}

impl tower::Service<Request<Bytes>> for InProcess {
    type Response = Response<Bytes>;
    type Error = ConnectionLost;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, ConnectionLost>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectionLost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(self.tenant.clone().take(request))
    }
}
