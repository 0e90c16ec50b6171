//! Access tokens from the client credentials grant.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::IgnoredAny};

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

#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
}

/// Reads the token endpoint's answer.
pub(super) fn read(answer: &Response<Bytes>, now: Timestamp) -> Result<Token, GraphError> {
    let status = answer.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let retry_after = super::retry::retry_after(answer.headers(), now);
        return Err(GraphError::Throttled { retry_after: retry_after.unwrap_or(Duration::from_secs(10)) });
    }
    if status.is_server_error() {
        return Err(GraphError::Unavailable { cause: format!("the sign-in answered {status}") });
    }
    if !status.is_success() {
        return Err(refusal(status, answer.body()));
    }
    let unreadable = |what: &str| GraphError::Unauthorized { cause: format!("the sign-in's answer {what}") };
    let body: TokenAnswer = serde_json::from_slice(answer.body()).map_err(|_| {
        let is_json = serde_json::from_slice::<IgnoredAny>(answer.body()).is_ok();
        if is_json { unreadable("holds no access token") } else { not_entra(status) }
    })?;
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

/// Reads a refusal. A proxy may put a page behind Entra's answer, or in its place.
fn refusal(status: StatusCode, body: &[u8]) -> GraphError {
    let text = String::from_utf8_lossy(body);
    let in_text = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.strip_prefix("AADSTS").is_some_and(|number| number.starts_with(is_digit)));
    let refusal =
        || serde_json::from_slice::<TokenRefusal>(body).ok().filter(|found| !found.error.is_empty());
    let Some(found) = in_text.map(str::to_owned).or_else(|| refusal().map(|found| found.error)) else {
        return not_entra(status);
    };
    let code: String = found.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
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

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn not_entra(status: StatusCode) -> GraphError {
    GraphError::Unauthorized {
        cause: format!(
            "the sign-in answered {} with something that is not Entra's (a proxy?): look at AZURE_AUTHORITY_HOST, \
             and at what stands between this machine and it",
            status.as_u16()
        ),
    }
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

    #[test]
    fn a_page_behind_or_in_place_of_entras_answer_is_told_apart() {
        let json = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}"#;
        let page = "<!DOCTYPE html><html><body>HTTP Error 500.0</body></html>";
        let said =
            |status, body: &str| read(&answer(status, body), Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        let behind = said(401, &format!("{json}{page}"));
        assert!(behind.contains("AADSTS7000215: the client secret is wrong"), "{behind}");
        for (status, body) in [(401, page), (403, ""), (200, page), (407, "{}"), (404, "AADSTS")] {
            let alone = said(status, body);
            let expected =
                format!("the sign-in answered {status} with something that is not Entra's (a proxy?)");
            assert!(alone.contains(&expected), "{alone}");
        }
        assert!(said(400, r#"{"error":"invalid_scope"}"#).contains("invalid_scope: look at"));
    }
}
