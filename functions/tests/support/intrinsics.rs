//! `CloudFormation`'s intrinsic functions, worked out for a deployment's parameters.

use serde_json::{Map, Value};

use super::template::{template, text};

/// Parameters that a deployment gives, pseudo parameters too. The others have their defaults.
pub type Parameters<'a> = [(&'a str, &'a str)];

/// A value as a deployment has it; nothing where it is `AWS::NoValue`. Panics at a function that is not among those
/// that `infra/openapi.yaml` uses in the policy.
pub fn resolved(value: &Value, given: &Parameters<'_>) -> Option<Value> {
    Some(match value {
        Value::Array(values) => values.iter().filter_map(|value| resolved(value, given)).collect(),
        Value::Object(map) => match function(map) {
            Some(("Ref", name)) if name == "AWS::NoValue" => return None,
            Some(("Ref", name)) => parameter(name.as_str().unwrap(), given).into(),
            Some(("Fn::If", choice)) => {
                let chosen = if condition(&choice[0], given) { 1 } else { 2 };
                return resolved(&choice[chosen], given);
            }
            Some(("Fn::Split", arguments)) => {
                let joined = resolved(&arguments[1], given).unwrap();
                joined.as_str().unwrap().split(arguments[0].as_str().unwrap()).collect()
            }
            Some(("Fn::Join", arguments)) => {
                let parts = resolved(&arguments[1], given).unwrap();
                let parts: Vec<&str> =
                    parts.as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
                parts.join(arguments[0].as_str().unwrap()).into()
            }
            Some((name, _)) => panic!("{name} is not understood"),
            None => {
                let fields =
                    map.iter().filter_map(|(key, value)| Some((key.clone(), resolved(value, given)?)));
                Value::Object(fields.collect())
            }
        },
        literal => literal.clone(),
    })
}

/// Whether a condition of the template holds.
fn condition(name: &Value, given: &Parameters<'_>) -> bool {
    holds(&template()["Conditions"][name.as_str().unwrap()], given)
}

fn holds(rule: &Value, given: &Parameters<'_>) -> bool {
    match function(rule.as_object().unwrap()) {
        Some(("Fn::Equals", sides)) => resolved(&sides[0], given) == resolved(&sides[1], given),
        Some(("Fn::Not", inner)) => !holds(&inner[0], given),
        Some(("Fn::And", all)) => all.as_array().unwrap().iter().all(|rule| holds(rule, given)),
        Some(("Fn::Or", any)) => any.as_array().unwrap().iter().any(|rule| holds(rule, given)),
        Some(("Condition", name)) => condition(name, given),
        _ => panic!("no condition: {rule}"),
    }
}

fn parameter(name: &str, given: &Parameters<'_>) -> String {
    let value = given.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
    value.or_else(|| text(&template()["Parameters"][name]["Default"])).unwrap_or_else(|| panic!("no {name}"))
}

fn function(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, arguments) = map.iter().next().filter(|_| map.len() == 1)?;
    let is_function = name.starts_with("Fn::") || ["Ref", "Condition"].contains(&name.as_str());
    is_function.then_some((name.as_str(), arguments))
}
