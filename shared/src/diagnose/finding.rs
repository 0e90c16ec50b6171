//! What a diagnosis says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::VariantArray as _;

use super::told::ToldEvent;
use crate::domain::ids::UserId;

/// What users complain of.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Symptom {
    /// "I'm not seeing the methods I expected to see": interrupted at sign-in.
    MissingMethods,
    /// "I don't have the option to add a particular method": at <https://aka.ms/mysecurityinfo>.
    CannotAdd,
    /// "I am asked for MFA and nobody enabled it".
    UnexpectedPrompt,
}

impl Symptom {
    /// All of them, in the order in which they are answered.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The complaint in the user's words.
    pub fn complaint(self) -> &'static str {
        match self {
            Self::MissingMethods => "I'm not seeing the methods I expected to see",
            Self::CannotAdd => "I don't have the option to add a particular method",
            Self::UnexpectedPrompt => "I am asked for MFA and nobody enabled it",
        }
    }
}

/// A method that a user wants to add, as the page calls it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AskedMethod {
    /// The mobile number.
    Phone,
    /// The alternate mobile number.
    AlternatePhone,
    /// The office number.
    OfficePhone,
    /// The Microsoft Authenticator app.
    Authenticator,
    /// Another app that shows codes.
    OtherApp,
    /// An e-mail address, for SSPR.
    Email,
    /// Security questions, for SSPR.
    SecurityQuestions,
    /// A password for apps that cannot do MFA.
    AppPassword,
    /// A passkey or security key.
    Passkey,
}

impl AskedMethod {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Whether it is good for resetting a password, and not for MFA.
    pub(super) fn serves_sspr_alone(self) -> bool {
        matches!(self, Self::Email | Self::SecurityQuestions)
    }
}

/// What a finding has to do with the complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Bearing {
    /// It may be why.
    MayBeWhy,
    /// It is not why.
    NotWhy,
    /// It could not be read, or Graph does not show it.
    NotRead,
    /// It tells something that the others are judged by.
    Tells,
}

/// What was asked.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::VariantArray,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Step {
    /// Whether the user is an administrator, so that SSPR's administrator policy applies.
    Administrator,
    /// Whether MFA registration is enforced.
    MfaEnforcement,
    /// Whether SSPR registration is enforced.
    SsprEnforcement,
    /// Whether the registration campaign asks the user.
    RegistrationCampaign,
    /// Which methods are to be expected.
    ExpectedMethods,
    /// Whether a policy was changed of late.
    PolicyChange,
    /// Whether the method is enabled for MFA or SSPR.
    MethodEnabled,
    /// Whether the user has the most of it already.
    Maximum,
    /// When and by what the MFA flags were set.
    Stamp,
    /// Per-user MFA.
    PerUserMfa,
    /// Conditional Access, by What If.
    ConditionalAccess,
    /// Security defaults.
    SecurityDefaults,
    /// The prompt of the security-info page itself.
    SecurityInfoPage,
    /// Whether a rollback would be made.
    Rollback,
}

impl Step {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was asked.
    pub step: Step,
    /// What it has to do with the complaint.
    pub bearing: Bearing,
    /// What was looked at.
    pub looked_at: String,
    /// The answer. It may contain names that other people chose.
    pub answer: String,
    /// What to do next; `None` if nothing follows from it.
    pub next_step: Option<String>,
}

/// The findings about one complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Which complaint.
    pub symptom: Symptom,
    /// The complaint in the user's words.
    pub complaint: String,
    /// The method that the user wants to add, if one was named.
    pub method: Option<AskedMethod>,
    /// The findings, in the order in which to look at them.
    pub findings: Vec<Finding>,
}

/// What is known about one user's trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The user's object id.
    pub user_id: UserId,
    /// The principal name, if the account could be read.
    pub user_principal_name: Option<String>,
    /// The display name, if the account could be read.
    pub display_name: Option<String>,
    /// When everything was read.
    pub read_at: Timestamp,
    /// Each complaint that was asked about.
    pub complaints: Vec<Complaint>,
    /// What the audit log tells of the user's security info, oldest first.
    pub story: Vec<ToldEvent>,
    /// Why the story may have gaps; `None` if it is all that the log keeps.
    pub story_lacks: Option<String>,
}

impl Finding {
    pub(super) fn new(step: Step, bearing: Bearing, looked_at: &str, answer: impl Into<String>) -> Self {
        Self { step, bearing, looked_at: looked_at.to_owned(), answer: answer.into(), next_step: None }
    }

    pub(super) fn not_read(step: Step, looked_at: &str, why: &str) -> Self {
        Self::new(step, Bearing::NotRead, looked_at, format!("could not be read: {why}"))
    }

    #[must_use]
    pub(super) fn next(self, next_step: impl Into<String>) -> Self {
        Self { next_step: Some(next_step.into()), ..self }
    }
}
