use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    audit::kinds_named,
    domain::{
        account::User,
        facts::{
            Act, Claimed, LogReading, Reading, RecordedAct, RecordedRegistration, RegistrationReport,
            RegistrationReportLine, RegistrationReportList, Told, Vouched,
        },
        ids::{EventId, MethodId},
        intent::Intent,
        look::Look,
        memory::Memory,
        method::{AuthenticationMethod, MethodKind, PerUserMfa, PhoneType, SmsSignIn},
        origin::Origin,
        policies::{ConditionalAccess, Policies, PolicyUsers, WhatIf},
        story::{self, RecordedChange, Story},
        window::{Window, shift},
    },
    settings::{MfaRequiredUsers, PreexistingMethods, UnprovenMethods, UsersAndGroup},
};

const USER: &str = "dd44fd36-4511-4889-801e-dc8e367e5d6d";
const OTHER_USER: &str = "0b8ff2ab-8ad3-4c11-8d56-3e4b1a1a6a11";
const BEFORE: &str = "2026-01-31T23:59:59Z";
const START: &str = "2026-02-01T00:00:00Z";
const IN_WINDOW: &str = "2026-02-20T09:00:00Z";
const SOON_AFTER: &str = "2026-02-20T09:01:30Z";
const LATER_IN_WINDOW: &str = "2026-02-20T09:20:00Z";
const END: &str = "2026-03-31T00:00:00Z";
const AFTER: &str = "2026-03-31T00:00:01Z";
const NOW: &str = "2026-04-02T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn unread<T>() -> Reading<T> {
    Reading::Unknown("403 Forbidden".to_owned())
}

fn method(kind: MethodKind, created: Option<&str>) -> AuthenticationMethod {
    let id = match &kind {
        MethodKind::Phone => "3179e48a-750b-4051-897c-87b9720928f7".to_owned(),
        other => format!("id-of-{other}"),
    };
    let is_phone = kind == MethodKind::Phone;
    AuthenticationMethod {
        kind,
        id: MethodId(id),
        created: created.map(at),
        phone_number: is_phone.then(|| "+1 2065555555".to_owned()),
        phone_type: is_phone.then_some(PhoneType::Mobile),
        sms_sign_in: SmsSignIn::Not,
    }
}

fn act(act: Act, methods: Vec<MethodKind>) -> RecordedAct {
    RecordedAct { event_id: EventId("a".to_owned()), at: at(IN_WINDOW), act, methods }
}

fn registration(id: &str, registered_at: &str, methods: Vec<MethodKind>) -> RecordedRegistration {
    RecordedRegistration {
        event_id: EventId(id.to_owned()),
        registered_at: at(registered_at),
        methods,
        first_seen_at: at(NOW),
        claim: None,
    }
}

fn member() -> User {
    User {
        id: USER.parse().unwrap(),
        user_principal_name: Some("ada@contoso.example".to_owned()),
        display_name: Some("Ada".to_owned()),
        user_type: Some(Some("Member".to_owned())),
        account_enabled: Some(true),
        external_user_state: Some(None),
        creation_type: Some(None),
        on_premises_sync_enabled: Some(false),
        created: Some(at("2020-01-01T00:00:00Z")),
        password_changed: Some(at("2020-01-01T00:00:00Z")),
    }
}

type Change = fn(&mut Case);

/// Everything that a decision is made from. The ordinary one is rolled back.
#[derive(Debug, Clone)]
struct Case {
    registrations: Vec<RecordedRegistration>,
    by_hand: bool,
    first_delete_at: Option<Timestamp>,
    intent: Option<Intent>,
    released: BTreeSet<Held>,
    look: Option<Look>,
    memory: Option<Memory>,
    kept: Option<Look>,
    facts: Facts,
    belts: Belts,
    policy: Policy,
    now: Timestamp,
}

impl Case {
    fn ordinary() -> Self {
        Self {
            registrations: vec![registration("e1", IN_WINDOW, vec![MethodKind::Phone])],
            by_hand: false,
            first_delete_at: None,
            intent: None,
            released: BTreeSet::new(),
            look: None,
            memory: None,
            kept: None,
            facts: Facts {
                read_at: at(NOW),
                account: Reading::Known(Account::Found(Box::new(member()))),
                per_user_mfa: Reading::Known(PerUserMfa::Disabled),
                methods: Reading::Known(vec![
                    method(MethodKind::Password, Some(BEFORE)),
                    method(MethodKind::Phone, Some(IN_WINDOW)),
                ]),
                report: RegistrationReport::default(),
                acts: Vec::new(),
                story: Story::default(),
                log: LogReading::Whole,
                what_if: WhatIf::NotAsked,
                told: Told::NotAsked,
                request_ids: Vec::new(),
            },
            belts: Belts {
                excluded: Reading::Known(BTreeSet::new()),
                administrators: Reading::Known(BTreeMap::new()),
                policies: Reading::Known(Policies::default()),
            },
            policy: Policy {
                window: Window::new(at(START), at("2026-03-01T00:00:00Z"), Some(at(END))).unwrap(),
                excluded: UsersAndGroup::default(),
                include_administrators: false,
                include_external_users: false,
                preexisting_methods: PreexistingMethods::Hold,
                include_new_accounts: false,
                unproven_methods: UnprovenMethods::Hold,
                mfa_required_users: MfaRequiredUsers::Hold,
                releasable: BTreeSet::new(),
            },
            now: at(NOW),
        }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self::ordinary();
        change(&mut case);
        case
    }

    fn user(&mut self, change: impl FnOnce(&mut User)) {
        let mut user = member();
        change(&mut user);
        self.facts.account = Reading::Known(Account::Found(Box::new(user)));
    }

    fn excluded(&mut self) {
        self.belts.excluded = Reading::Known([USER.parse().unwrap()].into());
    }

    fn administrator(&mut self) {
        let how = "User Administrator, active".to_owned();
        self.belts.administrators = Reading::Known([(USER.parse().unwrap(), how)].into());
    }

    /// Gives the user a password and these methods.
    fn methods(&mut self, methods: impl IntoIterator<Item = AuthenticationMethod>) {
        let mut all = vec![method(MethodKind::Password, Some(BEFORE))];
        all.extend(methods);
        self.facts.methods = Reading::Known(all);
    }

    fn only_methods(&mut self, methods: impl IntoIterator<Item = AuthenticationMethod>) {
        self.facts.methods = Reading::Known(methods.into_iter().collect());
    }

    fn reported(&mut self, line: RegistrationReportLine) {
        self.facts.report = RegistrationReport { line: Some(line), list: RegistrationReportList::Whole };
    }

    fn registered(&mut self, reason: &str) {
        self.registrations = vec![registration("e1", IN_WINDOW, kinds_named(reason))];
    }

    /// Records that a rollback of the user's methods began, with its intent still open.
    fn intended(&mut self, written_at: &str) {
        let methods = self.facts.methods.known().cloned().unwrap_or_default();
        let written_at = at(written_at);
        self.intent = Some(Intent::for_methods(&methods, Uuid::from_u128(1), Uuid::from_u128(2), written_at));
        self.first_delete_at = Some(written_at);
    }

    /// A release covers the methods that are there, unless another look was noted with it.
    fn decide(&self) -> Decision {
        let methods = self.facts.methods.known();
        let look = self.look.clone().or(methods.map(|methods| Look::at(methods, Uuid::from_u128(3))));
        let record = Record {
            user_id: USER.parse().unwrap(),
            registrations: &self.registrations,
            by_hand: self.by_hand,
            first_delete_at: self.first_delete_at,
            intent: self.intent.as_ref(),
            kept: self.kept.as_ref(),
            memory: self.memory.as_ref(),
            released: &self.released,
            released_look: look.as_ref(),
        };
        decide(record, &self.facts, &self.belts, &self.policy, self.now)
    }

    fn answer(&self, rule: Rule) -> RuleAnswer {
        self.decide().rules.into_iter().find(|result| result.rule == rule).unwrap().answer
    }

    #[track_caller]
    fn comes_to(&self, verdict: &str) {
        assert_eq!(self.decide().verdict.to_string(), verdict, "{self:#?}");
    }

    #[track_caller]
    fn reasons(&self, rule: Rule) -> Vec<String> {
        match self.answer(rule) {
            RuleAnswer::No { reasons, .. } => reasons.iter().map(ToString::to_string).collect(),
            other => panic!("{rule:?} answers {other:?}"),
        }
    }
}

