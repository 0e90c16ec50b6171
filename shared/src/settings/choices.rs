//! Settings that are one of a few names.

use serde::{Deserialize, Serialize};

/// What the program does with a `roll_back` decision.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::VariantNames,
    strum::Display,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Mode {
    /// Decide and record, delete nothing.
    Report,
    /// Roll back the canary users only.
    Canary,
    /// Roll back everybody who is eligible.
    Enforce,
}

/// What to do with methods that are older than the window.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PreexistingMethods {
    /// Hold the user for a person to look at.
    Hold,
    /// Delete the others and leave them.
    Keep,
    /// Roll them back as well.
    RollBack,
}

/// What to do with users of whom MFA is demanded anyway.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MfaRequiredUsers {
    /// Hold the user for a person to look at.
    Hold,
    /// Roll them back as well.
    RollBack,
}

/// What to do with methods that nothing proves to be from the window.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum UnprovenMethods {
    /// Hold the user for a person to look at.
    Hold,
    /// Take the only method of a kind to be the one that a registration of the window names, unless something
    /// speaks against it.
    Count,
    /// Roll them back as well.
    RollBack,
}
