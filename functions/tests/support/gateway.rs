//! Stands in for API Gateway: routes and policy of `infra/openapi.yaml`, proxy events to the functions, and its
//! gateway responses where it answers itself.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    access::{ACCOUNT, Access},
    lambda::{Function, FunctionError},
    loopback::{self, Lost, Server, serve},
    now, template,
};

/// Who the caller is, once its signature is found good.
pub const CALLER: &str = "arn:aws:sts::123456789012:assumed-role/Identity/adele";

/// The stage, which is the first part of every path.
pub const STAGE: &str = "live";

/// So long API Gateway waits for a function.
const PATIENCE: Duration = Duration::from_secs(29);

/// The methods that API Gateway knows.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The route of those that have none of their own.
const ANY: &str = "x-amazon-apigateway-any-method";

const LARGEST_BODY: usize = 10 << 20;

/// `infra/openapi.yaml` as JSON.
pub fn openapi() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| template::read("infra/openapi.yaml"))
}

/// How a caller is known.
type Authorize = Box<dyn Fn(&Request<Bytes>) -> Result<String, &'static str> + Send + Sync>;

/// See the module.
pub struct Gateway {
    server: Server,
    served: Arc<AtomicUsize>,
}

struct Inner {
    routes: Vec<Route>,
    /// Sandboxes by the function's logical id.
    functions: BTreeMap<String, Vec<Function>>,
    authorize: Authorize,
    access: Access,
    turn: AtomicUsize,
    served: Arc<AtomicUsize>,
}

struct Route {
    method: String,
    resource: String,
    function: String,
}

impl Gateway {
    /// A gateway that takes every caller who says that the request is signed.
    pub async fn start(poll: &[&Function], drain: &[&Function]) -> Self {
        Self::guarded(Access::open(), poll, drain).await
    }

    /// The same where policies say who may do what.
    pub async fn guarded(access: Access, poll: &[&Function], drain: &[&Function]) -> Self {
        Self::launch(poll, drain, access, Box::new(says_signed)).await
    }

    /// A gateway that finds out by `authorize` who calls, or which gateway response refuses the call.
    pub async fn with(
        poll: &[&Function],
        drain: &[&Function],
        authorize: impl Fn(&Request<Bytes>) -> Result<String, &'static str> + Send + Sync + 'static,
    ) -> Self {
        Self::launch(poll, drain, Access::open(), Box::new(authorize)).await
    }

    async fn launch(poll: &[&Function], drain: &[&Function], access: Access, authorize: Authorize) -> Self {
        let functions = [("PollFunction", poll), ("DrainFunction", drain)].map(|(id, functions)| {
            (id.to_owned(), functions.iter().map(|&function| function.clone()).collect())
        });
        let count = Arc::new(AtomicUsize::new(0));
        let inner = Arc::new(Inner {
            routes: routes(),
            functions: functions.into(),
            authorize,
            access,
            turn: AtomicUsize::new(0),
            served: Arc::clone(&count),
        });
        let server = serve(move |request| {
            let inner = Arc::clone(&inner);
            async move { inner.answer(request).await }
        })
        .await;
        Self { server, served: count }
    }

    /// Where it is, with the stage.
    pub fn url(&self) -> String {
        format!("http://{}/{STAGE}", self.server.address)
    }

    /// Requests answered so far.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }

    /// Makes a request as a caller with a good signature.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.ask_with(method, path, body, &[]).await
    }

    /// The same with more headers.
    pub async fn ask_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        self.send(CALLER, method, path, body, headers).await
    }

    /// The same as a caller with another ARN.
    pub async fn ask_as(&self, caller: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.send(caller, method, path, body, &[]).await
    }

    async fn send(
        &self,
        caller: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let client = loopback::client();
        let mut request = client
            .request(method.parse().unwrap(), format!("{}{path}", self.url()))
            .header("authorization", format!("{SIGNED}{caller}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let problem = answer.headers()["content-type"] == "application/problem+json";
        assert_eq!(problem, status >= 400, "{method} {path}: {status} {:?}", answer.headers());
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }
}

/// How a request says that it is signed, before the name or the ARN of the caller.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=";

/// The caller of a request that says that it is signed.
fn says_signed(request: &Request<Bytes>) -> Result<String, &'static str> {
    let signed = request.headers().get(http::header::AUTHORIZATION);
    match signed.and_then(|value| value.to_str().ok()) {
        None => Err("MISSING_AUTHENTICATION_TOKEN"),
        Some(value) => match value.strip_prefix(SIGNED) {
            Some(arn) if arn.starts_with("arn:") => Ok(arn.to_owned()),
            Some(_) => Ok(CALLER.to_owned()),
            None => Err("ACCESS_DENIED"),
        },
    }
}

/// Every route with the function that its integration names.
fn routes() -> Vec<Route> {
    let paths = openapi()["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(resource, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, operation)| {
            let uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"].as_str().unwrap();
            let function = uri.split("functions/${").nth(1).unwrap().split(".Arn}").next().unwrap();
            Route {
                method: if method == ANY { "ANY".to_owned() } else { method.to_uppercase() },
                resource: resource.clone(),
                function: function.to_owned(),
            }
        })
    });
    each.collect()
}

