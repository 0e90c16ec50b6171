//! Settings, read from the environment in one go: every fault is reported, each with its variable.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    cloud::{Cloud, Endpoints},
    digest::digest,
    ids::{GroupId, TenantId},
    user_ref::UserRef,
    window::Window,
};

/// Ids in one list: the environment of a Lambda function is 4 KB in all. Beyond that, groups.
const MAX_LIST: usize = 40;

/// What the program does with a `roll_back` decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Decide and record, delete nothing.
    Report,
    /// Roll back the canary users only.
    Canary,
    /// Roll back everybody who is eligible.
    Enforce,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Report => "report",
            Self::Canary => "canary",
            Self::Enforce => "enforce",
        })
    }
}

impl FromStr for Mode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "report" => Ok(Self::Report),
            "canary" => Ok(Self::Canary),
            "enforce" => Ok(Self::Enforce),
            _ => Err("must be report, canary or enforce".to_owned()),
        }
    }
}

/// What to do with methods that are not shown to be of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherMethods {
    /// Hold the user for a person to look at.
    Hold,
    /// Roll them back as well.
    RollBack,
}

impl FromStr for OtherMethods {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "hold" => Ok(Self::Hold),
            "roll_back" => Ok(Self::RollBack),
            _ => Err("must be hold or roll_back".to_owned()),
        }
    }
}

/// Users named by list and by group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Object ids and principal names.
    pub users: BTreeSet<UserRef>,
    /// A group whose transitive members are meant.
    pub group: Option<GroupId>,
}

impl Named {
    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.group.is_none()
    }
}

/// The settings that a decision depends on. When their fingerprint changes, held users are looked
/// at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// The window.
    pub window: Window,
    /// Break-glass accounts and whoever else must never be touched.
    pub excluded: Named,
    /// Roll back administrators too.
    pub include_administrators: bool,
    /// Roll back guests and other external users too.
    pub include_external_users: bool,
    /// Methods dated before the window.
    pub preexisting_methods: OtherMethods,
    /// Methods without a date whose kind no registration of the window names.
    pub undated_methods: OtherMethods,
}

/// A short digest of a [`Policy`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl Policy {
    /// The digest by which a changed policy is noticed.
    pub fn fingerprint(&self) -> Fingerprint {
        let canonical = serde_json::to_vec(self).expect("a policy is plain data");
        Fingerprint(digest([canonical.as_slice()], 8))
    }
}

/// How much is rolled back in 24 hours, and when to stop by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// At most so many users in any 24 h.
    pub max_rollbacks_per_day: u32,
    /// More failures than this share of the last 24 h's users open the brake.
    pub max_failure_percent: u32,
}

/// How the program proves to Entra who it is.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A client secret, from the environment or a secret store.
    ClientSecret(SecretString),
}

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `AZURE_TENANT_ID`.
    pub tenant: TenantId,
    /// `AZURE_CLIENT_ID`.
    pub client_id: String,
    /// `AZURE_CLIENT_SECRET`.
    pub credential: Credential,
    /// Where to sign in and where Graph is.
    pub endpoints: Endpoints,
    /// What decisions depend on.
    pub policy: Policy,
    /// `MODE`.
    pub mode: Mode,
    /// `CANARY_USER_IDS` and `CANARY_GROUP_ID`.
    pub canary: Named,
    /// `NO_EXCLUSIONS`: a person says that there is nobody to exclude.
    pub no_exclusions: bool,
    /// `MAX_ROLLBACKS_PER_DAY` and `MAX_FAILURE_PERCENT`.
    pub limits: Limits,
    /// `OVERLAP_MINUTES`: how far a scan goes back behind the watermark.
    pub overlap: SignedDuration,
    /// `AUDIT_RETENTION_DAYS`: how long Entra keeps audit events.
    pub retention: SignedDuration,
    /// `GRAPH_REQUESTS_PER_SECOND`: where the adaptive pace starts.
    pub requests_per_second: f64,
    /// `LOG_USER_PRINCIPAL_NAMES`.
    pub log_user_principal_names: bool,
}

