//! "I'm not seeing the methods I expected to see".

use simulator::{ConditionalAccess, MethodKind, MethodSetting, PerUserMfa, Premium, RoleKind};

use super::{Case, PLAIN, Scene, without};

pub(super) const CASES: &[Case] = &[
    Case { name: "no administrator", step: "administrator", says: &["holds no directory role"], ..PLAIN },
    Case {
        name: "an administrator",
        set: |scene| _ = scene.world.tenant.assign_role(scene.ada, RoleKind::Active, "/"),
        step: "administrator",
        bearing: "may_be_why",
        says: &["active role", "two methods, never security questions"],
        next: "without any role",
        ..PLAIN
    },
    Case {
        name: "an eligible administrator",
        set: |scene| _ = scene.world.tenant.assign_role(scene.ada, RoleKind::Eligible, "/"),
        step: "administrator",
        bearing: "may_be_why",
        says: &["eligible role"],
        next: "without any role",
        ..PLAIN
    },
    Case {
        name: "an administrator without SSPR",
        set: |scene| {
            scene.world.tenant.assign_role(scene.ada, RoleKind::Active, "/");
            scene.policies(|policies| policies.no_reset_for_administrators = true);
        },
        step: "administrator",
        bearing: "may_be_why",
        says: &["SSPR is off for administrators (allowedToUseSSPR)"],
        next: "AllowedToUseSspr",
        ..PLAIN
    },
    Case {
        name: "roles that cannot be read",
        options: |options| {
            without(options, "RoleManagement.Read.Directory");
            without(options, "Directory.Read.All");
            options.permissions.push("User.Read.All".to_owned());
        },
        step: "administrator",
        bearing: "not_read",
        says: &["permission RoleManagement.Read.Directory is not granted"],
        ..PLAIN
    },
    Case {
        name: "nothing enforces MFA",
        step: "mfa_enforcement",
        says: &["nothing that Graph shows"],
        next: "ID Protection",
        ..PLAIN
    },
    Case {
        name: "enforced by per-user MFA",
        set: |scene| scene.world.tenant.set_per_user_mfa(scene.ada, PerUserMfa::Enabled),
        step: "mfa_enforcement",
        bearing: "may_be_why",
        says: &["per-user MFA (enabled)"],
        next: "the expected methods",
        ..PLAIN
    },
    Case {
        name: "enforced by security defaults",
        set: |scene| scene.policies(|policies| policies.security_defaults = true),
        step: "mfa_enforcement",
        bearing: "may_be_why",
        says: &["enforced by security defaults"],
        next: "the expected methods",
        ..PLAIN
    },
    Case {
        name: "enforced by Conditional Access",
        set: |scene| {
            scene.world.tenant.add_policy(ConditionalAccess::demanding_mfa("MFA for Ada", vec![scene.ada]));
        },
        step: "mfa_enforcement",
        bearing: "may_be_why",
        says: &["\"MFA for Ada\" demands MFA of this user for Office 365"],
        next: "the expected methods",
        ..PLAIN
    },
    Case {
        name: "policies that cannot be read",
        options: |options| without(options, "Policy.Read.All"),
        step: "mfa_enforcement",
        bearing: "not_read",
        says: &[
            "per-user MFA: permission Policy.Read.All",
            "security defaults and Conditional Access: permission",
        ],
        ..PLAIN
    },
    Case {
        name: "SSPR asks",
        step: "sspr_enforcement",
        bearing: "may_be_why",
        says: &["is not registered for it"],
        next: "Require users to register when signing in",
        ..PLAIN
    },
    Case {
        name: "registered for SSPR",
        set: Scene::phone,
        step: "sspr_enforcement",
        says: &["only to review"],
        ..PLAIN
    },
    Case {
        name: "SSPR is off",
        set: |scene| scene.world.tenant.leave_out_of_sspr(scene.ada),
        step: "sspr_enforcement",
        says: &["SSPR is off for the user"],
        next: "Password reset > Properties",
        ..PLAIN
    },
    Case {
        name: "no registration report",
        options: |options| options.premium = Premium::Free,
        step: "sspr_enforcement",
        bearing: "not_read",
        says: &["no Microsoft Entra ID P1 or P2 licence"],
        next: "Require users to register when signing in",
        ..PLAIN
    },
    Case {
        name: "the campaign asks",
        set: |scene| scene.policies(|policies| policies.registration_campaign = true),
        step: "registration_campaign",
        bearing: "may_be_why",
        says: &["set up the Authenticator"],
        next: "Not now",
        ..PLAIN
    },
    Case {
        name: "the campaign asks nobody who has the Authenticator",
        set: |scene| {
            scene.policies(|policies| policies.registration_campaign = true);
            scene.apps(&MethodKind::MicrosoftAuthenticator, 1);
        },
        step: "registration_campaign",
        says: &["has the Authenticator already"],
        ..PLAIN
    },
    Case { name: "no campaign", step: "registration_campaign", says: &["off"], ..PLAIN },
    Case {
        name: "MFA and SSPR ask",
        set: |scene| scene.world.tenant.set_per_user_mfa(scene.ada, PerUserMfa::Enforced),
        step: "expected_methods",
        bearing: "tells",
        says: &["MFA and SSPR both ask", "MicrosoftAuthenticator, Sms, SoftwareOath, Email"],
        next: "aka.ms/mysecurityinfo",
        ..PLAIN
    },
    Case {
        name: "MFA alone asks",
        set: |scene| {
            scene.world.tenant.leave_out_of_sspr(scene.ada);
            scene.world.tenant.set_per_user_mfa(scene.ada, PerUserMfa::Enforced);
        },
        step: "expected_methods",
        bearing: "tells",
        says: &["MFA alone asks", "neither e-mail nor security questions"],
        next: "aka.ms/mysecurityinfo",
        ..PLAIN
    },
    Case {
        name: "SSPR alone asks",
        step: "expected_methods",
        bearing: "tells",
        says: &["SSPR alone asks"],
        next: "aka.ms/mysecurityinfo",
        ..PLAIN
    },
    Case {
        name: "security defaults ask",
        set: |scene| scene.policies(|policies| policies.security_defaults = true),
        step: "expected_methods",
        bearing: "tells",
        says: &["security defaults ask for the Authenticator"],
        next: "aka.ms/mysecurityinfo",
        ..PLAIN
    },
    Case {
        name: "nothing asks",
        set: Scene::phone,
        step: "expected_methods",
        bearing: "tells",
        says: &["nothing that could be read interrupts the user"],
        next: "aka.ms/mysecurityinfo",
        ..PLAIN
    },
    Case {
        name: "legacy policies may add methods",
        set: |scene| scene.setting(MethodSetting::new("Sms", true), Some("preMigration")),
        step: "expected_methods",
        bearing: "tells",
        says: &["the legacy MFA and SSPR policies, which Graph does not show, may add others"],
        next: "aka.ms/mysecurityinfo",
        ..PLAIN
    },
    Case {
        name: "methods policy that cannot be read",
        options: |options| without(options, "Policy.Read.All"),
        step: "expected_methods",
        bearing: "not_read",
        says: &["permission Policy.Read.All is not granted"],
        ..PLAIN
    },
    Case {
        name: "changed just now",
        set: |scene| scene.saved(30),
        step: "policy_change",
        bearing: "may_be_why",
        says: &["30 min ago: it may still be spreading"],
        next: "try again after",
        ..PLAIN
    },
    Case {
        name: "changed long ago",
        set: |scene| scene.saved(180),
        step: "policy_change",
        says: &["whatever was changed has spread"],
        next: "nothing is on its way",
        ..PLAIN
    },
    Case {
        name: "Conditional Access changed just now",
        set: |scene| scene.log("Update conditional access policy", "Conditional Access", 20),
        step: "policy_change",
        bearing: "may_be_why",
        says: &["Update conditional access policy at", "20 min ago"],
        next: "try again after",
        ..PLAIN
    },
    Case {
        name: "security defaults changed just now",
        set: |scene| scene.log("Update security defaults", "Conditional Access", 20),
        step: "policy_change",
        bearing: "may_be_why",
        says: &["Update security defaults at"],
        next: "try again after",
        ..PLAIN
    },
    Case {
        name: "SSPR for administrators changed just now",
        set: |scene| {
            scene.world.tenant.assign_role(scene.ada, RoleKind::Active, "/");
            scene.log("Update authorization policy", "Core Directory", 20);
        },
        step: "policy_change",
        bearing: "may_be_why",
        says: &["Update authorization policy at"],
        next: "try again after",
        ..PLAIN
    },
    Case {
        name: "changes that cannot be read",
        options: |options| options.premium = Premium::Free,
        step: "policy_change",
        bearing: "not_read",
        says: &["the audit log:", "last saved at"],
        next: "nothing is on its way",
        ..PLAIN
    },
];
