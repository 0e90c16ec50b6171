//! The promise behind the DELETEs: slot and intent, durable before the first one.

use uuid::Uuid;

use super::{handling::Handling, interrupted::Break};
use crate::{
    domain::{
        brake::Brake,
        decision::Decision,
        intent::{DurableIntent, Intent},
        method::AuthenticationMethod,
        outcome::Deferred,
    },
    ledger::{IntentWritten, Ledger},
};

impl Handling<'_, '_> {
    /// Returns the intent behind the DELETEs that follow: the open one if it still matches the methods and
    /// its slot holds. Otherwise it writes slot and intent in one transaction. The inner `Err` says what
    /// defers the user instead.
    pub(super) async fn promise(
        &mut self,
        methods: &[AuthenticationMethod],
        decision: &Decision,
    ) -> Result<Result<DurableIntent, Deferred>, Break> {
        let process = &self.drain.process;
        let now = process.clock.now();
        let state = &self.leased.state;
        let open = state.value.intent.clone();
        let slot_at = state.value.slot_at;
        let holds = slot_at.is_some_and(|slot_at| Brake::slot_holds(slot_at, now));
        let proven = open.as_ref().is_some_and(|open| {
            open.settle(methods, now).proves_all()
                && !open.methods.iter().any(|method| decision.keeps(&method.name()))
        });
        if holds
            && proven
            && let Some(intent) = Ledger::durable_intent(state)
        {
            return Ok(if process.ledger.brake().await?.value.is_open() {
                Err(Deferred::BrakeOpen)
            } else {
                Ok(intent)
            });
        }
        let intent = match open {
            Some(open) if proven => open,
            _ => {
                let (kept, going): (Vec<_>, Vec<_>) =
                    methods.iter().cloned().partition(|method| decision.keeps(&method.name()));
                let mut intent =
                    Intent::for_methods(&going, Uuid::new_v4(), Uuid::new_v4(), now).keeping(&kept);
                intent.slot_at = slot_at.unwrap_or(now);
                intent
            }
        };
        let limits = process.settings.limits;
        let is_first = state.value.first_delete_at.is_none() || self.leased.void_intent().is_some();
        let written =
            process.ledger.write_intent(&mut self.leased.state, intent, holds, limits, self.drain.run_id);
        match written.await? {
            IntentWritten::Durable(intent) => {
                self.leased.new_intent = is_first.then_some(intent.intent().id).or(self.leased.new_intent);
                Ok(Ok(intent))
            }
            IntentWritten::BrakeOpen => Ok(Err(Deferred::BrakeOpen)),
            IntentWritten::NoSlot => Ok(Err(Deferred::DailyCap)),
        }
    }
}
