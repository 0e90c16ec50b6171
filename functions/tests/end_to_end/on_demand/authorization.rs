//! Who gets in: the policy of the API and the caller's own, judged as AWS does.

use serde_json::{Value, json};

use super::Deployment;
use crate::support::{
    access::{ACCOUNT, Access, identity_policy},
    doubles::Double,
    gateway::{CALLER, Gateway, openapi},
    iam::{Asked, Principal, Said, let_in, said},
};

const OTHER_ACCOUNT: &str = "210987654321";

/// `ApiCallerArns` names roles; the callers are sessions.
const CALLER_ARNS: &str = "arn:aws:iam::123456789012:role/operators,arn:aws:iam::210987654321:role/operators";

/// Caller, account, what the caller's own policy says of the route, and `ApiCallerArns`; who got in before the Allow
/// was for other accounts only, and who gets in.
const TABLE: [[&str; 6]; 24] = [
    ["listed", "own", "allow", "set", "in", "in"],
    ["listed", "own", "nothing", "set", "in", "-"],
    ["listed", "own", "deny", "set", "-", "-"],
    ["listed", "other", "allow", "set", "in", "in"],
    ["listed", "other", "nothing", "set", "-", "-"],
    ["listed", "other", "deny", "set", "-", "-"],
    ["unlisted", "own", "allow", "set", "-", "-"],
    ["unlisted", "own", "nothing", "set", "-", "-"],
    ["unlisted", "own", "deny", "set", "-", "-"],
    ["unlisted", "other", "allow", "set", "-", "-"],
    ["unlisted", "other", "nothing", "set", "-", "-"],
    ["unlisted", "other", "deny", "set", "-", "-"],
    ["listed", "own", "allow", "empty", "in", "in"],
    ["listed", "own", "nothing", "empty", "-", "-"],
    ["listed", "own", "deny", "empty", "-", "-"],
    ["listed", "other", "allow", "empty", "-", "-"],
    ["listed", "other", "nothing", "empty", "-", "-"],
    ["listed", "other", "deny", "empty", "-", "-"],
    ["unlisted", "own", "allow", "empty", "in", "in"],
    ["unlisted", "own", "nothing", "empty", "-", "-"],
    ["unlisted", "own", "deny", "empty", "-", "-"],
    ["unlisted", "other", "allow", "empty", "-", "-"],
    ["unlisted", "other", "nothing", "empty", "-", "-"],
    ["unlisted", "other", "deny", "empty", "-", "-"],
];

/// The policy whose Allow was for callers of the API's own account, too.
fn former_policy() -> Value {
    let callers = json!({ "aws:PrincipalArn": { "Fn::Split": [",", { "Ref": "ApiCallerArns" }] } });
    let statement = |effect: &str, operator: &str| {
        json!({
            "Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*",
            "Condition": { operator: callers },
        })
    };
    let statements = [statement("Allow", "ArnLike"), statement("Deny", "ArnNotLike")];
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    json!({ "Fn::If": ["CallersNamed", policy, { "Ref": "AWS::NoValue" }] })
}

/// Whether the caller of a row may name users. Who may not has a policy that allows another route.
fn gets_in([caller, account, own, callers, ..]: [&str; 6], former: bool) -> &'static str {
    let role = if caller == "listed" { "operators" } else { "developers" };
    let account = if account == "own" { ACCOUNT } else { OTHER_ACCOUNT };
    let own = match own {
        "allow" => identity_policy("Allow", "POST/rollbacks"),
        "deny" => identity_policy("Deny", "POST/rollbacks"),
        _ => identity_policy("Allow", "GET/status"),
    };
    let callers = if callers == "set" { CALLER_ARNS } else { "" };
    let access = if former {
        Access::by(&former_policy(), &[("ApiCallerArns", callers)], own)
    } else {
        Access::deployed(callers, "", own)
    };
    let session = format!("arn:aws:sts::{account}:assumed-role/{role}/adele");
    if access.allows(&session, "POST", "/rollbacks") { "in" } else { "-" }
}