/// One wrong or missing setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with it and what it should be.
    pub cause: String,
}

/// All that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(pub Vec<Fault>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {}", fault.variable, fault.cause)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// Where variables come from: the environment, or a map in tests.
pub trait Lookup: Fn(&str) -> Option<String> {}
impl<F: Fn(&str) -> Option<String>> Lookup for F {}

/// The process's own environment.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Settings {
    /// Reads all settings, or says everything that is wrong with them.
    pub fn read(lookup: impl Lookup) -> Result<Self, SettingsError> {
        let mut vars = Reader::new(lookup);
        let tenant = vars.required("AZURE_TENANT_ID", parse);
        let client_id = vars.required("AZURE_CLIENT_ID", |text| Ok(text.to_owned()));
        vars.optional("GRAPH_CREDENTIAL", |text| match text {
            "secret" => Ok(()),
            _ => Err("must be secret on one machine".to_owned()),
        });
        let secret = vars.required("AZURE_CLIENT_SECRET", |text| Ok(SecretString::from(text)));
        let cloud = vars.optional("AZURE_CLOUD", parse::<Cloud>).unwrap_or(Cloud::Global);
        let authority = vars.optional("AZURE_AUTHORITY_HOST", Endpoints::parse);
        let graph = vars.optional("GRAPH_ENDPOINT", Endpoints::parse);
        let window = vars.window();
        if window.is_none() && !vars.set("PREVIEW_DISABLED_AT") {
            vars.fault(
                "PREVIEW_DISABLED_AT",
                "is not set: when the preview was disabled, like 2026-03-01T00:00:00Z",
            );
        }
        let excluded = Named {
            users: vars.users("EXCLUDED_USER_IDS"),
            group: vars.optional("EXCLUDED_GROUP_ID", parse),
        };
        let canary =
            Named { users: vars.users("CANARY_USER_IDS"), group: vars.optional("CANARY_GROUP_ID", parse) };
        let mode = vars.optional("MODE", parse).unwrap_or(Mode::Report);
        if mode == Mode::Canary && canary.is_empty() {
            vars.fault("CANARY_USER_IDS", "mode canary needs CANARY_USER_IDS or CANARY_GROUP_ID");
        }
        let include_administrators = vars.boolean("INCLUDE_ADMINISTRATORS");
        let include_external_users = vars.boolean("INCLUDE_EXTERNAL_USERS");
        let preexisting_methods = vars.optional("PREEXISTING_METHODS", parse);
        let undated_methods = vars.optional("UNDATED_METHODS", parse);
        let no_exclusions = vars.boolean("NO_EXCLUSIONS");
        let max_rollbacks_per_day = vars.number("MAX_ROLLBACKS_PER_DAY", 1..=1_000_000, 50);
        let max_failure_percent = vars.number("MAX_FAILURE_PERCENT", 0..=100, 20);
        let overlap = vars.number("OVERLAP_MINUTES", 5..=24 * 60, 60);
        let retention = vars.number("AUDIT_RETENTION_DAYS", 1..=3650, 30);
        let requests_per_second = vars
            .optional("GRAPH_REQUESTS_PER_SECOND", |text| match text.parse::<f64>() {
                Ok(rate) if (1.0..=1000.0).contains(&rate) => Ok(rate),
                _ => Err("must be a number from 1 to 1000".to_owned()),
            })
            .unwrap_or(5.0);
        let log_user_principal_names = vars.boolean("LOG_USER_PRINCIPAL_NAMES");

        let (Some(tenant), Some(client_id), Some(secret), Some(window)) = (tenant, client_id, secret, window)
        else {
            return Err(SettingsError(vars.faults));
        };
        if !vars.faults.is_empty() {
            return Err(SettingsError(vars.faults));
        }
        Ok(Self {
            tenant,
            client_id,
            credential: Credential::ClientSecret(secret),
            endpoints: Endpoints::of(cloud, authority, graph),
            policy: Policy {
                window,
                excluded,
                include_administrators,
                include_external_users,
                preexisting_methods: preexisting_methods.unwrap_or(OtherMethods::Hold),
                undated_methods: undated_methods.unwrap_or(OtherMethods::Hold),
            },
            mode,
            canary,
            no_exclusions,
            limits: Limits { max_rollbacks_per_day, max_failure_percent },
            overlap: SignedDuration::from_mins(overlap.into()),
            retention: SignedDuration::from_hours(i64::from(retention) * 24),
            requests_per_second,
            log_user_principal_names,
        })
    }

    /// The window alone, for reading exports without any other setting. `None` where none is set.
    pub fn read_window(lookup: impl Lookup) -> Result<Option<Window>, SettingsError> {
        let mut vars = Reader::new(lookup);
        let window = vars.window();
        if vars.faults.is_empty() { Ok(window) } else { Err(SettingsError(vars.faults)) }
    }

    /// The tenant alone, for finding its ledger. `None` where none is set.
    pub fn read_tenant(lookup: impl Lookup) -> Result<Option<TenantId>, SettingsError> {
        let mut vars = Reader::new(lookup);
        let tenant = vars.optional("AZURE_TENANT_ID", parse);
        if vars.faults.is_empty() { Ok(tenant) } else { Err(SettingsError(vars.faults)) }
    }
}

