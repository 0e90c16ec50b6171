//! Where a method comes from, and what shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ids::EventId, method::MethodName, outcome::Held};

/// Where a strong method comes from.
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
    strum::VariantArray,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Origin {
    /// The user registered it in the window.
    OfWindow,
    /// It was there before the window.
    BeforeWindow,
    /// It came after the window.
    AfterWindow,
    /// Somebody other than the user made or changed it: an administrator or an app.
    ByAdmin,
    /// Nothing shows when it came.
    Unproven,
}

/// The audit event that shows where a method comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Shows {
    /// The event's id.
    pub event_id: EventId,
    /// When it happened.
    pub event_at: Timestamp,
}

/// What a decision found out about one strong method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MethodOrigin {
    /// The method.
    #[serde(flatten)]
    pub method: MethodName,
    /// Where it comes from.
    pub origin: Origin,
    /// What shows that, in a sentence about the method.
    pub evidence: String,
    /// The event that shows it; `None` if no event does.
    #[serde(flatten)]
    pub shown_by: Option<Shows>,
    /// Why it may not be deleted; `None` if it may.
    pub held: Option<Held>,
    /// Whether it stays by a setting while the others go.
    #[serde(default)]
    pub kept: bool,
}
