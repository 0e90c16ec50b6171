//! Client assertions: the JWTs that an application shows in place of its secret.
//!
//! An assertion that the application signed itself names the application as its issuer; any other issuer is a
//! URL, and its token must fit a federated credential. The error numbers are those in Microsoft's pages and
//! people's reports; which of several faults Entra names first is not documented.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Header, TokenData, crypto::verify, dangerous::insecure_decode};
use serde::Deserialize;

use crate::{answer::Refusal, credentials::FederatedCredential, ids::object_id, options::Options};

/// How many seconds two clocks may differ. Entra allows more.
const SKEW: i64 = 60;

/// How many seconds ahead the expiry of the application's own assertion may lie. Entra sets no limit and
/// recommends this one.
const MOST_AHEAD: i64 = 600;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    nbf: Option<i64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(name) => name == audience,
            Self::Many(names) => names.iter().any(|name| name == audience),
        }
    }
}

/// An assertion that was read but not verified yet.
struct Assertion<'a> {
    signed: &'a str,
    signature: &'a str,
    header: Header,
    claims: Claims,
}

impl<'a> Assertion<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let TokenData { header, claims } = insecure_decode(text).ok()?;
        Some(Self { signed, signature, header, claims })
    }

    fn is_signed_by(&self, key: &DecodingKey) -> bool {
        verify(self.signature, self.signed.as_bytes(), key, self.header.alg).unwrap_or(false)
    }

    fn must_use(&self, algorithms: &[Algorithm]) -> Result<(), Refusal> {
        if algorithms.contains(&self.header.alg) {
            return Ok(());
        }
        let known: Vec<_> = algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        Err(refused(
            5_002_738,
            format!(
                "Invalid JWT token. '{:?}' is not a supported signature algorithm. Supported signing algorithms are: '{}'",
                self.header.alg,
                known.join(", ")
            ),
        ))
    }

    fn must_be_valid_at(&self, now: Timestamp, latest: i64) -> Result<(), Refusal> {
        let Claims { exp, nbf, .. } = self.claims;
        let now = now.as_second();
        if nbf.is_none_or(|nbf| nbf <= now + SKEW) && now - SKEW < exp && exp <= latest {
            return Ok(());
        }
        let text = format!(
            "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {}, expiry time of assertion {exp}.",
            nbf.unwrap_or_default()
        );
        Err(refused(700_024, text))
    }
}

/// Refuses an assertion, sent to `token_url`, unless it proves that the application asks.
pub(crate) fn check(text: &str, options: &Options, token_url: &str, now: Timestamp) -> Result<(), Refusal> {
    let assertion = Assertion::read(text).ok_or_else(malformed)?;
    if assertion.claims.iss.contains("://") {
        by_issuer(&assertion, &options.federated_credentials, now)
    } else {
        by_certificate(&assertion, options, token_url, now)
    }
}

/// The refusal of a text that is not a JWT, or lacks a claim.
pub(crate) fn malformed() -> Refusal {
    refused(50027, "JWT token is invalid or malformed.")
}

fn refused(number: u32, text: impl Into<String>) -> Refusal {
    Refusal::login(401, "invalid_client", number, text)
}

fn by_certificate(
    assertion: &Assertion,
    options: &Options,
    token_url: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    assertion.must_use(&[Algorithm::PS256, Algorithm::RS256])?;
    let thumbprint = assertion.header.x5t_s256.as_deref().ok_or_else(|| {
        refused(5_002_723, "Invalid JWT token. No certificate SHA-256 thumbprint specified in token header.")
    })?;
    let registered = options.certificates.iter().find(|known| known.thumbprint() == thumbprint);
    let certificate = registered.ok_or_else(|| {
        let text = format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}']"
        );
        refused(700_027, text)
    })?;
    if !assertion.is_signed_by(&certificate.key) {
        let text = format!(
            "Client assertion contains an invalid signature. [Reason - The provided signature value did not match the expected signature value., Thumbprint of key used by client: '{thumbprint}']"
        );
        return Err(refused(700_027, text));
    }
    let claims = &assertion.claims;
    if claims.jti.is_none() || claims.nbf.is_none() {
        return Err(malformed());
    }
    assertion.must_be_valid_at(now, now.as_second() + MOST_AHEAD + SKEW)?;
    if [&claims.iss, &claims.sub].iter().any(|name| object_id(name) != Some(options.client_id)) {
        let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(refused(700_021, text));
    }
    if !claims.aud.names(token_url) {
        let text = format!(
            "Client assertion audience claim does not match Realm issuer. This token endpoint is '{token_url}'."
        );
        return Err(refused(700_023, text));
    }
    Ok(())
}

fn by_issuer(assertion: &Assertion, known: &[FederatedCredential], now: Timestamp) -> Result<(), Refusal> {
    assertion.must_use(&[Algorithm::RS256])?;
    let credential = matching(&assertion.claims, known)?;
    let key_id = assertion.header.kid.as_deref();
    let keys = credential.keys.of(key_id);
    if keys.is_empty() {
        let text = format!(
            "The certificate with identifier {} used to sign the federated credential could not be found in the metadata of identity provider {}.",
            key_id.unwrap_or_default(),
            credential.issuer
        );
        return Err(refused(7_000_272, text));
    }
    if !keys.into_iter().any(|key| assertion.is_signed_by(key)) {
        let text = "Assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value.]";
        return Err(refused(50013, text));
    }
    assertion.must_be_valid_at(now, i64::MAX)
}

/// Returns the federated credential that has the token's issuer, audience and subject.
fn matching<'a>(
    claims: &Claims,
    known: &'a [FederatedCredential],
) -> Result<&'a FederatedCredential, Refusal> {
    const NONE: &str = "No matching federated identity record found for presented assertion";
    let Claims { iss, sub, aud, .. } = claims;
    if known.is_empty() {
        let text = format!("{NONE}. Assertion Issuer: '{iss}'. Assertion Subject: '{sub}'.");
        return Err(refused(70021, text));
    }
    let mut left: Vec<_> = known.iter().filter(|credential| credential.issuer == *iss).collect();
    if left.is_empty() {
        return Err(refused(700_211, format!("{NONE} issuer '{iss}'.")));
    }
    left.retain(|credential| aud.names(&credential.audience));
    if left.is_empty() {
        return Err(refused(700_212, format!("{NONE} audience.")));
    }
    let found = left.into_iter().find(|credential| credential.subject == *sub);
    found.ok_or_else(|| refused(700_213, format!("{NONE} subject '{sub}'.")))
}

#[cfg(test)]
mod tests;
