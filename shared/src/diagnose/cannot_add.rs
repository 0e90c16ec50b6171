//! "I don't have the option to add a particular method": in manage mode, in Microsoft's three steps.

use super::{
    facts::{Covered, Facts},
    finding::{AskedMethod, Bearing, Finding, Step},
};
use crate::domain::{
    facts::Reading,
    method::{AuthenticationMethod, MethodKind, PerUserMfa, PhoneType},
    methods_policy::MethodsPolicy,
};

/// The most authenticator apps of one kind, and of all kinds with tokens together.
/// Source: <https://learn.microsoft.com/en-us/entra/identity/authentication/concept-registration-mfa-sspr-combined>.
const MOST_APPS: usize = 5;

const LEGACY: &str = "look at the legacy policies: Multifactor authentication > Additional cloud-based settings, and Password reset > Authentication methods";

impl AskedMethod {
    /// Graph's names of the settings of which one must be on; empty if the policy has none for it.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Phone => &["Sms", "Voice"],
            Self::AlternatePhone | Self::OfficePhone => &["Voice"],
            Self::Authenticator => &["MicrosoftAuthenticator"],
            Self::OtherApp => &["SoftwareOath"],
            Self::Email => &["Email"],
            Self::Passkey => &["Fido2"],
            Self::SecurityQuestions | Self::AppPassword => &[],
        }
    }
}

impl Facts {
    /// The findings, in order.
    pub(super) fn cannot_add(&self, method: Option<AskedMethod>) -> Vec<Finding> {
        let enabled = match method {
            Some(AskedMethod::SecurityQuestions) => self.security_questions(),
            Some(AskedMethod::AppPassword) => self.app_password(),
            Some(method) => self.method_enabled(method),
            None => self.methods_enabled(),
        };
        let resave = "if the method is enabled and still cannot be added: save the policy again, wait 1 to 2 hours, and have the user try again";
        vec![enabled, self.policy_change(resave), self.maximum(method)]
    }

    fn method_enabled(&self, method: AskedMethod) -> Finding {
        const STEP: Step = Step::MethodEnabled;
        let looked_at = "the authentication methods policy, its groups and its policyMigrationState";
        let policy = match &self.methods_policy {
            Reading::Unknown(why) => return Finding::not_read(STEP, looked_at, why),
            Reading::Known(policy) => policy,
        };
        if method == AskedMethod::Email && self.sspr.known().is_some_and(|sspr| sspr.enabled == Some(false)) {
            let answer = "e-mail serves SSPR alone, and SSPR is off for the user";
            return Finding::new(STEP, Bearing::MayBeWhy, looked_at, answer)
                .next("turn SSPR on: Password reset > Properties");
        }
        let (mut on, mut off, mut unclear) = (Vec::new(), Vec::new(), Vec::new());
        for name in method.settings() {
            match policy.method(name).map(|setting| self.enabled(setting)) {
                Some(Covered::Yes(how)) => on.push(how),
                Some(Covered::No(why)) => off.push(why),
                Some(Covered::Unknown(why)) => unclear.push(why),
                None => off.push(format!("{name} is not in the policy")),
            }
        }
        if !on.is_empty() {
            return Finding::new(
                STEP,
                Bearing::NotWhy,
                looked_at,
                format!("enabled for the user: {}", on.join("; ")),
            );
        }
        if !unclear.is_empty() {
            return Finding::not_read(STEP, looked_at, &unclear.join("; "));
        }
        off_finding(policy, &off.join("; "), looked_at)
    }

    fn methods_enabled(&self) -> Finding {
        let looked_at = "the authentication methods policy and its groups";
        let policy = match &self.methods_policy {
            Reading::Unknown(why) => return Finding::not_read(Step::MethodEnabled, looked_at, why),
            Reading::Known(policy) => policy,
        };
        let shown = policy.methods.iter().map(|setting| match self.enabled(setting) {
            Covered::Yes(text) | Covered::No(text) => text,
            Covered::Unknown(why) => format!("not clear: {why}"),
        });
        let legacy = if policy.migration.leaves_legacy() {
            "; the legacy policies, which Graph does not show, may allow more"
        } else {
            ""
        };
        let answer = format!("{}{legacy}", shown.collect::<Vec<_>>().join("; "));
        Finding::new(Step::MethodEnabled, Bearing::Tells, looked_at, answer)
            .next("name the method for an answer about it: --method phone, authenticator, …")
    }

    /// Only the legacy SSPR policy has them, and never for administrators.
    fn security_questions(&self) -> Finding {
        const STEP: Step = Step::MethodEnabled;
        let looked_at = "directory roles; SSPR by the registration report";
        if let Reading::Known(Some(role)) = &self.role {
            let answer = format!(
                "the user is an administrator ({role}), and administrators never have security questions"
            );
            return Finding::new(STEP, Bearing::MayBeWhy, looked_at, answer)
                .next("let the user register another method");
        }
        if self.sspr.known().is_some_and(|sspr| sspr.enabled == Some(false)) {
            let answer = "security questions serve SSPR alone, and SSPR is off for the user";
            return Finding::new(STEP, Bearing::MayBeWhy, looked_at, answer)
                .next("turn SSPR on: Password reset > Properties");
        }
        Finding::not_read(
            STEP,
            looked_at,
            "only the legacy SSPR policy enables security questions, and Graph does not show it",
        )
        .next("look at Password reset > Authentication methods")
    }

