//! The rules of a decision, by name.

use strum::VariantArray as _;

/// A rule. The variants are in the order in which the rules are asked.
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
    Default,
)]
#[strum(serialize_all = "snake_case")]
pub enum Rule {
    /// The account exists in the directory.
    #[default]
    UserExists,
    /// A registration on record lies in the window.
    InWindow,
    /// Per-user MFA is disabled.
    PerUserMfa,
    /// Per-user MFA was not on in the window or later: it is off now, but MFA was meant then.
    MfaNotMeant,
    /// The user was never rolled back, apart from what an open intent still lists.
    NotRolledBack,
    /// The user has a strong method.
    StrongMethods,
    /// The user is not in `EXCLUDED_USER_IDS` or `EXCLUDED_GROUP_ID`.
    NotExcluded,
    /// The user holds no directory role and is eligible for none.
    NotAdministrator,
    /// The user is not a guest or otherwise external.
    NotExternal,
    /// The account is not disabled.
    AccountEnabled,
    /// The account was created before the window's start.
    NotNewAccount,
    /// Every strong method is shown to be of the window, or a setting lets it through.
    MethodsOfWindow,
    /// The user had no MFA methods when the window began: the window made this user an MFA user.
    NotStampedBefore,
    /// Something to sign in with would be left.
    NotLastCredential,
    /// No strong method is what the user signs in with.
    NotPrimarySignIn,
    /// Nothing demands MFA of the user today.
    MfaNotRequired,
}

impl Rule {
    /// All rules, in the order in which they are asked.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Whether the ledger alone answers it, so that it is never unknown.
    pub fn is_from_the_ledger(self) -> bool {
        matches!(self, Self::InWindow | Self::MfaNotMeant | Self::NotStampedBefore)
    }
}
