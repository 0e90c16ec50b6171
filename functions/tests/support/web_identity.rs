//! STS `GetWebIdentityToken` with a signature that the simulated tenant can check. Of the doubles one
//! has no such request, and the other signs with HMAC.

use bytes::Bytes;
use http::{HeaderValue, Response};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use simulator::{FederatedCredential, IssuerKeys};

use super::{now, proxy::Call};

const KEY: &str = include_str!("../../../simulator/tests/data/test-issuer-key.pem");
const PUBLIC_KEY: &str = include_str!("../../../simulator/tests/data/test-issuer-public-key.pem");

/// The account's own issuer.
pub const ISSUER: &str = "https://00000000-0000-4000-8000-000000000000.tokens.sts.global.api.aws";

/// The function's role.
pub const SUBJECT: &str = "arn:aws:iam::000000000000:role/test-role";

/// What the app registration has to trust: `options.federated_credentials`.
pub fn credential() -> FederatedCredential {
    FederatedCredential::new(ISSUER, SUBJECT, IssuerKeys::from_pem(PUBLIC_KEY).unwrap())
}

/// What STS answers to a [`Call`] of `STS.GetWebIdentityToken`.
pub fn answer(call: &Call) -> Response<Bytes> {
    let seconds = call.body["DurationSeconds"].as_str().and_then(|text| text.parse().ok()).unwrap_or(300);
    let issued_at = now();
    let expires_at = issued_at + jiff::SignedDuration::from_secs(seconds);
    let claims = json!({
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": call.body["Audience.member.1"],
        "iat": issued_at.as_second(),
        "exp": expires_at.as_second(),
        "jti": uuid::Uuid::new_v4(),
    });
    let algorithm = match call.body["SigningAlgorithm"].as_str() {
        Some("RS256") => Algorithm::RS256,
        other => panic!("Entra takes RS256, not {other:?}"),
    };
    let key = EncodingKey::from_rsa_pem(KEY.as_bytes()).unwrap();
    let token = encode(&Header::new(algorithm), &claims, &key).unwrap();
    let body = format!(
        "<GetWebIdentityTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetWebIdentityTokenResult><WebIdentityToken>{token}</WebIdentityToken>\
         <Expiration>{expires_at:.0}</Expiration></GetWebIdentityTokenResult>\
         <ResponseMetadata><RequestId>test</RequestId></ResponseMetadata></GetWebIdentityTokenResponse>"
    );
    let mut response = Response::new(Bytes::from(body));
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/xml"));
    response
}
