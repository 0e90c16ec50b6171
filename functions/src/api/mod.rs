//! Requests of API Gateway (REST, proxy integration) and their answers. `infra/openapi.yaml` lists the
//! routes.

mod answer;
mod problem;
mod request;
mod route;

pub use self::{
    answer::{Answer, Answered},
    problem::{AsProblem, deadline_passed},
    request::{Request, is_request},
    route::{Route, answer},
};

use std::time::Duration;

use serde_json::Value;
use shared::domain::window::until;

use crate::sandbox::{Invocation, Sandbox};

/// The time to make an answer after the time for work is up.
const FOR_ANSWERING: Duration = Duration::from_secs(2);

/// Answers the request in an event through `route`, within the time that a request has.
pub async fn serve(
    sandbox: &Sandbox,
    event: &Value,
    invocation: Invocation,
    route: impl AsyncFnOnce(&Request, Invocation) -> Answered,
) -> Value {
    let request = match Request::read(event) {
        Ok(request) => request,
        Err(problem) => return Answer::from(problem).into_event(),
    };
    let began = sandbox.clock.now();
    let invocation = sandbox.narrow(invocation, request.work_until(began));
    let time = until(began, invocation.work_until) + FOR_ANSWERING;
    let answer = tokio::time::timeout(time, Box::pin(route(&request, invocation))).await;
    let answer = answer.unwrap_or_else(|_| Err(deadline_passed())).unwrap_or_else(Answer::from);
    let (method, route) = request.route();
    tracing::info!(
        run.id = %invocation.run_id,
        request.id = request.id(),
        request.caller = request.caller_without_names(),
        http.method = method,
        http.route = route,
        http.status = answer.status(),
        duration_ms = u64::try_from(sandbox.clock.now().duration_since(began).as_millis()).unwrap_or(0),
        "request answered"
    );
    answer.into_event()
}
