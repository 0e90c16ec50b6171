//! Who may invoke which route of the API: its resource policy, and what each caller's own policies allow.

use serde_json::{Value, json};

use super::{
    REGION,
    gateway::{STAGE, openapi},
    iam::{Asked, Principal, Said, let_in, said},
    intrinsics::{Parameters, resolved},
};

/// The account that the API is in.
pub const ACCOUNT: &str = "123456789012";

/// The policies on both sides of a call.
#[derive(Debug, Clone)]
pub struct Access {
    resource_policy: Option<Value>,
    identity_policy: Value,
}

impl Access {
    /// By the policy of `infra/openapi.yaml` in a deployment with these callers (`ApiCallerArns`) and these releasers
    /// (`ApiReleaserArns`).
    pub fn deployed(caller_arns: &str, releaser_arns: &str, identity_policy: Value) -> Self {
        let policy = &openapi()["x-amazon-apigateway-policy"];
        Self::by(
            policy,
            &[("ApiCallerArns", caller_arns), ("ApiReleaserArns", releaser_arns)],
            identity_policy,
        )
    }

    /// By another policy, as it would stand in `infra/openapi.yaml`.
    pub fn by(policy: &Value, given: &Parameters<'_>, identity_policy: Value) -> Self {
        assert!(policy.is_object(), "there is a policy");
        let given = [given, &[("AWS::AccountId", ACCOUNT)]].concat();
        Self { resource_policy: resolved(policy, &given).map(|policy| of_api(&policy)), identity_policy }
    }

    /// A deployment in which everybody of the account is a releaser and an approver, and callers whose own policies allow every route.
    pub fn open() -> Self {
        let all = format!("arn:aws:iam::{ACCOUNT}:*");
        let given = [("ApiReleaserArns", all.as_str()), ("ApiApproverArns", all.as_str())];
        Self::by(&openapi()["x-amazon-apigateway-policy"], &given, identity_policy("Allow", "*"))
    }

    /// Whether the caller with this ARN may make a request.
    pub fn allows(&self, caller: &str, method: &str, path: &str) -> bool {
        let principal = Principal::of(caller);
        let resource = route_arn(&format!("{STAGE}/{method}{path}"));
        let asked = Asked { principal: &principal, action: "execute-api:Invoke", resource: &resource };
        let of_api = self.resource_policy.as_ref().map_or(Said::Nothing, |policy| said(policy, asked));
        let_in(principal.account == ACCOUNT, said(&self.identity_policy, asked), of_api)
    }
}

/// A policy of one statement for a caller, on a route like `GET/status`.
pub fn identity_policy(effect: &str, route: &str) -> Value {
    let resource = route_arn(&format!("{STAGE}/{route}"));
    json!({ "Statement": { "Effect": effect, "Action": "execute-api:Invoke", "Resource": resource } })
}

fn route_arn(route: &str) -> String {
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:gateway/{route}")
}

/// On import API Gateway puts its own ARN where the policy says `execute-api:/`.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/openapi-extensions-policy.html>.
fn of_api(policy: &Value) -> Value {
    let text = policy.to_string().replace("\"execute-api:/", &format!("\"{}", route_arn("")));
    serde_json::from_str(&text).unwrap()
}
