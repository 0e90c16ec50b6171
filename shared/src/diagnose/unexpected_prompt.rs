//! "I am asked for MFA and nobody enabled it": what the rollback is for.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{
    facts::{Decided, Facts},
    finding::{Bearing, Finding, Step},
    missing_methods::named,
    told::ToldEvent,
};
use crate::domain::{
    decision::RuleAnswer,
    facts::Reading,
    method::PerUserMfa,
    outcome::{Outcome, Verdict},
    story::RecordedChange,
};

/// The directory records a registration at most this long before or after the service logs it.
const SAME_MOMENT: SignedDuration = SignedDuration::from_mins(2);

impl Facts {
    /// The findings, in order.
    pub(super) fn unexpected_prompt(&self) -> Vec<Finding> {
        vec![
            self.stamp(),
            self.per_user_mfa_finding(),
            self.conditional_access(),
            self.security_defaults(),
            self.security_info_page(),
            self.rollback(),
        ]
    }

    /// Whether the user has a method that can do MFA; `None` if that could not be read.
    fn has_strong(&self) -> Option<bool> {
        Some(self.methods.known()?.iter().any(|method| method.kind.is_strong()))
    }

    /// When and by what the directory stamped the MFA flags.
    fn stamp(&self) -> Finding {
        const STEP: Step = Step::Stamp;
        let looked_at = "the directory's own records (\"Update user\") of the user's MFA flags, in the audit log and the ledger; the user's methods";
        let went_on = |change: &&RecordedChange| {
            let (before, after) = (&change.flags.before, &change.flags.after);
            before.as_ref().is_some_and(BTreeSet::is_empty)
                && after.as_ref().is_some_and(|after| !after.is_empty())
        };
        let kept = if self.missing.is_some() { " that could be read" } else { "" };
        match (self.story.changes().iter().rfind(went_on), self.has_strong()) {
            (_, Some(false)) => {
                let answer = "the user has no phone, Authenticator or app that shows codes: no MFA flag can stand on that";
                Finding::new(STEP, Bearing::NotWhy, looked_at, answer)
            }
            (Some(stamp), _) => self.stamped(stamp, looked_at),
            (None, None) => {
                let why = self.methods.unknown().unwrap_or_default();
                Finding::not_read(STEP, looked_at, &format!("the user's methods: {why}"))
            }
            (None, Some(true)) => {
                let older = self.story.changes().iter().find(|change| change.flags.before.is_some());
                let answer = match older {
                    Some(change) => format!(
                        "the user has methods that can do MFA, and had MFA flags already before {:.0}: they were stamped earlier",
                        change.at
                    ),
                    None => format!(
                        "the user has methods that can do MFA, and no record{kept} shows when their flags were stamped: before what the log keeps, or unrecorded"
                    ),
                };
                Finding::new(STEP, Bearing::MayBeWhy, looked_at, answer).next(
                    "an export of the log from that time tells more: mfa-rollback scan --audit-log FILE",
                )
            }
        }
    }

    fn stamped(&self, stamp: &RecordedChange, looked_at: &str) -> Finding {
        let apart = |event: &&ToldEvent| event.at.duration_since(stamp.at).abs();
        let registered =
            |event: &&ToldEvent| event.status == "success" && event.activity.contains("registered");
        let nearest = self.events.iter().filter(registered).min_by_key(apart);
        let by = nearest.filter(|event| apart(event) <= SAME_MOMENT);
        let by = match by {
            Some(event) => format!(", with \"{}\" ({})", event.activity, event.reason),
            None => String::new(),
        };
        let who =
            if stamp.by_another { "somebody other than the user" } else { "the user's own registration" };
        let (within, next) = if self.window.contains(stamp.at) {
            ("within the window", "the rollback below takes such a registration away, where no rule objects")
        } else {
            (
                "outside the window",
                "the window does not explain it: ask the user what they registered then, and why",
            )
        };
        let answer = format!(
            "the MFA flags went from none to some at {:.0}, {within}, by {who}{by}: since then the user can be asked for MFA",
            stamp.at
        );
        Finding::new(Step::Stamp, Bearing::MayBeWhy, looked_at, answer).next(next)
    }

    fn per_user_mfa_finding(&self) -> Finding {
        const STEP: Step = Step::PerUserMfa;
        let looked_at = "the per-user MFA state";
        let state = match &self.per_user_mfa {
            Reading::Unknown(why) => return Finding::not_read(STEP, looked_at, why),
            Reading::Known(PerUserMfa::Unknown) => {
                return Finding::not_read(STEP, looked_at, "a state that is not known here");
            }
            Reading::Known(PerUserMfa::Disabled) => {
                return Finding::new(STEP, Bearing::NotWhy, looked_at, "per-user MFA is disabled");
            }
            Reading::Known(PerUserMfa::Enabled) => "enabled",
            Reading::Known(PerUserMfa::Enforced) => "enforced",
        };
        let answer = format!("per-user MFA is {state}: an administrator turned it on, so MFA is meant");
        Finding::new(STEP, Bearing::MayBeWhy, looked_at, answer)
            .next("if it is not meant: Users > Per-user MFA, and disable it for this user")
    }

