//! Microsoft Graph: only the requests that this program makes, each with its pace, its permission
//! and its limits.

mod application;
mod audit_logs;
mod directory;
mod error;
mod methods;
mod pace;
mod page;
mod policies;
mod reports;
mod retry;
mod say;
mod token;
pub mod transport;
mod url;
mod users;

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
use serde::{Deserialize, de::DeserializeOwned};
use tower::ServiceExt;

pub use self::{
    application::{Application, ApplicationCredential},
    audit_logs::{AuditPage, AuditQuery},
    directory::{Eligibilities, Principal, PrincipalKind, RoleGrant},
    error::{GraphError, Refusal},
    methods::{DELETE_TAKES_AT_MOST, REMOVAL_SHOWS_AFTER},
    page::MAX_PAGES,
    reports::{RegistrationDetails, RegistrationReportPage},
};
use self::{
    methods::SHORT_TIMEOUT,
    pace::{AdaptivePace, ReportsPace, TooLate},
    token::{Login, Token},
    transport::{REQUEST_TIMEOUT, Transport, TransportError},
};
use crate::{
    clock::Clock, credentials::Credentials, domain::window::until, settings::Settings, telemetry::Metric,
};

/// A client for one tenant. It is shared: its paces hold for all who use it.
pub struct Graph {
    transport: Transport,
    base: String,
    login: Login,
    credentials: Arc<dyn Credentials>,
    token: tokio::sync::Mutex<Option<Token>>,
    /// Why there is no signing in, until the next invocation.
    refusal: Mutex<Option<GraphError>>,
    reports: ReportsPace,
    rest: AdaptivePace,
    clock: Clock,
    deadline: Mutex<Option<Timestamp>>,
    requests: AtomicU64,
    throttled: AtomicU64,
}

/// An answer, with the name that Graph gives the request in its own logs.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What was answered.
    pub body: T,
    /// The `request-id` header.
    pub request_id: Option<String>,
}

/// The pace's leave to send one request at once.
#[derive(Debug)]
pub struct Turn(Timestamp);

/// Which budget a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Budget {
    Reports,
    Rest,
}

