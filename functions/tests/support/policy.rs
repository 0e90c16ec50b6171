//! What the template's policies allow, and in what that differs from what is needed.

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

/// An action of IAM on a resource, which goes by its logical id in the template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    pub action: String,
    pub resource: String,
}

impl Permission {
    pub fn new(action: &str, resource: &str) -> Self {
        Self { action: action.to_owned(), resource: resource.to_owned() }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

/// What AWS's services do in the functions' roles, and why: no function is seen to ask for it.
const OF_SERVICES: &[(&str, &str, &str, &str)] = &[
    ("Poll", "logs:CreateLogStream", "PollLogGroup", "Lambda writes the log"),
    ("Poll", "logs:PutLogEvents", "PollLogGroup", "Lambda writes the log"),
    ("Poll", "sqs:SendMessage", "ScheduleDeadLetterQueue", "Lambda's destination of what failed"),
    ("Poll", "kms:Decrypt", "KmsKeyArn", "DynamoDB, SQS, Lambda and Secrets Manager open what is locked"),
    ("Poll", "kms:GenerateDataKey", "KmsKeyArn", "SQS and SNS lock messages"),
    ("Drain", "logs:CreateLogStream", "DrainLogGroup", "Lambda writes the log"),
    ("Drain", "logs:PutLogEvents", "DrainLogGroup", "Lambda writes the log"),
    ("Drain", "sqs:ReceiveMessage", "Queue", "the event source mapping takes messages"),
    ("Drain", "sqs:DeleteMessage", "Queue", "the event source mapping deletes what is done with"),
    ("Drain", "sqs:GetQueueAttributes", "Queue", "the event source mapping looks how many there are"),
    ("Drain", "kms:Decrypt", "KmsKeyArn", "DynamoDB, SQS, Lambda and Secrets Manager open what is locked"),
    ("Drain", "kms:GenerateDataKey", "KmsKeyArn", "SQS and SNS lock messages"),
];

/// What services do in a function's role.
pub fn of_services(function: &str) -> BTreeSet<Permission> {
    let rows = OF_SERVICES.iter().filter(|(whose, ..)| *whose == function);
    rows.map(|(_, action, resource, _)| Permission::new(action, resource)).collect()
}

/// What the template's policies allow a function's role where these conditions hold.
pub fn allowed(template: &Value, function: &str, conditions: &[&str]) -> BTreeSet<Permission> {
    let resources = &template["Resources"];
    let attached_from_elsewhere = |resource: &&Value| {
        let kind = resource["Type"].as_str().unwrap_or_default();
        let attaches = ["Roles", "Groups", "Users"].iter().any(|to| !resource["Properties"][*to].is_null());
        kind.starts_with("AWS::IAM::")
            && kind.ends_with("Policy")
            && (attaches || kind != "AWS::IAM::ManagedPolicy")
    };
    let elsewhere = resources.as_object().unwrap().values().find(attached_from_elsewhere);
    assert_eq!(elsewhere, None, "a policy that is not attached by its role");
    let function = &resources[format!("{function}Function")]["Properties"];
    let role = function["Role"]["Fn::GetAtt"][0].as_str().expect("its role is in the template");
    let role = &resources[role]["Properties"];
    let mut permissions = BTreeSet::new();
    let mut documents: Vec<&Value> =
        list(&role["Policies"]).iter().map(|policy| &policy["PolicyDocument"]).collect();
    for arn in list(&role["ManagedPolicyArns"]) {
        match arn["Ref"].as_str() {
            Some(id) => documents.push(&resources[id]["Properties"]["PolicyDocument"]),
            None => drop(permissions.insert(Permission::new("all of a policy", &arn.to_string()))),
        }
    }
    for statement in documents.into_iter().flat_map(|document| list(&document["Statement"])) {
        let Some(statement) = in_force(statement, conditions) else { continue };
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        for (action, resource) in list(&statement["Action"])
            .iter()
            .flat_map(|action| list(&statement["Resource"]).iter().map(move |resource| (action, resource)))
        {
            permissions.insert(Permission::new(action.as_str().unwrap(), &logical_id(template, resource)));
        }
    }
    permissions
}

/// One value or a list of them.
pub fn list(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    }
}

/// A statement, unless a condition takes it out.
pub fn in_force<'a>(statement: &'a Value, conditions: &[&str]) -> Option<&'a Value> {
    let Some(choice) = statement.get("Fn::If") else { return Some(statement) };
    let holds = conditions.contains(&choice[0].as_str().unwrap());
    let chosen = &choice[if holds { 1 } else { 2 }];
    (chosen["Ref"] != "AWS::NoValue").then(|| in_force(chosen, conditions)).flatten()
}

/// A policy's resource, by logical id; one that is not understood stays as it is written.
fn logical_id(template: &Value, resource: &Value) -> String {
    if let Some(id) = resource["Ref"].as_str().or_else(|| resource["Fn::GetAtt"][0].as_str()) {
        return id.to_owned();
    }
    let buses = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/";
    if let Some(bus) = resource["Fn::Sub"].as_str().and_then(|arn| arn.strip_prefix(buses)) {
        return bus.trim_start_matches("${").trim_end_matches('}').to_owned();
    }
    let ledger = template["Resources"]["Ledger"]["Properties"]["TableName"]["Fn::Sub"].as_str().unwrap();
    let tables = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/";
    let of_ledger =
        resource["Fn::Sub"].as_str().and_then(|arn| arn.strip_prefix(tables)?.strip_prefix(ledger));
    match of_ledger {
        Some("") => "Ledger".to_owned(),
        Some("/index/by_outcome") => "Ledger/by_outcome".to_owned(),
        _ => resource.as_str().map_or_else(|| resource.to_string(), str::to_owned),
    }
}

/// Everything in which a function's policies differ from what it needs.
pub fn differences(
    template: &Value,
    function: &str,
    conditions: &[&str],
    needed: &BTreeSet<Permission>,
) -> Vec<String> {
    let allowed = allowed(template, function, conditions);
    let of_services = of_services(function);
    let missing = needed.difference(&allowed).map(|it| format!("{function} needs {it}: not allowed"));
    let spare = allowed.difference(needed).filter(|it| !of_services.contains(it));
    let spare = spare.map(|it| format!("{function} may {it}: never needed"));
    let stale =
        of_services.difference(&allowed).map(|it| format!("{function}: a service needs {it}: not allowed"));
    missing.chain(spare).chain(stale).collect()
}
