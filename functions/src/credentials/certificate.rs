//! A certificate with its key in Secrets Manager.

use std::sync::Arc;

use async_trait::async_trait;
use shared::{
    clock::Clock,
    credentials::{Credentials, Proof},
    graph::GraphError,
};
use tokio::sync::Mutex;

use super::{assertion::Signer, stored::Secret};

/// Signs assertions with a certificate's key.
pub struct StoredCertificate {
    secret: Secret,
    client_id: String,
    clock: Clock,
    known: Mutex<Option<Arc<Signer>>>,
}

impl StoredCertificate {
    /// Uses the certificate and key that `secret` holds as PEM.
    pub fn new(secret: Secret, client_id: String, clock: Clock) -> Self {
        Self { secret, client_id, clock, known: Mutex::default() }
    }

    async fn signer(&self) -> Result<Arc<Signer>, GraphError> {
        let mut known = self.known.lock().await;
        if let Some(signer) = known.as_ref() {
            return Ok(Arc::clone(signer));
        }
        let pem = self.secret.read().await?;
        let signer = Signer::from_pem(&pem).map_err(|error| GraphError::NoCredential {
            cause: format!("the secret of GRAPH_CREDENTIAL_SECRET_ARN {error}"),
        })?;
        Ok(Arc::clone(known.insert(Arc::new(signer))))
    }
}

#[async_trait]
impl Credentials for StoredCertificate {
    async fn proof(&self, token_url: &str) -> Result<Proof, GraphError> {
        let signer = self.signer().await?;
        signer.assertion(&self.client_id, token_url, self.clock.now()).map(Proof::Assertion).map_err(
            |error| GraphError::NoCredential {
                cause: format!("the secret of GRAPH_CREDENTIAL_SECRET_ARN {error}"),
            },
        )
    }

    async fn refused(&self) -> bool {
        self.known.lock().await.take().is_some()
    }
}
