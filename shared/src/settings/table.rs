//! Every setting with its meaning, default and range: the numbers that the readers go by, and docs/settings.md.

use std::ops::RangeInclusive;

use strum::VariantNames as _;

use super::choices::{MfaRequiredUsers, Mode, PreexistingMethods, UnprovenMethods};
use crate::{cloud::Cloud, domain::approval::RequireApproval};

/// A setting that is a whole number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// The environment variable.
    pub name: &'static str,
    /// The numbers that are allowed.
    pub range: RangeInclusive<u32>,
    /// The number that counts if the variable is not set.
    pub default: u32,
    /// What it counts.
    pub unit: &'static str,
}

const fn number(name: &'static str, range: RangeInclusive<u32>, default: u32, unit: &'static str) -> Number {
    Number { name, range, default, unit }
}

/// The daily cap.
pub static MAX_ROLLBACKS_PER_DAY: Number = number("MAX_ROLLBACKS_PER_DAY", 1..=1_000_000, 50, "users");
/// The share of failures above which the brake opens.
pub static MAX_FAILURE_PERCENT: Number = number("MAX_FAILURE_PERCENT", 0..=100, 20, "percent");
/// How long before its deletion a method must have been seen.
pub static SECOND_LOOK_MINUTES: Number = number("SECOND_LOOK_MINUTES", 0..=24 * 60, 30, "minutes");
/// How many people have to approve a plan.
pub static PLAN_APPROVERS: Number = number("PLAN_APPROVERS", 1..=2, 1, "people");
/// How far a scan goes back behind the watermark.
pub static OVERLAP_MINUTES: Number = number("OVERLAP_MINUTES", 5..=24 * 60, 60, "minutes");
/// How long Entra keeps audit events.
pub static AUDIT_RETENTION_DAYS: Number = number("AUDIT_RETENTION_DAYS", 1..=3650, 30, "days");
/// The pace to start with; unlike the others it may have decimals.
pub static GRAPH_REQUESTS_PER_SECOND: Number =
    number("GRAPH_REQUESTS_PER_SECOND", 1..=1000, 5, "requests a second");
/// The pace of requests for reports and the audit log.
pub static GRAPH_REPORTS_PER_10_SECONDS: Number =
    number("GRAPH_REPORTS_PER_10_SECONDS", 1..=1000, 5, "requests in 10 s");
/// How many drains share the pace.
pub static DRAIN_CONCURRENCY: Number = number("DRAIN_CONCURRENCY", 2..=1000, 2, "functions");

/// What a setting may be.
#[derive(Debug, Clone)]
pub enum Value {
    /// A number in a range.
    Number(&'static Number),
    /// `true` or `false`, which is the default.
    Boolean,
    /// One of some names; the first is the default.
    Choice(&'static [&'static str]),
    /// Text: its default, and what is allowed, in words.
    Text(&'static str, &'static str),
}

/// Who reads a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The command line and the functions.
    Both,
    /// The functions alone.
    Functions,
}

/// One setting.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What it means, in a sentence without an end.
    pub meaning: &'static str,
    /// What it may be, and its default.
    pub value: Value,
    /// Who reads it.
    pub reader: Reader,
}

impl Setting {
    /// Its default, as the document shows it.
    pub fn default(&self) -> String {
        match &self.value {
            Value::Number(number) => number.default.to_string(),
            Value::Boolean => "`false`".to_owned(),
            Value::Choice(names) => format!("`{}`", names[0]),
            Value::Text(default, _) => (*default).to_owned(),
        }
    }

    /// What is allowed, as the document shows it.
    pub fn allowed(&self) -> String {
        match &self.value {
            Value::Number(number) => format!("{} to {}", number.range.start(), number.range.end()),
            Value::Boolean => "`true`, `false`".to_owned(),
            Value::Choice(names) => {
                names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            }
            Value::Text(_, allowed) => (*allowed).to_owned(),
        }
    }

    /// What its number counts; empty if it is no number.
    pub fn unit(&self) -> &'static str {
        match &self.value {
            Value::Number(number) => number.unit,
            _ => "",
        }
    }
}

const fn both(name: &'static str, value: Value, meaning: &'static str) -> Setting {
    Setting { name, meaning, value, reader: Reader::Both }
}

const fn functions(name: &'static str, value: Value, meaning: &'static str) -> Setting {
    Setting { name, meaning, value, reader: Reader::Functions }
}

const fn of(number: &'static Number, meaning: &'static str) -> Setting {
    both(number.name, Value::Number(number), meaning)
}

const GROUP: Value = Value::Text("none", "GUID");
const LIST: Value = Value::Text("none", "list");
const HOST: Value = Value::Text("the cloud's", "https host; http to loopback");