/// To be listed is needed, and not enough: the caller's own policy says which routes.
#[test]
fn a_listed_caller_may_what_the_own_policy_allows_and_nobody_else_anything() {
    let cells = |row: [&'static str; 6]| {
        let [caller, account, own, callers, ..] = row;
        [caller, account, own, callers, gets_in(row, true), gets_in(row, false)]
    };
    let got = TABLE.map(cells);
    let line = |row: &[&str; 6]| row.map(|cell| format!("{cell:<12}")).concat();
    println!("{}", line(&["caller", "account", "own policy", "callers", "before", "now"]));
    for row in &got {
        println!("{}", line(row));
    }
    assert_eq!(got, TABLE);
}

/// Nobody releases or erases who is not named for it, whatever IAM allows and however many callers are named.
#[test]
fn nobody_but_the_named_releases() {
    const RELEASERS: &str =
        "arn:aws:iam::123456789012:role/releasers,arn:aws:iam::210987654321:role/releasers";
    const RELEASING: [&str; 4] =
        ["/users/somebody/release", "/users/somebody/erase", "/events/something/release", "/brake/release"];
    const OTHERS: [&str; 4] = ["/scans", "/rollbacks", "/brake/open", "/dead-letters/redrive"];
    let may = |account: &str, role: &str, callers: &str, releasers: &str, paths: [&str; 4]| {
        let session = format!("arn:aws:sts::{account}:assumed-role/{role}/adele");
        let access = Access::deployed(callers, releasers, identity_policy("Allow", "*"));
        let each = paths.map(|path| access.allows(&session, "POST", path));
        assert!(each.iter().all(|may| *may == each[0]), "{role}: {paths:?} {each:?}");
        each[0]
    };
    for (account, role, callers, releasers, others, releasing) in [
        (ACCOUNT, "developers", "", "", true, false),
        (ACCOUNT, "operators", CALLER_ARNS, "", true, false),
        (ACCOUNT, "developers", "", RELEASERS, true, false),
        (ACCOUNT, "operators", CALLER_ARNS, RELEASERS, true, false),
        (OTHER_ACCOUNT, "operators", CALLER_ARNS, RELEASERS, true, false),
        (ACCOUNT, "developers", CALLER_ARNS, RELEASERS, false, false),
        (ACCOUNT, "releasers", "", RELEASERS, true, true),
        (ACCOUNT, "releasers", CALLER_ARNS, RELEASERS, true, true),
        (OTHER_ACCOUNT, "releasers", CALLER_ARNS, RELEASERS, true, true),
        // Without callers no other account gets in.
        (OTHER_ACCOUNT, "releasers", "", RELEASERS, false, false),
    ] {
        let row = format!("{account} {role} of {callers:?} {releasers:?}");
        assert_eq!(may(account, role, callers, releasers, OTHERS), others, "{row}");
        assert_eq!(may(account, role, callers, releasers, RELEASING), releasing, "{row}");
    }
    // Neither is it enough to be named.
    let reader = Access::deployed("", RELEASERS, identity_policy("Allow", "GET/*"));
    let releaser = "arn:aws:sts::123456789012:assumed-role/releasers/adele";
    assert!(reader.allows(releaser, "GET", "/status") && !reader.allows(releaser, "POST", RELEASING[0]));
}

/// Nobody approves plans who is not named for it: neither operators nor releasers, whatever IAM allows.
#[test]
fn nobody_but_the_named_approves() {
    const APPROVERS: &str = "arn:aws:iam::123456789012:role/approvers";
    let policy = &openapi()["x-amazon-apigateway-policy"];
    for (role, callers, approvers, approves) in [
        ("operators", "", "", false),
        ("operators", CALLER_ARNS, APPROVERS, false),
        ("releasers", "", APPROVERS, false),
        ("approvers", "", APPROVERS, true),
        ("approvers", CALLER_ARNS, APPROVERS, true),
    ] {
        let given = [
            ("ApiCallerArns", callers),
            ("ApiReleaserArns", "arn:aws:iam::123456789012:role/releasers"),
            ("ApiApproverArns", approvers),
        ];
        let access = Access::by(policy, &given, identity_policy("Allow", "*"));
        let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/adele");
        assert_eq!(access.allows(&session, "POST", "/plans/0123/approval"), approves, "{role} {given:?}");
        assert!(access.allows(&session, "POST", "/plans"), "{role} {given:?}");
        assert!(!access.allows(&session, "POST", "/brake/release") || role == "releasers");
    }
}