#[track_caller]
fn comes_to(verdict: &str, change: impl FnOnce(&mut Case)) {
    Case::with(change).comes_to(verdict);
}

#[test]
fn an_ordinary_user_is_rolled_back_and_every_rule_passes() {
    let decision = Case::ordinary().decide();
    assert_eq!(decision.verdict, Verdict::RollBack);
    for result in &decision.rules {
        assert!(matches!(result.answer, RuleAnswer::Pass { .. }), "{result:?}");
    }
    assert_eq!(decision.decided_at, at(NOW));
    assert_eq!(decision.fingerprint, Case::ordinary().policy.fingerprint());
}

// user_exists

#[test]
fn user_exists_no_is_user_not_found_and_makes_the_rest_not_applicable() {
    let case = Case::with(|case| {
        case.facts.account = Reading::Known(Account::NotFound);
        case.facts.per_user_mfa = Reading::Known(PerUserMfa::Enforced);
        case.facts.methods = unread();
        case.first_delete_at = Some(at(IN_WINDOW));
        case.registrations.clear();
        case.excluded();
    });
    case.comes_to("not_eligible(user_not_found)");
    for rule in &Rule::ALL[1..] {
        assert_eq!(case.answer(*rule), RuleAnswer::NotApplicable, "{rule:?}");
    }
}

#[test]
fn user_exists_unknown_is_held() {
    let case = Case::with(|case| case.facts.account = unread());
    case.comes_to("held(user_exists_unknown)");
    assert!(matches!(case.answer(Rule::UserExists), RuleAnswer::Unknown { note } if note == "403 Forbidden"));
    assert!(matches!(case.answer(Rule::NotExternal), RuleAnswer::Unknown { .. }));
    assert!(matches!(case.answer(Rule::AccountEnabled), RuleAnswer::Unknown { .. }));
}

// in_window

#[test]
fn in_window_no_is_outside_window() {
    for outside in [BEFORE, AFTER] {
        comes_to("not_eligible(outside_window)", |case| {
            case.registrations = vec![registration("e1", outside, vec![MethodKind::Phone])];
        });
    }
    comes_to("not_eligible(outside_window)", |case| {
        case.registrations.clear();
    });
}

#[test]
fn in_window_counts_both_ends_and_one_registration_is_enough() {
    for inside in [START, END] {
        comes_to("roll_back", |case| {
            case.registrations =
                vec![registration("e0", BEFORE, vec![]), registration("e1", inside, vec![MethodKind::Phone])];
            case.methods([method(MethodKind::Phone, Some(inside))]);
        });
    }
}

#[test]
fn in_window_goes_by_the_window_as_configured_now() {
    comes_to("not_eligible(outside_window)", |case| {
        case.policy.window.end = at("2026-02-20T08:59:59Z");
    });
}

#[test]
fn in_window_is_not_applicable_to_users_named_by_hand() {
    let case = Case::with(|case| {
        case.by_hand = true;
        case.registrations.clear();
    });
    case.comes_to("held(unproven_method)");
    assert_eq!(case.answer(Rule::InWindow), RuleAnswer::NotApplicable);
    let told = Case {
        policy: Policy { unproven_methods: UnprovenMethods::RollBack, ..case.policy.clone() },
        ..case
    };
    told.comes_to("roll_back");
}

// per_user_mfa

#[test]
fn per_user_mfa_enabled_or_enforced_is_not_eligible() {
    for state in [PerUserMfa::Enabled, PerUserMfa::Enforced] {
        comes_to("not_eligible(per_user_mfa)", |case| {
            case.facts.per_user_mfa = Reading::Known(state);
        });
    }
}

#[test]
fn per_user_mfa_unknown_is_held() {
    for reading in [unread(), Reading::Known(PerUserMfa::Unknown)] {
        comes_to("held(per_user_mfa_unknown)", |case| {
            case.facts.per_user_mfa = reading;
        });
    }
}

// not_rolled_back

#[test]
fn not_rolled_back_with_a_strong_method_there_is_re_registered() {
    comes_to("held(re_registered)", |case| {
        case.first_delete_at = Some(at("2026-03-05T00:00:00Z"));
    });
}

#[test]
fn not_rolled_back_holds_users_named_by_hand_too() {
    comes_to("held(re_registered)", |case| {
        case.by_hand = true;
        case.first_delete_at = Some(at("2026-03-05T00:00:00Z"));
    });
}

#[test]
fn not_rolled_back_with_nothing_left_is_already_rolled_back() {
    let case = Case::with(|case| {
        case.first_delete_at = Some(at("2026-03-05T00:00:00Z"));
        case.methods([method(MethodKind::Email, None)]);
    });
    case.comes_to("not_eligible(already_rolled_back)");
    assert_eq!(
        case.reasons(Rule::StrongMethods),
        ["not_eligible(no_strong_methods)"],
        "and that is recorded too"
    );
}

#[test]
fn not_rolled_back_passes_what_an_open_intent_still_lists_unchanged() {
    let case = Case::with(|case| case.intended("2026-04-02T11:00:00Z"));
    case.comes_to("roll_back");
    let note = |answer| matches!(answer, RuleAnswer::Pass { note: Some(_) });
    assert!(note(case.answer(Rule::NotRolledBack)), "and says why");
}

#[test]
fn not_rolled_back_passes_the_rest_of_an_intent_whose_first_methods_are_gone() {
    comes_to("roll_back", |case| {
        let codes = method(MethodKind::SoftwareOath, Some(IN_WINDOW));
        case.registrations =
            vec![registration("e1", IN_WINDOW, vec![MethodKind::Phone, MethodKind::SoftwareOath])];
        case.methods([method(MethodKind::Phone, Some(IN_WINDOW)), codes.clone()]);
        case.intended("2026-04-02T11:00:00Z");
        case.methods([codes]);
        case.facts.acts =
            vec![RecordedAct { at: at("2026-04-02T11:00:02Z"), ..act(Act::RolledBack, vec![]) }];
    });
}

#[test]
fn not_rolled_back_holds_a_phone_registered_anew_under_an_open_intent() {
    let newer_date = |phone: &mut AuthenticationMethod| phone.created = Some(at("2026-04-02T11:30:00Z"));
    let other_number =
        |phone: &mut AuthenticationMethod| phone.phone_number = Some("+1 2065550000".to_owned());
    let masked = |phone: &mut AuthenticationMethod| phone.phone_number = Some("+1 XXXXXXXX55".to_owned());
    let undated_and_an_hour_later = |phone: &mut AuthenticationMethod| phone.created = None;
    let changes: [&dyn Fn(&mut AuthenticationMethod); 4] =
        [&newer_date, &other_number, &masked, &undated_and_an_hour_later];
    for (n, change) in changes.into_iter().enumerate() {
        let case = Case::with(|case| {
            case.policy.unproven_methods = UnprovenMethods::RollBack;
            case.policy.window.end = at("2026-05-01T00:00:00Z");
            case.intended("2026-04-02T11:00:00Z");
            let mut phone = method(MethodKind::Phone, Some(IN_WINDOW));
            change(&mut phone);
            case.methods([phone]);
        });
        assert_eq!(case.decide().verdict.to_string(), "held(re_registered)", "change {n}");
    }
}

#[test]
fn not_rolled_back_holds_the_same_number_registered_again_under_an_open_intent() {
    comes_to("held(re_registered)", |case| {
        case.intended("2026-04-02T11:00:00Z");
        case.registrations.push(registration("e2", "2026-04-02T11:00:01Z", vec![MethodKind::Phone]));
    });
}

#[test]
fn not_rolled_back_holds_an_authenticator_that_an_open_intent_does_not_list() {
    comes_to("held(re_registered)", |case| {
        case.methods([method(MethodKind::MicrosoftAuthenticator, Some(IN_WINDOW))]);
        case.intended("2026-04-02T11:00:00Z");
        let mut anew = method(MethodKind::MicrosoftAuthenticator, Some(IN_WINDOW));
        anew.id = MethodId("another".to_owned());
        case.methods([anew]);
    });
}

#[test]
fn not_rolled_back_unknown_is_held() {
    comes_to("held(not_rolled_back_unknown)", |case| {
        case.first_delete_at = Some(at("2026-03-05T00:00:00Z"));
        case.facts.methods = unread();
    });
}

// strong_methods

#[test]
fn strong_methods_none_is_no_strong_methods() {
    let case = Case::with(|case| {
        case.methods([
            method(MethodKind::Fido2, None),
            method(MethodKind::Unknown("retina".to_owned()), None),
        ]);
    });
    case.comes_to("not_eligible(no_strong_methods)");
    assert_eq!(case.answer(Rule::MethodsOfWindow), RuleAnswer::NotApplicable);
    assert_eq!(case.answer(Rule::NotLastCredential), RuleAnswer::NotApplicable);
}

