//! Authentication methods: their kinds, and one user's as Graph lists them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::MethodId;

/// What kind of authentication method it is, by Graph's type name without prefix and suffix.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(from = "String", into = "String")]
#[strum(serialize_all = "camelCase")]
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
    #[strum(disabled)]
    Unknown(String),
}

impl MethodKind {
    /// The kind as it is written in results, logs and the ledger.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown(name) => name,
            known => known.into(),
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
        name.parse().unwrap_or(Self::Unknown(name))
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

/// Per-user MFA (beta `authentication/requirements`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PerUserMfa {
    /// Nobody asked for MFA for this user.
    Disabled,
    /// An administrator enabled it.
    Enabled,
    /// It was enabled and the user has registered.
    Enforced,
    /// A state that this program does not know.
    #[serde(other)]
    Unknown,
}

/// Which of a user's numbers a phone method is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneType {
    /// The mobile number.
    Mobile,
    /// The alternate mobile number: it must go before the mobile one.
    AlternateMobile,
    /// The office number.
    Office,
}

/// Whether a number is what its user signs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsSignIn {
    /// It is.
    Ready,
    /// It is not.
    Not,
}

/// One authentication method as Graph lists it.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticationMethod {
    /// Its kind.
    pub kind: MethodKind,
    /// Its id.
    pub id: MethodId,
    /// When it was registered, where Graph says so.
    pub created: Option<Timestamp>,
    /// The number of a phone; it never leaves this struct but as a salted hash.
    pub phone_number: Option<String>,
    /// Which number it is.
    pub phone_type: Option<PhoneType>,
    /// Whether the number is what the user signs in with.
    pub sms_sign_in: SmsSignIn,
}

impl fmt::Debug for AuthenticationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.kind, self.id, self.created)
    }
}

impl AuthenticationMethod {
    /// The method as results name it.
    pub fn name(&self) -> MethodName {
        MethodName { kind: self.kind.clone(), id: self.id.clone() }
    }
}

/// Methods as results name them.
pub fn names(methods: &[AuthenticationMethod]) -> Vec<MethodName> {
    methods.iter().map(AuthenticationMethod::name).collect()
}

/// A method as results name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MethodName {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: MethodKind,
    /// Its id.
    pub id: MethodId,
}
