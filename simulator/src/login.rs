//! The login endpoint: access tokens by client credentials, which are a secret or an assertion.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use serde_json::json;

use crate::{
    answer::{Handled, Refusal, Success},
    assertion,
    call::{Call, pairs},
    ids::{object_id, random_uuid},
    permissions::{Granted, IssuedToken},
    standing::Standing,
    state::State,
};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Answers `POST /{tenant}/oauth2/v2.0/token` with an access token.
pub(crate) fn token(state: &mut State, tenant: &str, call: &Call) -> Handled {
    if call.method != Method::POST {
        let text = "Endpoint only accepts POST requests.";
        return Err(Refusal::login(400, "invalid_request", 900_561, text));
    }
    if object_id(tenant) != Some(state.options.tenant_id) {
        let text = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
        return Err(Refusal::login(400, "invalid_request", 90002, text));
    }
    state.options.faults.standing.map_or(Ok(()), Standing::refuses_sign_in)?;
    let form = form(call)?;
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match field("grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            let text = "The app requested an unsupported grant type.";
            return Err(Refusal::login(400, "unsupported_grant_type", 70003, text));
        }
        None => {
            let text = "The request body must contain the following parameter: 'grant_type'.";
            return Err(Refusal::login(400, "invalid_request", 900_144, text));
        }
    }
    let client = field("client_id").unwrap_or_default();
    if object_id(client) != Some(state.options.client_id) {
        let text = format!("Application with identifier '{client}' was not found in the directory.");
        return Err(Refusal::login(400, "unauthorized_client", 700_016, text));
    }
    let scope = field("scope").unwrap_or_default();
    let resource = scope.strip_suffix("/.default");
    if resource
        .is_none_or(|resource| resource.is_empty() || resource.ends_with('/') || resource.contains(' '))
    {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."
        );
        return Err(Refusal::login(400, "invalid_scope", 1_002_012, text));
    }
    match (field("client_secret"), field("client_assertion")) {
        (Some(secret), None) if secret == state.options.client_secret => {}
        (Some(_), None) => {
            let text = "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.";
            return Err(Refusal::login(401, "invalid_client", 7_000_215, text));
        }
        (None, Some(assertion)) if field("client_assertion_type") == Some(ASSERTION_TYPE) => {
            assertion::check(assertion, &state.options, &call.url(), state.now())?;
        }
        (_, Some(_)) => {
            return Err(assertion::malformed());
        }
        (None, None) => {
            let text = "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.";
            return Err(Refusal::login(401, "invalid_client", 7_000_216, text));
        }
    }
    Ok(issue(state, resource.unwrap_or_default()))
}

fn form(call: &Call) -> Result<Vec<(String, String)>, Refusal> {
    let is_form = call.content_type.starts_with("application/x-www-form-urlencoded");
    let form = std::str::from_utf8(&call.body).ok().filter(|_| is_form).and_then(pairs);
    form.ok_or_else(|| {
        let text = "The request body must contain the following parameter: 'grant_type'.";
        Refusal::login(400, "invalid_request", 900_144, text)
    })
}

fn issue(state: &mut State, resource: &str) -> Success {
    let now = state.now();
    let life = state.options.token_lifetime;
    let expires = now + life;
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "simulated" });
    let payload = json!({
        "aud": resource,
        "iss": format!("https://sts.windows.net/{}/", state.options.tenant_id),
        "iat": now.as_second(),
        "nbf": now.as_second(),
        "exp": expires.as_second(),
        "appid": state.options.client_id,
        "idtyp": "app",
        "roles": state.options.permissions,
        "tid": state.options.tenant_id,
        "uti": random_uuid(&mut state.chance),
        "ver": "1.0",
    });
    let signature = state.chance.u128(..).to_be_bytes();
    let encoded = [header.to_string().into_bytes(), payload.to_string().into_bytes(), signature.to_vec()]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let issued = IssuedToken { expires, granted: Granted(state.options.permissions.clone()) };
    state.tokens.retain(|_, token| token.expires > now);
    state.tokens.insert(encoded.clone(), issued);
    Success::Json(json!({
        "token_type": "Bearer",
        "expires_in": life.as_secs(),
        "ext_expires_in": life.as_secs(),
        "access_token": encoded,
    }))
}