/// A request to be sent.
struct Call {
    method: Method,
    url: String,
    budget: Budget,
    /// Permissions of which one is enough, the usual one first.
    needs: &'static [&'static str],
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// How many requests were sent, and how many of them were throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Requests sent to Graph.
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
            reports: ReportsPace::default(),
            rest: AdaptivePace::new(settings.requests_per_second),
            clock,
            deadline: Mutex::default(),
            requests: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
        }
    }

    /// An invocation or command begins: no wait goes past `deadline`, if it has one; the request is given back instead. A
    /// sign-in that was refused before may be mended by now.
    pub fn begin_invocation(&self, deadline: Option<Timestamp>) {
        *self.refusal() = None;
        *self.deadline.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = deadline;
    }

    /// Waits for leave to send one request, with a token that is good for it.
    pub async fn turn(&self) -> Result<Turn, GraphError> {
        let at = self.wait_for_turn(Budget::Rest).await?;
        self.token().await?;
        Ok(Turn(at))
    }

    /// Requests per second at which this client sends now.
    pub fn pace(&self) -> f64 {
        self.rest.per_second()
    }

    /// What was sent so far.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
        }
    }

    /// The application permissions that are granted, as the access token says. `None` where the
    /// token cannot be read.
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
        // What was refused to one is refused to all: none of them has another credential.
        if let Some(error) = self.refusal().clone() {
            return Err(error);
        }
        let signed_in = match self.sign_in().await {
            // A credential that was rotated is read again, once.
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

    /// Waits for the pace's leave; gives up at once where that would come after the deadline.
    async fn wait_for_turn(&self, budget: Budget) -> Result<Timestamp, GraphError> {
        let (now, deadline) = (self.clock.now(), self.deadline());
        let turn = match budget {
            Budget::Reports => self.reports.reserve(now, deadline),
            Budget::Rest => self.rest.reserve(now, deadline),
        };
        let at = turn.map_err(|TooLate { wait }| GraphError::Throttled { retry_after: wait })?;
        tokio::time::sleep(until(now, at)).await;
        Ok(at)
    }

    async fn fresh_token(&self) -> Option<Token> {
        self.token.lock().await.clone().filter(|token| token.is_fresh(self.clock.now()))
    }

    /// Forgets a refused token, unless another one has taken its place meanwhile.
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

    /// Sends a request until it is answered; only for requests that change nothing.
    async fn get<T: DeserializeOwned>(&self, call: Call) -> Result<Answer<T>, GraphError> {
        let mut attempt = 0;
        loop {
            let error = match self.send(&call, None).await {
                Ok(answer) => match read_json(answer.body()) {
                    Ok(body) => return Ok(Answer { body, request_id: request_id(&answer) }),
                    Err(error) if attempt + 1 >= retry::MAX_ATTEMPTS => return Err(error),
                    // A service error may stand in, or after, a 200's body.
                    Err(error) => GraphError::Unavailable { cause: error.to_string() },
                },
                Err(error) => error,
            };
            self.wait_to_retry(&error, attempt).await?;
            attempt += 1;
        }
    }

    /// Waits before the next attempt, or gives the error back where there is none.
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
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Sends a request once (a read twice, where the token had just run out).
    async fn send(&self, call: &Call, mut turn: Option<Turn>) -> Result<Response<Bytes>, GraphError> {
        let mut renewed = false;
        loop {
            // Signing in takes time in which what was looked at grows old.
            let token = match turn {
                Some(_) => self.fresh_token().await.ok_or(GraphError::TokenRefused)?,
                None => self.token().await?,
            };
            let sent = match turn.take() {
                Some(Turn(at)) => at,
                None => self.wait_for_turn(call.budget).await?,
            };
            self.requests.fetch_add(1, Ordering::Relaxed);
            Metric::GraphRequests.count(1);
            let began = self.clock.now();
            let answer = self.exchange(request(call, &token)?).await?;
            say::answered(call, &answer, self.clock.now().duration_since(began));
            match answer.status() {
                StatusCode::UNAUTHORIZED if !renewed => {
                    renewed = true;
                    self.forget(&token).await;
                    // Whoever deletes has to look at lease and brake again first.
                    if call.method == Method::DELETE {
                        return Err(GraphError::TokenRefused);
                    }
                }
                StatusCode::TOO_MANY_REQUESTS => return Err(self.throttled(call, sent, &answer)),
                status if status.is_success() => {
                    if call.budget == Budget::Rest {
                        self.rest.succeeded();
                    }
                    return Ok(answer);
                }
                _ => {
                    let error = refused(call, &token, &answer);
                    Metric::GraphDenied.count(u64::from(error.stops_everything()));
                    return Err(error);
                }
            }
        }
    }

    fn throttled(&self, call: &Call, sent: Timestamp, answer: &Response<Bytes>) -> GraphError {
        self.throttled.fetch_add(1, Ordering::Relaxed);
        Metric::GraphThrottled.count(1);
        let asked = retry::retry_after(answer.headers(), self.clock.now());
        let wait = asked.unwrap_or_else(|| Duration::from_secs(2) + retry::backoff(2, fastrand::f64()));
        match call.budget {
            Budget::Reports => self.reports.pause(self.clock.now(), wait.min(retry::MAX_WAIT)),
            Budget::Rest => self.rest.throttled(sent, self.clock.now(), wait.min(retry::MAX_WAIT)),
        }
        tracing::warn!(
            graph.status = 429,
            graph.retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            graph.retry_after_given = asked.is_some(),
            "graph throttled"
        );
        GraphError::Throttled { retry_after: wait }
    }
}

