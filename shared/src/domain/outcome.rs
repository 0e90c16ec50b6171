//! Verdicts and outcomes, each with its reason, as they appear in the ledger, in results and in logs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use super::reason::{Deferred, Failed, Held, NotEligible, Partial, UnknownName};
use super::rule::Rule;

/// What a decision says about a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// No rule objects: the strong methods are to be deleted.
    RollBack,
    /// The user is not to be rolled back at all.
    NotEligible(NotEligible),
    /// A person has to look first.
    Held(Held),
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// All methods that the intent lists are gone.
    RolledBack,
    /// Some are gone, and some are not.
    Partial(Partial),
    /// The program tried, and none are gone.
    Failed(Failed),
    /// Mode `report`: the user would be rolled back; nothing was deleted.
    WouldRollBack,
    /// To be rolled back, but waiting for something first.
    Deferred(Deferred),
    /// The user is not to be rolled back at all.
    NotEligible(NotEligible),
    /// A person has to look first.
    Held(Held),
}

impl From<NotEligible> for Verdict {
    fn from(reason: NotEligible) -> Self {
        Self::NotEligible(reason)
    }
}

impl From<Held> for Verdict {
    fn from(reason: Held) -> Self {
        Self::Held(reason)
    }
}

impl Verdict {
    /// The verdict without its reason.
    pub fn kind(self) -> &'static str {
        self.into()
    }

    /// The reason, if there is one.
    pub fn reason(self) -> Option<String> {
        match self {
            Self::RollBack => None,
            Self::NotEligible(reason) => Some(reason.to_string()),
            Self::Held(reason) => Some(reason.to_string()),
        }
    }
}

impl Outcome {
    /// The outcome without its reason.
    pub fn kind(self) -> &'static str {
        self.into()
    }

    /// The reason, if there is one.
    pub fn reason(self) -> Option<String> {
        match self {
            Self::RolledBack | Self::WouldRollBack => None,
            Self::Partial(reason) => Some(reason.to_string()),
            Self::Failed(reason) => Some(reason.to_string()),
            Self::Deferred(reason) => Some(reason.to_string()),
            Self::NotEligible(reason) => Some(reason.to_string()),
            Self::Held(reason) => Some(reason.to_string()),
        }
    }

    /// Every outcome with every reason, in a stable order.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::RolledBack];
        all.extend(Partial::all().map(Self::Partial));
        all.extend(Failed::ALL.iter().map(|reason| Self::Failed(*reason)));
        all.push(Self::WouldRollBack);
        all.extend(Deferred::ALL.iter().map(|reason| Self::Deferred(*reason)));
        all.extend(NotEligible::ALL.iter().map(|reason| Self::NotEligible(*reason)));
        all.extend(Held::all().map(Self::Held));
        all
    }

    /// Whether it waits for something other than a person: mode, cap, brake, preflight, time.
    pub fn waits(self) -> bool {
        match self {
            Self::WouldRollBack | Self::Deferred(_) => true,
            Self::Partial(reason) => reason.waits(),
            _ => false,
        }
    }
}

fn with_reason(f: &mut fmt::Formatter<'_>, kind: &str, reason: Option<String>) -> fmt::Result {
    match reason {
        Some(reason) => f.pad(&format!("{kind}({reason})")),
        None => f.pad(kind),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_reason(f, self.kind(), self.reason())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_reason(f, self.kind(), self.reason())
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((kind, reason)) => (kind, Some(reason)),
        None => (text, None),
    }
}

impl FromStr for Outcome {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match split(text) {
            ("rolled_back", None) => Ok(Self::RolledBack),
            ("would_roll_back", None) => Ok(Self::WouldRollBack),
            ("partial", Some(reason)) => reason.parse().map(Self::Partial),
            ("failed", Some(reason)) => Ok(Self::Failed(reason.parse()?)),
            ("deferred", Some(reason)) => Ok(Self::Deferred(reason.parse()?)),
            ("not_eligible", Some(reason)) => Ok(Self::NotEligible(reason.parse()?)),
            ("held", Some(reason)) => reason.parse().map(Self::Held),
            _ => Err(UnknownName),
        }
    }
}

impl FromStr for Verdict {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match split(text) {
            ("roll_back", None) => Ok(Self::RollBack),
            ("not_eligible", Some(reason)) => Ok(Self::NotEligible(reason.parse()?)),
            ("held", Some(reason)) => reason.parse().map(Self::Held),
            _ => Err(UnknownName),
        }
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(|_| serde::de::Error::custom(UnknownName))
            }
        }
    };
}
as_text!(Outcome);
as_text!(Verdict);
as_text!(Held);
as_text!(Rule);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_and_verdict_is_read_back_from_its_text() {
        for outcome in Outcome::all() {
            assert_eq!(outcome.to_string().parse(), Ok(outcome));
        }
        let verdicts = Held::all().map(Verdict::Held).chain([Verdict::RollBack]);
        for verdict in verdicts.chain(NotEligible::ALL.iter().copied().map(Verdict::NotEligible)) {
            assert_eq!(verdict.to_string().parse(), Ok(verdict));
        }
    }

    #[test]
    fn no_two_outcomes_have_one_text() {
        let all = Outcome::all();
        let texts: std::collections::BTreeSet<String> = all.iter().map(Outcome::to_string).collect();
        assert_eq!(texts.len(), all.len());
    }

    #[test]
    fn names_of_a_newer_version_are_not_taken_for_others() {
        for text in
            ["held", "held(nonsense)", "held(nonsense_unknown)", "held(unknown)", "partial(nonsense)", "gone"]
        {
            assert_eq!(text.parse::<Outcome>(), Err(UnknownName), "{text}");
        }
    }

    #[test]
    fn every_stop_in_the_middle_has_its_partial_reason() {
        let all: Vec<Partial> = Partial::all().collect();
        let stops = Deferred::ALL.iter().map(|reason| Partial::from(*reason));
        let stops = stops.chain(Failed::ALL.iter().map(|reason| Partial::from(*reason)));
        let held = Held::all().filter(|reason| *reason != Held::AmbiguousEvent).map(Partial::from);
        assert!(stops.chain(held).all(|reason| all.contains(&reason)));
    }
}
