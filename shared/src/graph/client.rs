//! The client: one token, a pace for each resource, a deadline, and how often a request is tried.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::{
    answer::{Answer, SentAt, read_json, refused, request_id},
    call::{Budget, Call, request},
    error::GraphError,
    pace::{Pace, TooLate, Turn, Urgency},
    retry, say,
    token::{self, Login, Token},
    transport::{REQUEST_TIMEOUT, SHORT_TIMEOUT, Transport, TransportError},
};
use crate::{
    clock::Clock, credentials::Credentials, domain::window::until, settings::Settings, telemetry::Metric,
};

/// A client for one tenant. Share it: its paces apply to everyone who uses it.
pub struct Graph {
    transport: Transport,
    pub(super) base: String,
    login: Login,
    credentials: Arc<dyn Credentials>,
    token: tokio::sync::Mutex<Option<Token>>,
    /// Why signing in is refused; cleared when the next invocation begins.
    refusal: Mutex<Option<GraphError>>,
    reports: Arc<Pace>,
    conditional_access: Arc<Pace>,
    methods: Arc<Pace>,
    directory: Arc<Pace>,
    clock: Clock,
    deadline: Mutex<Option<Timestamp>>,
    requests: AtomicU64,
    throttled: AtomicU64,
}

/// How many requests were sent, and how many of them were throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Requests sent to Graph, including retries but not sign-ins.
    pub requests: u64,
    /// Answers with status 429.
    pub throttled: u64,
}

impl Graph {
    /// A client that signs in with `credentials`.
    pub fn new(
        settings: &Settings,
        credentials: Arc<dyn Credentials>,
        transport: Transport,
        clock: Clock,
    ) -> Self {
        Self {
            transport,
            base: settings.endpoints.graph.as_str().trim_end_matches('/').to_owned(),
            login: Login::new(settings),
            credentials,
            token: tokio::sync::Mutex::default(),
            refusal: Mutex::default(),
            // Service-specific throttling limits, identity and access reports: 5 per 10 s per app per tenant.
            reports: Pace::fixed(settings.reports_per_10_seconds, Duration::from_secs(10)),
            // 1 a second per tenant, all apps together.
            conditional_access: Pace::fixed(settings.conditional_access_per_second, Duration::from_secs(1)),
            methods: Pace::found(settings.requests_per_second),
            directory: Pace::found(settings.requests_per_second),
            clock,
            deadline: Mutex::default(),
            requests: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
        }
    }

    /// Begins an invocation or command. No wait goes past `deadline`, if there is one: the request fails
    /// instead. Forgets an earlier refused sign-in, whose cause may be fixed by now.
    pub fn begin_invocation(&self, deadline: Option<Timestamp>) {
        *self.refusal() = None;
        *self.deadline.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = deadline;
    }

    /// Waits for the right to change one user's methods, with a token that is valid for it.
    pub async fn turn(&self) -> Result<Turn, GraphError> {
        let turn = self.wait_for_turn(Budget::Methods, Urgency::Begun).await?;
        self.token().await?;
        Ok(turn)
    }

    /// The limit that was found for authentication methods, in requests per 10 s; `None` if nothing was refused yet.
    pub fn limit(&self) -> Option<f64> {
        self.methods.limit()
    }

    /// Starts with a limit that was found a short while ago.
    pub fn resume_at(&self, per_10_seconds: f64) {
        self.methods.resume(per_10_seconds, self.clock.now());
    }

