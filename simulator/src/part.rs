//! The situations that people are in.

/// A situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Registered one mobile number, which has its date.
    Phone,
    /// Registered a mobile and an alternate mobile number, which have their dates.
    TwoNumbers,
    /// Registered a mobile number and codes, which are the default; both have their dates.
    PhoneAndCodes,
    /// Registered the Authenticator, which has no date.
    Authenticator,
    /// Registered the Authenticator and a phone, which is the default.
    AuthenticatorAndPhone,
    /// Registered the Authenticator with notification and code: two methods.
    AuthenticatorWithCode,
    /// Never registered.
    NeverRegistered,
    /// Registered three numbers; the office number is the directory's to hold.
    ThreeNumbers,
    /// Registered phone, codes and the Authenticator, which is the default.
    AuthenticatorDefault,
    /// Had an Authenticator before the window, and registered another one in it.
    OldAuthenticator,
    /// Had an Authenticator before the window, and deleted the window's again.
    AuthenticatorLeftOver,
    /// Got the number from the helpdesk in the window; it has its date.
    HelpdeskNumber,
    /// The account was created in the window.
    NewAccount,
    /// Conditional Access demands MFA of this user.
    MfaRequired,
    /// Registered a number, which the service "Azure MFA" logged.
    AzureMfa,
    /// In the excluded group.
    BreakGlass,
    /// In a group in the excluded group.
    NestedBreakGlass,
    /// Enabled for per-user MFA.
    PerUserMfaEnabled,
    /// Enforced per-user MFA.
    PerUserMfaEnforced,
    /// Holds a directory role.
    Administrator,
    /// May take a directory role.
    EligibleAdministrator,
    /// Holds a directory role through a group.
    AdministratorThroughGroup,
    /// May become a member of a group that holds a directory role.
    EligibleThroughGroup,
    /// A guest by user type.
    Guest,
    /// A B2B member by `#EXT#` in the principal name.
    ExternalByName,
    /// A B2B member by the state of the invitation.
    ExternalByState,
    /// A B2B member by creation type.
    ExternalByCreation,
    /// The account is disabled.
    Disabled,
    /// One phone is dated before the window.
    DatedBefore,
    /// One phone is dated more than a day after the window's end.
    DatedAfter,
    /// The phone has no date, and the only registration names no method.
    UndatedMethod,
    /// There is no password nor anything else to sign in with.
    NoOtherCredential,
    /// Signs in with the number.
    SmsSignIn,
    /// Signs in with the Authenticator, as the registration report says.
    Passwordless,
    /// Deleted what was registered.
    DeletedMethods,
    /// The user is deleted.
    DeletedUser,
    /// Registered an e-mail address.
    EmailOnly,
    /// Registered a security key.
    Fido2Only,
    /// Has a hardware token too, which is the default and stays.
    HardwareToken,
    /// Has a hardware token too; the phone is the default and cannot go.
    StuckDefault,
    /// Has a temporary access pass too.
    TemporaryAccessPass,
    /// Has a method of an unknown type too.
    UnknownMethod,
    /// In a restricted management unit.
    RestrictedUnit,
    /// Registered before the window.
    RegisteredBefore,
    /// Registered more than a day after the window's end.
    RegisteredAfter,
    /// The registration's actor and target differ.
    AmbiguousEvent,
    /// A life drawn by lot. Only its truth says what may become of it.
    Mixed,
}

use Part as P;

impl Part {
    /// The situations of most people.
    pub const ORDINARY: [Self; 7] = [
        P::Phone,
        P::TwoNumbers,
        P::PhoneAndCodes,
        P::Authenticator,
        P::AuthenticatorAndPhone,
        P::AuthenticatorWithCode,
        P::NeverRegistered,
    ];

    /// The situations of few.
    pub const SPECIAL: [Self; 39] = [
        P::BreakGlass,
        P::PerUserMfaEnabled,
        P::PerUserMfaEnforced,
        P::Administrator,
        P::EligibleAdministrator,
        P::AdministratorThroughGroup,
        P::EligibleThroughGroup,
        P::Guest,
        P::ExternalByName,
        P::ExternalByState,
        P::ExternalByCreation,
        P::Disabled,
        P::NestedBreakGlass,
        P::DatedBefore,
        P::DatedAfter,
        P::UndatedMethod,
        P::NoOtherCredential,
        P::SmsSignIn,
        P::Passwordless,
        P::DeletedMethods,
        P::DeletedUser,
        P::EmailOnly,
        P::Fido2Only,
        P::HardwareToken,
        P::StuckDefault,
        P::TemporaryAccessPass,
        P::UnknownMethod,
        P::RestrictedUnit,
        P::RegisteredBefore,
        P::RegisteredAfter,
        P::AmbiguousEvent,
        P::ThreeNumbers,
        P::AuthenticatorDefault,
        P::OldAuthenticator,
        P::AuthenticatorLeftOver,
        P::HelpdeskNumber,
        P::NewAccount,
        P::MfaRequired,
        P::AzureMfa,
    ];

