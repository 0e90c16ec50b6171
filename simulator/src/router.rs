//! The path of a request: into the journal, through what goes wrong, to its endpoint and back.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{Path, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::any,
};

use crate::{
    answer::{ConnectionLost, Handled, Outcome, Refusal, Success},
    call::{Call, Name},
    faults::{Fate, Slow},
    graph,
    ids::object_id,
    journal::JournalEntry,
    login, operator,
    service::InProcess,
    tenant::Tenant,
};

impl Tenant {
    /// Returns the tenant as a service, for a client in the same process. The host in a request's URI does
    /// not matter. Cloning a service is cheaper than making a new one.
    pub fn service(&self) -> InProcess {
        InProcess::new(router(self))
    }
}

/// All endpoints of a tenant. Each answers with an [`Outcome`] beside an empty response, since a router
/// cannot lose a connection.
fn router(tenant: &Tenant) -> Router {
    let graph = graph::router();
    Router::new()
        .nest("/v1.0", graph.clone())
        .nest("/beta", graph)
        .route("/{tenant}/oauth2/v2.0/token", any(token))
        .fallback(|Extension(call): Extension<Arc<Call>>| async move { unknown(&call) })
        .layer(from_fn_with_state(tenant.clone(), befall))
        .merge(operator::router())
        .with_state(tenant.clone())
}

fn token(
    State(tenant): State<Tenant>,
    Path(Name(id)): Path<Name>,
    Extension(call): Extension<Arc<Call>>,
) -> std::future::Ready<Extension<Handled>> {
    std::future::ready(Extension(login::token(&mut tenant.state(), &id, &call)))
}

fn unknown(call: &Call) -> Extension<Handled> {
    Extension(Err(match call.segments() {
        None => Refusal::bad("Malformed path."),
        Some(_) => Refusal::no_resource(),
    }))
}

/// Writes a request into the journal, and does to it what chance has in store.
async fn befall(
    State(tenant): State<Tenant>,
    Extension(call): Extension<Arc<Call>>,
    request: Request,
    next: Next,
) -> Response {
    let (seq, fate, latency) = begin(&tenant, &call);
    let slow = fate.slow;
    let answered = async move {
        let (handled, acted) = act(&fate, request, next).await;
        conclude(&tenant, seq, &fate, handled, acted)
    };
    let outcome = match slow {
        Some(Slow { pause, acts_late: true }) => {
            // The server continues even if the caller hangs up.
            let late = async move {
                tokio::time::sleep(pause).await;
                answered.await
            };
            tokio::spawn(late).await.unwrap_or(Err(ConnectionLost))
        }
        Some(Slow { pause, acts_late: false }) => {
            let outcome = answered.await;
            tokio::time::sleep(pause).await;
            outcome
        }
        None => answered.await,
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    Extension(outcome).into_response()
}

fn begin(tenant: &Tenant, call: &Call) -> (usize, Fate, Duration) {
    let mut state = tenant.state();
    let segments = call.segments().unwrap_or_default();
    let (user, segment, method_id) = match segments.as_slice() {
        ["v1.0" | "beta", "users", user, rest @ ..] => {
            let user = state.find(user).map(|account| account.id).or_else(|| object_id(user));
            let below = |at: usize| {
                rest.get(at).filter(|_| rest[0] == "authentication").map(|text| (*text).to_owned())
            };
            (user, below(1), below(2))
        }
        _ => (None, None, None),
    };
    let (at, seq) = (state.now(), state.journal.len());
    state.journal.push(JournalEntry {
        at,
        seq,
        method: call.method.to_string(),
        path: call.target(),
        status: 0,
        acted: false,
        user,
        segment,
        method_id,
        throttled: false,
    });
    let login = segments.get(1) == Some(&"oauth2");
    let (now, state) = (state.now(), &mut *state);
    let fate = Fate::draw(&state.options.faults, &mut state.chance, now, login);
    (seq, fate, state.draw(state.options.latency.clone()))
}

/// Does what was asked, as far as fate lets it, and says whether it was done.
async fn act(fate: &Fate, request: Request, next: Next) -> (Handled, bool) {
    if fate.reset_before {
        return (Ok(Success::NoContent), false);
    }
    let Some(refusal) = &fate.refusal else {
        let handled = handled(next.run(request).await);
        let acted = handled.is_ok();
        return (handled, acted);
    };
    let acted = fate.acts_all_the_same() && handled(next.run(request).await).is_ok();
    (Err(refusal.clone()), acted)
}

fn handled(mut response: Response) -> Handled {
    response.extensions_mut().remove().expect("every endpoint says how it went")
}

/// Makes the answer, completes the journal and calls the hooks.
fn conclude(tenant: &Tenant, seq: usize, fate: &Fate, handled: Handled, acted: bool) -> Outcome {
    let (outcome, entry) = {
        let mut state = tenant.state();
        let response = state.answer(&fate.spoil(handled));
        let lost = fate.reset_before || fate.reset_after;
        let outcome = if lost { Err(ConnectionLost) } else { Ok(response) };
        let entry = &mut state.journal[seq];
        entry.status = outcome.as_ref().map_or(0, |response| response.status().as_u16());
        entry.throttled = entry.status == 429;
        entry.acted = acted;
        (outcome, entry.clone())
    };
    tenant.tell(&entry);
    outcome
}