#[test]
fn strong_methods_are_phone_authenticator_and_software_oath() {
    for kind in [MethodKind::Phone, MethodKind::MicrosoftAuthenticator, MethodKind::SoftwareOath] {
        comes_to("roll_back", |case| {
            case.policy.unproven_methods = UnprovenMethods::RollBack;
            case.facts.report.list = RegistrationReportList::Whole;
            case.methods([method(kind, None)]);
        });
    }
}

#[test]
fn strong_methods_unknown_is_held() {
    let case = Case::with(|case| case.facts.methods = unread());
    case.comes_to("held(strong_methods_unknown)");
    assert!(matches!(case.answer(Rule::MethodsOfWindow), RuleAnswer::Unknown { .. }));
    assert!(matches!(case.answer(Rule::NotLastCredential), RuleAnswer::Unknown { .. }));
}

// not_excluded

#[test]
fn not_excluded_no_is_excluded() {
    comes_to("held(excluded)", Case::excluded);
    comes_to("roll_back", |case| {
        case.belts.excluded = Reading::Known([OTHER_USER.parse().unwrap()].into());
    });
}

#[test]
fn not_excluded_unknown_is_held() {
    comes_to("held(not_excluded_unknown)", |case| {
        case.belts.excluded = unread();
    });
}

// not_administrator

#[test]
fn not_administrator_no_is_administrator_unless_included() {
    comes_to("held(administrator)", Case::administrator);
    comes_to("roll_back", |case| {
        case.administrator();
        case.policy.include_administrators = true;
    });
}

#[test]
fn not_administrator_no_by_the_registration_report() {
    comes_to("held(administrator)", |case| {
        case.reported(RegistrationReportLine { sspr: false, passwordless: false, admin: true });
    });
}

#[test]
fn not_administrator_unknown_is_held() {
    comes_to("held(not_administrator_unknown)", |case| {
        case.belts.administrators = unread();
    });
}

// not_external

#[test]
fn not_external_no_by_each_of_the_four_signs_unless_included() {
    let signs: [fn(&mut User); 5] = [
        |user| user.user_type = Some(Some("Guest".to_owned())),
        |user| {
            user.user_principal_name = Some("ada_fabrikam.example#EXT#@contoso.example".to_owned());
        },
        |user| {
            user.user_principal_name = Some("ada_fabrikam.example#ext#@contoso.example".to_owned());
        },
        |user| user.external_user_state = Some(Some("PendingAcceptance".to_owned())),
        |user| user.creation_type = Some(Some("Invitation".to_owned())),
    ];
    for sign in signs {
        comes_to("held(external)", |case| case.user(sign));
        comes_to("roll_back", |case| {
            case.user(sign);
            case.policy.include_external_users = true;
        });
    }
}

#[test]
fn not_external_passes_the_null_user_type_of_an_old_account() {
    comes_to("roll_back", |case| {
        case.user(|user| user.user_type = Some(None));
    });
}

#[test]
fn not_external_passes_other_creation_types() {
    comes_to("roll_back", |case| {
        case.user(|user| user.creation_type = Some(Some("LocalAccount".to_owned())));
    });
}

#[test]
fn not_external_with_an_absent_property_is_unknown() {
    let absences: [fn(&mut User); 4] = [
        |user| user.user_type = None,
        |user| user.user_principal_name = None,
        |user| user.external_user_state = None,
        |user| user.creation_type = None,
    ];
    for absence in absences {
        comes_to("held(not_external_unknown)", |case| case.user(absence));
    }
}

// account_enabled

#[test]
fn account_enabled_no_is_account_disabled() {
    comes_to("held(account_disabled)", |case| {
        case.user(|user| user.account_enabled = Some(false));
    });
}

#[test]
fn account_enabled_unknown_is_held() {
    comes_to("held(account_enabled_unknown)", |case| {
        case.user(|user| user.account_enabled = None);
    });
}

// methods_of_window

#[test]
fn methods_of_window_before_is_registered_before_unless_let_through() {
    let before = |case: &mut Case| case.methods([method(MethodKind::Phone, Some(BEFORE))]);
    comes_to("held(registered_before)", before);
    comes_to("held(registered_before)", |case| {
        before(case);
        case.policy.unproven_methods = UnprovenMethods::RollBack;
    });
    comes_to("roll_back", |case| {
        before(case);
        case.policy.preexisting_methods = PreexistingMethods::RollBack;
    });
}

#[test]
fn methods_of_window_keep_lets_older_methods_stay_and_the_others_go() {
    let phone = method(MethodKind::Phone, Some(IN_WINDOW));
    let codes = method(MethodKind::SoftwareOath, Some(BEFORE));
    let keep = |case: &mut Case| case.policy.preexisting_methods = PreexistingMethods::Keep;
    let mut case = Case::with(|case| {
        keep(case);
        case.methods([phone.clone(), codes.clone()]);
        case.reported(RegistrationReportLine { sspr: true, passwordless: false, admin: false });
    });
    let decision = case.decide();
    assert_eq!(decision.verdict, Verdict::RollBack);
    assert!(decision.keeps(&codes.name()) && !decision.keeps(&phone.name()));
    let consequences = decision.consequences.unwrap();
    assert_eq!(consequences.sspr_loses, Some(vec![MethodKind::Phone]));
    assert_eq!(consequences.still_can_do_mfa, [MethodKind::SoftwareOath]);
    // Kept methods are neither new nor left over.
    let salt = Uuid::from_u128(2);
    let kept = Look::at(std::slice::from_ref(&codes), salt);
    case.first_delete_at = Some(at(NOW));
    case.kept = Some(kept);
    case.methods([codes.clone()]);
    case.comes_to("not_eligible(already_rolled_back)");
    let new = AuthenticationMethod { id: MethodId("new".to_owned()), ..codes.clone() };
    case.methods([codes.clone(), new]);
    case.comes_to("held(re_registered)");
    comes_to("held(registered_before)", |case| {
        keep(case);
        case.methods([codes]);
    });
}

#[test]
fn methods_of_window_after_is_registered_after_and_no_setting_lets_it_through() {
    comes_to("held(registered_after)", |case| {
        case.methods([method(MethodKind::Phone, Some(AFTER))]);
        case.policy.preexisting_methods = PreexistingMethods::RollBack;
        case.policy.unproven_methods = UnprovenMethods::RollBack;
    });
}

#[test]
fn methods_of_window_is_unknown_where_something_is_missing_from_the_users_story() {
    comes_to("held(methods_of_window_unknown)", |case| {
        case.facts.told = Told::Unknown("the audit log does not show event e1".to_owned());
    });
    comes_to("roll_back", |case| case.facts.told = Told::Whole);
}

#[test]
fn methods_of_window_counts_both_ends() {
    for inside in [START, END] {
        comes_to("roll_back", |case| {
            case.registrations = vec![registration("e1", inside, vec![MethodKind::Phone])];
            case.methods([method(MethodKind::Phone, Some(inside))]);
        });
    }
}

#[test]
fn methods_of_window_wants_a_date_and_the_users_own_registration_of_that_moment() {
    let near = "2026-02-20T09:01:59Z";
    let far = "2026-02-20T09:02:01Z";
    for (registered_at, kinds, verdict) in [
        (near, vec![MethodKind::Phone], "roll_back"),
        (far, vec![MethodKind::Phone], "held(unproven_method)"),
        (IN_WINDOW, vec![MethodKind::MicrosoftAuthenticator], "held(unproven_method)"),
        (IN_WINDOW, vec![], "held(unproven_method)"),
    ] {
        comes_to(verdict, |case| case.registrations = vec![registration("e1", registered_at, kinds)]);
    }
    comes_to("roll_back", |case| {
        case.registered("User registered Authenticator App with Code");
        case.methods([method(MethodKind::SoftwareOath, Some(IN_WINDOW))]);
    });
}

#[test]
fn methods_of_window_an_undated_method_is_unproven_whatever_a_registration_names() {
    for (reason, kind) in [
        ("User registered Mobile Phone SMS", MethodKind::Phone),
        ("User registered Authenticator App with Notification", MethodKind::MicrosoftAuthenticator),
        ("User registered Authenticator App with Code", MethodKind::SoftwareOath),
    ] {
        comes_to("held(unproven_method)", |case| {
            case.registered(reason);
            case.methods([method(kind, None)]);
        });
    }
}

