//! Authentication methods.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    call::Version,
    origin::{By, Origin},
};

/// The id that every user's password method has.
pub const PASSWORD_ID: &str = "28c10230-6103-485e-b985-444c60001490";

/// Which of a user's numbers a phone method is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneType {
    /// The mobile number: `mobile` in Graph.
    Mobile,
    /// The alternate mobile number: it must be deleted before the mobile one.
    AlternateMobile,
    /// The office number: `office` in Graph.
    Office,
}

impl PhoneType {
    fn id(self) -> &'static str {
        match self {
            Self::Mobile => "3179e48a-750b-4051-897c-87b9720928f7",
            Self::AlternateMobile => "b6332ec1-7057-4abe-9331-3d72feddfe41",
            Self::Office => "e37fc753-ff3b-4958-9484-eaa9425c82bc",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::AlternateMobile => "alternateMobile",
            Self::Office => "office",
        }
    }
}

/// The kinds of authentication method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MethodKind {
    /// A phone number, of one of three types.
    Phone(PhoneType),
    /// The Microsoft Authenticator app.
    MicrosoftAuthenticator,
    /// An app that makes codes.
    SoftwareOath,
    /// A hardware token that makes codes; v1.0 does not list it.
    HardwareOath,
    /// An address for self-service password reset.
    Email,
    /// The password, whose id is always [`PASSWORD_ID`].
    Password,
    /// A security key or passkey.
    Fido2,
    /// Windows Hello for Business.
    WindowsHello,
    /// A platform credential of macOS.
    PlatformCredential,
    /// A temporary access pass.
    TemporaryAccessPass,
    /// A provider outside Entra.
    External,
    /// QR code and PIN.
    QrCodePin,
    /// Any other, by its name without `AuthenticationMethod`.
    Unknown(String),
}

impl MethodKind {
    /// The short name, like `phone`.
    pub fn name(&self) -> &str {
        match self {
            Self::Phone(_) => "phone",
            Self::MicrosoftAuthenticator => "microsoftAuthenticator",
            Self::SoftwareOath => "softwareOath",
            Self::HardwareOath => "hardwareOath",
            Self::Email => "email",
            Self::Password => "password",
            Self::Fido2 => "fido2",
            Self::WindowsHello => "windowsHelloForBusiness",
            Self::PlatformCredential => "platformCredential",
            Self::TemporaryAccessPass => "temporaryAccessPass",
            Self::External => "external",
            Self::QrCodePin => "qrCodePin",
            Self::Unknown(name) => name,
        }
    }

    /// The path segment of its typed list; unknown kinds have none. Source: the metadata of Microsoft Graph
    /// (microsoftgraph/msgraph-metadata).
    pub fn segment(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => None,
            Self::External => Some("externalAuthenticationMethods".to_owned()),
            // Not a list: a user has one at most.
            Self::QrCodePin => Some("qrCodePinMethod".to_owned()),
            known => Some(format!("{}Methods", known.name())),
        }
    }

    /// Whether it can be a user's default for the second factor.
    pub fn is_strong(&self) -> bool {
        matches!(
            self,
            Self::Phone(_) | Self::MicrosoftAuthenticator | Self::SoftwareOath | Self::HardwareOath
        )
    }

    /// Whether its typed segment takes DELETE.
    pub(crate) fn can_be_deleted(&self) -> bool {
        !matches!(self, Self::Password | Self::Unknown(_) | Self::External | Self::QrCodePin)
    }

    /// The reason in the audit event of its registration.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Phone(PhoneType::Mobile) => "User registered Mobile Phone SMS",
            Self::Phone(PhoneType::AlternateMobile) => "User registered Alternate Mobile Phone Call",
            Self::Phone(PhoneType::Office) => "User registered Office Phone Call",
            Self::MicrosoftAuthenticator => "User registered Authenticator App with Notification",
            Self::SoftwareOath => "User registered Authenticator App with Code",
            Self::Email => "User registered Email",
            Self::Fido2 => "User registered Fido2 Authentication Method",
            Self::TemporaryAccessPass => "User registered temporary access pass method",
            _ => "User registered an authentication method",
        }
    }
}

/// A method to add.
#[derive(Debug, Clone)]
pub struct NewMethod {
    /// What it is; phones and passwords get their id from it.
    pub kind: MethodKind,
    /// Its `createdDateTime`; many methods have none.
    pub created: Option<Timestamp>,
    /// The number of a phone.
    pub number: Option<String>,
    /// The user signs in with it: `smsSignInState` of a phone is ready, the registration report
    /// lists the Authenticator as passwordless.
    pub primary_sign_in: bool,
    /// An Authenticator that also makes codes: a software OATH method comes with it.
    pub with_code: bool,
    /// Becomes the user's default, whatever there was before.
    pub default: bool,
    /// The reason in the audit event; `None` for the usual one.
    pub reason: Option<String>,
    /// Since when the user really has it. If `None`, the time of its registration, its date or now.
    pub came_at: Option<Timestamp>,
    /// Who really gave it.
    pub by: By,
}

