//! How the functions sign in: by a token of AWS's own (nothing stored), or by a certificate or a
//! client secret in Secrets Manager.

mod assertion;
mod certificate;
mod federated;
mod stored;

use std::sync::Arc;

use aws_config::SdkConfig;
use shared::{clock::Clock, credentials::Credentials, settings::Settings};

use self::{
    certificate::StoredCertificate,
    federated::Federated,
    stored::{Secret, StoredSecret},
};
use crate::settings::Credential;

/// Makes the credentials that the settings name.
pub fn of(
    credential: &Credential,
    settings: &Settings,
    config: &SdkConfig,
    clock: &Clock,
) -> Arc<dyn Credentials> {
    let secret = |arn: &str| Secret::new(aws_sdk_secretsmanager::Client::new(config), arn);
    match credential {
        Credential::Federated => Arc::new(Federated::new(aws_sdk_sts::Client::new(config))),
        Credential::Secret { arn } => Arc::new(StoredSecret::new(secret(arn))),
        Credential::Certificate { arn } => {
            Arc::new(StoredCertificate::new(secret(arn), settings.client_id.clone(), clock.clone()))
        }
    }
}
