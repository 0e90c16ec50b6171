//! Verdicts and outcomes, each with its reason, as they stand in the ledger, in results and in logs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Defines an enum of reasons with their names.
macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in results, logs and the ledger.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(UnknownName) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnknownName;
            fn try_from(text: String) -> Result<Self, UnknownName> { text.parse() }
        }

        impl From<$name> for String {
            fn from(reason: $name) -> Self { reason.as_str().to_owned() }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

/// A name that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name that this version does not know")]
pub struct UnknownName;

reasons! {
    /// Why a candidate is none of ours.
    NotEligible {
        /// The account is deleted.
        UserNotFound = "user_not_found",
        /// No registration lies in the window as configured now.
        OutsideWindow = "outside_window",
        /// Per-user MFA is enabled or enforced: MFA was meant.
        PerUserMfa = "per_user_mfa",
        /// Rolled back before, and no strong method is left.
        AlreadyRolledBack = "already_rolled_back",
        /// There is nothing to roll back.
        NoStrongMethods = "no_strong_methods",
    }
}

reasons! {
    /// Why a person has to look first.
    Held {
        /// Registered again after a rollback.
        ReRegistered = "re_registered",
        /// Break-glass or otherwise excluded.
        Excluded = "excluded",
        /// Holds a directory role or may take one.
        Administrator = "administrator",
        /// A guest or another external user.
        External = "external",
        /// The account is disabled.
        AccountDisabled = "account_disabled",
        /// A strong method is older than the window.
        RegisteredBefore = "registered_before",
        /// A strong method is younger than the window.
        RegisteredAfter = "registered_after",
        /// Nothing proves a strong method to be of the window.
        UnprovenMethod = "unproven_method",
        /// What earlier versions said of some unproven methods; nothing is held for it any more.
        UndatedMethod = "undated_method",
        /// The account was created in the window.
        NewAccount = "new_account",
        /// Conditional Access or security defaults demand MFA of the user.
        MfaRequired = "mfa_required",
        /// Nothing to sign in with would be left.
        LastCredential = "last_credential",
        /// A strong method is what the user signs in with.
        PrimarySignIn = "primary_sign_in",
        /// A registration without one clear user.
        AmbiguousEvent = "ambiguous_event",
        /// The account could not be read.
        UserExistsUnknown = "user_exists_unknown",
        /// The per-user MFA state could not be read.
        PerUserMfaUnknown = "per_user_mfa_unknown",
        /// Whether the methods are those of an earlier rollback could not be read.
        NotRolledBackUnknown = "not_rolled_back_unknown",
        /// The methods could not be read.
        StrongMethodsUnknown = "strong_methods_unknown",
        /// The exclusions could not be read.
        NotExcludedUnknown = "not_excluded_unknown",
        /// The directory roles could not be read.
        NotAdministratorUnknown = "not_administrator_unknown",
        /// Whether the user is external could not be read.
        NotExternalUnknown = "not_external_unknown",
        /// Whether the account is enabled could not be read.
        AccountEnabledUnknown = "account_enabled_unknown",
        /// When the methods were registered could not be read.
        MethodsOfWindowUnknown = "methods_of_window_unknown",
        /// What would be left to sign in with could not be read.
        NotLastCredentialUnknown = "not_last_credential_unknown",
        /// When the account was created could not be read.
        NotNewAccountUnknown = "not_new_account_unknown",
        /// Whether the user signs in with a strong method could not be read.
        NotPrimarySignInUnknown = "not_primary_sign_in_unknown",
        /// Whether MFA is demanded of the user could not be read.
        MfaNotRequiredUnknown = "mfa_not_required_unknown",
    }
}

reasons! {
    /// What a rollback waits for.
    Deferred {
        /// Mode canary, and the user is no canary.
        Canary = "canary",
        /// The daily cap is used up.
        DailyCap = "daily_cap",
        /// The brake is open.
        BrakeOpen = "brake_open",
        /// The preview is not disabled yet.
        PreviewNotDisabled = "preview_not_disabled",
        /// Preflight failed.
        PreflightFailed = "preflight_failed",
    }
}

reasons! {
    /// Why nothing was deleted although it was tried.
    Failed {
        /// Graph throttled or did not answer for 24 h.
        Throttled = "throttled",
        /// Graph forbids it for this user.
        Forbidden = "forbidden",
        /// Graph refuses it.
        Refused = "refused",
        /// Something else went wrong for 24 h.
        Attempts = "attempts",
    }
}

reasons! {
    /// Why some methods are gone and some are not.
    Partial {
        /// The default method cannot go.
        DefaultRefused = "default_refused",
        /// Registered again in the middle.
        ReRegistered = "re_registered",
        /// Deleted, but Graph still lists it.
        StillListed = "still_listed",
        /// The brake was opened in the middle.
        BrakeOpen = "brake_open",
        /// Graph throttled or did not answer for 24 h.
        Throttled = "throttled",
        /// Graph forbids the rest.
        Forbidden = "forbidden",
        /// Graph refuses the rest.
        Refused = "refused",
        /// Something else went wrong for 24 h.
        Attempts = "attempts",
        /// The mode was taken back in the middle.
        Mode = "mode",
        /// The user is no canary any more.
        Canary = "canary",
        /// No slot of the daily cap is free for going on.
        DailyCap = "daily_cap",
        /// The window was moved in the middle.
        PreviewNotDisabled = "preview_not_disabled",
        /// Preflight failed in the middle.
        PreflightFailed = "preflight_failed",
        /// The account was deleted in the middle.
        UserNotFound = "user_not_found",
        /// The window was narrowed in the middle.
        OutsideWindow = "outside_window",
        /// Per-user MFA was enabled in the middle.
        PerUserMfa = "per_user_mfa",
        /// Excluded in the middle.
        Excluded = "excluded",
        /// Became an administrator in the middle.
        Administrator = "administrator",
        /// Became external in the middle.
        External = "external",
        /// Disabled in the middle.
        AccountDisabled = "account_disabled",
        /// A strong method is older than the window.
        RegisteredBefore = "registered_before",
        /// A strong method is younger than the window.
        RegisteredAfter = "registered_after",
        /// Nothing proves a strong method to be of the window.
        UnprovenMethod = "unproven_method",
        /// What earlier versions said of some unproven methods.
        UndatedMethod = "undated_method",
        /// The account was created in the window.
        NewAccount = "new_account",
        /// MFA came to be demanded of the user in the middle.
        MfaRequired = "mfa_required",
        /// Nothing to sign in with would be left.
        LastCredential = "last_credential",
        /// A strong method is what the user signs in with.
        PrimarySignIn = "primary_sign_in",
        /// A rule could not be answered.
        Unknown = "unknown",
    }
}

/// What a candidate's decision says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Roll back.
    RollBack,
    /// None of ours.
    NotEligible(NotEligible),
    /// A person has to look first.
    Held(Held),
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// All strong methods are gone.
    RolledBack,
    /// Some are gone, some are not.
    Partial(Partial),
    /// None are gone.
    Failed(Failed),
    /// Mode report: decided, nothing deleted.
    WouldRollBack,
    /// Decided, and waiting.
    Deferred(Deferred),
    /// None of ours.
    NotEligible(NotEligible),
    /// A person has to look first.
    Held(Held),
}