#[test]
fn methods_of_window_the_date_of_an_authenticator_proves_only_that_it_is_older() {
    for (date, verdict) in [
        (BEFORE, "held(registered_before)"),
        (IN_WINDOW, "held(unproven_method)"),
        (AFTER, "held(unproven_method)"),
    ] {
        comes_to(verdict, |case| {
            case.registered("User registered Authenticator App with Notification");
            case.methods([method(MethodKind::MicrosoftAuthenticator, Some(date))]);
        });
    }
}

#[test]
fn methods_of_window_an_office_number_is_never_proven() {
    let office = |case: &mut Case| {
        let mut office = method(MethodKind::Phone, Some(IN_WINDOW));
        office.phone_type = Some(PhoneType::Office);
        case.methods([office]);
    };
    comes_to("held(unproven_method)", office);
    comes_to("held(unproven_method)", |case| {
        office(case);
        case.policy.unproven_methods = UnprovenMethods::Count;
    });
}

#[test]
fn methods_of_window_what_others_did_to_the_methods_leaves_nothing_proven() {
    for disturbing in [Act::Changed, Act::Removed] {
        comes_to("held(unproven_method)", |case| case.facts.acts = vec![act(disturbing, vec![])]);
    }
    comes_to("held(registered_by_admin)", |case| case.facts.acts = vec![act(Act::ByAdmin, vec![])]);
}

#[test]
fn methods_of_window_unknown_while_the_log_was_never_read_to_its_end() {
    comes_to("held(methods_of_window_unknown)", |case| case.facts.log = LogReading::Never);
    comes_to("held(methods_of_window_unknown)", |case| {
        case.facts.log = LogReading::Never;
        case.policy.unproven_methods = UnprovenMethods::RollBack;
    });
    comes_to("roll_back", |case| case.facts.log = LogReading::UnderWay);
}

#[test]
fn methods_of_window_count_takes_the_only_one_of_its_kind_for_the_one_that_is_named() {
    let only = |case: &mut Case| {
        case.registered("User registered Authenticator App with Notification");
        case.methods([method(MethodKind::MicrosoftAuthenticator, None)]);
        case.facts.report.list = RegistrationReportList::Whole;
        case.policy.unproven_methods = UnprovenMethods::Count;
    };
    comes_to("roll_back", only);
    let app = vec![MethodKind::MicrosoftAuthenticator];
    let changes: [&dyn Fn(&mut Case); 5] = [
        &|case| {
            let app = method(MethodKind::MicrosoftAuthenticator, None);
            case.methods([app.clone(), AuthenticationMethod { id: MethodId("old".to_owned()), ..app }]);
        },
        &|case| case.registered("User registered Mobile Phone SMS"),
        &|case| case.facts.acts = vec![act(Act::Removed, app.clone())],
        &|case| case.facts.acts = vec![act(Act::Removed, vec![])],
        &|case| case.facts.acts = vec![act(Act::Changed, vec![MethodKind::Phone])],
    ];
    for (n, change) in changes.iter().enumerate() {
        let case = Case::with(|case| {
            only(case);
            change(case);
        });
        assert_eq!(case.decide().verdict.to_string(), "held(unproven_method)", "change {n}");
    }
    comes_to("roll_back", |case| {
        only(case);
        case.registrations.push(registration("e2", LATER_IN_WINDOW, app.clone()));
        case.facts.acts = vec![act(Act::Removed, app.clone())];
    });
    comes_to("held(unproven_method)", |case| {
        only(case);
        // The same registration, as the other service or a file reports it.
        case.registrations.push(registration("e2", IN_WINDOW, app.clone()));
        case.facts.acts = vec![act(Act::Removed, app.clone())];
    });
    comes_to("held(unproven_method)", |case| {
        only(case);
        case.registered("User registered Authenticator App with Notification and Code");
        let oath = method(MethodKind::SoftwareOath, None);
        case.methods([method(MethodKind::MicrosoftAuthenticator, None), oath]);
    });
}

#[test]
fn methods_of_window_one_registration_proves_one_method() {
    let two_numbers = |case: &mut Case| {
        let mobile = method(MethodKind::Phone, Some(IN_WINDOW));
        let other = AuthenticationMethod {
            id: MethodId("b6332ec1-7057-4abe-9331-3d72feddfe41".to_owned()),
            phone_type: Some(PhoneType::AlternateMobile),
            ..mobile.clone()
        };
        case.methods([mobile, other]);
    };
    comes_to("held(unproven_method)", two_numbers);
    comes_to("roll_back", |case| {
        two_numbers(case);
        case.registrations.push(registration("e2", SOON_AFTER, vec![MethodKind::Phone]));
    });
    comes_to("held(unproven_method)", |case| {
        two_numbers(case);
        // The same registration, as the other service or a file reports it.
        case.registrations.push(registration("e2", IN_WINDOW, vec![MethodKind::Phone]));
    });
}

#[test]
fn methods_of_window_what_an_administrator_made_passes_by_no_setting() {
    for created in [None, Some(BEFORE), Some(IN_WINDOW)] {
        comes_to("held(registered_by_admin)", |case| {
            case.methods([method(MethodKind::Phone, created)]);
            case.policy.unproven_methods = UnprovenMethods::RollBack;
            case.policy.preexisting_methods = PreexistingMethods::RollBack;
            case.facts.acts = vec![act(Act::ByAdmin, vec![MethodKind::Phone])];
        });
    }
}

#[test]
fn methods_of_window_unproven_passes_by_a_setting_that_no_older_method_passes_by() {
    let undated = |case: &mut Case| {
        case.methods([method(MethodKind::SoftwareOath, None)]);
    };
    comes_to("held(unproven_method)", |case| {
        undated(case);
        case.policy.preexisting_methods = PreexistingMethods::RollBack;
    });
    comes_to("roll_back", |case| {
        undated(case);
        case.policy.unproven_methods = UnprovenMethods::RollBack;
    });
}

#[test]
fn methods_of_window_looks_at_strong_methods_only() {
    comes_to("roll_back", |case| {
        case.methods([
            method(MethodKind::Phone, Some(IN_WINDOW)),
            method(MethodKind::Fido2, Some(BEFORE)),
            method(MethodKind::WindowsHelloForBusiness, Some(AFTER)),
            method(MethodKind::Unknown("retina".to_owned()), None),
        ]);
    });
}

#[test]
fn methods_of_window_records_every_reason_once() {
    let case = Case::with(|case| {
        case.methods([
            method(MethodKind::SoftwareOath, None),
            method(MethodKind::SoftwareOath, Some(AFTER)),
            method(MethodKind::MicrosoftAuthenticator, Some(AFTER)),
            method(MethodKind::Phone, Some(BEFORE)),
        ]);
    });
    case.comes_to("held(registered_before)");
    assert_eq!(
        case.reasons(Rule::MethodsOfWindow),
        ["held(registered_before)", "held(registered_after)", "held(unproven_method)"]
    );
    assert_eq!(
        case.decide().releasable(false),
        [Held::RegisteredBefore, Held::RegisteredAfter, Held::UnprovenMethod].into()
    );
}

// not_last_credential

#[test]
fn not_last_credential_passes_with_any_of_the_five_credentials() {
    let credentials = [
        MethodKind::Password,
        MethodKind::Fido2,
        MethodKind::WindowsHelloForBusiness,
        MethodKind::PlatformCredential,
        MethodKind::QrCodePin,
    ];
    for credential in credentials {
        comes_to("roll_back", |case| {
            case.only_methods([method(MethodKind::Phone, Some(IN_WINDOW)), method(credential, None)]);
        });
    }
}

#[test]
fn not_last_credential_no_is_last_credential() {
    let not_enough = [
        MethodKind::Email,
        MethodKind::TemporaryAccessPass,
        MethodKind::HardwareOath,
        MethodKind::External,
        MethodKind::Unknown("retina".to_owned()),
    ];
    for other in not_enough {
        comes_to("held(last_credential)", |case| {
            case.only_methods([method(MethodKind::Phone, Some(IN_WINDOW)), method(other, None)]);
        });
    }
}

