//! Why a user is not rolled back, not yet, or not completely: the reasons that outcomes carry, and their
//! names in the ledger, in results and in logs.

use std::{fmt, str::FromStr};

use strum::{IntoEnumIterator as _, VariantArray as _};

use super::rule::Rule;

/// A name that this version does not know, because a newer one wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name that this version does not know")]
pub struct UnknownName;

impl From<strum::ParseError> for UnknownName {
    fn from(_: strum::ParseError) -> Self {
        Self
    }
}

/// Why a candidate is not to be rolled back at all.
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
    /// The account is deleted: Graph answers 404.
    UserNotFound,
    /// No registration lies in the window as configured now.
    OutsideWindow,
    /// Per-user MFA is enabled or enforced: MFA was meant.
    PerUserMfa,
    /// Rolled back before, and no strong method is left.
    AlreadyRolledBack,
    /// The user has no phone, Authenticator or software OATH method.
    NoStrongMethods,
}

impl NotEligible {
    /// All reasons, in a stable order.
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
    /// The mode is `canary`, and the user is not a canary.
    Canary,
    /// The daily cap is used up.
    DailyCap,
    /// The brake is open.
    BrakeOpen,
    /// The preview is not disabled yet.
    PreviewNotDisabled,
    /// Preflight found a fault; `doctor` says which.
    PreflightFailed,
    /// The methods were seen too short a time ago: a record about them may still come.
    SecondLook,
    /// No plan that names these methods was approved by enough people.
    NotApproved,
}

impl Deferred {
    /// All reasons, in a stable order.
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// Why nothing was deleted although the program tried.
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
    /// Graph forbids the DELETE for this user, although the permission is granted.
    Forbidden,
    /// Graph refused to delete the methods.
    Refused,
    /// Graph keeps the default method while another one is there, and refuses to change the default.
    DefaultRefused,
    /// Anything else: 24 h of failed attempts, or DELETEs that had no effect.
    Attempts,
}

impl Failed {
    /// All reasons, in a stable order.
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// Why a person has to look first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Held {
    /// The user registered again after a rollback.
    ReRegistered,
    /// Per-user MFA was on in the window or later, though it is off now.
    MfaWasMeant,
    /// A break-glass account, or otherwise excluded (`EXCLUDED_USER_IDS`, `EXCLUDED_GROUP_ID`).
    Excluded,
    /// The user holds a directory role or is eligible for one.
    Administrator,
    /// A guest or another external user.
    External,
    /// The account is disabled.
    AccountDisabled,
    /// A strong method was registered before the window.
    RegisteredBefore,
    /// A strong method was registered after the window.
    RegisteredAfter,
    /// Somebody other than the user made or changed a strong method.
    RegisteredByAdmin,
    /// Nothing proves that a strong method is of the window.
    UnprovenMethod,
    /// What earlier versions called some unproven methods. Nobody is held for it any more.
    UndatedMethod,
    /// The account was created at or after the window's start.
    NewAccount,
    /// Conditional Access or security defaults demand MFA of the user.
    MfaRequired,
    /// Nothing to sign in with would be left.
    LastCredential,
    /// A strong method is what the user signs in with.
    PrimarySignIn,
    /// What people approved is not what would be deleted now: another method is there, or the settings changed.
    ChangedSinceReview,
    /// A registration that does not clearly name one user.
    AmbiguousEvent,
    /// What the rule needs to know could not be read.
    Unknown(Rule),
}

impl Held {
    /// All reasons. `in_window` is never unknown, because the ledger itself knows the answer.
    pub fn all() -> impl Iterator<Item = Self> {
        let rules = Rule::ALL.iter().copied().filter(|rule| !rule.is_from_the_ledger());
        Self::iter().filter(|reason| !reason.is_unknown()).chain(rules.map(Self::Unknown))
    }

    /// Whether it stands for a rule's unknown: it is looked at again every hour, and nobody can release it.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether a person's release can lift it; some only for users who are listed in `RELEASABLE_USER_IDS`.
    pub fn can_be_released(self, is_listed: bool) -> bool {
        match self {
            Self::Excluded | Self::ChangedSinceReview | Self::Unknown(_) => false,
            Self::Administrator | Self::LastCredential => is_listed,
            _ => true,
        }
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
    /// Graph keeps the default method while another one is there, or a mobile number beside its alternate, and refuses to
    /// change the default.
    DefaultRefused,
    /// A method was deleted, but Graph still lists it.
    StillListed,
    /// The mode was set back to `report` in the middle of the rollback.
    Mode,
    /// In the middle of the rollback, a rule could not be answered; the decision says which.
    Unknown,
    /// The rest could not be deleted, for this reason.
    #[strum(to_string = "{0}")]
    Failed(Failed),
    /// Mode, cap, brake, window or preflight stopped the rollback in the middle.
    #[strum(to_string = "{0}")]
    Deferred(Deferred),
    /// In the middle of the rollback, a rule found that the user is not eligible.
    #[strum(to_string = "{0}")]
    NotEligible(NotEligible),
    /// In the middle of the rollback, a rule found that a person has to look first.
    #[strum(to_string = "{0}")]
    Held(Held),
}

impl Partial {
    const OWN: [Self; 4] = [Self::DefaultRefused, Self::StillListed, Self::Mode, Self::Unknown];

    /// All reasons that a partial rollback may have. Those that presuppose no strong method, or an event
    /// without a user, are left out.
    pub fn all() -> impl Iterator<Item = Self> {
        let no_method = [NotEligible::AlreadyRolledBack, NotEligible::NoStrongMethods];
        let not_eligible = NotEligible::ALL.iter().filter(move |reason| !no_method.contains(reason));
        let held = Held::all().filter(|reason| *reason != Held::AmbiguousEvent && !reason.is_unknown());
        Self::OWN
            .into_iter()
            .chain(
                Failed::ALL
                    .iter()
                    .filter(|reason| **reason != Failed::DefaultRefused)
                    .copied()
                    .map(Self::Failed),
            )
            .chain(Deferred::ALL.iter().copied().map(Self::Deferred))
            .chain(not_eligible.copied().map(Self::NotEligible))
            .chain(held.map(Self::Held))
    }

    /// Whether it waits for mode, cap, brake, window or preflight, as the outcome of the same name does.
    pub fn waits(self) -> bool {
        matches!(self, Self::Mode | Self::Deferred(_))
    }
}

impl From<Failed> for Partial {
    fn from(reason: Failed) -> Self {
        if reason == Failed::DefaultRefused { Self::DefaultRefused } else { Self::Failed(reason) }
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