impl Outcome {
    /// The outcome without its reason.
    pub fn kind(self) -> &'static str {
        match self {
            Self::RolledBack => "rolled_back",
            Self::Partial(_) => "partial",
            Self::Failed(_) => "failed",
            Self::WouldRollBack => "would_roll_back",
            Self::Deferred(_) => "deferred",
            Self::NotEligible(_) => "not_eligible",
            Self::Held(_) => "held",
        }
    }

    /// The reason, where there is one.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::RolledBack | Self::WouldRollBack => None,
            Self::Partial(reason) => Some(reason.as_str()),
            Self::Failed(reason) => Some(reason.as_str()),
            Self::Deferred(reason) => Some(reason.as_str()),
            Self::NotEligible(reason) => Some(reason.as_str()),
            Self::Held(reason) => Some(reason.as_str()),
        }
    }

    /// Every outcome with every reason, in a stable order.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::RolledBack];
        all.extend(Partial::ALL.iter().map(|reason| Self::Partial(*reason)));
        all.extend(Failed::ALL.iter().map(|reason| Self::Failed(*reason)));
        all.push(Self::WouldRollBack);
        all.extend(Deferred::ALL.iter().map(|reason| Self::Deferred(*reason)));
        all.extend(NotEligible::ALL.iter().map(|reason| Self::NotEligible(*reason)));
        all.extend(Held::ALL.iter().map(|reason| Self::Held(*reason)));
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

