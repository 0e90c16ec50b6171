//! A proxy between the binaries and a double of AWS: it keeps account of every request, and a test
//! can look at each before it is passed on and before its answer is, and spoil it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

use super::{
    entries,
    loopback::{Forward, Lost, Server, serve},
};

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its place among all requests, from 0.
    pub seq: usize,
    /// Like `DynamoDB.GetItem`, `SQS.SendMessageBatch`, `SecretsManager.GetSecretValue`,
    /// `STS.GetWebIdentityToken`, `SNS.GetTopicAttributes`, `Lambda.GetAccountSettings`.
    pub operation: String,
    /// The table (with index, as `table/index`), queue, secret or topic that it names.
    pub resource: Option<String>,
    /// Its body; for the query protocol an object of its fields.
    pub body: Value,
    /// The double's answer, once there is one.
    pub status: Option<u16>,
}

/// When a test is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The double has not seen the request yet.
    Before,
    /// It has done what it was asked; its answer has not been passed on yet.
    After,
}

/// What becomes of a request, or of its answer.
#[derive(Debug)]
pub enum Reaction {
    /// Nothing out of the ordinary.
    Pass,
    /// The connection closes. Before: the request is lost; after: its answer.
    Lose,
    /// This is answered instead. See [`super::faults`].
    Answer(Response<Bytes>),
    /// Before only, SQS batches: the entries with these ids are refused, the others passed on.
    Refuse { ids: Vec<String>, code: &'static str, sender_fault: bool },
    /// Before only, `DynamoDB.BatchGetItem`: so many keys are answered, the others are unprocessed.
    Keys(usize),
}

type Hook = Arc<dyn Fn(Moment, &Call) -> Reaction + Send + Sync>;

/// A proxy on loopback; it ends when this is dropped.
pub struct Proxy {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    target: Forward,
    calls: Mutex<Vec<Call>>,
    hook: Mutex<Option<Hook>>,
}

impl Proxy {
    /// In front of a double.
    pub async fn before(endpoint: &str) -> Self {
        let shared = Arc::new(Shared {
            target: Forward::to(endpoint),
            calls: Mutex::default(),
            hook: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let server = serve(move |request| {
            let serving = Arc::clone(&serving);
            async move { serving.pass(request).await }
        })
        .await;
        Self { server, shared }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Sets who is asked about every request, twice. It must not block for long.
    pub fn on_request(&self, hook: impl Fn(Moment, &Call) -> Reaction + Send + Sync + 'static) {
        *self.shared.hook.lock().unwrap() = Some(Arc::new(hook));
    }

    /// Nobody is asked any more.
    pub fn pass_all(&self) {
        *self.shared.hook.lock().unwrap() = None;
    }

    /// All requests so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// How many requests so far.
    pub fn count(&self) -> usize {
        self.shared.calls.lock().unwrap().len()
    }
}

impl Shared {
    async fn pass(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let mut call = self.record(&request);
        let answer = match self.ask(Moment::Before, &call) {
            Reaction::Pass => self.target.send(request).await?,
            Reaction::Lose => return Err(Lost),
            Reaction::Answer(answer) => answer,
            Reaction::Refuse { ids, code, sender_fault } => {
                entries::refuse(&self.target, request, &ids, code, sender_fault).await?
            }
            Reaction::Keys(most) => entries::leave_keys(&self.target, request, most).await?,
        };
        call.status = Some(answer.status().as_u16());
        self.calls.lock().unwrap()[call.seq].status = call.status;
        match self.ask(Moment::After, &call) {
            Reaction::Lose => Err(Lost),
            Reaction::Answer(answer) => Ok(answer),
            Reaction::Pass => Ok(answer),
            reaction => panic!("{reaction:?} is for before a request"),
        }
    }

    fn record(&self, request: &Request<Bytes>) -> Call {
        let body = request.body();
        let json = serde_json::from_slice(body).unwrap_or_else(|_| fields(body));
        let mut calls = self.calls.lock().unwrap();
        let call = Call {
            seq: calls.len(),
            operation: operation(request, &json),
            resource: resource(&json),
            body: json,
            status: None,
        };
        calls.push(call.clone());
        call
    }

    /// The hook runs without any lock held: it may look at the calls, and set another hook.
    fn ask(&self, moment: Moment, call: &Call) -> Reaction {
        let hook = self.hook.lock().unwrap().clone();
        hook.map_or(Reaction::Pass, |hook| hook(moment, call))
    }
}

/// From the target's header, the query protocol's body, or the path.
fn operation(request: &Request<Bytes>, body: &Value) -> String {
    let Some(target) = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()) else {
        let service = match body["Version"].as_str() {
            Some("2011-06-15") => "STS",
            Some("2010-03-31") => "SNS",
            _ => return by_path(request.method(), request.uri().path()),
        };
        return format!("{service}.{}", body["Action"].as_str().unwrap_or_default());
    };
    let (service, operation) = target.split_once('.').unwrap_or(("", target));
    let service = match service {
        "DynamoDB_20120810" => "DynamoDB",
        "AmazonSQS" => "SQS",
        "secretsmanager" => "SecretsManager",
        "AWSEvents" => "Events",
        other => other,
    };
    format!("{service}.{operation}")
}

fn by_path(method: &Method, path: &str) -> String {
    match (method, path.trim_end_matches('/')) {
        (&Method::GET, "/2016-08-19/account-settings") => "Lambda.GetAccountSettings".to_owned(),
        _ => format!("unknown.{method} {path}"),
    }
}

fn fields(body: &Bytes) -> Value {
    let fields = url::form_urlencoded::parse(body);
    Value::Object(fields.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect())
}

fn resource(body: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let table = text(&body["TableName"])
        .or_else(|| body["RequestItems"].as_object()?.keys().next().cloned())
        .or_else(|| body["TransactItems"][0].as_object()?.values().find_map(|item| text(&item["TableName"])));
    match (table, body["IndexName"].as_str()) {
        (Some(table), Some(index)) => Some(format!("{table}/{index}")),
        (Some(table), None) => Some(table),
        (None, _) if body["Entries"][0]["EventBusName"].is_string() => {
            text(&body["Entries"][0]["EventBusName"])
        }
        (None, _) => ["QueueUrl", "SecretId", "TopicArn"].iter().find_map(|name| text(&body[*name])),
    }
}