impl NewMethod {
    /// A method of this kind, without a date.
    pub fn new(kind: MethodKind) -> Self {
        Self {
            kind,
            created: None,
            number: None,
            primary_sign_in: false,
            with_code: false,
            default: false,
            reason: None,
            came_at: None,
            by: By::User,
        }
    }

    /// A number, like `+1 2065550100`.
    pub fn phone(kind: PhoneType, number: &str) -> Self {
        Self { number: Some(number.to_owned()), ..Self::new(MethodKind::Phone(kind)) }
    }

    /// The Authenticator, with notifications only.
    pub fn authenticator() -> Self {
        Self::new(MethodKind::MicrosoftAuthenticator)
    }

    /// The Authenticator with notifications and codes: two methods.
    pub fn authenticator_with_code() -> Self {
        Self {
            with_code: true,
            reason: Some("User registered Authenticator App with Notification and Code".to_owned()),
            ..Self::authenticator()
        }
    }

    /// An app that makes codes.
    pub fn software_oath() -> Self {
        Self::new(MethodKind::SoftwareOath)
    }

    /// Sets `createdDateTime`, which is null otherwise.
    #[must_use]
    pub fn dated(mut self, created: Timestamp) -> Self {
        self.created = Some(created);
        self
    }

    /// Makes it the user's default.
    #[must_use]
    pub fn as_default(mut self) -> Self {
        self.default = true;
        self
    }

    /// Makes the number what the user signs in with.
    #[must_use]
    pub fn sms_sign_in(mut self) -> Self {
        self.primary_sign_in = true;
        self
    }

    /// Makes the Authenticator what the user signs in with.
    #[must_use]
    pub fn passwordless(mut self) -> Self {
        self.primary_sign_in = true;
        self
    }

    /// Sets since when the user really has it, whatever its date says.
    #[must_use]
    pub fn came_at(mut self, came_at: Timestamp) -> Self {
        self.came_at = Some(came_at);
        self
    }

    /// Sets who really gave it.
    #[must_use]
    pub fn by(mut self, by: By) -> Self {
        self.by = by;
        self
    }

    /// Sets the reason in the audit event.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Returns the id that is the same for everybody, or `None` if the kind has none.
    pub(crate) fn fixed_id(&self) -> Option<&'static str> {
        match self.kind {
            MethodKind::Phone(kind) => Some(kind.id()),
            MethodKind::Password => Some(PASSWORD_ID),
            _ => None,
        }
    }
}

/// A method that a user has.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    pub(crate) id: String,
    pub(crate) what: NewMethod,
    pub(crate) origin: Origin,
    /// When it was last used; only beta shows it.
    pub(crate) last_used: Option<Timestamp>,
}

impl Method {
    pub(crate) fn kind(&self) -> &MethodKind {
        &self.what.kind
    }

    /// The method as the list of all methods shows it.
    pub(crate) fn listed(&self, version: Version) -> Value {
        let mut body = self.typed(version);
        body["@odata.type"] = json!(format!("#microsoft.graph.{}AuthenticationMethod", self.kind().name()));
        body
    }

    /// The method as the list of its type shows it.
    pub(crate) fn typed(&self, version: Version) -> Value {
        let mut body = match self.kind() {
            MethodKind::Phone(kind) => json!({
                "phoneNumber": self.what.number,
                "phoneType": kind.name(),
                "smsSignInState": if self.what.primary_sign_in { "ready" } else { "notSupported" },
            }),
            MethodKind::MicrosoftAuthenticator => json!({
                "displayName": "Phone",
                "deviceTag": "SoftwareTokenActivated",
                "phoneAppVersion": "6.2608.5421",
            }),
            MethodKind::SoftwareOath => json!({ "secretKey": null }),
            MethodKind::HardwareOath => json!({ "device": null }),
            MethodKind::Email => json!({ "emailAddress": "someone@elsewhere.example" }),
            MethodKind::Password => json!({ "password": null }),
            MethodKind::Fido2 => json!({
                "displayName": "Red key",
                "aaGuid": "2fc0579f-8113-47ea-b116-555a8db9202a",
                "model": "NFC key",
                "attestationCertificates": ["dbe793efdf1945e2df25d93653a1e8a3268a9075"],
                "attestationLevel": "attested",
            }),
            MethodKind::WindowsHello => json!({ "displayName": "Laptop", "keyStrength": "normal" }),
            MethodKind::PlatformCredential => json!({ "displayName": "Mac", "platform": "macOS" }),
            MethodKind::TemporaryAccessPass => json!({
                "temporaryAccessPass": null,
                "startDateTime": null,
                "lifetimeInMinutes": 60,
                "isUsableOnce": true,
                "isUsable": false,
                "methodUsabilityReason": "Expired",
            }),
            _ => json!({}),
        };
        body["id"] = json!(self.id);
        let written = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        body["createdDateTime"] = json!(self.what.created.map(written));
        if version == Version::Beta {
            body["lastUsedDateTime"] = json!(self.last_used.map(written));
            if *self.kind() == MethodKind::MicrosoftAuthenticator {
                body["clientAppName"] = json!("microsoftAuthenticator");
            }
        }
        body
    }
}
