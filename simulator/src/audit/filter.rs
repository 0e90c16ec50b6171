//! The part of `$filter` that Graph documents for the audit log: comparisons joined by `and`.

use jiff::Timestamp;
use serde_json::Value;

/// A property that can be compared with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// A property of the record, by its JSON pointer.
    Record(&'static str),
    /// A property of any of the targets.
    AnyTarget(&'static str),
}

impl Field {
    fn is(self, record: &Value, test: impl Fn(&str) -> bool) -> bool {
        let holds = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(&test);
        match self {
            Self::Record(pointer) => holds(record.pointer(pointer)),
            Self::AnyTarget(name) => {
                let targets = record["targetResources"].as_array();
                targets.is_some_and(|targets| targets.iter().any(|target| holds(target.get(name))))
            }
        }
    }
}

/// A comparison; a filter holds if all of its comparisons do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Clause {
    /// `activityDateTime ge` this time.
    From(Timestamp),
    /// `activityDateTime le` this time.
    To(Timestamp),
    /// `activityDateTime eq` this time.
    At(Timestamp),
    /// The property `eq` this text.
    Equals(Field, String),
    /// The property `startswith` this text.
    StartsWith(Field, String),
}

impl Clause {
    /// Whether it compares a property of a target.
    pub(crate) fn is_of_target(&self) -> bool {
        matches!(self, Self::Equals(Field::AnyTarget(_), _) | Self::StartsWith(Field::AnyTarget(_), _))
    }

    /// Whether it compares the service that logged a record.
    pub(crate) fn is_of_service(&self) -> bool {
        matches!(self, Self::Equals(Field::Record("/loggedByService"), _))
    }

    pub(crate) fn holds(&self, at: Timestamp, record: &Value) -> bool {
        match self {
            Self::From(bound) => at >= *bound,
            Self::To(bound) => at <= *bound,
            Self::At(time) => at == *time,
            Self::Equals(field, text) => field.is(record, |value| value == text),
            Self::StartsWith(field, text) => field.is(record, |value| value.starts_with(text.as_str())),
        }
    }
}

/// The id that a target must have, if one must.
pub(crate) fn target_id(clauses: &[Clause]) -> Option<&str> {
    clauses.iter().find_map(|clause| match clause {
        Clause::Equals(Field::AnyTarget("id"), id) => Some(id.as_str()),
        _ => None,
    })
}

/// The latest of the lower bounds.
pub(crate) fn lower_bound(clauses: &[Clause]) -> Option<Timestamp> {
    let bound = |clause: &Clause| match clause {
        Clause::From(at) | Clause::At(at) => Some(*at),
        _ => None,
    };
    clauses.iter().filter_map(bound).max()
}

/// The earliest of the upper bounds.
pub(crate) fn upper_bound(clauses: &[Clause]) -> Option<Timestamp> {
    let bound = |clause: &Clause| match clause {
        Clause::To(at) | Clause::At(at) => Some(*at),
        _ => None,
    };
    clauses.iter().filter_map(bound).min()
}

/// Reads a filter; the error names what is wrong.
pub(crate) fn parse(text: &str) -> Result<Vec<Clause>, String> {
    comparisons(text)?.into_iter().map(comparison).collect()
}

/// Splits at ` and ` outside of quotes.
fn comparisons(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, character) in text.char_indices() {
        if character == '\'' {
            quoted = !quoted;
        } else if !quoted && at >= start && text[at..].starts_with(" and ") {
            parts.push(text[start..at].trim());
            start = at + " and ".len();
        }
    }
    if quoted {
        return Err(format!("There is an unterminated string literal in '{text}'."));
    }
    parts.push(text[start..].trim());
    Ok(parts)
}

