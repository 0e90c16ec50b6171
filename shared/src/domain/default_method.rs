//! The method that a user's second step asks for first, and which one takes its place where it blocks.

use serde::{Deserialize, Serialize};

use super::method::{AuthenticationMethod, MethodKind, PhoneType};

/// Graph's `userPreferredMethodForSecondaryAuthentication`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum DefaultMethod {
    /// A notification of the Authenticator.
    Push,
    /// A code of an app or of a hardware token.
    Oath,
    /// A call to the mobile number.
    VoiceMobile,
    /// A call to the alternate mobile number.
    VoiceAlternateMobile,
    /// A call to the office number.
    VoiceOffice,
    /// A message to the mobile number.
    Sms,
    /// One that this version does not know. It is left alone.
    #[serde(other)]
    Other,
}

/// A change of the default method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultChange {
    /// What it was.
    pub from: DefaultMethod,
    /// What it is to be.
    pub to: DefaultMethod,
}

impl DefaultMethod {
    /// What a method is as the default; `None` if it cannot be that.
    pub fn of(method: &AuthenticationMethod) -> Option<Self> {
        match (&method.kind, method.phone_type) {
            (MethodKind::Phone, Some(PhoneType::Mobile)) => Some(Self::Sms),
            (MethodKind::Phone, Some(PhoneType::AlternateMobile)) => Some(Self::VoiceAlternateMobile),
            (MethodKind::Phone, Some(PhoneType::Office)) => Some(Self::VoiceOffice),
            (MethodKind::MicrosoftAuthenticator, _) => Some(Self::Push),
            (MethodKind::SoftwareOath | MethodKind::HardwareOath, _) => Some(Self::Oath),
            _ => None,
        }
    }

    /// Whether a method is, or may be, this default.
    pub fn is(self, method: &AuthenticationMethod) -> bool {
        let is_mobile = self == Self::VoiceMobile && Self::of(method) == Some(Self::Sms);
        is_mobile || Self::of(method) == Some(self)
    }
}