/// Checks the token of a Graph request, and returns what it grants.
pub(crate) fn authenticate(state: &State, call: &Call) -> Result<Granted, Refusal> {
    let refused = |text| Refusal::graph(401, "InvalidAuthenticationToken", text);
    let header = call.authorization.as_deref().ok_or_else(|| refused("Access token is empty."))?;
    let token = header.strip_prefix("Bearer ").ok_or_else(|| refused("Access token is empty."))?;
    let issued = state
        .tokens
        .get(token)
        .ok_or_else(|| refused("Access token validation failure. Invalid audience or signature."))?;
    if issued.expires <= state.now() {
        return Err(refused("Lifetime validation failed, the token is expired."));
    }
    Ok(issued.granted.clone())
}

#[cfg(test)]
mod tests {
    use crate::testing::{client, options, wait};

    #[tokio::test(start_paused = true)]
    async fn each_wrong_part_of_a_token_request_has_its_own_refusal() {
        let client = client(options()).await;
        let (tenant, id, secret) =
            (client.options.tenant_id, client.options.client_id, &client.options.client_secret);
        let scope = "scope=https://graph.example/.default";
        let grant = "grant_type=client_credentials";
        let other = uuid::Uuid::nil();
        let cases = [
            (other, format!("{grant}&client_id={id}&client_secret={secret}&{scope}"), 400, 90002),
            (tenant, format!("{grant}&client_id={other}&client_secret={secret}&{scope}"), 400, 700_016),
            (tenant, format!("{grant}&client_id={id}&client_secret=x&{scope}"), 401, 7_000_215),
            (tenant, format!("{grant}&client_id={id}&{scope}"), 401, 7_000_216),
            (
                tenant,
                format!("{grant}&client_id={id}&client_secret={secret}&scope=User.Read"),
                400,
                1_002_012,
            ),
            (tenant, format!("{grant}&client_id={id}&client_secret={secret}"), 400, 1_002_012),
            (
                tenant,
                format!("grant_type=password&client_id={id}&client_secret={secret}&{scope}"),
                400,
                70003,
            ),
            (tenant, format!("client_id={id}&client_secret={secret}&{scope}"), 400, 900_144),
            (tenant, format!("{grant}&client_id={id}&client_assertion=x&{scope}"), 401, 50027),
        ];
        for (tenant, form, status, number) in cases {
            let reply = client.login(tenant, &form).await;
            assert_eq!(reply.status, status, "{form}");
            assert_eq!(reply.json()["error_codes"][0], number, "{form}");
            let text = reply.json()["error_description"].as_str().unwrap().to_owned();
            assert!(text.starts_with(&format!("AADSTS{number}:")), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_rotation_only_the_new_secret_works() {
        let mut client = client(options()).await;
        client.tenant.set_client_secret("sim~new");
        assert_eq!(client.get("/v1.0/users").await.status, 200);
        let form = |secret: &str| {
            format!(
                "grant_type=client_credentials&client_id={}&client_secret={secret}&scope=https://graph.example/.default",
                client.options.client_id
            )
        };
        let refused = client.login(client.options.tenant_id, &form(&client.options.client_secret)).await;
        assert_eq!((refused.status, refused.json()["error_codes"][0].as_u64()), (401, Some(7_000_215)));
        client.options.client_secret = "sim~new".to_owned();
        client.sign_in().await;
        assert_eq!(client.get("/v1.0/users").await.status, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn the_token_says_what_is_granted_and_expires() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

        let mut client = client(options()).await;
        let payload = client.token.split('.').nth(1).unwrap().to_owned();
        let payload: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        assert_eq!(payload["roles"].as_array().unwrap().len(), crate::ALL_PERMISSIONS.len());
        assert_eq!(payload["tid"], client.options.tenant_id.to_string());
        assert_eq!(client.get("/v1.0/users").await.status, 200);
        wait(3600).await;
        let late = client.get("/v1.0/users").await;
        assert_eq!((late.status, late.code().as_str()), (401, "InvalidAuthenticationToken"));
        client.sign_in().await;
        assert_eq!(client.get("/v1.0/users").await.status, 200);
        client.tenant.revoke_tokens();
        assert_eq!(client.get("/v1.0/users").await.status, 401);
        client.token = "made.up.token".to_owned();
        assert_eq!(client.get("/v1.0/users").await.status, 401);
    }
}
