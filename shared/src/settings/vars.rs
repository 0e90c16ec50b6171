//! Reads variables, and collects every fault with the name of its variable.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::Timestamp;
use strum::VariantNames;

use super::table::Number;
use crate::domain::{ids::UserId, user_ref::UserRef, window::Window};

/// The most ids in one list: the whole environment of a Lambda function is limited to 4 KB. Beyond that, use
/// a group.
const MAX_LIST: usize = 40;

/// One wrong or missing setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the environment variable.
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

/// Reads a variable of the process's own environment; `None` if it is not set, or not Unicode.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Parses a value; the error is in the words of its type.
pub fn parse<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Parses one of the names of an enum; the error lists them.
pub fn choice<T: FromStr + VariantNames>(text: &str) -> Result<T, String> {
    let (last, others) = T::VARIANTS.split_last().expect("an enum that is a setting has variants");
    text.parse().map_err(|_| format!("must be {} or {last}", others.join(", ")))
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "must be a time in RFC 3339 with its zone, like 2026-03-01T00:00:00Z".to_owned())
}

/// Reads variables and collects what is wrong with them. Empty is the same as not set.
pub struct Vars<L> {
    lookup: L,
    faults: Vec<Fault>,
}

impl<L: Lookup> Vars<L> {
    /// Begins without faults; every variable is read from `lookup`.
    pub fn new(lookup: L) -> Self {
        Self { lookup, faults: Vec::new() }
    }

    /// Returns what was read, or all faults. Pass `None` only if a fault was recorded.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, SettingsError> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            _ => Err(SettingsError(self.faults)),
        }
    }

    fn get(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Whether a variable is set, and is not empty.
    pub fn set(&self, variable: &str) -> bool {
        self.get(variable).is_some()
    }

    /// Records a fault, so that [`Vars::finish`] returns an error.
    pub fn fault(&mut self, variable: &'static str, cause: impl Into<String>) {
        self.faults.push(Fault { variable, cause: cause.into() });
    }

    /// Reads a variable that may be unset. A wrong value is recorded as a fault and read as `None`.
    pub fn optional<T>(
        &mut self,
        variable: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.get(variable)?;
        parse(&text).map_err(|cause| self.fault(variable, cause)).ok()
    }

    /// Reads a variable that must be set. `None` means that a fault was recorded.
    pub fn required<T>(
        &mut self,
        variable: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.set(variable) {
            self.fault(variable, "is not set");
        }
        self.optional(variable, parse)
    }

    pub(super) fn boolean(&mut self, variable: &'static str) -> bool {
        self.optional(variable, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        })
        .unwrap_or(false)
    }

    /// Reads a whole number in its range; its default if the variable is not set.
    pub fn number(&mut self, number: &Number) -> u32 {
        let Number { range, default, .. } = number;
        self.optional(number.name, |text| match text.parse() {
            Ok(read) if range.contains(&read) => Ok(read),
            _ => Err(format!("must be a whole number from {} to {}", range.start(), range.end())),
        })
        .unwrap_or(*default)
    }

    /// Reads a number that may have decimals, like [`Vars::number`].
    pub(super) fn decimal(&mut self, number: &Number) -> f64 {
        let (from, to) = (*number.range.start(), *number.range.end());
        self.optional(number.name, |text| match text.parse() {
            Ok(read) if (f64::from(from)..=f64::from(to)).contains(&read) => Ok(read),
            _ => Err(format!("must be a number from {from} to {to}")),
        })
        .unwrap_or(number.default.into())
    }

    /// Users named by object id or principal name.
    pub(super) fn users(&mut self, variable: &'static str) -> BTreeSet<UserRef> {
        self.list(variable)
    }

    /// Users named by object id.
    pub(super) fn user_ids(&mut self, variable: &'static str) -> BTreeSet<UserId> {
        self.list(variable)
    }

    fn list<T: FromStr<Err: fmt::Display> + Ord>(&mut self, variable: &'static str) -> BTreeSet<T> {
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

    /// Reads the window. `None` if a fault was recorded, or if `PREVIEW_DISABLED_AT` is not set.
    pub(super) fn window(&mut self) -> Option<Window> {
        let until = self.optional("REGISTERED_UNTIL", parse_time);
        let disabled = self.optional("PREVIEW_DISABLED_AT", parse_time)?;
        if !self.set("PREVIEW_ENABLED_AT") {
            self.fault(
                "PREVIEW_ENABLED_AT",
                "is not set: when the preview was enabled; the moment of PREVIEW_DISABLED_AT means those who registered after it only",
            );
        }
        let enabled = self.optional("PREVIEW_ENABLED_AT", parse_time)?;
        let window = Window::new(enabled, disabled, until);
        window.map_err(|error| self.fault(error.variable(), error.to_string())).ok()
    }
}