#[test]
fn not_last_credential_a_password_does_not_count_for_who_had_a_temporary_access_pass() {
    let pass = || vec![MethodKind::TemporaryAccessPass];
    let changes: [&dyn Fn(&mut Case); 3] = [
        &|case| {
            let phone = method(MethodKind::Phone, Some(IN_WINDOW));
            case.methods([phone, method(MethodKind::TemporaryAccessPass, None)]);
        },
        &|case| case.facts.acts = vec![act(Act::AccessPass, pass())],
        &|case| case.registrations.push(registration("e2", IN_WINDOW, pass())),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        comes_to("held(last_credential)", change);
        // The first pass has no date.
        comes_to(if n == 0 { "held(last_credential)" } else { "roll_back" }, |case| {
            change(case);
            case.user(|user| user.password_changed = Some(at(AFTER)));
        });
        comes_to("roll_back", |case| {
            change(case);
            let Reading::Known(methods) = &mut case.facts.methods else { unreachable!() };
            methods.push(method(MethodKind::Fido2, None));
        });
    }
}

// not_new_account

#[test]
fn not_new_account_no_is_new_account_unless_included() {
    for created in [START, IN_WINDOW, AFTER] {
        comes_to("held(new_account)", |case| case.user(|user| user.created = Some(at(created))));
    }
    comes_to("roll_back", |case| case.user(|user| user.created = Some(at(BEFORE))));
    comes_to("roll_back", |case| {
        case.user(|user| user.created = Some(at(IN_WINDOW)));
        case.policy.include_new_accounts = true;
    });
}

#[test]
fn not_new_account_unknown_is_held() {
    comes_to("held(not_new_account_unknown)", |case| case.user(|user| user.created = None));
}

// not_primary_sign_in

#[test]
fn not_primary_sign_in_a_number_to_sign_in_with_is_held() {
    comes_to("held(primary_sign_in)", |case| {
        let mut phone = method(MethodKind::Phone, Some(IN_WINDOW));
        phone.sms_sign_in = SmsSignIn::Ready;
        case.methods([phone]);
    });
}

#[test]
fn not_primary_sign_in_goes_by_the_registration_report_and_clears_nobody_where_it_was_not_read() {
    let line = |passwordless| Some(RegistrationReportLine { sspr: false, passwordless, admin: false });
    for (date, line, list, verdict) in [
        (None, line(true), RegistrationReportList::Whole, "held(primary_sign_in)"),
        (None, line(true), RegistrationReportList::Partly, "held(primary_sign_in)"),
        (None, line(false), RegistrationReportList::Partly, "roll_back"),
        (None, None, RegistrationReportList::Whole, "roll_back"),
        (None, None, RegistrationReportList::Partly, "held(not_primary_sign_in_unknown)"),
        (None, None, RegistrationReportList::NoLicence, "roll_back"),
        (Some(IN_WINDOW), line(false), RegistrationReportList::Whole, "roll_back"),
        (Some(IN_WINDOW), None, RegistrationReportList::Whole, "held(not_primary_sign_in_unknown)"),
        (Some(IN_WINDOW), None, RegistrationReportList::NoLicence, "held(not_primary_sign_in_unknown)"),
    ] {
        comes_to(verdict, |case| {
            case.policy.unproven_methods = UnprovenMethods::RollBack;
            case.facts.report = RegistrationReport { line, list };
            case.methods([method(MethodKind::MicrosoftAuthenticator, date)]);
        });
    }
    comes_to("roll_back", |case| {
        case.facts.report = RegistrationReport { line: line(true), list: RegistrationReportList::Whole }
    });
}

// mfa_not_required

#[test]
fn mfa_not_required_no_is_mfa_required_unless_let_through() {
    let required = |case: &mut Case| {
        case.belts.policies = Reading::Known(Policies { security_defaults: true, ..Policies::default() });
    };
    comes_to("held(mfa_required)", required);
    comes_to("roll_back", |case| {
        required(case);
        case.policy.mfa_required_users = MfaRequiredUsers::RollBack;
    });
}

/// A policy whose own text does not say whether it is for the user.
fn perhaps_asked(case: &mut Case) {
    let policy = ConditionalAccess {
        name: "Pilot".to_owned(),
        demands_mfa: true,
        guards_registration: false,
        users: PolicyUsers::Perhaps,
    };
    let policies = Policies { conditional_access: vec![policy], ..Policies::default() };
    case.belts.policies = Reading::Known(policies);
}

#[test]
fn what_if_decides_where_a_policy_may_be_for_the_user() {
    for (what_if, verdict) in [
        (WhatIf::Nothing, "roll_back"),
        (WhatIf::Demanded("a policy".to_owned()), "held(mfa_required)"),
        (WhatIf::Refused("403".to_owned()), "held(mfa_required)"),
        // It is asked before anything is deleted.
        (WhatIf::NotAsked, "roll_back"),
    ] {
        comes_to(verdict, |case| {
            perhaps_asked(case);
            case.facts.what_if = what_if.clone();
        });
        comes_to("roll_back", |case| {
            perhaps_asked(case);
            case.facts.what_if = what_if;
            case.policy.mfa_required_users = MfaRequiredUsers::RollBack;
        });
    }
}

#[test]
fn mfa_not_required_unknown_is_held() {
    comes_to("held(mfa_not_required_unknown)", |case| case.belts.policies = unread());
}

// The order

#[test]
fn the_first_no_wins_over_an_earlier_unknown() {
    comes_to("held(account_disabled)", |case| {
        case.facts.per_user_mfa = unread();
        case.belts.excluded = unread();
        case.user(|user| user.account_enabled = Some(false));
    });
    comes_to("not_eligible(per_user_mfa)", |case| {
        case.facts.account = unread();
        case.facts.per_user_mfa = Reading::Known(PerUserMfa::Enabled);
    });
}

#[test]
fn the_first_unknown_names_the_reason_where_there_is_no_no() {
    comes_to("held(per_user_mfa_unknown)", |case| {
        case.facts.per_user_mfa = unread();
        case.facts.methods = unread();
        case.belts.administrators = unread();
    });
}

#[test]
fn the_first_no_in_the_order_of_the_table_names_the_reason_and_all_are_recorded() {
    let mut case = Case::ordinary();
    let mut verdicts: Vec<(String, Rule)> = Vec::new();
    let mut worsen = |rule: Rule, change: fn(&mut Case)| {
        change(&mut case);
        verdicts.push((case.decide().verdict.to_string(), rule));
        for (_, rule) in &verdicts {
            assert!(matches!(case.answer(*rule), RuleAnswer::No { .. }), "{rule:?}");
        }
    };
    // From the last rule to the first: each no comes before all that are there already.
    worsen(Rule::MfaNotRequired, |case| {
        case.belts.policies = Reading::Known(Policies { security_defaults: true, ..Policies::default() });
    });
    worsen(Rule::NotPrimarySignIn, |case| {
        let mut phone = method(MethodKind::Phone, Some(IN_WINDOW));
        phone.sms_sign_in = SmsSignIn::Ready;
        case.methods([phone]);
    });
    worsen(Rule::NotLastCredential, |case| {
        let mut phone = method(MethodKind::Phone, Some(IN_WINDOW));
        phone.sms_sign_in = SmsSignIn::Ready;
        case.only_methods([phone]);
    });
    worsen(Rule::MethodsOfWindow, |case| {
        let mut phone = method(MethodKind::Phone, Some(BEFORE));
        phone.sms_sign_in = SmsSignIn::Ready;
        case.only_methods([phone]);
    });
    worsen(Rule::NotNewAccount, |case| case.user(|user| user.created = Some(at(IN_WINDOW))));
    worsen(Rule::AccountEnabled, |case| {
        case.user(|user| {
            user.created = Some(at(IN_WINDOW));
            user.account_enabled = Some(false);
        });
    });
    worsen(Rule::NotExternal, |case| {
        case.user(|user| {
            user.created = Some(at(IN_WINDOW));
            user.account_enabled = Some(false);
            user.user_type = Some(Some("Guest".to_owned()));
        });
    });
    worsen(Rule::NotAdministrator, Case::administrator);
    worsen(Rule::NotExcluded, Case::excluded);
    worsen(Rule::NotRolledBack, |case| {
        case.first_delete_at = Some(at(IN_WINDOW));
    });
    worsen(Rule::PerUserMfa, |case| {
        case.facts.per_user_mfa = Reading::Known(PerUserMfa::Enforced);
    });
    worsen(Rule::InWindow, |case| {
        case.policy.window.end = at("2026-02-19T00:00:00Z");
    });
    let verdicts: Vec<String> = verdicts.into_iter().map(|(verdict, _)| verdict).collect();
    assert_eq!(
        verdicts,
        [
            "held(mfa_required)",
            "held(primary_sign_in)",
            "held(last_credential)",
            "held(registered_before)",
            "held(new_account)",
            "held(account_disabled)",
            "held(external)",
            "held(administrator)",
            "held(excluded)",
            "held(re_registered)",
            "not_eligible(per_user_mfa)",
            "not_eligible(outside_window)",
        ]
    );
}

