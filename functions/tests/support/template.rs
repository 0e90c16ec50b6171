//! What `template.yaml` says about queues and tables, so that tests run on its own shapes.

use std::{process::Command, sync::OnceLock};

use serde_json::Value;

use super::python::python;

/// The template as JSON, with `{"Ref": …}` and `{"Fn::…": …}` in it.
pub fn template() -> &'static Value {
    static TEMPLATE: OnceLock<Value> = OnceLock::new();
    TEMPLATE.get_or_init(|| read("template.yaml"))
}

/// Any YAML file of this repository as JSON, with `CloudFormation`'s short tags in their long form.
pub fn read(file: &str) -> Value {
    let output = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/template.py"))
        .arg(format!("{}/../{file}", env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Logical ids and properties of all resources of a type.
pub fn resources(kind: &str) -> Vec<(&'static str, &'static Value)> {
    let all = template()["Resources"].as_object().expect("the template has resources");
    let of_kind = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(id, resource)| (id.as_str(), &resource["Properties"])).collect()
}

/// Properties of the one table.
pub fn table() -> &'static Value {
    let [(_, table)] = resources("AWS::DynamoDB::Table")[..] else { panic!("the template has one table") };
    table
}

/// Properties of the queue, which has a redrive policy, and of the dead-letter queue that this
/// names.
pub fn queues() -> (&'static Value, &'static Value) {
    let queues = resources("AWS::SQS::Queue");
    let has_policy = |queue: &&(&str, &Value)| queue.1.get("RedrivePolicy").is_some();
    let [(_, queue)] = queues.iter().filter(has_policy).copied().collect::<Vec<_>>()[..] else {
        panic!("the template has one queue with a redrive policy")
    };
    let target = &queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0];
    let dead_letters = queues.iter().find(|(id, _)| target == id).expect("its target is a queue");
    (queue, dead_letters.1)
}

/// A property as text: a literal, or the default of the parameter that it refers to.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => text(&template()["Parameters"][value["Ref"].as_str()?]["Default"]),
    }
}
