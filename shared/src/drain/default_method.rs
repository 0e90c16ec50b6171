//! Changes the default method where Graph keeps it while others are there, and puts it back after a rollback that
//! came to no end.

use std::time::Duration;

use super::{
    ending::Changed,
    handling::Handling,
    interrupted::{Break, LONGEST_WAIT},
};
use crate::{
    domain::{
        default_method::DefaultChange,
        intent::{DurableIntent, NewDefault},
        method::AuthenticationMethod,
    },
    graph::{DELETE_TAKES_AT_MOST, GraphError},
    ledger::{IntentWritten, Ledger},
};

/// How often a change back is tried.
const TRIES: u32 = 3;

impl Handling<'_, '_> {
    /// Makes a method the default that stays or goes last, if another one is it. `there` are the methods that are
    /// not gone. What it was is on record before the change is sent.
    pub(super) async fn change_default(
        &mut self,
        intent: DurableIntent,
        there: &[AuthenticationMethod],
        is_fresh: impl Fn() -> bool,
    ) -> Result<Changed, Break> {
        let drain = self.drain;
        let process = &drain.process;
        let user = self.leased.state.value.user_id;
        let now = match process.graph.default_method(user).await {
            Ok(answer) => {
                self.request_ids.extend(answer.request_id);
                answer.body
            }
            Err(error) if error.comes_back() || error.stops_everything() => return Err(error.into()),
            Err(_) => None,
        };
        let on_record = intent.intent().default_change;
        let Some(now) = now else { return Ok(Changed::No) };
        if on_record.is_some_and(|change| change.to == now) {
            // Changed before, by a request whose answer was lost or by a handling that died.
            return Ok(Changed::Now(intent));
        }
        let Some(to) = intent.intent().next_default(now, there) else { return Ok(Changed::No) };
        let change = DefaultChange { from: on_record.map_or(now, |change| change.from), to };
        let intent = if on_record == Some(change) {
            intent
        } else {
            let mut changing = intent.intent().clone();
            changing.default_change = Some(change);
            let limits = process.settings.limits;
            let written =
                process.ledger.write_intent(&mut self.leased.state, changing, true, limits, drain.run_id);
            match written.await? {
                IntentWritten::Durable(intent) => intent,
                IntentWritten::BrakeOpen => return Ok(Changed::BrakeOpen),
                // It keeps its slot.
                IntentWritten::NoSlot => return Ok(Changed::No),
            }
        };
        let Some(new) = intent.new_default() else { return Ok(Changed::No) };
        let turn = process.graph.turn().await?;
        self.leased.keep(DELETE_TAKES_AT_MOST).await?;
        if process.ledger.brake().await?.value.is_open() {
            return Ok(Changed::BrakeOpen);
        }
        if !is_fresh() {
            return Ok(Changed::StartOver(Duration::ZERO));
        }
        match process.graph.set_default_method(turn, new).await {
            Ok(request_id) => {
                self.request_ids.extend(request_id);
                self.leased.default_changed = true;
                tracing::info!(user.id = %user, default.from = %change.from, default.to = %to, "default method changed");
                Ok(Changed::Now(intent))
            }
            Err(GraphError::Throttled { retry_after }) if retry_after <= LONGEST_WAIT => {
                Ok(Changed::StartOver(retry_after))
            }
            Err(GraphError::TokenRefused) => Ok(Changed::StartOver(Duration::ZERO)),
            Err(GraphError::Unavailable { .. }) => {
                self.leased.default_changed = true;
                Ok(Changed::StartOver(Duration::from_secs(1)))
            }
            Err(error) if error.comes_back() || error.stops_everything() => Err(error.into()),
            Err(error) => {
                self.request_ids.extend(error.request_id().map(str::to_owned));
                Ok(Changed::No)
            }
        }
    }

    /// Puts the default method back that an open intent changed, if it is still there and nothing forbids it now.
    /// What fails for good is logged; anything else lets the message come back.
    pub(super) async fn put_back_default(&mut self, there: &[AuthenticationMethod]) -> Result<(), Break> {
        let process = &self.drain.process;
        let change = self.leased.state.value.intent.as_ref().and_then(|intent| intent.default_change);
        let former = Ledger::durable_intent(&self.leased.state).and_then(|intent| intent.former_default());
        let (Some(change), Some(former)) = (change, former) else { return Ok(()) };
        if !process.deletes() || !there.iter().any(|method| change.from.is(method)) {
            return Ok(());
        }
        for attempt in 1.. {
            let error = match self.send_back(change, former).await? {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let wait = match &error {
                GraphError::Throttled { retry_after } if *retry_after <= LONGEST_WAIT => *retry_after,
                GraphError::Unavailable { .. } => Duration::from_secs(1),
                GraphError::TokenRefused => Duration::ZERO,
                error if error.comes_back() || error.stops_everything() => return Err(error.clone().into()),
                error => {
                    tracing::warn!(user.id = %former.user(), error = %error, "default method not put back");
                    return Ok(());
                }
            };
            if attempt == TRIES {
                return Err(error.into());
            }
            self.leased.keep(wait + DELETE_TAKES_AT_MOST).await?;
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    async fn send_back(
        &mut self,
        change: DefaultChange,
        former: NewDefault,
    ) -> Result<Result<(), GraphError>, Break> {
        let graph = &self.drain.process.graph;
        let now = match graph.default_method(former.user()).await {
            Ok(answer) => answer.body,
            Err(error) => return Ok(Err(error)),
        };
        if now == Some(change.to) {
            let turn = match graph.turn().await {
                Ok(turn) => turn,
                Err(error) => return Ok(Err(error)),
            };
            self.leased.keep(DELETE_TAKES_AT_MOST).await?;
            if self.drain.process.ledger.brake().await?.value.is_open() {
                return Ok(Ok(()));
            }
            match graph.set_default_method(turn, former).await {
                Ok(request_id) => self.request_ids.extend(request_id),
                Err(error) => return Ok(Err(error)),
            }
        }
        self.leased.default_changed = false;
        Ok(Ok(()))
    }
}
