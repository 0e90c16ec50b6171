//! `GET /v1.0/applications(appId='{client id}')`: how long the application can still sign in.
//!
//! Source: <https://learn.microsoft.com/en-us/graph/api/application-get>.

use super::{
    answer::Answer,
    call::Call,
    client::Graph,
    error::GraphError,
    objects::Application,
    url::{query, segment},
};

/// The properties to ask for.
const SELECT: &str = "id,passwordCredentials,keyCredentials";

impl Graph {
    /// Reads an application by its client id.
    pub async fn application(&self, client_id: &str) -> Result<Answer<Application>, GraphError> {
        let (id, query) = (segment(client_id)?, query(&[("$select", SELECT)]));
        let url = format!("{}/v1.0/applications(appId='{id}'){query}", self.base);
        let needs = &["Directory.Read.All", "Application.Read.All", "Directory.ReadWrite.All"];
        self.get(Call::get(url, needs)).await
    }
}
