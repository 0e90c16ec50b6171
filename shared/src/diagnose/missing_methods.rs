//! "I'm not seeing the methods I expected to see": interrupted at sign-in, in Microsoft's three steps.

use super::{
    facts::{Covered, Enforced, Facts},
    finding::{Bearing, Finding, Step},
};
use crate::domain::{
    facts::Reading,
    method::{MethodKind, PerUserMfa},
    policies::SignIn,
};

impl Facts {
    /// The findings, in order.
    pub(super) fn missing_methods(&self) -> Vec<Finding> {
        let enforced = self.enforced();
        vec![
            self.administrator(),
            enforced.finding(),
            self.sspr_enforcement(),
            self.registration_campaign(),
            self.expected_methods(&enforced),
            self.policy_change(
                "nothing is on its way: compare what the user sees with the expected methods. Graph shows no date of the \
                 settings under Password reset: ask whoever may have changed them",
            ),
        ]
    }

    /// Whether SSPR's administrator policy applies, which is stricter and no setting changes.
    /// Source: <https://learn.microsoft.com/en-us/entra/identity/authentication/concept-sspr-policy>.
    fn administrator(&self) -> Finding {
        const STEP: Step = Step::Administrator;
        let looked_at =
            "directory roles, active and eligible, directly and through groups; SSPR for administrators";
        let role = match &self.role {
            Reading::Unknown(why) => return Finding::not_read(STEP, looked_at, why),
            Reading::Known(None) => {
                let answer = "the user holds no directory role and is eligible for none: SSPR's administrator policy does not apply";
                return Finding::new(STEP, Bearing::NotWhy, looked_at, answer);
            }
            Reading::Known(Some(role)) => role,
        };
        let strict = format!(
            "the user is an administrator ({role}). For almost every role, SSPR has a policy of its own, which no setting \
             changes: two methods, never security questions, whatever the authentication methods policy says"
        );
        match &self.administrators_may_reset {
            Reading::Known(false) => Finding::new(
                STEP,
                Bearing::MayBeWhy,
                looked_at,
                format!("{strict}. SSPR is off for administrators (allowedToUseSSPR): they may be asked to register and then cannot register anything"),
            )
            .next("leave administrators out of Password reset > Properties, or turn SSPR on for them: Update-MgPolicyAuthorizationPolicy -AllowedToUseSspr:$true"),
            Reading::Known(true) => Finding::new(STEP, Bearing::MayBeWhy, looked_at, strict)
                .next("expect what that policy gives; test what users see with an account without any role"),
            Reading::Unknown(why) => Finding::new(
                STEP,
                Bearing::MayBeWhy,
                looked_at,
                format!("{strict}. Whether SSPR is on for administrators could not be read: {why}"),
            )
            .next("expect what that policy gives; test what users see with an account without any role"),
        }
    }

    fn enforced(&self) -> Enforced {
        let (mut by, mut unread) = (Vec::new(), Vec::new());
        match &self.per_user_mfa {
            Reading::Known(PerUserMfa::Enabled) => by.push("per-user MFA (enabled)".to_owned()),
            Reading::Known(PerUserMfa::Enforced) => by.push("per-user MFA (enforced)".to_owned()),
            Reading::Known(PerUserMfa::Disabled) => {}
            Reading::Known(PerUserMfa::Unknown) => {
                unread.push("per-user MFA: a state that is not known here".to_owned());
            }
            Reading::Unknown(why) => unread.push(format!("per-user MFA: {why}")),
        }
        match &self.policies {
            Reading::Known(policies) if policies.security_defaults => by.push("security defaults".to_owned()),
            Reading::Known(_) => {}
            Reading::Unknown(why) => unread.push(format!("security defaults and Conditional Access: {why}")),
        }
        for (sign_in, demand) in &self.demands {
            match demand {
                Reading::Known(Some(demand)) => by.push(demand.clone()),
                Reading::Known(None) => {}
                Reading::Unknown(why) => unread.push(format!("Conditional Access {sign_in}: {why}")),
            }
        }
        Enforced { by, unread }
    }

    fn sspr_enforcement(&self) -> Finding {
        const STEP: Step = Step::SsprEnforcement;
        const LOOK: &str = "look at Password reset > Registration: \"Require users to register when signing in\", which Graph does not show";
        let looked_at = "the user's line of the registration report, which is hours old";
        let sspr = match &self.sspr {
            Reading::Unknown(why) => return Finding::not_read(STEP, looked_at, why).next(LOOK),
            Reading::Known(sspr) => sspr,
        };
        match (sspr.enabled, sspr.registered) {
            (None, _) => Finding::not_read(STEP, looked_at, "the report does not say whether SSPR is on for the user").next(LOOK),
            (Some(false), _) => {
                Finding::new(STEP, Bearing::NotWhy, looked_at, "SSPR is off for the user: its policy asks for nothing")
                    .next("if the user should have it: Password reset > Properties")
            }
            (Some(true), false) => Finding::new(
                STEP,
                Bearing::MayBeWhy,
                looked_at,
                "SSPR is on for the user, who is not registered for it: where registration is enforced, sign-in is interrupted for SSPR's methods",
            )
            .next(LOOK),
            (Some(true), true) => Finding::new(
                STEP,
                Bearing::NotWhy,
                looked_at,
                "SSPR is on for the user, who is registered for it: sign-in is interrupted only to review the methods, after some time",
            ),
        }
    }

