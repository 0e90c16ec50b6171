//! The rules of a decision, by name.

use strum::VariantArray as _;

/// A rule, in the order in which they are asked.
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
    /// The account is there.
    #[default]
    UserExists,
    /// A registration on record lies in the window.
    InWindow,
    /// Per-user MFA is disabled.
    PerUserMfa,
    /// No DELETE was ever sent for this user.
    NotRolledBack,
    /// There is a strong method.
    StrongMethods,
    /// Not excluded.
    NotExcluded,
    /// Holds no role and may take none.
    NotAdministrator,
    /// No guest.
    NotExternal,
    /// Not disabled.
    AccountEnabled,
    /// Not created in the window.
    NotNewAccount,
    /// Every strong method is of the window.
    MethodsOfWindow,
    /// Something to sign in with is left.
    NotLastCredential,
    /// No strong method is what the user signs in with.
    NotPrimarySignIn,
    /// Nothing demands MFA of the user today.
    MfaNotRequired,
}

impl Rule {
    /// All of them, in order.
    pub const ALL: &'static [Self] = Self::VARIANTS;
}
