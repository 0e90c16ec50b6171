//! The situation of one person as a value: who it is, which methods came, and how each came about. Nothing in
//! it is left to chance unless it says so.

use std::time::Duration;

use jiff::Timestamp;

use super::cast::{DAY, HOUR, Population};
use crate::{
    account::{NewUser, PerUserMfa},
    directory::RoleKind,
    method::{MethodKind, NewMethod, PhoneType},
    part::Part,
};

/// A person before they move in.
#[derive(Debug)]
pub(super) struct Situation {
    pub(super) user: NewUser,
    pub(super) place: Place,
    pub(super) begins: Begins,
    /// The service that logs what the person registers.
    pub(super) service: &'static str,
    /// In the order in which they came.
    pub(super) methods: Vec<Came>,
    /// Whether the event "User registered all required security info" comes last.
    pub(super) completes: bool,
    /// Whether Conditional Access demands MFA.
    pub(super) is_asked_for_mfa: bool,
    pub(super) is_deleted: bool,
}

/// What sets somebody apart in the directory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Ordinary,
    Excluded,
    NestedExcluded,
    /// Holds a role in the whole directory, or may take one in an administrative unit.
    Role(RoleKind),
    RoleThroughGroup,
    RoleThroughGroupOnRequest,
    /// In a restricted management unit.
    RestrictedUnit,
}

/// When the registrations begin; the minute is left to chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    BeforeWindow,
    Within,
    AfterWindow,
}

/// A method that came.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) method: NewMethod,
    pub(super) how: How,
    /// The reason in the event of its deletion, if the user deleted it at once.
    pub(super) deleted: Option<&'static str>,
}

/// How a method came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The user registered it, and the audit log shows that.
    Registered(Dated),
    /// The user registered it, dated; the event has one of two wordings by chance.
    RegisteredInOtherWords,
    /// It is there, and no log shows it. It came at its `came_at`, at its date, or now.
    Unlogged,
    /// The helpdesk registered it 20 minutes later.
    ByHelpdesk,
    /// Somebody else registered it, and the event looks like the user's own.
    BySomebodyElse,
}

/// Which date a registered method has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dated {
    /// It has no date.
    No,
    /// The time when the registration started.
    AtStart,
    /// The time when the registration ended.
    AtEnd,
}

impl Situation {
    /// The situation of this part; `name` is that of an ordinary person.
    pub(super) fn of(part: Part, population: &Population, number: usize, name: &str) -> Self {
        let name = match part {
            Part::ExternalByName => format!("{name}_partner.example#EXT#@contoso.example"),
            Part::BreakGlass | Part::NestedBreakGlass => format!("emergency{number:05}@contoso.example"),
            _ => format!("{name}@contoso.example"),
        };
        let never_completes =
            [Part::NeverRegistered, Part::AmbiguousEvent, Part::HelpdeskNumber, Part::Mixed];
        let mut it = Self {
            user: NewUser::named(&name),
            place: Place::Ordinary,
            begins: Begins::Within,
            service: "Authentication Methods",
            methods: methods(part, population, number),
            completes: part == Part::UndatedMethod
                || number.is_multiple_of(2) && !never_completes.contains(&part),
            is_asked_for_mfa: part == Part::MfaRequired,
            is_deleted: part == Part::DeletedUser,
        };
        match part {
            Part::PerUserMfaEnabled => it.user.per_user_mfa = PerUserMfa::Enabled,
            Part::PerUserMfaEnforced => it.user.per_user_mfa = PerUserMfa::Enforced,
            Part::Guest => it.user.user_type = Some("Guest".to_owned()),
            Part::ExternalByState => it.user.external_user_state = Some("PendingAcceptance".to_owned()),
            Part::ExternalByCreation => it.user.creation_type = Some("Invitation".to_owned()),
            Part::Disabled => it.user.account_enabled = false,
            Part::NoOtherCredential => it.user.password = false,
            Part::NewAccount => it.user.created_at = population.window_start + Duration::from_secs(1),
            Part::TemporaryAccessPass => it.user.knows_password = false,
            Part::BreakGlass => it.place = Place::Excluded,
            Part::NestedBreakGlass => it.place = Place::NestedExcluded,
            Part::Administrator => it.place = Place::Role(RoleKind::Active),
            Part::EligibleAdministrator => it.place = Place::Role(RoleKind::Eligible),
            Part::AdministratorThroughGroup => it.place = Place::RoleThroughGroup,
            Part::EligibleThroughGroup => it.place = Place::RoleThroughGroupOnRequest,
            Part::RestrictedUnit => it.place = Place::RestrictedUnit,
            Part::RegisteredBefore => it.begins = Begins::BeforeWindow,
            Part::RegisteredAfter => it.begins = Begins::AfterWindow,
            Part::AzureMfa => it.service = "Azure MFA",
            _ => {}
        }
        it
    }

    /// Whether a registration in the window names the user clearly.
    pub(super) fn is_registered(&self) -> bool {
        let registers = |came: &Came| matches!(came.how, How::Registered(_) | How::RegisteredInOtherWords);
        self.begins == Begins::Within && (self.completes || self.methods.iter().any(registers))
    }
}