    fn app_password(&self) -> Finding {
        const STEP: Step = Step::MethodEnabled;
        let looked_at = "per-user MFA";
        match &self.per_user_mfa {
            Reading::Unknown(why) => Finding::not_read(STEP, looked_at, why),
            Reading::Known(PerUserMfa::Enforced) => Finding::new(
                STEP,
                Bearing::NotWhy,
                looked_at,
                "per-user MFA is enforced, which app passwords need",
            )
            .next("look at the per-user MFA service settings, which Graph does not show: \"Allow users to create app passwords\""),
            Reading::Known(_) => Finding::new(
                STEP,
                Bearing::MayBeWhy,
                looked_at,
                "app passwords are for users with per-user MFA enforced, and this user is not",
            )
            .next("use an app that can do MFA instead"),
        }
    }

    fn maximum(&self, method: Option<AskedMethod>) -> Finding {
        const STEP: Step = Step::Maximum;
        let looked_at = "the user's methods";
        if let Some(method @ (AskedMethod::SecurityQuestions | AskedMethod::AppPassword)) = method {
            return Finding::not_read(STEP, looked_at, &format!("Graph does not list this kind ({method})"))
                .next("have the user look at https://aka.ms/mysecurityinfo");
        }
        let methods = match &self.methods {
            Reading::Unknown(why) => return Finding::not_read(STEP, looked_at, why),
            Reading::Known(methods) => methods,
        };
        let Some(method) = method else {
            let reached: Vec<String> = [
                AskedMethod::Phone,
                AskedMethod::AlternatePhone,
                AskedMethod::OfficePhone,
                AskedMethod::Authenticator,
                AskedMethod::OtherApp,
                AskedMethod::Email,
            ]
            .into_iter()
            .filter_map(|method| reached(method, methods).err())
            .collect();
            return if reached.is_empty() {
                Finding::new(STEP, Bearing::NotWhy, looked_at, "the user has the most of no kind")
            } else {
                full(&reached.join("; "), looked_at)
            };
        };
        match reached(method, methods) {
            Ok(left) => Finding::new(STEP, Bearing::NotWhy, looked_at, left),
            Err(why) => full(&why, looked_at),
        }
    }
}

fn full(answer: &str, looked_at: &str) -> Finding {
    Finding::new(Step::Maximum, Bearing::MayBeWhy, looked_at, answer)
        .next("the user deletes or changes one at https://aka.ms/mysecurityinfo before another can be added")
}

/// What is left to add, or why nothing is.
fn reached(method: AskedMethod, methods: &[AuthenticationMethod]) -> Result<String, String> {
    let of = |kind: &MethodKind| methods.iter().filter(|method| method.kind == *kind).count();
    let phones =
        |wanted: PhoneType| methods.iter().filter(|method| method.phone_type == Some(wanted)).count();
    let (what, has, most) = match method {
        AskedMethod::Phone => ("phone", phones(PhoneType::Mobile), 1),
        AskedMethod::AlternatePhone => ("alternate phone", phones(PhoneType::AlternateMobile), 1),
        AskedMethod::OfficePhone => ("office phone", phones(PhoneType::Office), 1),
        AskedMethod::Email => ("e-mail address", of(&MethodKind::Email), 1),
        AskedMethod::Authenticator => ("Authenticator", of(&MethodKind::MicrosoftAuthenticator), MOST_APPS),
        AskedMethod::OtherApp => ("app that shows codes", of(&MethodKind::SoftwareOath), MOST_APPS),
        AskedMethod::Passkey | AskedMethod::SecurityQuestions | AskedMethod::AppPassword => {
            return Ok(format!(
                "{} passkeys are registered; no maximum of them is known here",
                of(&MethodKind::Fido2)
            ));
        }
    };
    if has >= most {
        return Err(format!("the user has {has} of at most {most} ({what})"));
    }
    let apps = of(&MethodKind::MicrosoftAuthenticator)
        + of(&MethodKind::SoftwareOath)
        + of(&MethodKind::HardwareOath);
    if most == MOST_APPS && apps >= MOST_APPS {
        return Err(format!("the user has {apps} apps and tokens, of at most {MOST_APPS} together"));
    }
    Ok(format!("the user has {has} of at most {most} ({what})"))
}

/// It is off in this policy: whether that settles it depends on the legacy ones.
fn off_finding(policy: &MethodsPolicy, why: &str, looked_at: &str) -> Finding {
    const STEP: Step = Step::MethodEnabled;
    if policy.migration.leaves_legacy() {
        return Finding::new(
            STEP,
            Bearing::MayBeWhy,
            looked_at,
            format!("{why}; the move to this policy is not complete, so the legacy MFA and SSPR policies count, too, and Graph does not show them"),
        )
        .next(format!("enable it under Authentication methods > Policies, or {LEGACY}"));
    }
    Finding::new(STEP, Bearing::MayBeWhy, looked_at, format!("{why}; no legacy policy counts any more"))
        .next("enable it for a group of the user's, or everybody: Authentication methods > Policies")
}