#[test]
fn no_strong_methods_comes_before_excluded_and_after_already_rolled_back() {
    let none = |case: &mut Case| {
        case.methods([]);
        case.excluded();
    };
    comes_to("not_eligible(no_strong_methods)", none);
    comes_to("not_eligible(already_rolled_back)", |case| {
        none(case);
        case.first_delete_at = Some(at(IN_WINDOW));
    });
}

// Releases

#[test]
fn a_release_lifts_exactly_the_reasons_on_record() {
    let case = Case::with(|case| {
        case.methods([method(MethodKind::Phone, Some(BEFORE)), method(MethodKind::SoftwareOath, None)]);
        case.user(|user| user.account_enabled = Some(false));
        case.released = [Held::AccountDisabled, Held::RegisteredBefore].into();
    });
    case.comes_to("held(unproven_method)");
    assert_eq!(case.reasons(Rule::MethodsOfWindow), ["held(unproven_method)"]);
    let note = |answer| matches!(answer, RuleAnswer::Pass { note: Some(note) } if note.contains("released"));
    assert!(note(case.answer(Rule::AccountEnabled)));
    let all = Case {
        released: [Held::AccountDisabled, Held::RegisteredBefore, Held::UnprovenMethod].into(),
        ..case
    };
    all.comes_to("roll_back");
}

#[test]
fn a_release_covers_no_method_that_came_after_it() {
    let phone = |number: &str| {
        let mut phone = method(MethodKind::Phone, None);
        phone.phone_number = Some(number.to_owned());
        phone
    };
    for (reason, first_delete_at) in
        [(Held::UnprovenMethod, None), (Held::ReRegistered, Some(at("2026-03-05T00:00:00Z")))]
    {
        let released = Case::with(|case| {
            case.methods([phone("+1 2065550101")]);
            case.first_delete_at = first_delete_at;
            case.policy.unproven_methods =
                if first_delete_at.is_some() { UnprovenMethods::RollBack } else { UnprovenMethods::Hold };
            case.released = [reason].into();
            case.look = Some(Look::at(case.facts.methods.known().unwrap(), Uuid::from_u128(4)));
        });
        released.comes_to("roll_back");
        for later in [phone("+1 2065550102"), phone("+1 XXXXXXXX02"), method(MethodKind::SoftwareOath, None)]
        {
            let mut case = released.clone();
            case.methods([phone("+1 2065550101"), later.clone()]);
            if later.kind == MethodKind::Phone {
                case.methods([later]);
            }
            case.comes_to(&format!("held({reason})"));
        }
    }
}

#[test]
fn nor_does_a_release_of_the_person_cover_a_method_that_came_after_it() {
    let released = Case::with(|case| {
        case.administrator();
        case.released = [Held::Administrator].into();
        case.policy.releasable = [USER.parse().unwrap()].into();
        case.look = Some(Look::at(case.facts.methods.known().unwrap(), Uuid::from_u128(4)));
        case.policy.unproven_methods = UnprovenMethods::RollBack;
    });
    released.comes_to("roll_back");
    let mut later = released;
    later.methods([method(MethodKind::Phone, Some(IN_WINDOW)), method(MethodKind::SoftwareOath, None)]);
    later.comes_to("held(administrator)");
}

#[test]
fn a_release_lifts_re_registered() {
    comes_to("roll_back", |case| {
        case.first_delete_at = Some(at(IN_WINDOW));
        case.released = [Held::ReRegistered].into();
    });
}

#[test]
fn a_release_never_lifts_excluded_an_unknown_or_not_eligible() {
    let everything: BTreeSet<Held> = Held::all().collect();
    let changes: [(&str, Change); 6] = [
        ("held(excluded)", Case::excluded),
        ("held(per_user_mfa_unknown)", |case| {
            case.facts.per_user_mfa = unread();
        }),
        ("held(not_administrator_unknown)", |case| {
            case.belts.administrators = unread();
        }),
        ("not_eligible(per_user_mfa)", |case| {
            case.facts.per_user_mfa = Reading::Known(PerUserMfa::Enabled);
        }),
        ("not_eligible(outside_window)", |case| {
            case.registrations.clear();
        }),
        ("not_eligible(no_strong_methods)", |case| case.methods([])),
    ];
    for (verdict, change) in changes {
        comes_to(verdict, |case| {
            change(case);
            case.released = everything.clone();
        });
    }
}

#[test]
fn what_can_be_released_leaves_out_excluded_and_unknowns() {
    let case = Case::with(|case| {
        case.excluded();
        case.administrator();
        case.facts.per_user_mfa = unread();
        case.user(|user| user.account_enabled = Some(false));
    });
    assert_eq!(case.decide().releasable(true), [Held::Administrator, Held::AccountDisabled].into());
    assert_eq!(case.decide().releasable(false), [Held::AccountDisabled].into());
}

// Notices

#[test]
fn consequences_say_what_password_reset_loses_or_that_it_is_not_known() {
    let line = |sspr| RegistrationReportLine { sspr, passwordless: false, admin: false };
    let loses = |case: Case| case.decide().consequences.unwrap().sspr_loses;
    assert_eq!(loses(Case::ordinary()), None, "not known");
    assert_eq!(loses(Case::with(|case| case.reported(line(true)))), Some(vec![MethodKind::Phone]));
    assert_eq!(loses(Case::with(|case| case.reported(line(false)))), Some(Vec::new()));
    let apps = Case::with(|case| {
        case.reported(line(true));
        case.methods([
            method(MethodKind::SoftwareOath, Some(IN_WINDOW)),
            method(MethodKind::MicrosoftAuthenticator, Some(IN_WINDOW)),
            method(MethodKind::Email, None),
        ]);
    });
    assert_eq!(loses(apps), Some(vec![MethodKind::MicrosoftAuthenticator, MethodKind::SoftwareOath]));
}

#[test]
fn consequences_say_what_can_still_do_mfa() {
    let case = Case::with(|case| {
        case.methods([
            method(MethodKind::Phone, Some(IN_WINDOW)),
            method(MethodKind::External, None),
            method(MethodKind::Fido2, None),
            method(MethodKind::Fido2, None),
            method(MethodKind::HardwareOath, None),
            method(MethodKind::Email, None),
            method(MethodKind::WindowsHelloForBusiness, None),
        ]);
    });
    let consequences = case.decide().consequences.unwrap();
    assert_eq!(
        consequences.still_can_do_mfa,
        [
            MethodKind::Fido2,
            MethodKind::WindowsHelloForBusiness,
            MethodKind::External,
            MethodKind::HardwareOath
        ]
    );
    assert!(!consequences.no_method_left);
}

#[test]
fn consequences_say_that_no_method_is_left() {
    let consequences = Case::ordinary().decide().consequences.unwrap();
    assert!(consequences.no_method_left && consequences.still_can_do_mfa.is_empty());
    let email = Case::with(|case| case.methods([method(MethodKind::Email, None)]));
    assert!(!email.decide().consequences.unwrap().no_method_left);
}

#[test]
fn notices_are_not_known_where_the_methods_are_not() {
    assert_eq!(Case::with(|case| case.facts.methods = unread()).decide().consequences, None);
}

// The directory's own records

fn change(minute: i64, before: &[&str], after: &[&str]) -> RecordedChange {
    let ids = |ids: &[&str]| Some(ids.iter().map(|id| MethodId((*id).to_owned())).collect());
    RecordedChange {
        event_id: EventId(format!("Directory_{minute}")),
        at: shift(at(IN_WINDOW), SignedDuration::from_mins(minute)),
        by_another: false,
        flags: story::Change::default(),
        apps: story::Change { before: ids(before), after: ids(after) },
        numbers: None,
        required: story::Change::default(),
    }
}

/// An undated Authenticator, of whose id the directory tells this.
fn app_with(changes: Vec<RecordedChange>) -> Case {
    Case::with(|case| {
        case.methods([method(MethodKind::MicrosoftAuthenticator, None)]);
        case.facts.story = Story::new(changes);
    })
}

fn app_id() -> String {
    method(MethodKind::MicrosoftAuthenticator, None).id.0
}

