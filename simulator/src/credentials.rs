//! What the application may sign in with besides its secret.

use std::{error::Error, fmt};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{AlgorithmFamily, DecodingKey, jwk::JwkSet};
use sha2::{Digest, Sha256};

/// The text is neither a certificate nor a public key, or not one for RSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an RSA certificate or public key")
    }
}

impl Error for InvalidKey {}

/// A certificate that is registered with the application. Its own validity period is not checked.
#[derive(Debug, Clone)]
pub struct Certificate {
    thumbprint: String,
    pub(crate) key: DecodingKey,
}

impl Certificate {
    /// Takes the first certificate in a PEM text, which may also hold the private key.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        let section = &text[text.find(BEGIN).ok_or(InvalidKey)?..];
        let encoded = section[BEGIN.len()..].split("-----").next().unwrap_or_default();
        let encoded: String = encoded.split_ascii_whitespace().collect();
        let der = STANDARD.decode(encoded).map_err(|_| InvalidKey)?;
        Ok(Self {
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(der)),
            key: DecodingKey::from_rsa_pem(section.as_bytes()).map_err(|_| InvalidKey)?,
        })
    }

    /// SHA-256 of the certificate in base64url, as `x5t#S256` in an assertion's header names it.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

/// The keys of an issuer, which Entra would fetch from it.
#[derive(Debug, Clone)]
pub struct IssuerKeys(Vec<(Option<String>, DecodingKey)>);

impl IssuerKeys {
    /// One public key (or certificate), for tokens with any key id.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        if text.contains("PRIVATE KEY-----") {
            return Err(InvalidKey);
        }
        let key = DecodingKey::from_rsa_pem(text.as_bytes()).map_err(|_| InvalidKey)?;
        Ok(Self(vec![(None, key)]))
    }

    /// The RSA keys of a JSON Web Key Set, each for tokens that name its `kid`. Other keys in it are
    /// left out.
    pub fn from_jwks(json: &str) -> Result<Self, InvalidKey> {
        let set: JwkSet = serde_json::from_str(json).map_err(|_| InvalidKey)?;
        let keys = set.keys.into_iter().filter_map(|jwk| {
            let key = DecodingKey::from_jwk(&jwk).ok()?;
            (key.family() == AlgorithmFamily::Rsa).then_some((jwk.common.key_id, key))
        });
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() { Err(InvalidKey) } else { Ok(Self(keys)) }
    }

    /// The keys that may have signed a token with this key id.
    pub(crate) fn of(&self, key_id: Option<&str>) -> Vec<&DecodingKey> {
        let fits = |id: &Option<String>| id.is_none() || id.as_deref() == key_id;
        self.0.iter().filter(|(id, _)| fits(id)).map(|(_, key)| key).collect()
    }
}

/// A federated identity credential: the application may sign in with tokens of one issuer for one subject.
/// All three names are compared letter by letter.
#[derive(Debug, Clone)]
pub struct FederatedCredential {
    /// The issuer, `iss` of the token: a URL.
    pub issuer: String,
    /// The subject, `sub` of the token, such as a role's ARN.
    pub subject: String,
    /// The audience, which must be in `aud` of the token.
    pub audience: String,
    /// The public keys that the issuer's tokens are verified with.
    pub keys: IssuerKeys,
}

impl FederatedCredential {
    /// The audience that Entra proposes, and the usual one.
    pub const AUDIENCE: &str = "api://AzureADTokenExchange";

    /// A credential with the usual audience.
    pub fn new(issuer: &str, subject: &str, keys: IssuerKeys) -> Self {
        Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audience: Self::AUDIENCE.to_owned(),
            keys,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::keys;

    #[test]
    fn a_certificate_is_known_by_its_thumbprint_wherever_it_stands_in_the_text() {
        // openssl x509 -fingerprint -sha256, in base64url.
        let thumbprint = "FZpggCcPu0aPZHu16oCIhUx4jTg2XJgs8kZjtFrDloI";
        let alone = Certificate::from_pem(keys::CERTIFICATE).unwrap();
        assert_eq!(alone.thumbprint(), thumbprint);
        let behind_its_key = [keys::CERTIFICATE_KEY, keys::CERTIFICATE].concat().replace('\n', "\r\n");
        let behind_its_key = Certificate::from_pem(&behind_its_key).unwrap();
        assert_eq!(behind_its_key.thumbprint(), thumbprint);
        let bytes = |certificate: &Certificate| certificate.key.try_get_as_bytes().unwrap().to_vec();
        assert_eq!(bytes(&behind_its_key), bytes(&alone));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let broken = keys::CERTIFICATE.replacen("MII", "!!!", 1);
        let cut = &keys::CERTIFICATE[..400];
        for text in ["", "x", keys::CERTIFICATE_KEY, keys::ISSUER_PUBLIC_KEY, &broken, cut] {
            assert_eq!(Certificate::from_pem(text).unwrap_err(), InvalidKey, "{text}");
        }
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        for text in ["", keys::ISSUER_KEY] {
            assert_eq!(IssuerKeys::from_pem(text).unwrap_err(), InvalidKey, "{text}");
        }
        for text in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}"#] {
            assert_eq!(IssuerKeys::from_jwks(text).unwrap_err(), InvalidKey, "{text}");
        }
    }

    #[test]
    fn a_key_of_a_set_is_found_by_its_id_alone() {
        let ec = r#"{"kty":"EC","kid":"b","crv":"P-256","x":"AA","y":"AA"}"#;
        let set = format!(r#"{{"keys":[{{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}},{ec}]}}"#);
        let keys = IssuerKeys::from_jwks(&set).unwrap();
        assert_eq!(keys.of(Some("a")).len(), 1);
        assert!(keys.of(Some("b")).is_empty() && keys.of(None).is_empty());
        let keys = IssuerKeys::from_pem(keys::ISSUER_PUBLIC_KEY).unwrap();
        assert_eq!((keys.of(Some("a")).len(), keys.of(None).len()), (1, 1));
    }
}
