//! Signing in without a stored secret: AWS vouches for the function's role, and the app registration
//! trusts this AWS account as an issuer.

use async_trait::async_trait;
use aws_sdk_sts::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::get_web_identity_token::GetWebIdentityTokenError,
};
use secrecy::SecretString;
use shared::{
    credentials::{Credentials, Proof},
    graph::GraphError,
};

/// What Entra demands of a token that it exchanges.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The only algorithm that Entra accepts from another issuer.
const ALGORITHM: &str = "RS256";

/// The token is used at once, so it need not live long.
const VALID_FOR_SECONDS: i32 = 300;

/// Gets tokens from STS by `GetWebIdentityToken`.
pub struct Federated {
    client: Client,
}

impl Federated {
    /// Needs a client for the region's own endpoint: there is no global one for these tokens.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Credentials for Federated {
    async fn proof(&self, _token_url: &str) -> Result<Proof, GraphError> {
        let answer = self
            .client
            .get_web_identity_token()
            .audience(AUDIENCE)
            .signing_algorithm(ALGORITHM)
            .duration_seconds(VALID_FOR_SECONDS)
            .send()
            .await
            .map_err(|error| refused(&error))?;
        let token = answer
            .web_identity_token
            .ok_or_else(|| GraphError::Unavailable { cause: "STS answered without a token".to_owned() })?;
        Ok(Proof::Assertion(SecretString::from(token)))
    }
}

fn refused(error: &SdkError<GetWebIdentityTokenError>) -> GraphError {
    let SdkError::ServiceError(refused) = error else {
        return GraphError::Unavailable { cause: "STS does not answer".to_owned() };
    };
    let code = refused.err().code().unwrap_or("an error without a code");
    let cause = match refused.err() {
        GetWebIdentityTokenError::OutboundWebIdentityFederationDisabledException(_) => {
            "outbound web identity federation is not enabled in this AWS account: `aws iam enable-outbound-web-identity-federation`".to_owned()
        }
        _ if code.starts_with("AccessDenied") => {
            "the function's role may not call sts:GetWebIdentityToken: look at its policy".to_owned()
        }
        _ => return GraphError::Unavailable { cause: format!("STS answers {code}") },
    };
    GraphError::NoCredential { cause }
}
