//! Decides as AWS does whether a caller may do something, by policies on either side.
//!
//! Knows the elements that this repository's policies of the API use, and panics at any other: a policy that is
//! half understood proves nothing.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use serde_json::Value;

use super::policy::list;

/// Who calls, as conditions see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// `aws:PrincipalArn`: of a user, or of the role whose session it is.
    pub arn: String,
    /// `aws:PrincipalAccount`.
    pub account: String,
}

impl Principal {
    /// By the ARN of a user or a session. A session's does not tell the path of its role, so the role has none.
    pub fn of(arn: &str) -> Self {
        let [_, partition, _, _, account, name] = parts(arn);
        let role = name.strip_prefix("assumed-role/").and_then(|session| session.split('/').next());
        let arn =
            role.map_or_else(|| arn.to_owned(), |role| format!("arn:{partition}:iam::{account}:role/{role}"));
        Self { arn, account: account.to_owned() }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The caller.
    pub principal: &'a Principal,
    /// As `execute-api:Invoke`.
    pub action: &'a str,
    /// The ARN of what the action is done to.
    pub resource: &'a str,
}

/// What one policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// An explicit allow.
    Allow,
    /// No statement fits: an implicit deny, which an Allow elsewhere may lift.
    Nothing,
    /// An explicit deny, which nothing lifts.
    Deny,
}

/// Whether API Gateway lets a caller in, by Tables A (same account) and B (across accounts) of
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>.
pub fn let_in(same_account: bool, identity: Said, resource: Said) -> bool {
    match (identity, resource) {
        (Said::Allow, Said::Allow) => true,
        (Said::Allow, Said::Nothing) | (Said::Nothing, Said::Allow) => same_account,
        (Said::Deny, _) | (_, Said::Deny) | (Said::Nothing, Said::Nothing) => false,
    }
}

/// What a policy says: a Deny goes first, and where no statement fits it says nothing.
pub fn said(policy: &Value, asked: Asked<'_>) -> Said {
    let fitting = list(&policy["Statement"]).iter().filter(|statement| fits(statement, asked));
    let effects: Vec<&str> = fitting.map(|statement| statement["Effect"].as_str().unwrap()).collect();
    match (effects.contains(&"Deny"), effects.contains(&"Allow")) {
        (true, _) => Said::Deny,
        (false, true) => Said::Allow,
        (false, false) => Said::Nothing,
    }
}

fn fits(statement: &Value, asked: Asked<'_>) -> bool {
    let element_fits = |(element, value): (&String, &Value)| match element.as_str() {
        "Sid" | "Effect" => true,
        // An identity policy has none: it belongs to its caller.
        "Principal" if value == "*" => true,
        "Action" => texts(value).any(|action| alike(&action.to_lowercase(), &asked.action.to_lowercase())),
        "Resource" => texts(value).any(|resource| alike(resource, asked.resource)),
        "Condition" => value.as_object().unwrap().iter().all(|(operator, keys)| {
            keys.as_object()
                .unwrap()
                .iter()
                .all(|(key, values)| holds(operator, key, values, asked.principal))
        }),
        _ => panic!("{element} of a policy is not understood: {value}"),
    };
    // Each is looked at, whatever the others say, so that none is overlooked.
    statement.as_object().unwrap().iter().map(element_fits).fold(true, |all, fits| all & fits)
}

/// One key under one operator: any of the values, or with "Not" none of them.
fn holds(operator: &str, key: &str, values: &Value, principal: &Principal) -> bool {
    let actual = match key {
        "aws:PrincipalArn" => &principal.arn,
        "aws:PrincipalAccount" => &principal.account,
        _ => panic!("condition key {key} is not understood"),
    };
    let any = |same: fn(&str, &str) -> bool| texts(values).any(|value| same(value, actual));
    match operator {
        "StringEquals" => any(str::eq),
        "StringNotEquals" => !any(str::eq),
        "ArnLike" => any(arns_alike),
        "ArnNotLike" => !any(arns_alike),
        _ => panic!("condition operator {operator} is not understood"),
    }
}

fn texts(values: &Value) -> impl Iterator<Item = &str> {
    list(values).iter().map(|value| value.as_str().expect("a literal"))
}

fn parts(arn: &str) -> [&str; 6] {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    parts.try_into().unwrap_or_else(|_| panic!("no ARN: {arn}"))
}

/// Each of the six parts by itself, as `ArnLike` does.
fn arns_alike(pattern: &str, arn: &str) -> bool {
    parts(pattern).into_iter().zip(parts(arn)).all(|(pattern, part)| alike(pattern, part))
}

/// Whether a text fits a pattern with `*` and `?`.
fn alike(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| alike(rest.as_str(), &text[at..]))
        }
        Some(expected) => {
            let mut left = text.chars();
            left.next().is_some_and(|got| expected == '?' || expected == got)
                && alike(rest.as_str(), left.as_str())
        }
    }
}
