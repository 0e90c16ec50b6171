//! Authentication methods: their kinds, and one user's as Graph lists them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of authentication method it is, by Graph's type name without prefix and suffix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum MethodKind {
    /// A phone: mobile, alternate mobile or office.
    Phone,
    /// The Microsoft Authenticator app, with notifications or passwordless.
    MicrosoftAuthenticator,
    /// An app that shows codes.
    SoftwareOath,
    /// A password.
    Password,
    /// An e-mail address, for self-service password reset only.
    Email,
    /// A FIDO2 key or passkey.
    Fido2,
    /// Windows Hello for Business.
    WindowsHelloForBusiness,
    /// A platform credential (macOS).
    PlatformCredential,
    /// A temporary access pass.
    TemporaryAccessPass,
    /// A provider outside Entra.
    External,
    /// A QR code with a PIN.
    QrCodePin,
    /// A token that shows codes; only beta lists these.
    HardwareOath,
    /// A kind that this program does not know: left alone and reported.
    Unknown(String),
}

impl MethodKind {
    /// The kind as it is written in results, logs and the ledger.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone => "phone",
            Self::MicrosoftAuthenticator => "microsoftAuthenticator",
            Self::SoftwareOath => "softwareOath",
            Self::Password => "password",
            Self::Email => "email",
            Self::Fido2 => "fido2",
            Self::WindowsHelloForBusiness => "windowsHelloForBusiness",
            Self::PlatformCredential => "platformCredential",
            Self::TemporaryAccessPass => "temporaryAccessPass",
            Self::External => "external",
            Self::QrCodePin => "qrCodePin",
            Self::HardwareOath => "hardwareOath",
            Self::Unknown(name) => name,
        }
    }

    /// Whether it is one of the three kinds that are rolled back: those that the portal's "Require
    /// re-register MFA" deletes.
    pub fn is_strong(&self) -> bool {
        matches!(self, Self::Phone | Self::MicrosoftAuthenticator | Self::SoftwareOath)
    }

    /// Whether it is enough to sign in with: with none of these left, a user is locked out.
    pub fn is_primary_credential(&self) -> bool {
        matches!(
            self,
            Self::Password
                | Self::Fido2
                | Self::WindowsHelloForBusiness
                | Self::PlatformCredential
                | Self::QrCodePin
        )
    }

    /// Whether it can still do MFA when the strong methods are gone.
    pub fn can_still_do_mfa(&self) -> bool {
        matches!(self, Self::HardwareOath | Self::External | Self::Fido2)
    }
}

impl From<String> for MethodKind {
    fn from(name: String) -> Self {
        match name.as_str() {
            "phone" => Self::Phone,
            "microsoftAuthenticator" => Self::MicrosoftAuthenticator,
            "softwareOath" => Self::SoftwareOath,
            "password" => Self::Password,
            "email" => Self::Email,
            "fido2" => Self::Fido2,
            "windowsHelloForBusiness" => Self::WindowsHelloForBusiness,
            "platformCredential" => Self::PlatformCredential,
            "temporaryAccessPass" => Self::TemporaryAccessPass,
            "external" => Self::External,
            "qrCodePin" => Self::QrCodePin,
            "hardwareOath" => Self::HardwareOath,
            _ => Self::Unknown(name),
        }
    }
}

impl From<MethodKind> for String {
    fn from(kind: MethodKind) -> Self {
        kind.as_str().to_owned()
    }
}

impl fmt::Display for MethodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