fn methods(part: Part, population: &Population, number: usize) -> Vec<Came> {
    let phone = |kind| NewMethod::phone(kind, &phone_number(kind, number));
    let mobile = || phone(PhoneType::Mobile);
    let app = NewMethod::authenticator;
    let hardware_token = || unlogged(NewMethod::new(MethodKind::HardwareOath));
    let ordinary = || Came { method: mobile(), how: How::RegisteredInOtherWords, deleted: None };
    let before = population.window_start - 90 * DAY;
    match part {
        Part::NeverRegistered if number.is_multiple_of(3) => {
            vec![unlogged(mobile().dated(population.window_start - 400 * DAY))]
        }
        Part::NeverRegistered | Part::Mixed => Vec::new(),
        Part::AmbiguousEvent => vec![Came { method: mobile(), how: How::BySomebodyElse, deleted: None }],
        Part::UndatedMethod => vec![unlogged(mobile())],
        Part::Authenticator => vec![registered(app())],
        Part::AuthenticatorAndPhone => vec![registered(app()), dated(mobile().as_default())],
        Part::TwoNumbers => vec![dated(mobile()), dated(phone(PhoneType::AlternateMobile))],
        Part::PhoneAndCodes => vec![dated(mobile()), dated(NewMethod::software_oath().as_default())],
        Part::OldAuthenticator => vec![unlogged(app().came_at(before)), registered(app())],
        Part::AuthenticatorLeftOver => vec![
            unlogged(app().came_at(before)),
            registered(app()).deleted("User deleted Authenticator App with Notification"),
        ],
        Part::HelpdeskNumber => {
            vec![registered(app()), Came { method: mobile(), how: How::ByHelpdesk, deleted: None }]
        }
        Part::AuthenticatorWithCode => vec![registered(NewMethod::authenticator_with_code())],
        Part::ThreeNumbers => [PhoneType::Mobile, PhoneType::AlternateMobile, PhoneType::Office]
            .map(|kind| registered(phone(kind)))
            .into(),
        Part::AuthenticatorDefault => {
            vec![dated(mobile()), registered(NewMethod::software_oath()), registered(app().as_default())]
        }
        Part::DatedBefore => vec![unlogged(mobile().dated(before)), registered(app())],
        Part::DatedAfter => {
            vec![registered(app()), unlogged(mobile().dated(population.window_end + DAY + HOUR))]
        }
        Part::SmsSignIn => vec![dated(mobile().sms_sign_in())],
        Part::Passwordless => vec![dated_at_start(app().passwordless())],
        Part::DeletedMethods => vec![ordinary().deleted("User deleted Mobile Phone SMS")],
        Part::EmailOnly => vec![registered(NewMethod::new(MethodKind::Email))],
        Part::Fido2Only => vec![dated_at_start(NewMethod::new(MethodKind::Fido2))],
        Part::HardwareToken => vec![hardware_token(), ordinary()],
        Part::StuckDefault => vec![ordinary(), dated(phone(PhoneType::AlternateMobile)), hardware_token()],
        Part::TemporaryAccessPass => {
            vec![registered(NewMethod::new(MethodKind::TemporaryAccessPass)), ordinary()]
        }
        Part::UnknownMethod => {
            vec![ordinary(), unlogged(NewMethod::new(MethodKind::Unknown("retinaScan".to_owned())))]
        }
        _ => vec![ordinary()],
    }
}

impl Came {
    fn deleted(mut self, reason: &'static str) -> Self {
        self.deleted = Some(reason);
        self
    }
}

fn registered(method: NewMethod) -> Came {
    Came { method, how: How::Registered(Dated::No), deleted: None }
}

fn dated(method: NewMethod) -> Came {
    Came { method, how: How::Registered(Dated::AtEnd), deleted: None }
}

fn dated_at_start(method: NewMethod) -> Came {
    Came { method, how: How::Registered(Dated::AtStart), deleted: None }
}

fn unlogged(method: NewMethod) -> Came {
    Came { method, how: How::Unlogged, deleted: None }
}

fn phone_number(kind: PhoneType, number: usize) -> String {
    let area = match kind {
        PhoneType::Mobile => 206,
        PhoneType::AlternateMobile => 253,
        PhoneType::Office => 425,
    };
    format!("+1 {area}555{:04}", number % 10_000)
}

impl Begins {
    /// Draws the time when the registrations begin.
    pub(super) fn draw(self, rng: &mut fastrand::Rng, population: &Population, now: Timestamp) -> Timestamp {
        let (start, end) = (population.window_start, population.window_end);
        match self {
            Self::BeforeWindow => start - Duration::from_mins(rng.u64(60..6_000)),
            Self::AfterWindow => end + DAY + Duration::from_mins(rng.u64(30..600)),
            Self::Within => {
                // Half an hour is enough for the longest situation.
                let minutes = u64::try_from(end.min(now).duration_since(start).as_mins())
                    .expect("the window does not end before it starts");
                let room = minutes.checked_sub(31).expect("the window is an hour long at least");
                start + Duration::from_millis(rng.u64(1..=(room + 1) * 60_000))
            }
        }
    }
}
