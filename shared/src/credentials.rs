//! How the program proves to Entra who it is.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    graph::GraphError,
    settings::{Lookup, SettingsError, Vars},
};

/// What authenticates a request for an access token.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A client secret, sent as `client_secret`.
    Secret(SecretString),
    /// A JWT, sent as `client_assertion`, signed with the application's certificate or by an issuer that it
    /// trusts.
    Assertion(SecretString),
}

/// Where proofs come from.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// Returns a proof for the token endpoint at `token_url`, making or reading a new one if needed.
    async fn proof(&self, token_url: &str) -> Result<Proof, GraphError>;

    /// Call this when Entra refused the last proof: it forgets what the proof was made from. Returns whether
    /// the next proof may be a different one.
    async fn refused(&self) -> bool {
        false
    }
}

/// A client secret from the environment.
#[derive(Debug, Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// Reads `AZURE_CLIENT_SECRET`, the only credential on one machine. `None` means that a fault was
    /// recorded.
    pub fn from_vars(vars: &mut Vars<impl Lookup>) -> Option<Self> {
        vars.optional("GRAPH_CREDENTIAL", |text| match text {
            "secret" => Ok(()),
            _ => Err("must be secret on one machine".to_owned()),
        });
        vars.required("AZURE_CLIENT_SECRET", |text| Ok(Self(SecretString::from(text))))
    }

    /// Reads it alone, without other settings. The error names every variable that is wrong.
    pub fn read(lookup: impl Lookup) -> Result<Self, SettingsError> {
        let mut vars = Vars::new(lookup);
        let secret = Self::from_vars(&mut vars);
        vars.finish(secret)
    }
}

#[async_trait]
impl Credentials for ClientSecret {
    async fn proof(&self, _token_url: &str) -> Result<Proof, GraphError> {
        Ok(Proof::Secret(self.0.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_in_debug_output() {
        let secret =
            ClientSecret::read(|name: &str| (name == "AZURE_CLIENT_SECRET").then(|| "s3cret".into()));
        assert!(!format!("{:?}", secret.unwrap()).contains("s3cret"));
    }

    #[test]
    fn one_machine_has_no_other_credential() {
        let error = ClientSecret::read(|name: &str| (name == "GRAPH_CREDENTIAL").then(|| "federated".into()));
        assert_eq!(
            error.unwrap_err().to_string(),
            "GRAPH_CREDENTIAL: must be secret on one machine\nAZURE_CLIENT_SECRET: is not set"
        );
    }
}
