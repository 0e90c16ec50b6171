//! A small client for the tests of the endpoints, under paused time.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::{Budget, ConnectionLost, NewMethod, NewUser, Options, PhoneType, Tenant};

pub(crate) const START: &str = "2026-11-20T12:00:00Z";

/// Made for these tests, and good for nothing else.
pub(crate) mod keys {
    pub(crate) const CERTIFICATE: &str = include_str!("../tests/data/test-certificate.pem");
    pub(crate) const CERTIFICATE_KEY: &str = include_str!("../tests/data/test-certificate-key.pem");
    pub(crate) const NEXT_CERTIFICATE: &str = include_str!("../tests/data/test-next-certificate.pem");
    pub(crate) const NEXT_CERTIFICATE_KEY: &str = include_str!("../tests/data/test-next-certificate-key.pem");
    pub(crate) const ISSUER_KEY: &str = include_str!("../tests/data/test-issuer-key.pem");
    pub(crate) const ISSUER_PUBLIC_KEY: &str = include_str!("../tests/data/test-issuer-public-key.pem");
}

/// An answer, with its body read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn items(&self) -> Vec<Value> {
        self.json()["value"].as_array().unwrap().clone()
    }

    /// Path and query of the link to the next page.
    pub(crate) fn next(&self) -> Option<String> {
        let link = self.json()["@odata.nextLink"].as_str()?.to_owned();
        Some(link.strip_prefix("https://graph.example").unwrap().to_owned())
    }
}

/// A signed-in client and its tenant.
pub(crate) struct Client {
    pub(crate) tenant: Tenant,
    pub(crate) options: Options,
    pub(crate) token: String,
}

pub(crate) fn options() -> Options {
    let begun = tokio::time::Instant::now();
    let start: Timestamp = START.parse().unwrap();
    let mut options = Options::new(1, move || start + begun.elapsed());
    options.budget = Budget::Off;
    options
}

pub(crate) async fn client(options: Options) -> Client {
    let mut client = Client { tenant: Tenant::new(options.clone()), options, token: String::new() };
    client.sign_in().await;
    client
}

pub(crate) async fn send(tenant: &Tenant, request: Request<Bytes>) -> Result<Reply, ConnectionLost> {
    let (parts, body) = tenant.service().oneshot(request).await?.into_parts();
    assert!(parts.headers.contains_key("request-id"));
    let text = String::from_utf8(body.to_vec()).unwrap();
    Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, text })
}

impl Client {
    pub(crate) async fn login(&self, tenant: Uuid, form: &str) -> Reply {
        let request = Request::post(format!("https://login.example/{tenant}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()));
        send(&self.tenant, request.unwrap()).await.unwrap()
    }

    pub(crate) async fn sign_in(&mut self) {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2Fgraph.example%2F.default",
            self.options.client_id, self.options.client_secret
        );
        let reply = self.login(self.options.tenant_id, &form).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["access_token"].as_str().unwrap().clone_into(&mut self.token);
    }

    pub(crate) async fn ask(&self, method: &str, path: &str) -> Result<Reply, ConnectionLost> {
        self.ask_with(method, path, Bytes::new()).await
    }

    async fn ask_with(&self, method: &str, path: &str, body: Bytes) -> Result<Reply, ConnectionLost> {
        let path = path.replace(' ', "%20");
        let request = Request::builder()
            .method(method)
            .uri(format!("https://graph.example{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(body);
        send(&self.tenant, request.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask_with("POST", path, body.to_string().into()).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.ask("DELETE", path).await.unwrap()
    }

    /// All items of a paged list.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let mut next = Some(path.to_owned());
        let mut items = Vec::new();
        while let Some(path) = next {
            let reply = self.get(&path).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            items.extend(reply.items());
            next = reply.next();
        }
        items
    }

    pub(crate) fn user(&self, name: &str) -> Uuid {
        self.tenant.add_user(NewUser::named(&format!("{name}@contoso.example")))
    }
}

pub(crate) fn mobile() -> NewMethod {
    NewMethod::phone(PhoneType::Mobile, "+1 2065550100")
}

pub(crate) async fn wait(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}
