//! What poll answers: a scan now, and where things stand.

use shared::{
    api::{ScanRange, read_json},
    poll::ScanRequest,
    view::{Messages, Status},
};

use super::PollFunction;
use crate::{
    api::{Answer, Answered, AsProblem, Request, Route, no_route},
    doctor,
    sandbox::Invocation,
};

/// What poll answers.
pub const ROUTES: [Route; 3] = [("POST", "/scans"), ("GET", "/status"), ("GET", "/doctor")];

impl PollFunction {
    pub(super) async fn route(&self, request: &Request, invocation: Invocation) -> Answered {
        if !ROUTES.contains(&request.route()) {
            return no_route(request, &ROUTES);
        }
        request.no_query()?;
        match request.route() {
            ("POST", "/scans") => self.scan(request, invocation).await,
            ("GET", "/status") => self.status().await,
            _ => Ok(Answer::new(200, &doctor::examine_all(&self.sandbox).await)),
        }
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
        let book = sandbox.book().await.map_err(|error| error.as_problem())?;
        let [queue, dead_letters] = sandbox.queue.depths().await.map_err(|error| error.as_problem())?;
        let messages = Messages {
            waiting: queue.waiting + queue.handled,
            dead: dead_letters.waiting + dead_letters.handled,
        };
        let status = Status::read(&book, sandbox.settings.tenant, Some(&sandbox.settings), messages).await;
        Ok(Answer::new(200, &status.map_err(|error| error.as_problem())?))
    }
}