#[test]
fn an_undated_app_that_a_record_of_the_window_added_is_of_the_window_and_the_note_says_why() {
    let id = app_id();
    let case = app_with(vec![change(0, &[], &[&id])]);
    let RuleAnswer::Pass { note: Some(note) } = case.answer(Rule::MethodsOfWindow) else { panic!() };
    assert_eq!(
        note,
        "microsoftAuthenticator: it came with event Directory_0 at 2026-02-20T09:00:00Z; the directory had no \
         app before"
    );
    let shown = &case.decide().methods[0];
    let event = shown.shown_by.as_ref().map(|shows| (shows.event_id.0.as_str(), shows.event_at));
    assert_eq!((shown.origin, event), (Origin::OfWindow, Some(("Directory_0", at(IN_WINDOW)))));
}

#[test]
fn what_a_look_after_the_window_did_not_see_came_later_whatever_else_is_shown() {
    let missed = |when: &str| {
        let mut memory = Memory::new(Uuid::from_u128(5));
        memory.look(&[], at(when));
        Some(memory)
    };
    let mut proven = app_with(vec![change(0, &[], &[&app_id()])]);
    proven.memory = missed(IN_WINDOW);
    assert_eq!(proven.decide().methods[0].origin, Origin::OfWindow, "a look in the window says nothing");
    proven.memory = missed(AFTER);
    assert_eq!(
        proven.decide().methods[0].origin,
        Origin::AfterWindow,
        "of two that contradict, the stricter"
    );
    proven.comes_to("held(registered_after)");
    let mut unproven = Case::with(|case| case.methods([method(MethodKind::Phone, None)]));
    unproven.policy.unproven_methods = UnprovenMethods::RollBack;
    unproven.comes_to("roll_back");
    unproven.memory = missed(AFTER);
    unproven.comes_to("held(registered_after)");
}

#[test]
fn a_release_of_an_administrator_who_is_no_longer_listed_lifts_nothing() {
    let mut case = Case::with(|case| {
        case.administrator();
        case.released = [Held::Administrator].into();
        case.policy.releasable = [USER.parse().unwrap()].into();
    });
    case.comes_to("roll_back");
    case.policy.releasable = [OTHER_USER.parse().unwrap()].into();
    case.comes_to("held(administrator)");
}

#[test]
fn an_app_of_before_after_or_by_another_stays() {
    let id = app_id();
    let before = app_with(vec![change(0, &[&id], &[&id, "b"])]);
    assert_eq!(before.reasons(Rule::MethodsOfWindow), ["held(registered_before)"]);
    let mut late = change(0, &[], &[&id]);
    late.at = at(AFTER);
    assert_eq!(app_with(vec![late]).reasons(Rule::MethodsOfWindow), ["held(registered_after)"]);
    let mut by_another = change(0, &[], &[&id]);
    by_another.by_another = true;
    assert_eq!(app_with(vec![by_another]).reasons(Rule::MethodsOfWindow), ["held(registered_by_admin)"]);
    let mut by_admin = app_with(vec![change(0, &[], &[&id])]);
    by_admin.facts.acts = vec![act(Act::ByAdmin, vec![])];
    assert_eq!(by_admin.reasons(Rule::MethodsOfWindow), ["held(registered_by_admin)"]);
    let mut dated = app_with(vec![change(0, &[], &[&id])]);
    let mut early = method(MethodKind::MicrosoftAuthenticator, Some(BEFORE));
    early.id = MethodId(id);
    dated.methods([early]);
    assert_eq!(
        dated.reasons(Rule::MethodsOfWindow),
        ["held(registered_before)"],
        "of two that contradict, the stricter"
    );
}

#[test]
fn a_claim_finds_a_candidate_and_shows_nothing_unless_a_person_vouches_for_it() {
    let claimed =
        |vouched: Option<Vouched>| Case::with(|case| case.registrations[0].claim = Some(Claimed { vouched }));
    let alone = claimed(None);
    assert!(matches!(alone.answer(Rule::InWindow), RuleAnswer::Pass { .. }));
    alone.comes_to("held(unproven_method)");
    claimed(Some(Vouched { by: "ops".to_owned(), sha256: "0".to_owned() })).comes_to("roll_back");
}

#[test]
fn who_had_mfa_methods_or_per_user_mfa_is_held() {
    let flags = |before: &[u8]| {
        let mut change = change(0, &[], &[]);
        change.flags =
            story::Change { before: Some(before.iter().copied().collect()), after: Some([6].into()) };
        Case::with(|case| case.facts.story = Story::new(vec![change]))
    };
    assert_eq!(flags(&[1]).reasons(Rule::NotStampedBefore), ["held(registered_before)"]);
    assert!(matches!(flags(&[]).answer(Rule::NotStampedBefore), RuleAnswer::Pass { note: Some(note) }
        if note.starts_with("stamped with event Directory_0")));
    let mut switched = change(0, &[], &[]);
    switched.required = story::Change { before: Some(true), after: Some(false) };
    let meant = Case::with(|case| case.facts.story = Story::new(vec![switched]));
    assert_eq!(meant.reasons(Rule::MfaNotMeant), ["held(mfa_was_meant)"]);
}

// The record

#[test]
fn a_decision_is_read_back_as_it_was_written() {
    let case = Case::with(|case| {
        case.by_hand = true;
        case.belts.administrators = unread();
        case.methods([method(MethodKind::Phone, Some(BEFORE)), method(MethodKind::SoftwareOath, None)]);
        case.reported(RegistrationReportLine { sspr: true, passwordless: false, admin: false });
    });
    let decision = case.decide();
    let json = serde_json::to_string(&decision).unwrap();
    assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), decision);
}

// Invariants

fn reading<T: Clone + std::fmt::Debug + 'static>(
    known: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Reading<T>> {
    prop_oneof![12 => known.prop_map(Reading::Known), 1 => Just(unread())]
}

fn any_user() -> impl Strategy<Value = User> {
    let text = |usual: Option<&'static str>, odd: &'static str| {
        let some = |text: Option<&str>| Some(text.map(str::to_owned));
        prop_oneof![10 => Just(some(usual)), 1 => Just(some(Some(odd))), 1 => Just(None), 1 => Just(some(None))]
    };
    let name =
        prop_oneof![10 => Just(Some("ada@contoso.example")), 1 => Just(Some("a#EXT#@x")), 1 => Just(None)];
    let enabled = prop_oneof![10 => Just(Some(true)), 1 => Just(Some(false)), 1 => Just(None)];
    let created =
        prop_oneof![10 => Just(Some("2020-01-01T00:00:00Z")), 1 => Just(Some(IN_WINDOW)), 1 => Just(None)];
    let kinds = (text(Some("Member"), "Guest"), text(None, "Accepted"), text(None, "Invitation"));
    (name, enabled, created, kinds).prop_map(
        |(name, account_enabled, created, (user_type, external_user_state, creation_type))| User {
            created: created.map(at),
            user_principal_name: name.map(str::to_owned),
            account_enabled,
            user_type,
            external_user_state,
            creation_type,
            ..member()
        },
    )
}

fn any_account() -> impl Strategy<Value = Account> {
    prop_oneof![
        12 => any_user().prop_map(|user| Account::Found(Box::new(user))),
        1 => Just(Account::NotFound),
    ]
}

fn any_per_user_mfa() -> impl Strategy<Value = PerUserMfa> {
    prop_oneof![
        4 => Just(PerUserMfa::Disabled),
        1 => Just(PerUserMfa::Enabled),
        1 => Just(PerUserMfa::Enforced),
        1 => Just(PerUserMfa::Unknown),
    ]
}

fn any_method() -> impl Strategy<Value = AuthenticationMethod> {
    let kind = prop_oneof![
        6 => Just(MethodKind::Phone),
        3 => Just(MethodKind::MicrosoftAuthenticator),
        2 => Just(MethodKind::SoftwareOath),
        3 => Just(MethodKind::Password),
        1 => Just(MethodKind::Fido2),
        1 => Just(MethodKind::Email),
        1 => Just(MethodKind::Unknown("retina".to_owned())),
    ];
    let created = prop_oneof![8 => Just(Some(IN_WINDOW)), 1 => Just(Some(BEFORE)), 1 => Just(Some(AFTER)), 2 => Just(None)];
    (kind, created, prop::bool::weighted(0.1)).prop_map(|(kind, created, signs_in)| {
        let mut method = method(kind, created);
        if signs_in {
            method.sms_sign_in = SmsSignIn::Ready;
        }
        method
    })
}

fn any_methods() -> impl Strategy<Value = Vec<AuthenticationMethod>> {
    (prop::collection::vec(any_method(), 0..4), prop::bool::weighted(0.8)).prop_map(
        |(mut methods, password)| {
            if password {
                methods.push(method(MethodKind::Password, None));
            }
            methods
        },
    )
}

