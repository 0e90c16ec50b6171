//! The tenant for a client in the same process.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use tower::Service;

use crate::{
    answer::{ConnectionLost, Outcome},
    call::Call,
};

/// The tenant as a tower service. All waiting is tokio's, so paused time works.
#[derive(Clone)]
pub struct InProcess {
    router: Router,
}

impl InProcess {
    /// Serves these routes, each of which answers with an [`Outcome`].
    pub(crate) fn new(router: Router) -> Self {
        Self { router }
    }
}

impl Service<Request<Bytes>> for InProcess {
    type Response = Response<Bytes>;
    type Error = ConnectionLost;
    type Future = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectionLost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let call = Arc::new(Call::new(request));
        let mut routed = Request::new(Body::empty());
        *routed.uri_mut() = call.route();
        routed.extensions_mut().insert(call);
        let answered = self.router.call(routed);
        Box::pin(async move {
            let Ok(mut response) = answered.await;
            response.extensions_mut().remove().expect("every route has an outcome")
        })
    }
}