impl Inner {
    async fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        self.served.fetch_add(1, Ordering::Relaxed);
        Ok(match self.invoke(&request).await {
            Ok(answer) => answer,
            Err((kind, message)) => gateway_response(kind, message),
        })
    }

    async fn invoke(
        &self,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, (&'static str, &'static str)> {
        const NO_TOKEN: (&str, &str) = ("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token");
        let path = request.uri().path().strip_prefix(&format!("/{STAGE}")).ok_or(NO_TOKEN)?;
        let path = if path.is_empty() { "/" } else { path };
        let find = |method: &str| {
            let mut of_method = self.routes.iter().filter(|route| route.method == method);
            of_method.find_map(|route| Some((route, matched(&route.resource, path)?)))
        };
        let method = request.method().as_str();
        // Resources are sorted, and the one that takes every path is the last.
        let any = || METHODS.contains(&method).then(|| find("ANY")).flatten();
        let (route, parameters) = find(method).or_else(any).ok_or(NO_TOKEN)?;
        let caller =
            (self.authorize)(request).map_err(|kind| (kind, "The request is not signed as it must be"))?;
        if !self.access.allows(&caller, method, path) {
            return Err(("ACCESS_DENIED", "User is not authorized to perform: execute-api:Invoke"));
        }
        if request.body().len() > LARGEST_BODY {
            return Err(("REQUEST_TOO_LARGE", "Request Too Long"));
        }
        let event = event(request, route, &parameters, &caller);
        let functions = &self.functions[&route.function];
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        match tokio::time::timeout(PATIENCE, functions[turn % functions.len()].invoke(&event)).await {
            Ok(Ok(answer)) => response(&answer).ok_or(("INTEGRATION_FAILURE", "Internal server error")),
            Ok(Err(FunctionError::TimedOut)) | Err(_) => {
                Err(("INTEGRATION_TIMEOUT", "Endpoint request timed out"))
            }
            Ok(Err(_)) => Err(("INTEGRATION_FAILURE", "Internal server error")),
        }
    }
}

/// The parameters of a path that fits a resource.
fn matched(resource: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let (template, path): (Vec<&str>, Vec<&str>) = (resource.split('/').collect(), path.split('/').collect());
    let mut parameters = BTreeMap::new();
    if template.last().is_some_and(|last| last.ends_with("+}")) {
        return (path.len() >= template.len()).then_some(parameters);
    }
    if template.len() != path.len() {
        return None;
    }
    for (expected, got) in template.into_iter().zip(path) {
        if let Some(name) = expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            if got.is_empty() {
                return None;
            }
            parameters.insert(name.to_owned(), decoded(got));
        } else if expected != got {
            return None;
        }
    }
    Some(parameters)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn event(
    request: &Request<Bytes>,
    route: &Route,
    parameters: &BTreeMap<String, String>,
    caller: &str,
) -> Value {
    let names: BTreeSet<&str> = request.headers().keys().map(HeaderName::as_str).collect();
    let values = |name: &str| -> Vec<String> {
        let values = request.headers().get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    };
    let all: BTreeMap<&str, Vec<String>> = names.iter().map(|name| (*name, values(name))).collect();
    let last: BTreeMap<&str, &String> =
        all.iter().map(|(name, values)| (*name, values.last().unwrap())).collect();
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        query.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let last_query: BTreeMap<&String, &String> =
        query.iter().map(|(name, values)| (name, values.last().unwrap())).collect();
    let body = String::from_utf8_lossy(request.body());
    let request_id = uuid::Uuid::new_v4().to_string();
    json!({
        "resource": route.resource,
        "path": decoded(request.uri().path()),
        "httpMethod": request.method().as_str(),
        "headers": last,
        "multiValueHeaders": all,
        "queryStringParameters": if query.is_empty() { Value::Null } else { json!(last_query) },
        "multiValueQueryStringParameters": if query.is_empty() { Value::Null } else { json!(query) },
        "pathParameters": if parameters.is_empty() { Value::Null } else { json!(parameters) },
        "stageVariables": null,
        "requestContext": {
            "resourcePath": route.resource, "httpMethod": request.method().as_str(), "path": request.uri().path(),
            "stage": STAGE, "protocol": "HTTP/1.1", "apiId": "gateway", "accountId": ACCOUNT,
            "requestId": request_id, "extendedRequestId": request_id,
            "requestTimeEpoch": now().as_millisecond(),
            "identity": { "userArn": caller, "accountId": ACCOUNT, "sourceIp": "127.0.0.1" },
        },
        "body": if body.is_empty() { Value::Null } else { json!(body) },
        "isBase64Encoded": false,
    })
}

/// What a function's answer becomes; nothing where it is malformed.
fn response(answer: &Value) -> Option<Response<Bytes>> {
    let status = u16::try_from(answer["statusCode"].as_u64()?).ok()?;
    let mut response = Response::new(Bytes::from(answer["body"].as_str()?.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    for (name, value) in answer["headers"].as_object()? {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        response.headers_mut().insert(name, HeaderValue::from_str(value.as_str()?).ok()?);
    }
    Some(response)
}

/// What the description says that API Gateway answers itself.
fn gateway_response(kind: &str, message: &str) -> Response<Bytes> {
    let all = &openapi()["x-amazon-apigateway-gateway-responses"];
    let said = &all[kind];
    let template = said["responseTemplates"]["application/json"].as_str().unwrap();
    let body = template.replace("$context.error.messageString", &json!(message).to_string());
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() =
        StatusCode::from_u16(said["statusCode"].as_u64().unwrap().try_into().unwrap()).unwrap();
    for (name, value) in said["responseParameters"].as_object().unwrap() {
        let name = name.strip_prefix("gatewayresponse.header.").unwrap().to_lowercase();
        let value = value.as_str().unwrap().trim_matches('\'');
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        response.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    response
}
