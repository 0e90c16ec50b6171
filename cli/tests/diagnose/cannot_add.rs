//! "I don't have the option to add a particular method".

use simulator::{MethodKind, MethodSetting, PerUserMfa, RoleKind};

use super::{Case, PLAIN, Scene, without};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "enabled for everybody",
        method: Some("phone"),
        step: "method_enabled",
        says: &["Sms is on for everybody"],
        ..PLAIN
    },
    Case {
        name: "enabled for a group of the user's",
        set: |scene| scene.pilot(true, false, false),
        method: Some("authenticator"),
        step: "method_enabled",
        says: &["MicrosoftAuthenticator is on for group Pilot"],
        ..PLAIN
    },
    Case {
        name: "enabled for another group",
        set: |scene| scene.pilot(false, false, false),
        method: Some("authenticator"),
        step: "method_enabled",
        bearing: "may_be_why",
        says: &["only for group Pilot, and the user is not in it", "no legacy policy counts"],
        next: "Authentication methods > Policies",
        ..PLAIN
    },
    Case {
        name: "left out by a group",
        set: |scene| scene.pilot(true, false, true),
        method: Some("authenticator"),
        step: "method_enabled",
        bearing: "may_be_why",
        says: &["group Pilot is left out, and the user with it"],
        next: "Authentication methods > Policies",
        ..PLAIN
    },
    Case {
        name: "a group with hidden members",
        set: |scene| scene.pilot(true, true, false),
        method: Some("authenticator"),
        step: "method_enabled",
        bearing: "not_read",
        says: &["group Pilot hides its members: grant Member.Read.Hidden"],
        ..PLAIN
    },
    Case {
        name: "a group whose hidden members may be read",
        options: |options| options.permissions.push("Member.Read.Hidden".to_owned()),
        set: |scene| scene.pilot(true, true, false),
        method: Some("authenticator"),
        step: "method_enabled",
        says: &["on for group Pilot"],
        ..PLAIN
    },
    Case {
        name: "off",
        method: Some("alternate-phone"),
        step: "method_enabled",
        bearing: "may_be_why",
        says: &["Voice is off", "no legacy policy counts"],
        next: "Authentication methods > Policies",
        ..PLAIN
    },
    Case {
        name: "off, with legacy policies",
        set: |scene| scene.setting(MethodSetting::new("Fido2", false), Some("migrationInProgress")),
        method: Some("passkey"),
        step: "method_enabled",
        bearing: "may_be_why",
        says: &["Fido2 is off", "Graph does not show them"],
        next: "look at the legacy policies",
        ..PLAIN
    },
    Case {
        name: "off, and Graph does not say whether legacy policies count",
        set: |scene| scene.setting(MethodSetting::new("SoftwareOath", false), None),
        method: Some("other-app"),
        step: "method_enabled",
        bearing: "may_be_why",
        says: &["SoftwareOath is off", "the legacy MFA and SSPR policies count, too"],
        next: "look at the legacy policies",
        ..PLAIN
    },
    Case {
        name: "e-mail without SSPR",
        set: |scene| scene.world.tenant.leave_out_of_sspr(scene.ada),
        method: Some("email"),
        step: "method_enabled",
        bearing: "may_be_why",
        says: &["e-mail serves SSPR alone"],
        next: "turn SSPR on",
        ..PLAIN
    },
    Case {
        name: "security questions",
        method: Some("security-questions"),
        step: "method_enabled",
        bearing: "not_read",
        says: &["only the legacy SSPR policy"],
        next: "Password reset > Authentication methods",
        ..PLAIN
    },
    Case {
        name: "security questions of an administrator",
        set: |scene| _ = scene.world.tenant.assign_role(scene.ada, RoleKind::Active, "/"),
        method: Some("security-questions"),
        step: "method_enabled",
        bearing: "may_be_why",
        says: &["administrators never have security questions"],
        next: "another method",
        ..PLAIN
    },
    Case {
        name: "app passwords",
        method: Some("app-password"),
        step: "method_enabled",
        bearing: "may_be_why",
        says: &["per-user MFA enforced, and this user is not"],
        next: "an app that can do MFA",
        ..PLAIN
    },
    Case {
        name: "app passwords with per-user MFA",
        set: |scene| scene.world.tenant.set_per_user_mfa(scene.ada, PerUserMfa::Enforced),
        method: Some("app-password"),
        step: "method_enabled",
        says: &["per-user MFA is enforced"],
        next: "Allow users to create app passwords",
        ..PLAIN
    },
    Case {
        name: "every method",
        step: "method_enabled",
        bearing: "tells",
        says: &["Voice is off", "Email is on for everybody"],
        next: "--method",
        ..PLAIN
    },
    Case {
        name: "a policy that cannot be read",
        options: |options| without(options, "Policy.Read.All"),
        method: Some("phone"),
        step: "method_enabled",
        bearing: "not_read",
        says: &["permission Policy.Read.All is not granted"],
        ..PLAIN
    },
    Case {
        name: "a policy that a smaller permission reads",
        options: |options| {
            without(options, "Policy.Read.All");
            options.permissions.push("Policy.Read.AuthenticationMethod".to_owned());
        },
        method: Some("phone"),
        step: "method_enabled",
        says: &["Sms is on for everybody"],
        ..PLAIN
    },
    Case {
        name: "saved just now",
        set: |scene| scene.saved(119),
        method: Some("phone"),
        step: "policy_change",
        bearing: "may_be_why",
        says: &["it may still be spreading, which takes 1 to 2 hours"],
        next: "try again after",
        ..PLAIN
    },
    Case {
        name: "saved just now, says the log",
        set: |scene| scene.log("Authentication Methods Policy Update", "Authentication Methods", 50),
        method: Some("phone"),
        step: "policy_change",
        bearing: "may_be_why",
        says: &["Authentication Methods Policy Update at"],
        next: "try again after",
        ..PLAIN
    },
    Case {
        name: "saved more than 2 hours ago",
        set: |scene| scene.saved(125),
        method: Some("phone"),
        step: "policy_change",
        says: &["whatever was changed has spread"],
        next: "save the policy again, wait 1 to 2 hours",
        ..PLAIN
    },
    Case {
        name: "the most of it",
        set: Scene::phone,
        method: Some("phone"),
        step: "maximum",
        bearing: "may_be_why",
        says: &["1 of at most 1 (phone)"],
        next: "deletes or changes one",
        ..PLAIN
    },
    Case {
        name: "not the most of it",
        set: Scene::phone,
        method: Some("alternate-phone"),
        step: "maximum",
        says: &["0 of at most 1 (alternate phone)"],
        ..PLAIN
    },
    Case {
        name: "five apps",
        set: |scene| scene.apps(&MethodKind::MicrosoftAuthenticator, 5),
        method: Some("authenticator"),
        step: "maximum",
        bearing: "may_be_why",
        says: &["5 of at most 5 (Authenticator)"],
        next: "deletes or changes one",
        ..PLAIN
    },
    Case {
        name: "five apps and tokens together",
        set: |scene| {
            scene.apps(&MethodKind::MicrosoftAuthenticator, 2);
            scene.apps(&MethodKind::SoftwareOath, 2);
            scene.apps(&MethodKind::HardwareOath, 1);
        },
        method: Some("other-app"),
        step: "maximum",
        bearing: "may_be_why",
        says: &["5 apps and tokens, of at most 5 together"],
        next: "deletes or changes one",
        ..PLAIN
    },
    Case {
        name: "what Graph does not list",
        method: Some("security-questions"),
        step: "maximum",
        bearing: "not_read",
        says: &["Graph does not list this kind"],
        next: "aka.ms/mysecurityinfo",
        ..PLAIN
    },
    Case {
        name: "methods that cannot be read",
        set: |scene| scene.world.tenant.set_restricted(scene.ada, true),
        method: Some("phone"),
        step: "maximum",
        bearing: "not_read",
        says: &["forbidden"],
        ..PLAIN
    },
];