fn any_belts() -> impl Strategy<Value = Belts> {
    let who = || prop_oneof![8 => Just(None), 1 => Just(Some(USER)), 1 => Just(Some(OTHER_USER))];
    let excluded = who().prop_map(|who| who.iter().map(|id| id.parse().unwrap()).collect());
    let administrators =
        who().prop_map(|who| who.iter().map(|id| (id.parse().unwrap(), "by a role".to_owned())).collect());
    let policies = prop::bool::weighted(0.1)
        .prop_map(|security_defaults| Policies { security_defaults, ..Policies::default() });
    (reading(excluded), reading(administrators), reading(policies))
        .prop_map(|(excluded, administrators, policies)| Belts { excluded, administrators, policies })
}

fn any_acts() -> impl Strategy<Value = Vec<RecordedAct>> {
    let what = prop::sample::select(vec![
        Act::ByAdmin,
        Act::Changed,
        Act::Removed,
        Act::AccessPass,
        Act::RolledBack,
    ]);
    let kinds = prop::sample::select(vec![vec![], vec![MethodKind::Phone]]);
    let one = (what, kinds).prop_map(|(what, kinds)| act(what, kinds));
    prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(one, 1..3)]
}

fn any_report() -> impl Strategy<Value = RegistrationReport> {
    let line = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2))
        .prop_map(|(sspr, passwordless, admin)| RegistrationReportLine { sspr, passwordless, admin });
    let list = prop::sample::select(vec![
        RegistrationReportList::Whole,
        RegistrationReportList::Partly,
        RegistrationReportList::NoLicence,
    ]);
    (prop::option::of(line), list).prop_map(|(line, list)| RegistrationReport { line, list })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let readings = (reading(any_account()), reading(any_per_user_mfa()), reading(any_methods()));
    (readings, any_report(), any_acts()).prop_map(|((account, per_user_mfa, methods), report, acts)| Facts {
        read_at: at(NOW),
        account,
        per_user_mfa,
        methods,
        report,
        acts,
        story: Story::default(),
        log: LogReading::Whole,
        told: Told::NotAsked,
        what_if: WhatIf::NotAsked,
        request_ids: Vec::new(),
    })
}

#[derive(Debug, Clone, Copy)]
enum Past {
    Nothing,
    RolledBack,
    IntentOfTheseMethods,
    IntentOfOtherMethods,
}

prop_compose! {
    fn any_case()(
        facts in any_facts(),
        belts in any_belts(),
        registered_at in prop::sample::select(vec![IN_WINDOW, IN_WINDOW, IN_WINDOW, BEFORE, AFTER]),
        by_hand in any::<bool>(),
        past in prop_oneof![
            6 => Just(Past::Nothing),
            1 => Just(Past::RolledBack),
            1 => Just(Past::IntentOfTheseMethods),
            1 => Just(Past::IntentOfOtherMethods),
        ],
        include in (any::<bool>(), any::<bool>(), 0..3_usize, 0..3_usize),
        released in prop_oneof![
            3 => Just(BTreeSet::new()),
            1 => prop::collection::btree_set(prop::sample::select(Held::all().collect::<Vec<Held>>()), 0..12),
            1 => Just(Held::all().collect::<BTreeSet<Held>>()),
        ],
    ) -> Case {
        let mut case = Case::with(|case| {
            case.registrations = vec![registration("e1", registered_at, vec![MethodKind::Phone])];
            case.by_hand = by_hand;
            case.policy.include_administrators = include.0;
            case.policy.include_external_users = include.1;
            case.policy.preexisting_methods =
                [PreexistingMethods::Hold, PreexistingMethods::Keep, PreexistingMethods::RollBack][include.2];
            case.policy.unproven_methods =
                [UnprovenMethods::Hold, UnprovenMethods::Count, UnprovenMethods::RollBack][include.3];
            case.released = released;
        });
        case.facts = facts;
        case.belts = belts;
        match past {
            Past::Nothing => {}
            Past::RolledBack => case.first_delete_at = Some(at(IN_WINDOW)),
            Past::IntentOfTheseMethods => case.intended("2026-04-02T11:00:00Z"),
            Past::IntentOfOtherMethods => {
                let methods = std::mem::replace(&mut case.facts.methods, Reading::Known(Vec::new()));
                case.intended("2026-04-02T11:00:00Z");
                case.facts.methods = methods;
            }
        }
        case
    }
}

fn no_reason(result: &RuleResult) -> Option<Verdict> {
    match &result.answer {
        RuleAnswer::No { reasons, .. } => reasons.first().copied(),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Invariant 2 of `docs/invariants.md`.
    #[test]
    fn never_for_a_user_enabled_or_enforced_for_per_user_mfa_and_no_read_that_failed_counts_as_a_pass(
        case in any_case(),
    ) {
        let decision = case.decide();
        if decision.verdict == Verdict::RollBack {
            prop_assert_eq!(&case.facts.per_user_mfa, &Reading::Known(PerUserMfa::Disabled));
            prop_assert!(matches!(&case.facts.account, Reading::Known(Account::Found(_))));
            prop_assert!(case.facts.methods.known().is_some());
            prop_assert!(case.belts.administrators.known().is_some());
            let excluded = case.belts.excluded.known();
            prop_assert!(case.belts.policies.known().is_some());
            prop_assert!(excluded.is_some_and(|excluded| !excluded.contains(&USER.parse().unwrap())));
            for result in &decision.rules {
                prop_assert!(
                    matches!(result.answer, RuleAnswer::Pass { .. } | RuleAnswer::NotApplicable),
                    "{:?}", result
                );
            }
        }
    }

    /// Invariant 5, as far as deciding goes.
    #[test]
    fn no_second_automatic_rollback_without_a_release_or_an_open_intent(case in any_case()) {
        if case.decide().verdict == Verdict::RollBack && case.first_delete_at.is_some() {
            prop_assert!(case.intent.is_some() || case.released.contains(&Held::ReRegistered));
        }
    }

    /// Invariant 3, as far as deciding goes.
    #[test]
    fn every_method_that_goes_is_of_the_window_or_let_through(case in any_case()) {
        let decision = case.decide();
        if decision.verdict == Verdict::RollBack {
            let of_others = |act: &RecordedAct| matches!(act.act, Act::ByAdmin | Act::Changed | Act::Removed);
            let undisturbed = !case.facts.acts.iter().any(of_others);
            let registered = case.registrations[0].registered_at == at(IN_WINDOW);
            let strong = case.facts.methods.known().unwrap().iter().filter(|method| method.kind.is_strong());
            for method in strong.filter(|method| !decision.keeps(&method.name())) {
                let is_app = method.kind == MethodKind::MicrosoftAuthenticator;
                let is_phone = method.kind == MethodKind::Phone;
                let (of_window, lets_through, held) = match method.created {
                    Some(created) if created < at(START) => {
                        (false, case.policy.preexisting_methods == PreexistingMethods::RollBack, Held::RegisteredBefore)
                    }
                    Some(created) if created > at(END) && !is_app => (false, false, Held::RegisteredAfter),
                    date => (
                        is_phone && date.is_some() && registered && undisturbed,
                        match case.policy.unproven_methods {
                            UnprovenMethods::Hold => false,
                            UnprovenMethods::Count => is_phone && registered,
                            UnprovenMethods::RollBack => true,
                        },
                        Held::UnprovenMethod,
                    ),
                };
                prop_assert!(of_window || lets_through || case.released.contains(&held), "{:?}", method);
            }
        }
    }

    #[test]
    fn a_decision_has_all_rules_in_order_and_says_the_first_no_or_else_the_first_unknown(case in any_case()) {
        let decision = case.decide();
        let rules: Vec<Rule> = decision.rules.iter().map(|result| result.rule).collect();
        prop_assert_eq!(rules, Rule::ALL);
        let is_unknown = |result: &&RuleResult| matches!(result.answer, RuleAnswer::Unknown { .. });
        let expected = match decision.rules.iter().find_map(no_reason) {
            Some(reason) => reason.to_string(),
            None => match decision.rules.iter().find(is_unknown) {
                Some(result) => {
                    let rule = serde_json::to_value(result.rule).unwrap();
                    format!("held({}_unknown)", rule.as_str().unwrap())
                }
                None => "roll_back".to_owned(),
            },
        };
        prop_assert_eq!(decision.verdict.to_string(), expected);
    }
}
