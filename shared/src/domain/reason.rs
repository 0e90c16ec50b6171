//! Why a user is not rolled back, not now, or not wholly: the reasons with which outcomes are told apart, and
//! their names in the ledger, in results and in logs.

use std::{fmt, str::FromStr};

use strum::{IntoEnumIterator as _, VariantArray as _};

use super::rule::Rule;

/// A name that this version does not know: a newer one wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name that this version does not know")]
pub struct UnknownName;

impl From<strum::ParseError> for UnknownName {
    fn from(_: strum::ParseError) -> Self {
        Self
    }
}

/// Why a candidate is none of ours.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum NotEligible {
    /// The account is deleted.
    UserNotFound,
    /// No registration lies in the window as configured now.
    OutsideWindow,
    /// Per-user MFA is enabled or enforced: MFA was meant.
    PerUserMfa,
    /// Rolled back before, and no strong method is left.
    AlreadyRolledBack,
    /// There is nothing to roll back.
    NoStrongMethods,
}

impl NotEligible {
    /// Every reason.
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// What a rollback waits for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Deferred {
    /// Mode canary, and the user is no canary.
    Canary,
    /// The daily cap is used up.
    DailyCap,
    /// The brake is open.
    BrakeOpen,
    /// The preview is not disabled yet.
    PreviewNotDisabled,
    /// Preflight failed.
    PreflightFailed,
}

impl Deferred {
    /// Every reason.
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// Why nothing was deleted although it was tried.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Failed {
    /// Graph throttled or did not answer for 24 h.
    Throttled,
    /// Graph forbids it for this user.
    Forbidden,
    /// Graph refuses it.
    Refused,
    /// Something else went wrong for 24 h.
    Attempts,
}

impl Failed {
    /// Every reason.
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// Why a person has to look first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Held {
    /// Registered again after a rollback.
    ReRegistered,
    /// Break-glass or otherwise excluded.
    Excluded,
    /// Holds a directory role or may take one.
    Administrator,
    /// A guest or another external user.
    External,
    /// The account is disabled.
    AccountDisabled,
    /// A strong method is older than the window.
    RegisteredBefore,
    /// A strong method is younger than the window.
    RegisteredAfter,
    /// Nothing proves a strong method to be of the window.
    UnprovenMethod,
    /// What earlier versions said of some unproven methods; nothing is held for it any more.
    UndatedMethod,
    /// The account was created in the window.
    NewAccount,
    /// Conditional Access or security defaults demand MFA of the user.
    MfaRequired,
    /// Nothing to sign in with would be left.
    LastCredential,
    /// A strong method is what the user signs in with.
    PrimarySignIn,
    /// A registration without one clear user.
    AmbiguousEvent,
    /// What the rule needs to know could not be read.
    Unknown(Rule),
}

impl Held {
    /// Every reason. What the ledger itself knows is never unknown.
    pub fn all() -> impl Iterator<Item = Self> {
        let rules = Rule::ALL.iter().copied().filter(|rule| *rule != Rule::InWindow);
        Self::iter().filter(|reason| !reason.is_unknown()).chain(rules.map(Self::Unknown))
    }

    /// Whether it is a rule's unknown: looked at again by the hour, and nobody can release it.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether a person's release lifts it.
    pub fn can_be_released(self) -> bool {
        self != Self::Excluded && !self.is_unknown()
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(rule) => f.pad(&format!("{rule}_unknown")),
            reason => f.pad(reason.into()),
        }
    }
}

impl FromStr for Held {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text.strip_suffix("_unknown") {
            Some(rule) => Ok(Self::Unknown(rule.parse()?)),
            None => Self::iter()
                .find(|reason| !reason.is_unknown() && text == <&str>::from(reason))
                .ok_or(UnknownName),
        }
    }
}

/// Why some methods are gone and some are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Partial {
    /// The default method cannot go.
    DefaultRefused,
    /// Deleted, but Graph still lists it.
    StillListed,
    /// The mode was taken back in the middle.
    Mode,
    /// A rule could not be answered in the middle: the decision says which.
    Unknown,
    /// Graph did not let it go on.
    #[strum(to_string = "{0}")]
    Failed(Failed),
    /// Mode, cap, brake, window or preflight stopped it in the middle.
    #[strum(to_string = "{0}")]
    Deferred(Deferred),
    /// A rule found in the middle that the user is none of ours.
    #[strum(to_string = "{0}")]
    NotEligible(NotEligible),
    /// A rule found in the middle that a person has to look first.
    #[strum(to_string = "{0}")]
    Held(Held),
}

impl Partial {
    const OWN: [Self; 4] = [Self::DefaultRefused, Self::StillListed, Self::Mode, Self::Unknown];

    /// Every reason. Those that presuppose no strong method, or no user, come with no partial rollback.
    pub fn all() -> impl Iterator<Item = Self> {
        let no_method = [NotEligible::AlreadyRolledBack, NotEligible::NoStrongMethods];
        let not_eligible = NotEligible::ALL.iter().filter(move |reason| !no_method.contains(reason));
        let held = Held::all().filter(|reason| *reason != Held::AmbiguousEvent && !reason.is_unknown());
        Self::OWN
            .into_iter()
            .chain(Failed::ALL.iter().copied().map(Self::Failed))
            .chain(Deferred::ALL.iter().copied().map(Self::Deferred))
            .chain(not_eligible.copied().map(Self::NotEligible))
            .chain(held.map(Self::Held))
    }

    /// Whether it waits for mode, cap, brake, window or preflight, as the outcomes of the same name do.
    pub fn waits(self) -> bool {
        matches!(self, Self::Mode | Self::Deferred(_))
    }
}

impl From<Failed> for Partial {
    fn from(reason: Failed) -> Self {
        Self::Failed(reason)
    }
}

impl From<Deferred> for Partial {
    fn from(reason: Deferred) -> Self {
        Self::Deferred(reason)
    }
}

impl From<NotEligible> for Partial {
    fn from(reason: NotEligible) -> Self {
        Self::NotEligible(reason)
    }
}

impl From<Held> for Partial {
    fn from(reason: Held) -> Self {
        if reason.is_unknown() { Self::Unknown } else { Self::Held(reason) }
    }
}

impl FromStr for Partial {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        if let Some(own) = Self::OWN.into_iter().find(|reason| reason.to_string() == text) {
            return Ok(own);
        }
        let failed = text.parse().map(Self::Failed);
        let deferred = || text.parse().map(Self::Deferred);
        let not_eligible = || text.parse().map(Self::NotEligible);
        let held = || text.parse::<Held>().map(Self::from);
        failed.or_else(|_| deferred()).or_else(|_| not_eligible()).or_else(|_: strum::ParseError| held())
    }
}