    /// Whether no method of this user may go with default settings.
    pub fn must_keep_methods(self) -> bool {
        !(self.expected().starts_with("rolled_back") || self.expected().starts_with("partial"))
    }

    /// The outcome with default settings in mode enforce; `none` where there is none to expect. The
    /// ambiguous registration is held under the event's id.
    pub fn expected(self) -> &'static str {
        match self {
            P::Phone
            | P::TwoNumbers
            | P::PhoneAndCodes
            | P::AzureMfa
            | P::HardwareToken
            | P::UnknownMethod => "rolled_back",
            P::StuckDefault => "partial(default_refused)",
            P::NeverRegistered | P::RegisteredBefore | P::RegisteredAfter => "none",
            // Graph dates none of these, or not by itself.
            P::Authenticator
            | P::AuthenticatorAndPhone
            | P::AuthenticatorWithCode
            | P::ThreeNumbers
            | P::AuthenticatorDefault
            | P::OldAuthenticator
            | P::AuthenticatorLeftOver
            | P::UndatedMethod
            | P::HelpdeskNumber
            | P::Passwordless => "held(unproven_method)",
            P::NewAccount => "held(new_account)",
            P::MfaRequired => "held(mfa_required)",
            P::BreakGlass | P::NestedBreakGlass => "held(excluded)",
            P::PerUserMfaEnabled | P::PerUserMfaEnforced => "not_eligible(per_user_mfa)",
            P::Administrator
            | P::EligibleAdministrator
            | P::AdministratorThroughGroup
            | P::EligibleThroughGroup => "held(administrator)",
            P::Guest | P::ExternalByName | P::ExternalByState | P::ExternalByCreation => "held(external)",
            P::Disabled => "held(account_disabled)",
            P::DatedBefore => "held(registered_before)",
            P::DatedAfter => "held(registered_after)",
            P::NoOtherCredential | P::TemporaryAccessPass => "held(last_credential)",
            P::SmsSignIn => "held(primary_sign_in)",
            P::DeletedMethods | P::EmailOnly | P::Fido2Only => "not_eligible(no_strong_methods)",
            P::DeletedUser => "not_eligible(user_not_found)",
            P::RestrictedUnit => "held(per_user_mfa_unknown)",
            P::AmbiguousEvent => "held(ambiguous_event)",
            P::Mixed => "whatever its truth allows",
        }
    }

    /// The situation in words.
    pub fn describes(self) -> &'static str {
        match self {
            P::Phone => "ordinary: a phone",
            P::TwoNumbers => "ordinary: mobile and alternate mobile",
            P::PhoneAndCodes => "ordinary: a phone, and codes as the default",
            P::Authenticator => "ordinary: the Authenticator",
            P::AuthenticatorAndPhone => "ordinary: the Authenticator, and a phone as the default",
            P::AuthenticatorWithCode => "ordinary: the Authenticator with notification and code",
            P::ThreeNumbers => "mobile, alternate mobile and office phone",
            P::AuthenticatorDefault => "phone and codes, and the Authenticator as the default",
            P::OldAuthenticator => "an old Authenticator beside the window's",
            P::AuthenticatorLeftOver => "an old Authenticator, the window's deleted again",
            P::HelpdeskNumber => "a number that the helpdesk registered",
            P::NewAccount => "an account created in the window",
            P::MfaRequired => "asked for MFA by Conditional Access",
            P::AzureMfa => "a phone, logged by the service Azure MFA",
            P::NeverRegistered => "never registered",
            P::BreakGlass => "break-glass account",
            P::NestedBreakGlass => "break-glass account in a nested group",
            P::PerUserMfaEnabled => "per-user MFA enabled",
            P::PerUserMfaEnforced => "per-user MFA enforced",
            P::Administrator => "administrator",
            P::EligibleAdministrator => "eligible administrator",
            P::AdministratorThroughGroup => "administrator through a group",
            P::EligibleThroughGroup => "eligible for a group that holds a role",
            P::Guest => "guest",
            P::ExternalByName => "B2B member by principal name",
            P::ExternalByState => "B2B member by invitation state",
            P::ExternalByCreation => "B2B member by creation type",
            P::Disabled => "disabled account",
            P::DatedBefore => "a method from before the window",
            P::DatedAfter => "a method from after the window",
            P::UndatedMethod => "a method without date or named registration",
            P::NoOtherCredential => "nothing else to sign in with",
            P::SmsSignIn => "signs in by text message",
            P::Passwordless => "signs in with the Authenticator",
            P::DeletedMethods => "deleted the methods again",
            P::DeletedUser => "deleted user",
            P::EmailOnly => "e-mail only",
            P::Fido2Only => "security key only",
            P::HardwareToken => "hardware token as the default",
            P::StuckDefault => "phone as the default beside a hardware token",
            P::TemporaryAccessPass => "temporary access pass",
            P::UnknownMethod => "a method of an unknown type",
            P::RestrictedUnit => "restricted management unit",
            P::RegisteredBefore => "registered before the window",
            P::RegisteredAfter => "registered after the window",
            P::AmbiguousEvent => "ambiguous registration event",
            P::Mixed => "a life drawn by lot",
        }
    }
}
