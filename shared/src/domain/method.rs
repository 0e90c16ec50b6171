//! Authentication methods: their kinds, and one user's as Graph lists them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::MethodId;

/// The kind of an authentication method: Graph's type name without its prefix and suffix.
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
    schemars::JsonSchema,
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
    /// A password; every user has one, known or not.
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
    /// A hardware token that shows codes; only Graph's beta lists these.
    HardwareOath,
    /// A kind that this program does not know. It is left alone and reported.
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

    /// Whether it is enough to sign in with. A user who has none of these left is locked out.
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
        matches!(
            self,
            Self::HardwareOath
                | Self::External
                | Self::Fido2
                | Self::WindowsHelloForBusiness
                | Self::PlatformCredential
        )
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

/// The per-user MFA state (beta `authentication/requirements`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PerUserMfa {
    /// No administrator has turned it on for this user.
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
    /// The mobile number: it cannot go before the alternate one.
    Mobile,
    /// The alternate mobile number: it must go before the mobile one.
    AlternateMobile,
    /// The office number; it is the directory's, not the user's.
    Office,
}

/// Whether the user signs in with a phone's number (`smsSignInState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsSignIn {
    /// `ready`: the user signs in with it.
    Ready,
    /// Any other state, or none.
    Not,
}

/// One authentication method as Graph lists it.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticationMethod {
    /// The kind, by its `@odata.type`.
    pub kind: MethodKind,
    /// The id; only user, kind and id together name a method.
    pub id: MethodId,
    /// When it was registered; `None` if Graph does not say.
    pub created: Option<Timestamp>,
    /// A phone's number; it leaves this struct only as a salted hash.
    pub phone_number: Option<String>,
    /// Which of the user's numbers it is; `None` if it is no phone, or if Graph does not say.
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
    /// Whether users register it themselves. An office number is the directory's: neither date nor count makes it
    /// the user's own.
    pub fn is_of_the_users_own_kind(&self) -> bool {
        self.kind != MethodKind::Phone
            || matches!(self.phone_type, Some(PhoneType::Mobile | PhoneType::AlternateMobile))
    }

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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MethodName {
    /// The kind; `type` in JSON.
    #[serde(rename = "type")]
    pub kind: MethodKind,
    /// The id; only user, kind and id together name a method.
    pub id: MethodId,
}
