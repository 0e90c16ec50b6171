//! Access tokens from the client credentials grant.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::error::GraphError;
use crate::{
    cloud::Endpoints,
    credentials::Proof,
    domain::{ids::TenantId, window::shift},
    settings::Settings,
};

/// The shortest token lifetime that leaves time to work: Entra's tokens live for an hour or more.
const SHORTEST_LIFE: SignedDuration = SignedDuration::from_mins(1);

/// A token is renewed this long before it expires, or halfway through a short life.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);

/// The type of a JWT assertion (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An access token, with what it says about itself.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    /// Granted application permissions (`roles`); `None` if the token cannot be read.
    pub(super) permissions: Option<Vec<String>>,
    renew_at: Timestamp,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.renew_at
    }

    pub(super) fn grants(&self, permission: &str) -> bool {
        self.permissions.as_ref().is_some_and(|all| all.iter().any(|one| one == permission))
    }
}

/// Who signs in, and where.
#[derive(Debug, Clone)]
pub(super) struct Login {
    tenant: TenantId,
    client_id: String,
    endpoints: Endpoints,
}

impl Login {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            tenant: settings.tenant,
            client_id: settings.client_id.clone(),
            endpoints: settings.endpoints.clone(),
        }
    }

    /// The URL of the tenant's token endpoint.
    pub(super) fn url(&self) -> String {
        format!("{}{}/oauth2/v2.0/token", self.endpoints.authority, self.tenant)
    }

    pub(super) fn request(&self, proof: &Proof) -> Request<Bytes> {
        let scope = format!("{}.default", self.endpoints.graph);
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("scope", &scope);
        match proof {
            Proof::Secret(secret) => form.append_pair("client_secret", secret.expose_secret()),
            Proof::Assertion(assertion) => form
                .append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", assertion.expose_secret()),
        };
        Request::builder()
            .method(Method::POST)
            .uri(self.url())
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(http::header::ACCEPT, "application/json")
            .body(Bytes::from(form.finish()))
            .expect("the parts of a token request are valid")
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    expires_in: Option<u64>,
}

#[derive(Deserialize, Default)]
struct TokenRefusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Reads the token endpoint's answer.
pub(super) fn read(answer: &Response<Bytes>, now: Timestamp) -> Result<Token, GraphError> {
    let status = answer.status();
    if status == http::StatusCode::TOO_MANY_REQUESTS {
        let retry_after = super::retry::retry_after(answer.headers(), now);
        return Err(GraphError::Throttled { retry_after: retry_after.unwrap_or(Duration::from_secs(10)) });
    }
    if status.is_server_error() {
        return Err(GraphError::Unavailable { cause: format!("the sign-in answered {status}") });
    }
    if !status.is_success() {
        return Err(refusal(answer.body()));
    }
    let unreadable = |what: &str| GraphError::Unauthorized { cause: format!("the sign-in's answer {what}") };
    let body: TokenAnswer =
        serde_json::from_slice(answer.body()).map_err(|_| unreadable("holds no access token"))?;
    let life = body.expires_in.ok_or_else(|| unreadable("says no expiry"))?;
    let life = SignedDuration::from_secs(i64::try_from(life.min(86_400)).unwrap_or(0));
    if life < SHORTEST_LIFE {
        return Err(unreadable("says an expiry that leaves no time to work"));
    }
    let margin = RENEW_BEFORE.min(life / 2);
    Ok(Token {
        permissions: permissions(body.access_token.expose_secret()),
        secret: body.access_token,
        renew_at: shift(now, life - margin),
    })
}

fn refusal(body: &[u8]) -> GraphError {
    let refusal: TokenRefusal = serde_json::from_slice(body).unwrap_or_default();
    let code: String = refusal
        .error_description
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.starts_with("AADSTS"))
        .unwrap_or(&refusal.error)
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(40)
        .collect();
    let hint = match code.as_str() {
        // A new federated credential is not known everywhere yet.
        "AADSTS70021" => {
            return GraphError::Unavailable {
                cause: "AADSTS70021: the federated credential is not known yet".to_owned(),
            };
        }
        // The same goes for a new issuer's keys.
        "AADSTS7000272" => {
            return GraphError::Unavailable {
                cause: "AADSTS7000272: the issuer's keys are not known yet".to_owned(),
            };
        }
        "AADSTS700023" => "the assertion is for another token endpoint: look at AZURE_AUTHORITY_HOST",
        "AADSTS7000215" => {
            "the client secret is wrong (its value is needed, not its id): look at AZURE_CLIENT_SECRET, \
             or at what GRAPH_CREDENTIAL_SECRET_ARN names"
        }
        "AADSTS7000222" => "the client secret has expired: make a new one in the app registration",
        "AADSTS700016" => "no such app in this tenant: look at AZURE_CLIENT_ID and AZURE_TENANT_ID",
        "AADSTS700027" => "the certificate is not registered with the app, or another one is",
        "AADSTS700024" => "the assertion is not valid now: look at the clock",
        "AADSTS700211" => "no federated credential of the app names this issuer: it is the AWS account's own",
        "AADSTS700212" => "the federated credential's audience must be api://AzureADTokenExchange",
        "AADSTS700213" => {
            "no federated credential of the app names this subject: it is the ARN of the function's role"
        }
        "AADSTS90002" => "no such tenant: look at AZURE_TENANT_ID and AZURE_CLOUD",
        _ => "look at AZURE_TENANT_ID, AZURE_CLIENT_ID and the credential",
    };
    GraphError::Unauthorized { cause: format!("{code}: {hint}") }
}

/// The permissions in a token's `roles` claim. The signature is Graph's to check, not ours.
fn permissions(token: &str) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Claims {
        #[serde(default)]
        roles: Vec<String>,
    }
    let payload = token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<Claims>(&json).ok().map(|claims| claims.roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap()
    }

    #[test]
    fn a_token_is_renewed_before_it_expires_and_says_its_permissions() {
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let payload = URL_SAFE_NO_PAD.encode(r#"{"roles":["AuditLog.Read.All"]}"#);
        let token =
            read(&answer(200, &format!(r#"{{"access_token":"x.{payload}.y","expires_in":3600}}"#)), now)
                .unwrap();
        assert!(token.grants("AuditLog.Read.All") && !token.grants("Policy.Read.All"));
        assert!(token.is_fresh("2026-03-01T00:54:59Z".parse().unwrap()));
        assert!(!token.is_fresh("2026-03-01T00:55:00Z".parse().unwrap()));
        assert!(!format!("{token:?}").contains(&payload));
    }

    #[test]
    fn a_token_without_an_expiry_is_refused() {
        let error = read(&answer(200, r#"{"access_token":"x"}"#), Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.to_string(), "the tenant refuses the sign-in: the sign-in's answer says no expiry");
    }

    #[test]
    fn a_refused_sign_in_says_what_to_do() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided for s3cret"}"#;
        let error = read(&answer(401, body), Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(error.stops_everything());
        assert_eq!(
            error.to_string(),
            "the tenant refuses the sign-in: AADSTS7000215: the client secret is wrong (its value is needed, \
             not its id): look at AZURE_CLIENT_SECRET, or at what GRAPH_CREDENTIAL_SECRET_ARN names"
        );
    }
}