/// Every setting, in the order of the document.
pub static SETTINGS: &[Setting] = &[
    both("AZURE_TENANT_ID", Value::Text("required", "GUID"), "the tenant"),
    both("AZURE_CLIENT_ID", Value::Text("required", "text"), "the application that signs in"),
    both(
        "AZURE_CLIENT_SECRET",
        Value::Text("required, but on AWS", "text; not on AWS"),
        "the application's secret",
    ),
    both(
        "GRAPH_CREDENTIAL",
        Value::Text("`secret`; on AWS `federated`", "`secret`; on AWS `federated`, `secret`, `certificate`"),
        "how the application signs in",
    ),
    both("AZURE_CLOUD", Value::Choice(Cloud::VARIANTS), "the Microsoft cloud; `china` takes exports only"),
    both("AZURE_AUTHORITY_HOST", HOST, "another sign-in host"),
    both("GRAPH_ENDPOINT", HOST, "another Graph host"),
    both(
        "PREVIEW_ENABLED_AT",
        Value::Text("required", "time"),
        "the window's start; the moment of `PREVIEW_DISABLED_AT` means those who registered after it only",
    ),
    both(
        "PREVIEW_DISABLED_AT",
        Value::Text("required", "time"),
        "when the preview ended; nothing is deleted before",
    ),
    both(
        "REGISTERED_UNTIL",
        Value::Text("3 days after `PREVIEW_DISABLED_AT`", "time, up to 30 days after it"),
        "the window's end",
    ),
    both("MODE", Value::Choice(Mode::VARIANTS), "what is done; `--mode` goes first"),
    both("CANARY_USER_IDS", LIST, "whom mode canary rolls back; it needs this or the group"),
    both("CANARY_GROUP_ID", GROUP, "the same by group, nested members too"),
    of(&MAX_ROLLBACKS_PER_DAY, "the most who are rolled back in any 24 h"),
    of(&MAX_FAILURE_PERCENT, "a larger share of failures in 24 h, from 10 users on, opens the brake"),
    both("EXCLUDED_USER_IDS", LIST, "whom nothing may touch"),
    both("EXCLUDED_GROUP_ID", GROUP, "the same by group, nested members too"),
    both(
        "NO_EXCLUSIONS",
        Value::Boolean,
        "there is nobody to exclude; without this, exclusions are demanded before deleting",
    ),
    both("INCLUDE_ADMINISTRATORS", Value::Boolean, "do not hold administrators"),
    both("INCLUDE_EXTERNAL_USERS", Value::Boolean, "do not hold guests and other external users"),
    both("INCLUDE_NEW_ACCOUNTS", Value::Boolean, "do not hold accounts that were created in the window"),
    both(
        "PREEXISTING_METHODS",
        Value::Choice(PreexistingMethods::VARIANTS),
        "methods that are older than the window; `keep` deletes the others and leaves these",
    ),
    both(
        "UNPROVEN_METHODS",
        Value::Choice(UnprovenMethods::VARIANTS),
        "methods that nothing proves to be of the window; `count` takes the only one of its kind for the one that a \
         registration names and no deletion of the window took away; it sees nothing of what came after the window",
    ),
    both(
        "MFA_REQUIRED_USERS",
        Value::Choice(MfaRequiredUsers::VARIANTS),
        "users of whom Conditional Access (asked for each by What If) or security defaults demand MFA today",
    ),
    of(
        &SECOND_LOOK_MINUTES,
        "how long before its deletion a method must have been seen: audit records come late; 0 takes the risk",
    ),
    both(
        "REQUIRE_APPROVAL",
        Value::Choice(RequireApproval::VARIANTS),
        "which rollbacks wait until a person has approved a plan that names them: those of the first plan, or all",
    ),
    both(
        "RELEASABLE_USER_IDS",
        Value::Text("nobody", "list of object ids"),
        "users whom `release` may let through although they are administrators or would have nothing left to sign in \
         with",
    ),
    of(&OVERLAP_MINUTES, "how far each scan goes back, for late events"),
    of(&AUDIT_RETENTION_DAYS, "how long Entra keeps audit events"),
    of(&GRAPH_REQUESTS_PER_SECOND, "the pace to start with; it adapts; decimals are allowed"),
    of(
        &GRAPH_REPORTS_PER_10_SECONDS,
        "requests for the audit log and reports; Graph allows 5 to an app, so set less if other programs sign in as \
         the same app",
    ),
    both("LOG_USER_PRINCIPAL_NAMES", Value::Boolean, "keep principal names in the ledger"),
    functions(
        "AZURE_WRITER_CLIENT_ID",
        Value::Text("none", "GUID; not with `secret`"),
        "a second application that deletes, so that the first only reads",
    ),
    functions(
        "GRAPH_CREDENTIAL_SECRET_ARN",
        Value::Text("none; required unless `federated`", "ARN"),
        "the client secret, or certificate and key as PEM, in Secrets Manager",
    ),
    functions(
        DRAIN_CONCURRENCY.name,
        Value::Number(&DRAIN_CONCURRENCY),
        "how many drains share the pace; the template takes up to 50",
    ),
    functions(
        PLAN_APPROVERS.name,
        Value::Number(&PLAN_APPROVERS),
        "how many people have to approve a plan; whoever had it made is not one of them",
    ),
    functions("QUEUE_URL", Value::Text("required", "URL"), "the queue that wakes `drain`"),
    functions("DEAD_LETTER_QUEUE_URL", Value::Text("required", "URL"), "where unreadable messages go"),
    functions("LEDGER_TABLE", Value::Text("required", "name"), "the ledger's DynamoDB table"),
    functions(
        "NOTIFICATION_TOPIC_ARN",
        Value::Text("none", "ARN"),
        "the SNS topic for those who are told of changes and of trouble",
    ),
    functions(
        "EVENT_BUS_NAME",
        Value::Text("none", "name"),
        "the event bus of EventBridge that each outcome goes to",
    ),
];
