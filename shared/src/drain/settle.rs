//! What became of an open intent, and how that changes an outcome that stops without deleting.

use std::time::Duration;

use super::{ending::Conclusion, handling::Handling, interrupted::Break};
use crate::{
    domain::{
        decision::Decision,
        facts::{Account, Facts, Reading},
        look::IntendedMethod,
        method::{MethodName, names},
        outcome::{Outcome, Partial},
    },
    graph::Urgency,
};

/// The result of settling: the conclusion if nothing of the intent is left, and its methods that are gone.
pub(super) struct Settled {
    pub(super) complete: Option<Conclusion>,
    pub(super) gone: Vec<MethodName>,
}

impl Handling<'_, '_> {
    /// Settles an open intent. If two reads show that nothing of it is left, the user is rolled back,
    /// whatever the rules say now.
    pub(super) async fn settle(&mut self, facts: &Facts) -> Result<Settled, Break> {
        let mut settled = Settled { complete: None, gone: Vec::new() };
        let Some(intent) = self.leased.state.value.intent.clone() else { return Ok(settled) };
        let Reading::Known(methods) = &facts.methods else { return Ok(settled) };
        let settlement = intent.settle(methods, self.drain.process.clock.now());
        if settlement.is_complete() {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let again =
                self.drain.process.graph.methods(self.leased.state.value.user_id, Urgency::Begun).await?;
            self.request_ids.extend(again.request_id);
            let now = self.drain.process.clock.now();
            if !intent.settle(&again.body, now).is_complete() {
                return Err(Break::Again);
            }
            settled.complete = Some(Conclusion {
                outcome: Outcome::RolledBack,
                deleted: intent.methods.iter().map(IntendedMethod::name).collect(),
                left: names(&again.body),
                decision: None,
            });
        }
        settled.gone = intent
            .methods
            .iter()
            .enumerate()
            .filter(|(n, method)| settlement.gone.contains(n) || self.leased.gone.contains(&method.name()))
            .map(|(_, method)| method.name())
            .collect();
        Ok(settled)
    }

    /// The conclusion for an outcome that stops without deleting: `partial` if some of an open intent is
    /// gone.
    pub(super) fn stopped(
        &self,
        facts: &Facts,
        decision: Decision,
        outcome: Outcome,
        gone: Vec<MethodName>,
    ) -> Conclusion {
        let account_gone = matches!(facts.account, Reading::Known(Account::NotFound));
        let outcome = match outcome {
            outcome if gone.is_empty() || account_gone => outcome,
            Outcome::WouldRollBack => Outcome::Partial(Partial::Mode),
            Outcome::Deferred(reason) => Outcome::Partial(reason.into()),
            Outcome::NotEligible(reason) => Outcome::Partial(reason.into()),
            Outcome::Held(reason) => Outcome::Partial(reason.into()),
            other => other,
        };
        let left = facts.methods.known().map(|methods| names(methods)).unwrap_or_default();
        let deleted = if self.leased.state.value.intent.is_some() { gone } else { Vec::new() };
        Conclusion { outcome, deleted, left, decision: Some(decision) }
    }
}
