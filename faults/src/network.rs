//! The transport from one process to the tenant.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use shared::graph::transport::Transport;
use tower::{Service, ServiceExt, util::BoxCloneSyncService};

use crate::{
    about::About,
    steps::Steps,
    watch::{View, Watch},
};

/// The tenant as one process reaches it. Each request is a step at which the process may die, and is watched.
pub(crate) fn transport(watch: Arc<Watch>, view: Arc<View>, steps: Arc<Steps>) -> Transport {
    let tenant = watch.tenant.service();
    let service = tower::service_fn(move |request: Request<Bytes>| {
        let (watch, view, steps) = (Arc::clone(&watch), Arc::clone(&view), Arc::clone(&steps));
        let mut tenant = tenant.clone();
        async move {
            steps.step().await;
            let (about, sent_at) = (About::of(&request), watch.clock.now());
            let deletes = request.method() == Method::DELETE;
            if let Some(about) = &about {
                watch.sent(&view, about, request.method());
            }
            let answer = tenant.call(request).await;
            if let (true, Some(about)) = (deletes, &about) {
                watch.ended(&view, about);
            }
            if let (Some(about), Ok(answer)) = (about, &answer)
                && answer.status().is_success()
            {
                watch.answered(&view, about, sent_at);
            }
            steps.step().await;
            answer
        }
    });
    BoxCloneSyncService::new(service.map_err(Into::into))
}