fn comparison(text: &str) -> Result<Clause, String> {
    if let Some(inside) = call("startswith", text) {
        return starts_with(inside, |path| field(path, &STARTS_WITH));
    }
    if let Some(inside) = call("targetResources/any", text) {
        return any_target(inside);
    }
    let (path, operator, literal) = words(text)?;
    if path == "activityDateTime" {
        let at = date(literal)?;
        return match operator {
            "ge" => Ok(Clause::From(at)),
            "le" => Ok(Clause::To(at)),
            "eq" => Ok(Clause::At(at)),
            _ => Err(unsupported(operator, path)),
        };
    }
    let field = field(path, &EQUALS)?;
    if operator != "eq" {
        return Err(unsupported(operator, path));
    }
    Ok(Clause::Equals(field, string(literal)?))
}

const EQUALS: [(&str, &str); 9] = [
    ("activityDisplayName", "/activityDisplayName"),
    ("loggedByService", "/loggedByService"),
    ("correlationId", "/correlationId"),
    ("id", "/id"),
    ("initiatedBy/user/id", "/initiatedBy/user/id"),
    ("initiatedBy/user/displayName", "/initiatedBy/user/displayName"),
    ("initiatedBy/user/userPrincipalName", "/initiatedBy/user/userPrincipalName"),
    ("initiatedBy/app/appId", "/initiatedBy/app/appId"),
    ("initiatedBy/app/displayName", "/initiatedBy/app/displayName"),
];

const STARTS_WITH: [(&str, &str); 2] = [
    ("activityDisplayName", "/activityDisplayName"),
    ("initiatedBy/user/userPrincipalName", "/initiatedBy/user/userPrincipalName"),
];

fn field(path: &str, known: &[(&str, &'static str)]) -> Result<Field, String> {
    let found = known.iter().find(|(name, _)| *name == path);
    found
        .map(|(_, pointer)| Field::Record(pointer))
        .ok_or_else(|| format!("Property '{path}' cannot be filtered."))
}

/// Returns what is inside `name(…)`.
fn call<'a>(name: &str, text: &'a str) -> Option<&'a str> {
    text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

fn starts_with(inside: &str, field: impl Fn(&str) -> Result<Field, String>) -> Result<Clause, String> {
    let (path, literal) = inside.split_once(',').ok_or("'startswith' takes two arguments.")?;
    Ok(Clause::StartsWith(field(path.trim())?, string(literal.trim())?))
}

/// Reads `t: t/id eq '…'`, and for `displayName` also `startswith`.
fn any_target(inside: &str) -> Result<Clause, String> {
    let invalid = || format!("Invalid lambda expression '{inside}'.");
    let (variable, body) = inside.split_once(':').ok_or_else(invalid)?;
    let (variable, body) = (variable.trim(), body.trim());
    if variable.is_empty() || !variable.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(invalid());
    }
    let property = |path: &str| match path.strip_prefix(variable).and_then(|rest| rest.strip_prefix('/')) {
        Some("id") => Ok(Field::AnyTarget("id")),
        Some("displayName") => Ok(Field::AnyTarget("displayName")),
        _ => Err(invalid()),
    };
    if let Some(inside) = call("startswith", body) {
        return match starts_with(inside, property)? {
            Clause::StartsWith(Field::AnyTarget("displayName"), text) => {
                Ok(Clause::StartsWith(Field::AnyTarget("displayName"), text))
            }
            _ => Err(invalid()),
        };
    }
    let (path, operator, literal) = words(body)?;
    let field = property(path)?;
    if operator != "eq" {
        return Err(unsupported(operator, path));
    }
    Ok(Clause::Equals(field, string(literal)?))
}

/// Splits `path operator literal` into its three parts.
fn words(text: &str) -> Result<(&str, &str, &str), String> {
    let invalid = || format!("Invalid filter clause '{text}'.");
    let (path, rest) = text.split_once(' ').ok_or_else(invalid)?;
    let (operator, literal) = rest.trim_start().split_once(' ').ok_or_else(invalid)?;
    Ok((path, operator, literal.trim()))
}

fn unsupported(operator: &str, path: &str) -> String {
    format!("Operator '{operator}' is not supported for '{path}'.")
}