fn parse<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "must be a time in RFC 3339 with its zone, like 2026-03-01T00:00:00Z".to_owned())
}

struct Reader<L> {
    lookup: L,
    faults: Vec<Fault>,
}

impl<L: Lookup> Reader<L> {
    fn new(lookup: L) -> Self {
        Self { lookup, faults: Vec::new() }
    }

    fn get(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn set(&self, variable: &str) -> bool {
        self.get(variable).is_some()
    }

    fn fault(&mut self, variable: &'static str, cause: impl Into<String>) {
        self.faults.push(Fault { variable, cause: cause.into() });
    }

    fn optional<T>(
        &mut self,
        variable: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.get(variable)?;
        parse(&text).map_err(|cause| self.fault(variable, cause)).ok()
    }

    fn required<T>(
        &mut self,
        variable: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.set(variable) {
            self.fault(variable, "is not set");
        }
        self.optional(variable, parse)
    }

    fn boolean(&mut self, variable: &'static str) -> bool {
        self.optional(variable, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        })
        .unwrap_or(false)
    }

    fn number(&mut self, variable: &'static str, range: std::ops::RangeInclusive<u32>, default: u32) -> u32 {
        self.optional(variable, |text| match text.parse::<u32>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(format!("must be a whole number from {} to {}", range.start(), range.end())),
        })
        .unwrap_or(default)
    }

    fn users(&mut self, variable: &'static str) -> BTreeSet<UserRef> {
        self.optional(variable, |text| {
            let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
            if items.len() > MAX_LIST {
                return Err(format!(
                    "names {} users; at most {MAX_LIST} fit, use a group beyond that",
                    items.len()
                ));
            }
            items
                .iter()
                .enumerate()
                .map(|(n, item)| item.parse().map_err(|error| format!("entry {}: {error}", n + 1)))
                .collect()
        })
        .unwrap_or_default()
    }

    fn window(&mut self) -> Option<Window> {
        let enabled = self.optional("PREVIEW_ENABLED_AT", parse_time);
        let until = self.optional("REGISTERED_UNTIL", parse_time);
        let disabled = self.optional("PREVIEW_DISABLED_AT", parse_time)?;
        match Window::new(enabled, disabled, until) {
            Ok(window) => Some(window),
            Err(error) => {
                let text = error.to_string();
                let (variable, cause) = text.split_once(": ").expect("a window error names its variable");
                let variable =
                    if variable == "PREVIEW_ENABLED_AT" { "PREVIEW_ENABLED_AT" } else { "REGISTERED_UNTIL" };
                self.fault(variable, cause);
                None
            }
        }
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
