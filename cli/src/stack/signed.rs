//! Requests signed for API Gateway with the usual AWS credentials: environment, profile, single sign-on,
//! process, container and instance.

use bytes::Bytes;
use http::{HeaderValue, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqsign::aws::{DefaultSigner, default_signer};
use sha2::{Digest, Sha256};
use shared::settings::environment;

use crate::error::{CommandError, Exit};

/// What a canonical path encodes: all but letters, digits and `-_.~/`.
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Signs for one host.
pub(super) struct Signer(DefaultSigner);

impl Signer {
    /// Makes a signer. The host of API Gateway names its region; for any other host the environment does.
    pub(super) fn for_host(host: &str) -> Result<Self, CommandError> {
        let labels: Vec<&str> = host.split('.').collect();
        let of_host = match labels[..] {
            [_, "execute-api", region, "amazonaws", ..] => Some(region.to_owned()),
            _ => None,
        };
        let region =
            of_host.or_else(|| environment("AWS_REGION")).or_else(|| environment("AWS_DEFAULT_REGION"));
        let region = region
            .ok_or_else(|| CommandError::usage("--stack: the host names no AWS region: set AWS_REGION"))?;
        Ok(Self(default_signer("execute-api", &region)))
    }

    pub(super) async fn sign(&self, request: Request<Bytes>) -> Result<Request<Bytes>, CommandError> {
        let (mut parts, body) = request.into_parts();
        let digest =
            Sha256::digest(&body).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        parts.headers.insert("x-amz-content-sha256", HeaderValue::from_str(&digest).expect("it is hex"));
        // Every service but S3 signs the path as it was sent, encoded once more; the signer encodes it as S3 does.
        // Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
        let sent = parts.uri.clone();
        parts.uri = twice_encoded(&sent);
        self.0.sign(&mut parts, None).await.map_err(|error| CommandError {
            exit: Exit::Tenant,
            message: format!(
                "no AWS credentials to sign with ({error}): set AWS_PROFILE, or sign in with `aws sso login`"
            ),
        })?;
        parts.uri = sent;
        Ok(Request::from_parts(parts, body))
    }
}

fn twice_encoded(uri: &Uri) -> Uri {
    let path = utf8_percent_encode(uri.path(), &ENCODED).to_string();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{path}{query}").parse().expect("it is encoded"));
    Uri::from_parts(parts).expect("its parts are of a URI")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_encoded_once_more_for_the_signature_alone() {
        let uri: Uri = "https://host/live/users/a%40contoso.example?limit=1".parse().unwrap();
        assert_eq!(twice_encoded(&uri).to_string(), "https://host/live/users/a%2540contoso.example?limit=1");
    }

    #[test]
    fn the_host_names_the_region() {
        assert!(Signer::for_host("abc.execute-api.eu-west-1.amazonaws.com").is_ok());
        assert!(Signer::for_host("abc.execute-api.cn-north-1.amazonaws.com.cn").is_ok());
    }
}
