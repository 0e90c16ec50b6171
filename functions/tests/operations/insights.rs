//! What the saved queries use of CloudWatch Logs Insights' language: fields, filter, parse, stats, sort, limit.
//! Anything else ends the test.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use serde_json::Value;

/// A row of a result.
pub type Row = BTreeMap<String, Value>;

/// Splits at a separator outside of quotes and parentheses.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut begin, mut depth, mut quoted) = (Vec::new(), 0, 0_i32, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ if !quoted && depth == 0 && at >= begin && text[at..].starts_with(separator) => {
                parts.push(text[begin..at].trim());
                begin = at + separator.len();
            }
            _ => {}
        }
    }
    parts.push(text[begin..].trim());
    parts
}

/// A literal, or the name of a field.
fn literal(text: &str) -> Option<Value> {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) => Some(Value::from(text)),
        None => text.parse::<f64>().ok().map(Value::from),
    }
}

fn value(row: &Row, name: &str) -> Value {
    match name {
        "@timestamp" => row.get("@timestamp").or_else(|| row.get("timestamp")),
        name => row.get(name),
    }
    .cloned()
    .unwrap_or(Value::Null)
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => text(one).cmp(&text(other)),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `a = 1 and b != "x" or …`: `and` binds more closely.
fn holds(row: &Row, condition: &str) -> bool {
    split(condition, " or ").iter().any(|any| split(any, " and ").iter().all(|all| is_so(row, all)))
}

fn is_so(row: &Row, comparison: &str) -> bool {
    for (operator, wanted) in [
        ("!=", &[Ordering::Less, Ordering::Greater][..]),
        (">=", &[Ordering::Equal, Ordering::Greater]),
        ("<=", &[Ordering::Equal, Ordering::Less]),
        ("=", &[Ordering::Equal]),
        (">", &[Ordering::Greater]),
        ("<", &[Ordering::Less]),
    ] {
        if let [field, wanted_value] = split(comparison, operator)[..] {
            let wanted_value = literal(wanted_value).unwrap_or_else(|| panic!("no literal: {comparison}"));
            let there = value(row, field);
            return !there.is_null() && wanted.contains(&compare(&there, &wanted_value));
        }
    }
    panic!("a condition that is not understood: {comparison}")
}

/// A glob such as `"* *"`: what each star stands for.
fn parse(there: &str, glob: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = glob.split('*').collect();
    let mut rest = there.strip_prefix(parts[0])?;
    let mut found = Vec::new();
    for (n, part) in parts.iter().enumerate().skip(1) {
        let end = if n + 1 == parts.len() && part.is_empty() { rest.len() } else { rest.find(part)? };
        found.push(rest[..end].to_owned());
        rest = &rest[end + part.len()..];
    }
    Some(found)
}

/// `expression as name`.
fn named(text: &str) -> (&str, &str) {
    match split(text, " as ")[..] {
        [expression, name] => (expression, name),
        _ => (text, text),
    }
}

fn call(expression: &str) -> Option<(&str, Vec<&str>)> {
    let (function, arguments) = expression.strip_suffix(')')?.split_once('(')?;
    Some((function, split(arguments, ",")))
}

fn aggregate(rows: &[&Row], expression: &str) -> Value {
    let (function, arguments) = call(expression).unwrap_or_else(|| panic!("no function: {expression}"));
    let there: Vec<Value> =
        rows.iter().map(|row| value(row, arguments[0])).filter(|value| !value.is_null()).collect();
    let numbers = || there.iter().filter_map(Value::as_f64);
    match function {
        "count" if arguments[0] == "*" => rows.len().into(),
        "count" => there.len().into(),
        "sum" => numbers().sum::<f64>().into(),
        "max" => numbers().max_by(f64::total_cmp).map_or(Value::Null, Value::from),
        "pct" => {
            let mut sorted: Vec<f64> = numbers().collect();
            sorted.sort_by(f64::total_cmp);
            let share: usize = arguments[1].parse().unwrap();
            let nth = (sorted.len() * share).div_ceil(100).max(1) - 1;
            sorted.get(nth).map_or(Value::Null, |value| (*value).into())
        }
        "latest" => rows
            .iter()
            .max_by_key(|row| text(&value(row, "@timestamp")))
            .map_or(Value::Null, |row| value(row, arguments[0])),
        _ => panic!("a function that is not understood: {function}"),
    }
}

/// What a row is grouped by: a field, or `bin(5m)`.
fn group(row: &Row, by: &str) -> Value {
    let Some((function, arguments)) = call(by) else { return value(row, by) };
    assert_eq!(function, "bin");
    let (count, unit) = arguments[0].split_at(arguments[0].len() - 1);
    let seconds = match unit {
        "m" => 60,
        "h" => 3_600,
        _ => panic!("{by}"),
    } * count.parse::<i64>().unwrap();
    let at: Timestamp = text(&value(row, "@timestamp")).parse().unwrap();
    let begin = at.as_second().div_euclid(seconds) * seconds;
    Timestamp::from_second(begin).unwrap().to_string().into()
}

fn stats(rows: &[Row], arguments: &str) -> Vec<Row> {
    let parts = split(arguments, " by ");
    let by: Vec<&str> = parts.get(1).map(|by| split(by, ",")).unwrap_or_default();
    let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let key: Vec<Value> = by.iter().map(|by| group(row, by)).collect();
        groups.entry(Value::from(key).to_string()).or_default().push(row);
    }
    let made = groups.into_values().map(|rows| {
        let of_group = by.iter().map(|by| ((*by).to_owned(), group(rows[0], by)));
        let sums = split(parts[0], ",").into_iter().map(|part| {
            let (expression, name) = named(part);
            (name.to_owned(), aggregate(&rows, expression))
        });
        of_group.chain(sums).collect()
    });
    made.collect()
}

