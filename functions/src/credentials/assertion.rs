//! Client assertions: JWTs by which the holder of a registered certificate's key proves who it is
//! (Microsoft identity platform, "application authentication certificate credentials").

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How long an assertion is valid. It is used at once; Entra recommends five to ten minutes.
const VALID_FOR_SECONDS: i64 = 300;

/// How far back the validity begins, for a clock that is a little behind.
const EARLIER_SECONDS: i64 = 60;

/// Why a text is not a certificate with its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// It is not PEM.
    #[error("is not PEM: it must hold BEGIN CERTIFICATE and BEGIN PRIVATE KEY")]
    NotPem,
    /// There is no certificate in it.
    #[error("holds no certificate (BEGIN CERTIFICATE)")]
    NoCertificate,
    /// There is no key in it.
    #[error("holds no key (BEGIN PRIVATE KEY); one with a password cannot be used")]
    NoKey,
    /// The key is not RSA.
    #[error("holds a key that is not an RSA key, which Entra needs")]
    NotRsa,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: Uuid,
    nbf: i64,
    exp: i64,
}

/// A certificate's key and how Entra finds the certificate.
pub struct Signer {
    key: EncodingKey,
    header: Header,
}

impl Signer {
    /// Reads the first certificate and the first key of a text, in any order.
    pub fn from_pem(text: &SecretString) -> Result<Self, PemError> {
        let blocks = pem::parse_many(text.expose_secret()).map_err(|_| PemError::NotPem)?;
        if blocks.is_empty() {
            return Err(PemError::NotPem);
        }
        let first = |is: fn(&str) -> bool| blocks.iter().find(|block| is(block.tag()));
        let certificate = first(|tag| tag == "CERTIFICATE").ok_or(PemError::NoCertificate)?;
        let key = first(|tag| matches!(tag, "PRIVATE KEY" | "RSA PRIVATE KEY")).ok_or(PemError::NoKey)?;
        let key = SecretString::from(pem::encode(key));
        let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes()).map_err(|_| PemError::NotRsa)?;
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.contents())));
        Ok(Self { key, header })
    }

    /// Makes an assertion of `client_id` for the token endpoint at `token_url`.
    pub fn assertion(
        &self,
        client_id: &str,
        token_url: &str,
        now: Timestamp,
    ) -> Result<SecretString, PemError> {
        let claims = Claims {
            aud: token_url,
            iss: client_id,
            sub: client_id,
            jti: Uuid::new_v4(),
            nbf: now.as_second() - EARLIER_SECONDS,
            exp: now.as_second() + VALID_FOR_SECONDS,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key)
            .map(SecretString::from)
            .map_err(|_| PemError::NotRsa)
    }
}
