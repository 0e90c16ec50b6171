//! The one request to Lambda itself, signed by AWS's own library: the SDK would be the largest dependency of
//! all, for this alone.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use jiff::Timestamp;
use reqwest::{Client, Response, redirect::Policy};
use serde::Deserialize;

const PATH: &str = "/2016-08-19/account-settings";

/// Why there is no answer, without any of AWS's own message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LambdaError {
    /// There are no credentials, or no region.
    #[error("the request could not be made")]
    NotMade,
    /// It took too long.
    #[error("timed out")]
    TimedOut,
    /// The connection failed, or broke off.
    #[error("the connection failed")]
    Connection,
    /// AWS refused the request, with this code.
    #[error("{0}")]
    Refused(String),
    /// What came back is not what AWS documents.
    #[error("an unreadable answer")]
    Unreadable,
}

impl From<reqwest::Error> for LambdaError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::TimedOut } else { Self::Connection }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountSettings {
    account_limit: Option<AccountLimit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountLimit {
    unreserved_concurrent_executions: Option<i64>,
}

/// How many executions at once are left in this account and region for functions that reserve none. Returns `None` if
/// AWS does not say it.
///
/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html>
pub async fn unreserved_executions(config: &SdkConfig, now: Timestamp) -> Result<Option<i64>, LambdaError> {
    let region = config.region().ok_or(LambdaError::NotMade)?.as_ref();
    let credentials = config.credentials_provider().ok_or(LambdaError::NotMade)?;
    let credentials = credentials.provide_credentials().await.map_err(|_| LambdaError::NotMade)?;
    let url = format!("{}{PATH}", endpoint(config.endpoint_url(), region));
    let headers = signature(&url, credentials, region, now).ok_or(LambdaError::NotMade)?;
    let client = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(6))
        .build()?;
    let request =
        headers.into_iter().fold(client.get(url), |request, (name, value)| request.header(name, value));
    let answer = request.send().await?;
    if !answer.status().is_success() {
        return Err(LambdaError::Refused(code(&answer)));
    }
    let body = answer.bytes().await?;
    let settings: AccountSettings = serde_json::from_slice(&body).map_err(|_| LambdaError::Unreadable)?;
    Ok(settings.account_limit.and_then(|limit| limit.unreserved_concurrent_executions))
}

/// Returns `AWS_ENDPOINT_URL` if it is set, and the region's own endpoint otherwise.
fn endpoint(set: Option<&str>, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    set.map_or_else(
        || format!("https://lambda.{region}.{suffix}"),
        |url| url.trim_end_matches('/').to_owned(),
    )
}

/// The headers that prove who asks.
fn signature(
    url: &str,
    credentials: Credentials,
    region: &str,
    now: Timestamp,
) -> Option<BTreeMap<String, String>> {
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("lambda")
        .time(SystemTime::from(now))
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let request = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::empty()).ok()?;
    let (signed, _) = sign(request, &parameters).ok()?.into_parts();
    Some(signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Returns the code of an error. Its header may continue with a link that explains the code.
fn code(answer: &Response) -> String {
    let kind = answer.headers().get("x-amzn-errortype").and_then(|kind| kind.to_str().ok());
    let code = kind.and_then(|kind| kind.split(':').next()).filter(|code| !code.is_empty());
    code.map_or_else(|| format!("status {}", answer.status().as_u16()), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_its_own_endpoint_unless_one_is_set() {
        assert_eq!(endpoint(None, "eu-central-1"), "https://lambda.eu-central-1.amazonaws.com");
        assert_eq!(endpoint(None, "cn-north-1"), "https://lambda.cn-north-1.amazonaws.com.cn");
        assert_eq!(endpoint(Some("http://127.0.0.1:1/"), "eu-central-1"), "http://127.0.0.1:1");
    }

    /// The expected signature is that of botocore 1.43 for the same request.
    #[test]
    fn a_request_is_signed_as_other_clients_sign_it() {
        let url = "https://lambda.eu-central-1.amazonaws.com/2016-08-19/account-settings";
        let credentials =
            Credentials::new("AKIDEXAMPLE", "secret/example", Some("token".to_owned()), None, "tests");
        let headers = signature(url, credentials, "eu-central-1", "2026-03-01T12:00:00Z".parse().unwrap());
        let expected = [
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-central-1/lambda/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=c9c6ec9cb693e4a4f4c277ef20459c3ea1ac53ffcc941f9aee44338ac8acf073",
            ),
            ("x-amz-date", "20260301T120000Z"),
            ("x-amz-security-token", "token"),
        ];
        assert_eq!(
            headers.unwrap(),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
    }
}