/// What a query finds in log lines.
pub fn query(lines: &[Value], query: &str) -> Vec<Row> {
    let mut rows: Vec<Row> =
        lines.iter().map(|line| line.as_object().unwrap().clone().into_iter().collect()).collect();
    for command in split(query, "|") {
        let (command, arguments) = command.split_once(char::is_whitespace).unwrap();
        let arguments = arguments.trim();
        match command {
            "fields" => {
                // What later commands use is there all the same.
                for field in split(arguments, ",") {
                    for row in &mut rows {
                        let there = value(row, field);
                        row.insert(field.to_owned(), there);
                    }
                }
            }
            "filter" => rows.retain(|row| holds(row, arguments)),
            "parse" => {
                let (how, names) = named(arguments);
                let (field, glob) = how.split_once(' ').unwrap();
                let glob = literal(glob).unwrap();
                for row in &mut rows {
                    let Some(found) = parse(&text(&value(row, field)), glob.as_str().unwrap()) else {
                        continue;
                    };
                    for (name, found) in split(names, ",").into_iter().zip(found) {
                        row.insert(name.to_owned(), found.into());
                    }
                }
            }
            "stats" => rows = stats(&rows, arguments),
            "sort" => {
                let (field, order) = arguments.split_once(' ').unwrap();
                rows.sort_by(|one, other| compare(&value(one, field), &value(other, field)));
                match order {
                    "asc" => {}
                    "desc" => rows.reverse(),
                    _ => panic!("{command} {arguments}"),
                }
            }
            "limit" => rows.truncate(arguments.parse().unwrap()),
            _ => panic!("a command that is not understood: {command}"),
        }
    }
    rows
}

/// The fields of log lines that a query uses.
pub fn used(query: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut made = BTreeSet::from(["@timestamp".to_owned()]);
    for command in split(query, "|") {
        let (command, arguments) = command.split_once(char::is_whitespace).unwrap();
        let mut names: Vec<String> = Vec::new();
        match command {
            "fields" => names.extend(split(arguments, ",").iter().map(|name| (*name).to_owned())),
            "filter" => {
                let any = split(arguments, " or ").into_iter().flat_map(|any| split(any, " and "));
                let field = |all: &str| all.split(['=', '!', '<', '>']).next().unwrap().trim().to_owned();
                names.extend(any.map(field));
            }
            "parse" => {
                let (how, made_here) = named(arguments);
                names.push(how.split(' ').next().unwrap().to_owned());
                made.extend(split(made_here, ",").iter().map(|name| (*name).to_owned()));
            }
            "stats" => {
                let parts = split(arguments, " by ");
                for part in split(parts[0], ",") {
                    let (expression, name) = named(part);
                    names.extend(call(expression).map(|(_, arguments)| arguments[0].to_owned()));
                    made.insert(name.to_owned());
                }
                let by = parts.get(1).map(|by| split(by, ",")).unwrap_or_default();
                names.extend(by.iter().filter(|by| call(by).is_none()).map(|by| (*by).to_owned()));
            }
            "sort" => names.push(arguments.trim().split(' ').next().unwrap().to_owned()),
            _ => {}
        }
        used.extend(names.into_iter().filter(|name| name != "*" && !made.contains(name)));
    }
    used
}
