//! Credentials in Secrets Manager, kept in memory until they are refused: a rotation needs no
//! deployment.

use async_trait::async_trait;
use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use secrecy::SecretString;
use shared::{
    credentials::{Credentials, Proof},
    graph::GraphError,
};
use tokio::sync::Mutex;

/// A `SecretString` of Secrets Manager.
pub struct Secret {
    client: Client,
    arn: String,
}

impl Secret {
    /// The secret with this ARN.
    pub fn new(client: Client, arn: &str) -> Self {
        Self { client, arn: arn.to_owned() }
    }

    /// Reads the secret, trimmed. The error is [`GraphError::NoCredential`] if only a person can fix it.
    pub async fn read(&self) -> Result<SecretString, GraphError> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.arn)
            .send()
            .await
            .map_err(|error| refused(&error))?;
        // A secret that was stored from a file ends with a line break.
        let text = answer.secret_string.map(|text| SecretString::from(text.trim()));
        text.ok_or_else(|| GraphError::NoCredential {
            cause: "the secret holds no SecretString: look at GRAPH_CREDENTIAL_SECRET_ARN".to_owned(),
        })
    }
}

fn refused<E: ProvideErrorMetadata>(error: &SdkError<E>) -> GraphError {
    let SdkError::ServiceError(refused) = error else {
        return GraphError::Unavailable { cause: "Secrets Manager does not answer".to_owned() };
    };
    let code = refused.err().code().unwrap_or("an error without a code");
    let lasting =
        ["ResourceNotFoundException", "InvalidRequestException", "DecryptionFailure", "ValidationException"];
    if code.starts_with("AccessDenied") || lasting.contains(&code) {
        return GraphError::NoCredential {
            cause: format!(
                "Secrets Manager does not give the secret ({code}): look at GRAPH_CREDENTIAL_SECRET_ARN, at the role's policy and at the secret's key"
            ),
        };
    }
    GraphError::Unavailable { cause: format!("Secrets Manager answers {code}") }
}

/// A client secret in Secrets Manager.
pub struct StoredSecret {
    secret: Secret,
    known: Mutex<Option<SecretString>>,
}

impl StoredSecret {
    /// Uses the whole text of `secret` as the client secret.
    pub fn new(secret: Secret) -> Self {
        Self { secret, known: Mutex::default() }
    }
}

#[async_trait]
impl Credentials for StoredSecret {
    async fn proof(&self, _token_url: &str) -> Result<Proof, GraphError> {
        let mut known = self.known.lock().await;
        let secret = match known.as_ref() {
            Some(secret) => secret.clone(),
            None => known.insert(self.secret.read().await?).clone(),
        };
        Ok(Proof::Secret(secret))
    }

    async fn refused(&self) -> bool {
        self.known.lock().await.take().is_some()
    }
}
