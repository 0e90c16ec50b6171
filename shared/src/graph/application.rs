//! `GET /v1.0/applications(appId='{client id}')`: until when the application can sign in.
//!
//! Source: <https://learn.microsoft.com/en-us/graph/api/application-get>.

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Answer, Budget, Call, Graph, GraphError,
    url::{query, segment},
};

/// The properties that are asked for.
const SELECT: &str = "id,passwordCredentials,keyCredentials";

/// What an application signs in with, of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Its client secrets.
    pub password_credentials: Vec<ApplicationCredential>,
    /// Its certificates.
    pub key_credentials: Vec<ApplicationCredential>,
}

/// A client secret or certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationCredential {
    /// When it runs out.
    pub end_date_time: Option<Timestamp>,
}

impl Graph {
    /// Reads an application by its client id.
    pub async fn application(&self, client_id: &str) -> Result<Answer<Application>, GraphError> {
        let (id, query) = (segment(client_id)?, query(&[("$select", SELECT)]));
        let url = format!("{}/v1.0/applications(appId='{id}'){query}", self.base);
        let needs = &["Directory.Read.All", "Application.Read.All", "Directory.ReadWrite.All"];
        self.get(Call { method: http::Method::GET, url, budget: Budget::Rest, needs }).await
    }
}