fn request(call: &Call, token: &Token) -> Result<Request<Bytes>, GraphError> {
    let mut bearer = http::HeaderValue::try_from(format!("Bearer {}", token.secret.expose_secret()))
        .map_err(|_| GraphError::Unauthorized {
            cause: "the access token cannot stand in a header".to_owned(),
        })?;
    bearer.set_sensitive(true);
    Request::builder()
        .method(call.method.clone())
        .uri(&call.url)
        .header(http::header::AUTHORIZATION, bearer)
        .header(http::header::ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|_| GraphError::Unreadable { what: "an address that can be requested".to_owned() })
}

/// Reads a body; one that is, or ends in, an error object is no answer.
fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, GraphError> {
    if let Ok(error) = serde_json::from_slice::<ErrorBody>(body) {
        let code = safe_code(&error.error.code);
        return Err(GraphError::Unavailable { cause: format!("an error inside an answer ({code})") });
    }
    serde_json::from_slice(body).map_err(|error| {
        // serde's own text may quote values; the position is enough.
        let place = format!("{:?}, column {}", error.classify(), error.column());
        if error.is_data() {
            GraphError::Unreadable { what: format!("JSON of the documented shape ({place})") }
        } else {
            GraphError::Unavailable {
                cause: format!("an answer that is broken off or has more behind it ({place})"),
            }
        }
    })
}

fn request_id(answer: &Response<Bytes>) -> Option<String> {
    let text = answer.headers().get("request-id")?.to_str().ok()?;
    let fits = text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    fits.then(|| text.to_owned())
}

/// An error code as it may stand in a log line.
fn safe_code(code: &str) -> String {
    let code: String =
        code.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).take(80).collect();
    if code.is_empty() { "no code".to_owned() } else { code }
}

fn refused(call: &Call, token: &Token, answer: &Response<Bytes>) -> GraphError {
    let status = answer.status();
    let detail = serde_json::from_slice::<ErrorBody>(answer.body()).ok().map(|body| body.error);
    let raw_code = detail.as_ref().map_or("", |detail| detail.code.as_str());
    let code = safe_code(raw_code);
    let message = detail.as_ref().map_or(String::new(), |detail| detail.message.to_lowercase());
    let request_id = request_id(answer);
    match status {
        StatusCode::UNAUTHORIZED => {
            GraphError::Unauthorized { cause: format!("Graph refuses a fresh token ({code})") }
        }
        StatusCode::FORBIDDEN if raw_code == "Authentication_RequestFromNonPremiumTenantOrB2CTenant" => {
            GraphError::NoPremium
        }
        StatusCode::FORBIDDEN if raw_code == "Authentication_ApplicationHasNoDirectoryReadAccess" => {
            GraphError::PermissionMissing { permission: "Directory.Read.All".to_owned() }
        }
        StatusCode::FORBIDDEN => {
            let granted =
                token.permissions.is_none() || call.needs.iter().any(|permission| token.grants(permission));
            match call.needs.first() {
                Some(permission) if !granted => {
                    GraphError::PermissionMissing { permission: (*permission).to_owned() }
                }
                _ => GraphError::Forbidden { code, request_id },
            }
        }
        StatusCode::NOT_FOUND => GraphError::NotFound,
        StatusCode::REQUEST_TIMEOUT => GraphError::Unavailable { cause: format!("answered {status}") },
        status if status.is_server_error() => {
            GraphError::Unavailable { cause: format!("answered {} ({code})", status.as_u16()) }
        }
        status => GraphError::Refused {
            status: status.as_u16(),
            reason: refusal(raw_code, &message),
            code,
            request_id,
        },
    }
}

/// Sorts a 400 by its code and message: Graph has no code for these.
fn refusal(code: &str, message: &str) -> Refusal {
    if code == "AadPremiumLicenseRequired" {
        Refusal::NoPremium
    } else if message.contains("default authentication method")
        || message.contains("cannot delete default method")
    {
        Refusal::DefaultMethod
    } else if message.contains("alternate mobile") {
        Refusal::AlternateFirst
    } else if message.contains("skiptoken") || message.contains("skip token") {
        Refusal::CursorRefused
    } else {
        Refusal::Other
    }
}