    fn conditional_access(&self) -> Finding {
        const STEP: Step = Step::ConditionalAccess;
        let looked_at =
            "Conditional Access by What If, for Office 365 and for registering security information";
        if let Reading::Unknown(why) = &self.policies {
            return Finding::not_read(STEP, looked_at, why);
        }
        let demands = self.demands.iter().filter_map(|(_, demand)| demand.known()?.clone());
        let demands: Vec<String> = demands.collect();
        if !demands.is_empty() {
            return Finding::new(STEP, Bearing::MayBeWhy, looked_at, demands.join("; ")).next(
                "if it is not meant for this user: Conditional Access > Policies, and leave the user out",
            );
        }
        let unread: Vec<String> = self
            .demands
            .iter()
            .filter_map(|(sign_in, demand)| Some(format!("{}: {}", named(*sign_in), demand.unknown()?)))
            .collect();
        if !unread.is_empty() {
            return Finding::not_read(STEP, looked_at, &unread.join("; "));
        }
        let answer = "no policy that is on demands MFA of this user";
        Finding::new(STEP, Bearing::NotWhy, looked_at, answer).next(
            "an app of its own may still demand it: What If in the portal answers for any app; a partner's tenant and \
             Azure's own portals demand MFA by themselves",
        )
    }

    fn security_defaults(&self) -> Finding {
        const STEP: Step = Step::SecurityDefaults;
        let looked_at = "security defaults";
        match &self.policies {
            Reading::Unknown(why) => Finding::not_read(STEP, looked_at, why),
            Reading::Known(policies) if policies.security_defaults => Finding::new(
                STEP,
                Bearing::MayBeWhy,
                looked_at,
                "security defaults are on: MFA is demanded of everybody",
            )
            .next("MFA is meant for the whole tenant then: Properties > Manage security defaults"),
            Reading::Known(_) => Finding::new(STEP, Bearing::NotWhy, looked_at, "security defaults are off"),
        }
    }

    /// Whoever is registered for MFA proves it before changing security info, whatever the policies say.
    fn security_info_page(&self) -> Finding {
        const STEP: Step = Step::SecurityInfoPage;
        let looked_at = "the user's methods";
        match self.has_strong() {
            None => Finding::not_read(STEP, looked_at, self.methods.unknown().unwrap_or_default()),
            Some(false) => Finding::new(
                STEP,
                Bearing::NotWhy,
                looked_at,
                "the user is not registered for MFA: https://aka.ms/ssprsetup and https://aka.ms/mysecurityinfo ask for the password only",
            ),
            Some(true) => Finding::new(
                STEP,
                Bearing::MayBeWhy,
                looked_at,
                "the user is registered for MFA, so https://aka.ms/ssprsetup and https://aka.ms/mysecurityinfo ask for it before security info can be seen or changed",
            )
            .next("ask where the prompt came: there it is meant to come, and makes the account safer; who had registered for SSPR alone did not know it"),
        }
    }

    fn rollback(&self) -> Finding {
        const STEP: Step = Step::Rollback;
        let looked_at = "every rule, as `explain` asks them";
        let Decided { decision, stops_at, is_on_record } = match &self.decision {
            Reading::Unknown(why) => return Finding::not_read(STEP, looked_at, why),
            Reading::Known(known) => known,
        };
        let new = if *is_on_record {
            ""
        } else {
            "; no run has found the user yet, and what a run reads may change this"
        };
        let answer = match (decision.verdict, stops_at) {
            (Verdict::RollBack, None) => "the next run rolls the user back".to_owned(),
            (Verdict::RollBack, Some(Outcome::WouldRollBack)) => {
                "the user would be rolled back; mode report deletes nothing".to_owned()
            }
            (Verdict::RollBack, Some(outcome)) => {
                format!("the user would be rolled back, but for now: {outcome}")
            }
            (verdict, _) => {
                let objects = decision.rules.iter().find_map(|result| match &result.answer {
                    RuleAnswer::No { note, .. } => Some(format!("rule {} objects: {note}", result.rule)),
                    _ => None,
                });
                let unread = decision.rules.iter().find_map(|result| match &result.answer {
                    RuleAnswer::Unknown { note } => {
                        Some(format!("rule {} cannot be answered: {note}", result.rule))
                    }
                    _ => None,
                });
                format!("no rollback: {verdict}; {}", objects.or(unread).unwrap_or_default())
            }
        };
        Finding::new(STEP, Bearing::Tells, looked_at, format!("{answer}{new}"))
            .next(format!("mfa-rollback explain {} shows every rule", self.user_id))
    }
}
