//! The two log lines that a handling ends with, and their metrics.

use super::handling::Handling;
use crate::{
    domain::{
        origin::MethodOrigin,
        outcome::{Outcome, Verdict},
        state::Concluded,
    },
    telemetry::{Metric, count_decided},
};

impl Handling<'_, '_> {
    /// Logs what was decided, once per handling. A settled intent goes back to an earlier decision to roll
    /// back; a handling that gave up made none.
    pub(super) fn say_decided(&self, concluded: &Concluded) {
        let verdict = concluded.decision.as_ref().map(|decision| decision.verdict);
        let decision = match verdict {
            None if concluded.outcome != Outcome::RolledBack => "undecided",
            verdict => verdict.unwrap_or(Verdict::RollBack).kind(),
        };
        let reason = verdict.and_then(Verdict::reason);
        let methods = concluded.decision.as_ref().map(|decision| {
            let of = |found: &MethodOrigin| {
                let event = found.shown_by.as_ref().map(|shows| format!(" by {}", shows.event_id));
                format!("{} {}{}", found.method.kind, found.origin, event.unwrap_or_default())
            };
            decision.methods.iter().map(of).collect::<Vec<_>>().join("; ")
        });
        count_decided(decision);
        tracing::info!(
            user.id = %self.leased.state.value.user_id,
            decision,
            reason,
            methods.origins = methods,
            asked.run.id = %self.asked_by,
            run.id = %self.drain.run_id,
            mode = %self.drain.process.settings.mode,
            "user decided"
        );
    }

    /// Logs the outcome, and counts it.
    pub(super) fn say_outcome(&self, concluded: &Concluded) {
        match concluded.outcome {
            Outcome::RolledBack => Metric::UsersRolledBack.count(1),
            Outcome::Partial(_) => Metric::UsersPartial.count(1),
            Outcome::Failed(_) => Metric::UsersFailed.count(1),
            _ => {}
        }
        tracing::info!(
            user.id = %self.leased.state.value.user_id,
            outcome = concluded.outcome.kind(),
            reason = concluded.outcome.reason(),
            methods.deleted = concluded.methods_deleted.len(),
            methods.left = concluded.methods_left.len(),
            graph.request_ids = concluded.request_ids.join(" "),
            asked.run.id = %self.asked_by,
            run.id = %self.drain.run_id,
            mode = %self.drain.process.settings.mode,
            "user outcome"
        );
    }
}
