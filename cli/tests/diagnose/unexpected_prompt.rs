//! "I am asked for MFA and nobody enabled it".

use std::time::Duration;

use simulator::{ConditionalAccess, MethodKind, NewMethod, PerUserMfa, PhoneType};

use super::{Case, PLAIN, Scene, without};
use crate::support::now;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "stamped in the window",
        set: |scene| {
            let at = now() - Duration::from_hours(100);
            let phone = NewMethod::phone(PhoneType::Mobile, "+1 2065550100");
            scene.world.tenant.register_at(scene.ada, phone, at, at);
        },
        step: "stamp",
        bearing: "may_be_why",
        says: &["within the window", "the user's own registration", "User registered Mobile Phone SMS"],
        next: "rollback",
        ..PLAIN
    },
    Case {
        name: "stamped outside the window",
        set: Scene::phone,
        step: "stamp",
        bearing: "may_be_why",
        says: &["outside the window"],
        next: "ask the user what they registered",
        ..PLAIN
    },
    Case {
        name: "stamped before what the log keeps",
        set: |scene| scene.apps(&MethodKind::MicrosoftAuthenticator, 1),
        step: "stamp",
        bearing: "may_be_why",
        says: &["no record shows when their flags were stamped"],
        next: "scan --audit-log",
        ..PLAIN
    },
    Case {
        name: "stamped before the log's first record of the user",
        set: |scene| {
            scene.apps(&MethodKind::MicrosoftAuthenticator, 1);
            scene.phone();
        },
        step: "stamp",
        bearing: "may_be_why",
        says: &["had MFA flags already before"],
        next: "scan --audit-log",
        ..PLAIN
    },
    Case { name: "nothing to stamp", step: "stamp", says: &["no MFA flag can stand on that"], ..PLAIN },
    Case {
        name: "per-user MFA",
        set: |scene| scene.world.tenant.set_per_user_mfa(scene.ada, PerUserMfa::Enforced),
        step: "per_user_mfa",
        bearing: "may_be_why",
        says: &["enforced: an administrator turned it on"],
        next: "Per-user MFA",
        ..PLAIN
    },
    Case { name: "no per-user MFA", step: "per_user_mfa", says: &["disabled"], ..PLAIN },
    Case {
        name: "per-user MFA that cannot be read",
        options: |options| without(options, "Policy.Read.All"),
        step: "per_user_mfa",
        bearing: "not_read",
        says: &["permission Policy.Read.All"],
        ..PLAIN
    },
    Case {
        name: "Conditional Access demands",
        set: |scene| {
            scene.world.tenant.add_policy(ConditionalAccess::demanding_mfa("MFA for Ada", vec![scene.ada]));
        },
        step: "conditional_access",
        bearing: "may_be_why",
        says: &["\"MFA for Ada\" demands MFA"],
        next: "leave the user out",
        ..PLAIN
    },
    Case {
        name: "Conditional Access may demand",
        set: |scene| {
            scene.world.tenant.add_policy(ConditionalAccess {
                depends_on_place: true,
                ..ConditionalAccess::demanding_mfa("Abroad", vec![scene.ada])
            });
        },
        step: "conditional_access",
        bearing: "may_be_why",
        says: &["\"Abroad\" may demand MFA", "notEnoughInformation"],
        next: "leave the user out",
        ..PLAIN
    },
    Case {
        name: "Conditional Access demands nothing",
        set: |scene| {
            let other = scene.world.cast.residents[0].id;
            scene.world.tenant.add_policy(ConditionalAccess::demanding_mfa("MFA for others", vec![other]));
        },
        step: "conditional_access",
        says: &["no policy that is on demands MFA"],
        next: "an app of its own",
        ..PLAIN
    },
    Case {
        name: "Conditional Access that cannot be read",
        options: |options| without(options, "Policy.Read.All"),
        step: "conditional_access",
        bearing: "not_read",
        says: &["permission Policy.Read.All"],
        ..PLAIN
    },
    Case {
        name: "security defaults",
        set: |scene| scene.policies(|policies| policies.security_defaults = true),
        step: "security_defaults",
        bearing: "may_be_why",
        says: &["demanded of everybody"],
        next: "Manage security defaults",
        ..PLAIN
    },
    Case { name: "no security defaults", step: "security_defaults", says: &["off"], ..PLAIN },
    Case {
        name: "the security-info page asks",
        set: Scene::phone,
        step: "security_info_page",
        bearing: "may_be_why",
        says: &["https://aka.ms/ssprsetup"],
        next: "makes the account safer",
        ..PLAIN
    },
    Case {
        name: "the security-info page does not ask",
        set: |scene| scene.apps(&MethodKind::Email, 1),
        step: "security_info_page",
        says: &["ask for the password only"],
        ..PLAIN
    },
    Case {
        name: "the rule that objects",
        set: |scene| {
            scene.phone();
            scene.world.tenant.set_per_user_mfa(scene.ada, PerUserMfa::Enabled);
        },
        step: "rollback",
        bearing: "tells",
        says: &["not_eligible(per_user_mfa)", "rule per_user_mfa objects", "no run has found the user yet"],
        next: "mfa-rollback explain",
        ..PLAIN
    },
    Case {
        name: "a decision that cannot be made",
        options: |options| without(options, "Policy.Read.All"),
        step: "rollback",
        bearing: "not_read",
        says: &["permission Policy.Read.All"],
        ..PLAIN
    },
];