/// Reads a text in single quotes; a quote inside is doubled.
fn string(literal: &str) -> Result<String, String> {
    let inside = literal
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .filter(|inside| !inside.replace("''", "").contains('\''));
    inside
        .map(|inside| inside.replace("''", "'"))
        .ok_or_else(|| format!("'{literal}' is not a string literal."))
}

/// Reads a date and time with its offset, unquoted.
fn date(literal: &str) -> Result<Timestamp, String> {
    let invalid = || format!("'{literal}' is not a valid Edm.DateTimeOffset.");
    let shaped = literal.len() >= 20
        && literal.as_bytes()[10] == b'T'
        && literal.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ+".contains(&byte));
    let decimals =
        literal.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    if !shaped || decimals > 12 {
        return Err(invalid());
    }
    literal.parse().map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documented_grammar_is_read() {
        let clauses = parse(
            "activityDateTime ge 2026-10-02T00:00:00Z and activityDateTime le 2026-10-03T00:00:00.1234567+02:00 \
             and loggedByService eq 'Authentication Methods' and startswith(activityDisplayName, 'User ') \
             and targetResources/any(t: t/id eq 'a''b and c') and initiatedBy/user/id eq 'x'",
        )
        .unwrap();
        assert_eq!(clauses.len(), 6);
        assert_eq!(clauses[4], Clause::Equals(Field::AnyTarget("id"), "a'b and c".to_owned()));
        assert_eq!(lower_bound(&clauses), Some("2026-10-02T00:00:00Z".parse().unwrap()));
        assert_eq!(upper_bound(&clauses), Some("2026-10-02T22:00:00.1234567Z".parse().unwrap()));
        assert!(parse("targetResources/any(t:startswith(t/displayName,'A'))").is_ok());
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "activityDateTime lt 2026-10-02T00:00:00Z",
            "activityDateTime gt 2026-10-02T00:00:00Z",
            "activityDateTime ge '2026-10-02T00:00:00Z'",
            "activityDateTime ge 2026-10-02",
            "activityDateTime ge 2026-10-02T00:00:00",
            "activityDateTime ge 2026-10-02T00:00:00 00:00",
            "activityDateTime ge 2026-13-02T00:00:00Z",
            "activityDateTime ge datetime'2026-10-02T00:00:00Z'",
            "activityDateTime ne 2026-10-02T00:00:00Z",
            "result eq 'success'",
            "resultReason eq 'x'",
            "category eq 'UserManagement'",
            "loggedByService eq Authentication",
            "loggedByService eq \"Authentication Methods\"",
            "loggedByService eq 'it's'",
            "loggedByService eq 'a' or loggedByService eq 'b'",
            "loggedByService ne 'a'",
            "startswith(loggedByService,'a')",
            "startswith(activityDisplayName,'a') eq true",
            "contains(activityDisplayName,'a')",
            "not startswith(activityDisplayName,'a')",
            "(loggedByService eq 'a')",
            "loggedByService eq 'a' AND id eq 'b'",
            "loggedByService eq 'a' and",
            "and id eq 'a'",
            "targetResources/any(t: t/type eq 'User')",
            "targetResources/any(t: u/id eq 'x')",
            "targetResources/all(t: t/id eq 'x')",
            "id in ('a','b')",
            "activityDisplayName eq 'unterminated",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn comparisons_look_where_they_say() {
        let record = json!({
            "initiatedBy": { "app": null, "user": { "id": "u" } },
            "targetResources": [{ "id": "a" }, { "id": "b" }],
        });
        let at = Timestamp::UNIX_EPOCH;
        let holds = |text: &str| parse(text).unwrap().iter().all(|clause| clause.holds(at, &record));
        assert!(holds("initiatedBy/user/id eq 'u' and targetResources/any(t: t/id eq 'b')"));
        assert!(!holds("targetResources/any(t: t/id eq 'c')"));
        assert!(!holds("initiatedBy/app/appId eq 'u'"));
        assert!(holds("activityDateTime eq 1970-01-01T00:00:00Z"));
        assert!(!holds("activityDateTime ge 1970-01-01T00:00:00.0000001Z"));
    }
}
