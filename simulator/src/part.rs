//! The situations that people are in.

macro_rules! parts {
    (
        ordinary { $($(#[$doc:meta])* $ordinary:ident: $expected:literal, $shows:ident, $words:literal;)* }
        special { $($(#[$its_doc:meta])* $special:ident: $its_expected:literal, $its_shows:ident, $its_words:literal;)* }
        lot { $($(#[$lot_doc:meta])* $lot:ident: $lot_expected:literal, $lot_words:literal;)* }
    ) => {
        /// The situation that a person is in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Part {
            $($(#[$doc])* $ordinary,)*
            $($(#[$its_doc])* $special,)*
            $($(#[$lot_doc])* $lot,)*
        }

        impl Part {
            /// The situations of most people.
            pub const ORDINARY: [Self; 7] = [$(Self::$ordinary,)*];

            /// The situations of a few people.
            pub const SPECIAL: [Self; 39] = [$(Self::$special,)*];

            /// Returns the outcome with default settings in mode enforce, or `none` if there is none to
            /// expect. The ambiguous registration is held under the event's id.
            pub fn expected(self) -> &'static str {
                match self {
                    $(Self::$ordinary => $expected,)*
                    $(Self::$special => $its_expected,)*
                    $(Self::$lot => $lot_expected,)*
                }
            }

            /// Whether Graph shows that this person's strong methods are of the window, as a person judges who reads
            /// the tenant's log and methods. `None` for a life drawn by lot.
            pub fn shows(self) -> Option<Shows> {
                match self {
                    $(Self::$ordinary => Some(Shows::$shows),)*
                    $(Self::$special => Some(Shows::$its_shows),)*
                    $(Self::$lot => None,)*
                }
            }

            /// The situation in words.
            pub fn describes(self) -> &'static str {
                match self {
                    $(Self::$ordinary => $words,)*
                    $(Self::$special => $its_words,)*
                    $(Self::$lot => $lot_words,)*
                }
            }
        }
    };
}

/// What Graph shows of somebody's strong methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Each of them came in the window, by its user.
    All,
    /// One at least did not, or nothing shows where it came from.
    NotAll,
    /// There are none, or they cannot be read.
    Nothing,
}

// Each has the outcome that is expected of it, what Graph shows of its methods, and a description.
parts! {
    ordinary {
        /// Registered one mobile number, which has its date.
        Phone: "rolled_back", All, "ordinary: a phone";
        /// Registered a mobile and an alternate mobile number, which have their dates.
        TwoNumbers: "rolled_back", All, "ordinary: mobile and alternate mobile";
        /// Registered a mobile number and codes, which are the default; both have their dates.
        PhoneAndCodes: "rolled_back", All, "ordinary: a phone, and codes as the default";
        /// Registered the Authenticator, which has no date.
        Authenticator: "rolled_back", All, "ordinary: the Authenticator";
        /// Registered the Authenticator and a phone, which is the default.
        AuthenticatorAndPhone: "rolled_back", All, "ordinary: the Authenticator, and a phone as the default";
        /// Registered the Authenticator with notification and code: two methods.
        AuthenticatorWithCode: "rolled_back", All, "ordinary: the Authenticator with notification and code";
        /// Never registered; some have a number from long before the window.
        NeverRegistered: "none", Nothing, "never registered";
    }
    special {
        /// In the excluded group.
        BreakGlass: "held(excluded)", All, "break-glass account";
        /// Enabled for per-user MFA.
        PerUserMfaEnabled: "not_eligible(per_user_mfa)", All, "per-user MFA enabled";
        /// Per-user MFA is enforced for this user.
        PerUserMfaEnforced: "not_eligible(per_user_mfa)", All, "per-user MFA enforced";
        /// Holds a directory role.
        Administrator: "held(administrator)", All, "administrator";
        /// May take a directory role.
        EligibleAdministrator: "held(administrator)", All, "eligible administrator";
        /// Holds a directory role through a group.
        AdministratorThroughGroup: "held(administrator)", All, "administrator through a group";
        /// May become a member of a group that holds a directory role.
        EligibleThroughGroup: "held(administrator)", All, "eligible for a group that holds a role";
        /// A guest by user type.
        Guest: "held(external)", All, "guest";
        /// A B2B member by `#EXT#` in the principal name.
        ExternalByName: "held(external)", All, "B2B member by principal name";
        /// A B2B member by the state of the invitation.
        ExternalByState: "held(external)", All, "B2B member by invitation state";
        /// A B2B member by creation type.
        ExternalByCreation: "held(external)", All, "B2B member by creation type";
        /// The account is disabled.
        Disabled: "held(account_disabled)", All, "disabled account";
        /// In a group in the excluded group.
        NestedBreakGlass: "held(excluded)", All, "break-glass account in a nested group";
        /// One phone is dated before the window.
        DatedBefore: "held(registered_before)", NotAll, "a method from before the window";
        /// One phone is dated more than a day after the window's end.
        DatedAfter: "held(registered_after)", NotAll, "a method from after the window";
        /// The phone has no date, and the only registration names no method.
        UndatedMethod: "held(unproven_method)", NotAll, "a method without date or named registration";
        /// There is no password nor anything else to sign in with.
        NoOtherCredential: "held(last_credential)", All, "nothing else to sign in with";
        /// Signs in with the number.
        SmsSignIn: "held(primary_sign_in)", All, "signs in by text message";
        /// Signs in with the Authenticator, as the registration report says.
        Passwordless: "held(primary_sign_in)", All, "signs in with the Authenticator";
        /// Deleted what was registered.
        DeletedMethods: "not_eligible(no_strong_methods)", Nothing, "deleted the methods again";
        /// The user is deleted.
        DeletedUser: "not_eligible(user_not_found)", Nothing, "deleted user";
        /// Registered an e-mail address.
        EmailOnly: "not_eligible(no_strong_methods)", Nothing, "e-mail only";
        /// Registered a security key.
        Fido2Only: "not_eligible(no_strong_methods)", Nothing, "security key only";
        /// Has a hardware token too, which is the default and stays.
        HardwareToken: "rolled_back", All, "hardware token as the default";
        /// Has a hardware token too; the phone is the default and cannot go.
        StuckDefault: "rolled_back", All, "phone as the default beside a hardware token";
        /// Has a temporary access pass too.
        TemporaryAccessPass: "held(last_credential)", All, "temporary access pass";
        /// Has a method of an unknown type too.
        UnknownMethod: "rolled_back", All, "a method of an unknown type";
        /// In a restricted management unit.
        RestrictedUnit: "held(per_user_mfa_unknown)", Nothing, "restricted management unit";
        /// Registered before the window.
        RegisteredBefore: "none", NotAll, "registered before the window";
        /// Registered more than a day after the window's end.
        RegisteredAfter: "none", NotAll, "registered after the window";
        /// The registration's actor and target differ.
        AmbiguousEvent: "held(ambiguous_event)", NotAll, "ambiguous registration event";
        /// Registered three numbers; the office number may be the directory's own.
        ThreeNumbers: "held(unproven_method)", NotAll, "mobile, alternate mobile and office phone";
        /// Registered phone, codes and the Authenticator, which is the default.
        AuthenticatorDefault: "rolled_back", All, "phone and codes, and the Authenticator as the default";
        /// Had an Authenticator before the window, and registered another one in it.
        OldAuthenticator: "held(registered_before)", NotAll, "an old Authenticator beside the window's";
        /// Had an Authenticator before the window, and deleted the one from the window again.
        AuthenticatorLeftOver: "held(registered_before)", NotAll, "an old Authenticator, the window's deleted again";
        /// Got the number from the helpdesk in the window; it has its date.
        HelpdeskNumber: "held(registered_by_admin)", NotAll, "a number that the helpdesk registered";
        /// The account was created in the window.
        NewAccount: "held(new_account)", All, "an account created in the window";
        /// Conditional Access demands MFA of this user.
        MfaRequired: "held(mfa_required)", All, "asked for MFA by Conditional Access";
        /// Registered a number, which the service "Azure MFA" logged.
        AzureMfa: "rolled_back", All, "a phone, logged by the service Azure MFA";
    }
    lot {
        /// A life drawn by lot. Only its truth says what may become of it.
        Mixed: "whatever its truth allows", "a life drawn by lot";
    }
}

impl Part {
    /// Whether no method of this user may go with default settings.
    pub fn must_keep_methods(self) -> bool {
        !(self.expected().starts_with("rolled_back") || self.expected().starts_with("partial"))
    }
}
