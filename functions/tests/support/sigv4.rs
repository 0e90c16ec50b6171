//! Checks signatures as API Gateway does, with AWS's own implementation.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use bytes::Bytes;
use http::{HeaderName, Request, header};
use jiff::fmt::strtime;

use super::now;

/// Headers that signing adds itself.
const ADDED: [&str; 4] = ["host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];

/// What the caller has to sign with.
#[derive(Debug, Clone)]
pub struct Caller {
    pub key_id: &'static str,
    pub secret: &'static str,
    pub token: Option<&'static str>,
    pub region: &'static str,
    pub arn: &'static str,
}

impl Caller {
    /// Who signed the request, or which gateway response refuses it.
    pub fn authorize(&self, request: &Request<Bytes>) -> Result<String, &'static str> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let given = header("authorization").ok_or("MISSING_AUTHENTICATION_TOKEN")?;
        let part = |name: &str| {
            let (_, rest) = given.split_once(&format!("{name}="))?;
            rest.split(", ").next()
        };
        let refused = || "INVALID_SIGNATURE";
        let scope = part("Credential").ok_or_else(refused)?;
        let at = header("x-amz-date").ok_or_else(refused)?;
        let signed_at =
            strtime::parse("%Y%m%dT%H%M%SZ", at).and_then(|at| at.to_datetime()).map_err(|_| refused())?;
        let signed_at = signed_at.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| refused())?.timestamp();
        if now().duration_since(signed_at).unsigned_abs() > Duration::from_mins(5) {
            return Err("INVALID_SIGNATURE");
        }
        let expected = format!("{}/{}/{}/execute-api/aws4_request", self.key_id, &at[..8], self.region);
        if scope != expected || header("x-amz-security-token") != self.token {
            return Err("ACCESS_DENIED");
        }
        let names: Vec<&str> = part("SignedHeaders").ok_or_else(refused)?.split(';').collect();
        if !names.contains(&"host") {
            return Err("INVALID_SIGNATURE");
        }
        let headers = names.iter().filter(|name| !ADDED.contains(name)).filter_map(|name| {
            let value = request.headers().get(HeaderName::from_bytes(name.as_bytes()).ok()?)?;
            Some((*name, value.to_str().ok()?))
        });
        let identity =
            Credentials::new(self.key_id, self.secret, self.token.map(str::to_owned), None, "tests").into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("execute-api")
            .time(std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(signed_at.as_second()).unwrap()))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let host = header(header::HOST.as_str()).ok_or_else(refused)?;
        let uri = format!("http://{host}{}", request.uri());
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), &uri, headers, body).unwrap();
        let signature = sign(signable, &parameters).unwrap().into_parts().1;
        if part("Signature") == Some(signature.as_str()) {
            Ok(self.arn.to_owned())
        } else {
            Err("INVALID_SIGNATURE")
        }
    }
}