impl Partial {
    /// Whether it waits for mode, cap, brake, preflight or time, as the outcomes of the same name do.
    pub fn waits(self) -> bool {
        self == Self::Mode || self.as_str().parse::<Deferred>().is_ok()
    }
}

impl Held {
    /// Whether it is a rule's unknown: looked at again by the hour, and nobody can release it.
    pub fn is_unknown(self) -> bool {
        self.as_str().ends_with("_unknown")
    }

    /// Whether a person's release lifts it.
    pub fn can_be_released(self) -> bool {
        self != Self::Excluded && !self.is_unknown()
    }
}

impl From<Verdict> for Partial {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::RollBack => Self::Attempts,
            Verdict::NotEligible(reason) => reason.as_str().parse().unwrap_or(Self::ReRegistered),
            Verdict::Held(reason) => reason.as_str().parse().unwrap_or(Self::Unknown),
        }
    }
}

impl From<Deferred> for Partial {
    fn from(reason: Deferred) -> Self {
        reason.as_str().parse().expect("every deferred reason is a partial one too")
    }
}

impl From<Failed> for Partial {
    fn from(reason: Failed) -> Self {
        reason.as_str().parse().expect("every failed reason is a partial one too")
    }
}

fn with_reason(f: &mut fmt::Formatter<'_>, kind: &str, reason: Option<&str>) -> fmt::Result {
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
        match self {
            Self::RollBack => f.pad("roll_back"),
            Self::NotEligible(reason) => with_reason(f, "not_eligible", Some(reason.as_str())),
            Self::Held(reason) => with_reason(f, "held", Some(reason.as_str())),
        }
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
            ("failed", Some(reason)) => reason.parse().map(Self::Failed),
            ("deferred", Some(reason)) => reason.parse().map(Self::Deferred),
            ("not_eligible", Some(reason)) => reason.parse().map(Self::NotEligible),
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
            ("not_eligible", Some(reason)) => reason.parse().map(Self::NotEligible),
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
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
as_text!(Outcome);
as_text!(Verdict);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_read_back_from_its_text() {
        for outcome in Outcome::all() {
            assert_eq!(outcome.to_string().parse(), Ok(outcome));
        }
        assert!("held".parse::<Outcome>().is_err() && "held(nonsense)".parse::<Outcome>().is_err());
    }

    #[test]
    fn every_stop_in_the_middle_has_its_partial_reason() {
        for reason in Deferred::ALL {
            assert_eq!(Partial::from(*reason).as_str(), reason.as_str());
        }
        for reason in Failed::ALL {
            assert_eq!(Partial::from(*reason).as_str(), reason.as_str());
        }
        for reason in Held::ALL {
            let partial = Partial::from(Verdict::Held(*reason));
            assert_eq!(partial == Partial::Unknown, reason.is_unknown() || *reason == Held::AmbiguousEvent);
        }
    }
}
