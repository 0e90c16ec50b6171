//! How recently the policies were changed: a change takes a while to reach everybody.

use jiff::SignedDuration;

use super::{
    facts::{Facts, PolicyChange},
    finding::{Bearing, Finding, Step},
};
use crate::domain::{facts::Reading, window::shift};

/// How long a saved policy may take to reach everybody.
/// Source: <https://learn.microsoft.com/en-us/entra/identity/authentication/howto-registration-mfa-sspr-combined-troubleshoot>.
const SPREADS_FOR: SignedDuration = SignedDuration::from_hours(2);

/// How far back the audit log is asked for changes of policies.
pub(super) const LOOKS_BACK: SignedDuration = SignedDuration::from_hours(24);

const LOOKED_AT: &str = "when the authentication methods policy was last saved; changes of policies in the audit log of the last 24 h";

impl Facts {
    /// Whether a change of a policy may still be spreading. `resave` is what helps where none is.
    pub(super) fn policy_change(&self, resave: &str) -> Finding {
        let saved = match &self.methods_policy {
            Reading::Known(policy) => Reading::Known(policy.modified_at.map(|at| PolicyChange {
                at,
                activity: "the authentication methods policy was saved".to_owned(),
            })),
            Reading::Unknown(why) => Reading::Unknown(why.clone()),
        };
        let logged = self.changes.known().and_then(|changes| changes.last());
        let saved_at = saved.known().and_then(Option::as_ref);
        let latest = [saved_at, logged].into_iter().flatten().max_by_key(|change| change.at);
        if let Some(latest) = latest.filter(|latest| latest.at >= shift(self.now, -SPREADS_FOR)) {
            let minutes = self.now.duration_since(latest.at).as_mins().max(0);
            return Finding::new(
                Step::PolicyChange,
                Bearing::MayBeWhy,
                LOOKED_AT,
                format!(
                    "{} at {:.0}, {minutes} min ago: it may still be spreading, which takes 1 to 2 hours",
                    latest.activity, latest.at
                ),
            )
            .next(format!("have the user try again after {:.0}", shift(latest.at, SPREADS_FOR)));
        }
        let last = match saved_at {
            Some(saved) => format!("the authentication methods policy was last saved at {:.0}", saved.at),
            None => "Graph does not say when the authentication methods policy was last saved".to_owned(),
        };
        let finding = match (&saved, &self.changes) {
            (Reading::Unknown(why), Reading::Known(_)) => Finding::not_read(
                Step::PolicyChange,
                LOOKED_AT,
                &format!("{why}; the audit log shows no change of a policy within 2 hours"),
            ),
            (Reading::Known(_), Reading::Unknown(why)) => Finding::not_read(
                Step::PolicyChange,
                LOOKED_AT,
                &format!("the audit log: {why}; {last}, more than 2 hours ago"),
            ),
            (Reading::Unknown(policy), Reading::Unknown(log)) => {
                Finding::not_read(Step::PolicyChange, LOOKED_AT, &format!("{policy}; the audit log: {log}"))
            }
            (Reading::Known(_), Reading::Known(_)) => Finding::new(
                Step::PolicyChange,
                Bearing::NotWhy,
                LOOKED_AT,
                format!(
                    "{last}, and the log shows no change of a policy within 2 hours: whatever was changed has spread"
                ),
            ),
        };
        finding.next(resave)
    }
}