    /// The counts since this client was made.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
        }
    }

    /// Returns the application permissions that the access token grants, or `None` if the token cannot be
    /// read.
    pub async fn granted_permissions(&self) -> Result<Option<Vec<String>>, GraphError> {
        let mut attempt = 0;
        loop {
            match self.token().await {
                Ok(token) => return Ok(token.permissions),
                Err(error) => self.wait_to_retry(&error, attempt).await?,
            }
            attempt += 1;
        }
    }

    async fn token(&self) -> Result<Token, GraphError> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| token.is_fresh(self.clock.now())) {
            return Ok(token.clone());
        }
        // If one caller is refused, all are: nobody has another credential.
        if let Some(error) = self.refusal().clone() {
            return Err(error);
        }
        let signed_in = match self.sign_in().await {
            // The credential may have been rotated: read it again, once.
            Err(GraphError::Unauthorized { .. }) if self.credentials.refused().await => self.sign_in().await,
            signed_in => signed_in,
        };
        match &signed_in {
            Ok(token) => *held = Some(token.clone()),
            Err(error) if error.is_no_sign_in() => {
                Metric::GraphDenied.count(1);
                *self.refusal() = Some(error.clone());
            }
            Err(_) => {}
        }
        signed_in
    }

    fn refusal(&self) -> std::sync::MutexGuard<'_, Option<GraphError>> {
        self.refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn sign_in(&self) -> Result<Token, GraphError> {
        let proof = self.credentials.proof(&self.login.url()).await?;
        let answer = self.exchange(self.login.request(&proof)).await?;
        token::read(&answer, self.clock.now())
    }

    fn deadline(&self) -> Option<Timestamp> {
        *self.deadline.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits for the pace; gives up as soon as the turn would come after the deadline.
    async fn wait_for_turn(&self, budget: Budget, urgency: Urgency) -> Result<Turn, GraphError> {
        let turn = self.pace(budget).turn(urgency, &self.clock, self.deadline()).await;
        turn.map_err(|TooLate { wait }| GraphError::Throttled { retry_after: wait })
    }

    fn pace(&self, budget: Budget) -> &Arc<Pace> {
        match budget {
            Budget::Reports => &self.reports,
            Budget::ConditionalAccess => &self.conditional_access,
            Budget::Methods => &self.methods,
            Budget::Directory => &self.directory,
        }
    }

    async fn fresh_token(&self) -> Option<Token> {
        self.token.lock().await.clone().filter(|token| token.is_fresh(self.clock.now()))
    }

    /// Forgets a refused token, unless another one has already replaced it.
    async fn forget(&self, refused: &Token) {
        let mut held = self.token.lock().await;
        if held.as_ref().is_some_and(|t| t.secret.expose_secret() == refused.secret.expose_secret()) {
            *held = None;
        }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, GraphError> {
        let unavailable = |cause: String| GraphError::Unavailable { cause };
        let patience = if request.method() == Method::GET { REQUEST_TIMEOUT } else { SHORT_TIMEOUT };
        let left = self.deadline().map(|deadline| until(self.clock.now(), deadline));
        let patience = patience.min(left.unwrap_or(patience));
        match tokio::time::timeout(patience, self.transport.clone().oneshot(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => match error.downcast_ref::<TransportError>() {
                Some(TransportError::TooLarge) => {
                    Err(GraphError::Unreadable { what: TransportError::TooLarge.to_string() })
                }
                _ => Err(unavailable(error.to_string())),
            },
            Err(_) => Err(unavailable(TransportError::Timeout.to_string())),
        }
    }

    /// Sends a request, with retries. Only for requests that change nothing.
    pub(super) async fn get<T: DeserializeOwned>(&self, call: Call) -> Result<Answer<T>, GraphError> {
        self.read(call, read_json, |_| None).await
    }

    /// Does the same with a body that `read` reads. If it stays unreadable, `salvage` may make do with it.
    pub(super) async fn read<T>(
        &self,
        call: Call,
        read: impl Fn(&[u8]) -> Result<T, GraphError>,
        salvage: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Answer<T>, GraphError> {
        let (mut attempt, mut unreadable) = (0, 0);
        loop {
            let error = match self.send(&call, None).await {
                Ok(answer) => {
                    let sent = answer.extensions().get().map_or_else(|| self.clock.now(), |SentAt(at)| *at);
                    let with_id = |body| Answer { body, request_id: request_id(&answer), sent };
                    let error = match read(answer.body()) {
                        Ok(body) => return Ok(with_id(body)),
                        Err(error) => error,
                    };
                    unreadable += 1;
                    if unreadable >= retry::UNREADABLE
                        && let Some(body) = salvage(answer.body())
                    {
                        return Ok(with_id(body));
                    }
                    if attempt + 1 >= retry::MAX_ATTEMPTS {
                        return Err(error);
                    }
                    // A 200 may have a service error in its body, or after it.
                    GraphError::Unavailable { cause: error.to_string() }
                }
                Err(error) => error,
            };
            self.wait_to_retry(&error, attempt).await?;
            attempt += 1;
        }
    }

    /// Waits before the next attempt, or returns the error if there is to be none.
    async fn wait_to_retry(&self, error: &GraphError, attempt: u32) -> Result<(), GraphError> {
        let wait = match error {
            GraphError::Throttled { retry_after } => *retry_after,
            GraphError::Unavailable { .. } => retry::backoff(attempt, fastrand::f64()),
            _ => return Err(error.clone()),
        };
        let past_deadline = self
            .deadline()
            .is_some_and(|deadline| self.clock.now().checked_add(wait).map_or(true, |at| at >= deadline));
        if attempt + 1 >= retry::MAX_ATTEMPTS || wait > retry::MAX_WAIT || past_deadline {
            return Err(error.clone());
        }
        // A throttled request waits in its resource's line, which stands still meanwhile.
        if !matches!(error, GraphError::Throttled { .. }) {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Sends a request once (a read twice, if the token had just expired).
    pub(super) async fn send(
        &self,
        call: &Call,
        mut turn: Option<Turn>,
    ) -> Result<Response<Bytes>, GraphError> {
        let mut renewed = false;
        loop {
            // Signing in takes time, and what was read would go stale meanwhile.
            let token = match turn {
                Some(_) => self.fresh_token().await.ok_or(GraphError::TokenRefused)?,
                None => self.token().await?,
            };
            let turn = match turn.take() {
                Some(turn) => turn,
                None => self.wait_for_turn(call.budget, call.urgency).await?,
            };
            self.requests.fetch_add(1, Ordering::Relaxed);
            Metric::GraphRequests.count(1);
            let began = self.clock.now();
            let mut answer = self.exchange(request(call, &token)?).await?;
            answer.extensions_mut().insert(SentAt(began));
            say::answered(call, &answer, self.clock.now().duration_since(began));
            match answer.status() {
                StatusCode::UNAUTHORIZED if !renewed => {
                    renewed = true;
                    self.forget(&token).await;
                    // Before it sends a change again, the caller must check lease and brake.
                    if matches!(call.method, Method::DELETE | Method::PATCH) {
                        return Err(GraphError::TokenRefused);
                    }
                }
                StatusCode::TOO_MANY_REQUESTS => return Err(self.throttled(turn, &answer)),
                status if status.is_success() => {
                    turn.granted(self.clock.now(), retry::part_used(answer.headers()));
                    return Ok(answer);
                }
                status => {
                    if !status.is_server_error() {
                        turn.granted(self.clock.now(), retry::part_used(answer.headers()));
                    }
                    let error = refused(call, &token, &answer);
                    Metric::GraphDenied.count(u64::from(error.stops_everything()));
                    return Err(error);
                }
            }
        }
    }

    fn throttled(&self, turn: Turn, answer: &Response<Bytes>) -> GraphError {
        self.throttled.fetch_add(1, Ordering::Relaxed);
        Metric::GraphThrottled.count(1);
        let asked = retry::retry_after(answer.headers(), self.clock.now());
        let wait = turn.refused(self.clock.now(), asked);
        tracing::warn!(
            graph.status = 429,
            graph.retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            graph.retry_after_given = asked.is_some(),
            "graph throttled"
        );
        GraphError::Throttled { retry_after: wait }
    }
}