/// Names are compared part by part, a session counts as its role, and a user with a role's name is another.
#[test]
fn callers_are_listed_by_role_or_user() {
    for (listed, caller, expected) in [
        (
            "arn:aws:iam::123456789012:role/operators",
            "arn:aws:sts::123456789012:assumed-role/operators/x",
            true,
        ),
        ("arn:aws:iam::123456789012:role/operators", "arn:aws:iam::123456789012:user/operators", false),
        (
            "arn:aws:iam::123456789012:role/operators",
            "arn:aws:sts::123456789012:assumed-role/operators2/x",
            false,
        ),
        ("arn:aws:iam::123456789012:role/oper*", "arn:aws:sts::123456789012:assumed-role/operators2/x", true),
        ("arn:aws:iam::123456789012:user/team/?dele", "arn:aws:iam::123456789012:user/team/adele", true),
        ("arn:aws:iam::123456789012:*", "arn:aws:iam::123456789012:root", true),
        ("arn:aws:iam::123456789012:*", "arn:aws:iam::210987654321:root", false),
    ] {
        let access = Access::deployed(listed, "", identity_policy("Allow", "*"));
        assert_eq!(access.allows(caller, "GET", "/status"), expected, "{listed}: {caller}");
    }
}

/// What AWS documents, cell by cell: the caller's policy by the API's, each allow, nothing, deny.
#[test]
fn policies_come_together_as_aws_documents_it() {
    const SAID: [Said; 3] = [Said::Allow, Said::Nothing, Said::Deny];
    let table = |same| SAID.map(|identity| SAID.map(|resource| let_in(same, identity, resource)));
    assert_eq!(table(true), [[true, true, false], [true, false, false], [false; 3]], "Table A");
    assert_eq!(table(false), [[true, false, false], [false; 3], [false; 3]], "Table B");
    let statement = |effect, action| json!({ "Effect": effect, "Action": action, "Resource": "*" });
    let principal = Principal::of(CALLER);
    let asked = Asked { principal: &principal, action: "execute-api:Invoke", resource: "arn:any" };
    for (statements, expected) in [
        (json!([]), Said::Nothing),
        (json!([statement("Allow", "execute-api:ManageConnections")]), Said::Nothing),
        (json!([statement("Allow", "execute-api:*")]), Said::Allow),
        (
            json!([statement("Allow", "execute-api:Invoke"), statement("Deny", "Execute-API:inv*")]),
            Said::Deny,
        ),
    ] {
        assert_eq!(said(&json!({ "Statement": statements }), asked), expected, "{statements}");
    }
}

/// The same through the gateway, to the functions.
#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_asks_both_policies() {
    let deployment = Deployment::new(Double::Ministack, &[]).await;
    let (poll, drain) = (&deployment.poll, &deployment.drains[0]);
    let own = || identity_policy("Allow", "GET/status");
    for (callers, status, scan) in [
        ("", 200, 403),
        ("arn:aws:iam::123456789012:role/Identity", 200, 403),
        ("arn:aws:iam::123456789012:role/operators", 403, 403),
    ] {
        let gateway = Gateway::guarded(Access::deployed(callers, "", own()), &[poll], &[drain]).await;
        assert_eq!(gateway.ask("GET", "/status", None).await.0, status, "{callers}");
        let (got, problem) = gateway.ask("POST", "/scans", None).await;
        assert_eq!(
            (got, &problem["type"]),
            (scan, &json!("urn:mfa-rollback:problem:forbidden")),
            "{callers}"
        );
    }
}