    fn registration_campaign(&self) -> Finding {
        const STEP: Step = Step::RegistrationCampaign;
        let looked_at = "the registration campaign and its groups; the user's methods";
        let campaign = match &self.methods_policy {
            Reading::Unknown(why) => return Finding::not_read(STEP, looked_at, why),
            Reading::Known(policy) => &policy.campaign,
        };
        if !campaign.on {
            return Finding::new(STEP, Bearing::NotWhy, looked_at, "the campaign is off");
        }
        match self.covered(&campaign.targets) {
            Covered::No(why) => {
                Finding::new(STEP, Bearing::NotWhy, looked_at, format!("the campaign is on, but {why}"))
            }
            Covered::Unknown(why) => Finding::not_read(STEP, looked_at, &format!("the campaign is on, but {why}")),
            Covered::Yes(_) => match &self.methods {
                Reading::Unknown(why) => Finding::not_read(STEP, looked_at, &format!("the campaign is for the user, but the methods: {why}")),
                Reading::Known(methods)
                    if methods.iter().any(|method| method.kind == MethodKind::MicrosoftAuthenticator) =>
                {
                    let answer = "the campaign is for the user, who has the Authenticator already: it asks for nothing";
                    Finding::new(STEP, Bearing::NotWhy, looked_at, answer)
                }
                Reading::Known(_) => Finding::new(
                    STEP,
                    Bearing::MayBeWhy,
                    looked_at,
                    "the campaign asks the user, after MFA, to set up the Authenticator, and offers nothing else",
                )
                .next("the user may answer \"Not now\"; to stop it: Authentication methods > Registration campaign"),
            },
        }
    }

    /// Which methods to expect, by what interrupts.
    /// Source: <https://learn.microsoft.com/en-us/entra/identity/authentication/concept-registration-mfa-sspr-combined>.
    fn expected_methods(&self, enforced: &Enforced) -> Finding {
        const STEP: Step = Step::ExpectedMethods;
        let looked_at = "what enforces registration; the authentication methods policy and its groups";
        let policy = match &self.methods_policy {
            Reading::Unknown(why) => return Finding::not_read(STEP, looked_at, why),
            Reading::Known(policy) => policy,
        };
        let (mut on, mut unclear) = (Vec::new(), Vec::new());
        for setting in &policy.methods {
            match self.enabled(setting) {
                Covered::Yes(_) => on.push(setting.name.as_str()),
                Covered::No(_) => {}
                Covered::Unknown(_) => unclear.push(setting.name.as_str()),
            }
        }
        let on = if on.is_empty() { "nothing".to_owned() } else { on.join(", ") };
        let unclear =
            if unclear.is_empty() { String::new() } else { format!("; not clear: {}", unclear.join(", ")) };
        let legacy = if policy.migration.leaves_legacy() {
            "; the legacy MFA and SSPR policies, which Graph does not show, may add others"
        } else {
            ""
        };
        let sspr = self.sspr.known();
        let asks = sspr.and_then(|sspr| sspr.enabled.map(|enabled| enabled && !sspr.registered));
        let by_defaults = self.policies.known().is_some_and(|policies| policies.security_defaults);
        let rule = match (enforced.by.is_empty(), asks) {
            _ if by_defaults => {
                "security defaults ask for the Authenticator, or another app that shows codes, and for nothing else"
            }
            (false, Some(true)) => {
                "MFA and SSPR both ask: the fewest methods that satisfy both, the safest first; the first one is for MFA, another may be SSPR's alone (e-mail, security questions)"
            }
            (false, Some(false)) => "MFA alone asks: methods for MFA, neither e-mail nor security questions",
            (false, None) => {
                "MFA asks; whether SSPR asks, too, is not known: with it, e-mail and security questions may show"
            }
            (true, Some(true)) => {
                "SSPR alone asks, where its registration is enforced: SSPR's methods only, and the user may skip it"
            }
            (true, _) => {
                "nothing that could be read interrupts the user: in manage mode everything shows that is enabled"
            }
        };
        let more = "the user reaches the others by \"I want to set up a different method\", or at https://aka.ms/mysecurityinfo; \
                    an alternate phone and passkeys show only there, an office phone at sign-in only if the directory has the number";
        Finding::new(
            STEP,
            Bearing::Tells,
            looked_at,
            format!("{rule}. The policy enables for this user: {on}{unclear}{legacy}"),
        )
        .next(more)
    }
}

impl Enforced {
    fn finding(&self) -> Finding {
        const STEP: Step = Step::MfaEnforcement;
        let looked_at = "per-user MFA, security defaults, Conditional Access by What If";
        if !self.by.is_empty() {
            let answer = format!(
                "MFA registration is enforced by {}: the user is asked for MFA methods",
                self.by.join("; ")
            );
            return Finding::new(STEP, Bearing::MayBeWhy, looked_at, answer)
                .next("compare what the user sees with the expected methods");
        }
        if !self.unread.is_empty() {
            return Finding::not_read(STEP, looked_at, &self.unread.join("; "));
        }
        Finding::new(STEP, Bearing::NotWhy, looked_at, "nothing that Graph shows makes the user register for MFA").next(
            "look at ID Protection > Multifactor authentication registration policy, which Graph does not show",
        )
    }
}

/// A sign-in in which MFA may be demanded, in the words of a table of findings.
pub(super) fn named(sign_in: SignIn) -> &'static str {
    match sign_in {
        SignIn::Office365 => "signing in to Office 365",
        SignIn::RegisterSecurityInfo => "registering security information",
    }
}
