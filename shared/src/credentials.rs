//! How the program proves to Entra who it is.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    graph::GraphError,
    settings::{Lookup, SettingsError, Vars},
};

/// What goes with a request for an access token.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A client secret.
    Secret(SecretString),
    /// A signed assertion: a JWT by the application's certificate, or by an issuer that it trusts.
    Assertion(SecretString),
}

/// Where proofs come from.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// A proof for the token endpoint at `token_url`, made or read anew where that is needed.
    async fn proof(&self, token_url: &str) -> Result<Proof, GraphError>;

    /// Entra refused the last proof: what it was made from is forgotten. Says whether the next one
    /// may be another.
    async fn refused(&self) -> bool {
        false
    }
}

/// A client secret from the environment.
#[derive(Debug, Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// Reads `AZURE_CLIENT_SECRET`, the one credential on one machine. `None` goes with a fault.
    pub fn from_vars(vars: &mut Vars<impl Lookup>) -> Option<Self> {
        vars.optional("GRAPH_CREDENTIAL", |text| match text {
            "secret" => Ok(()),
            _ => Err("must be secret on one machine".to_owned()),
        });
        vars.required("AZURE_CLIENT_SECRET", |text| Ok(Self(SecretString::from(text))))
    }

    /// The same by itself.
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
