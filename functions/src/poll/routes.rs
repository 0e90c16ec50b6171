//! What poll answers: a scan now, and where things stand.

use futures::FutureExt;
use shared::{
    api::{ScanRange, read_json},
    poll::ScanRequest,
    view::{Messages, Status},
};

use super::PollFunction;
use crate::{
    api::{Answer, Answered, AsProblem, Request, Route},
    doctor,
    sandbox::Invocation,
};

/// The routes that poll answers.
pub const ROUTES: [Route<PollFunction>; 3] = [
    Route::new("POST", "/scans", |poll, request, invocation| poll.scan(request, invocation).boxed_local()),
    Route::new("GET", "/status", |poll, _, _| poll.status().boxed_local()),
    Route::new("GET", "/doctor", |poll, _, _| poll.doctor().boxed_local()),
];

impl PollFunction {
    async fn doctor(&self) -> Answered {
        Ok(Answer::new(200, &doctor::examine_all(&self.sandbox).await))
    }

    async fn scan(&self, request: &Request, invocation: Invocation) -> Answered {
        let asked: ScanRange = match request.body()?.as_slice() {
            [] => ScanRange::default(),
            _ => read_json(&request.json()?)?,
        };
        let window = &self.sandbox.settings.policy.window;
        let scan = asked.range(window)?.map_or(ScanRequest::Scheduled, ScanRequest::Range);
        let summary = self.poll(scan, invocation).await.map_err(|error| error.as_problem())?;
        Ok(Answer::new(200, &summary))
    }

    async fn status(&self) -> Answered {
        let sandbox = &self.sandbox;
        let ledger = sandbox.ledger().await.map_err(|error| error.as_problem())?;
        let [queue, dead_letters] = sandbox.queue.depths().await.map_err(|error| error.as_problem())?;
        let messages = Messages {
            waiting: queue.waiting + queue.handled,
            dead: dead_letters.waiting + dead_letters.handled,
        };
        let status = Status::read(&ledger, sandbox.settings.tenant, Some(&sandbox.settings), messages).await;
        Ok(Answer::new(200, &status.map_err(|error| error.as_problem())?))
    }
}
