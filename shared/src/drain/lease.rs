//! The lease of one handling: taken before the reads, kept on the way, given back at the end.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    Drain, LeaseTerm,
    active::Working,
    handle::{Break, Conclusion, Handled, Handling, Interrupted, take_back},
};
use crate::{
    ledger::LedgerError,
    outcome::Outcome,
    state::{CLOCK_SKEW, Lease},
    window::{self, shift},
};

/// A second message for a user that this process handles is looked at again this soon.
const OWN_LEASE_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// With less time than this a handling does not begin.
pub(super) const TAKES_AT_LEAST: Duration = Duration::from_secs(20);

impl Drain {
    /// Waits for leave to begin, as long as there is time for it.
    pub(super) async fn enter(&self, term: LeaseTerm) -> Option<Working<'_>> {
        let enter = self.active.enter(|| self.graph.pace());
        let LeaseTerm::Until(until) = term else { return Some(enter.await) };
        let left = window::until(self.clock.now(), until);
        tokio::time::timeout(left.checked_sub(TAKES_AT_LEAST)?, enter).await.ok()
    }

    fn lease_end(&self, term: LeaseTerm) -> Timestamp {
        match term {
            LeaseTerm::Until(until) => until,
            LeaseTerm::Renewed(length) => shift(self.clock.now(), length),
        }
    }

    /// When a lease that somebody holds is worth another look: this process gives its own ones back.
    pub(super) fn free_at(&self, lease: Option<&Lease>, now: Timestamp) -> Timestamp {
        match lease {
            Some(lease) if lease.owner != self.owner => shift(lease.until, CLOCK_SKEW),
            _ => shift(now, OWN_LEASE_AGAIN),
        }
    }

    pub(super) async fn take_lease(&self, handling: &mut Handling) -> Result<(), LedgerError> {
        let until = self.lease_end(handling.term);
        let lease = Lease { owner: self.owner.clone(), token: handling.token, until };
        handling.state.value.begin(lease, self.clock.now());
        handling.state.version = self.book.save_user(&handling.state, None).await?;
        Ok(())
    }

    /// Makes sure that the lease lasts at least `needed` longer, renewing it where that is possible.
    pub(super) async fn keep_lease(&self, handling: &mut Handling, needed: Duration) -> Result<(), Break> {
        let now = self.clock.now();
        let lease_until = handling.state.value.lease.as_ref().map_or(now, |lease| lease.until);
        if now.checked_add(needed).is_ok_and(|end| end < lease_until) {
            return Ok(());
        }
        // A renewal is conditional on the item, so one that is late does no harm.
        if matches!(handling.term, LeaseTerm::Until(_)) {
            let cause = "the time to handle this user is up".to_owned();
            return Err(Interrupted::ComeBack { after: Duration::ZERO, cause, throttled: false }.into());
        }
        let until = self.lease_end(handling.term);
        if let Some(lease) = &mut handling.state.value.lease {
            lease.until = until;
        }
        handling.state.version = self.book.save_user(&handling.state, None).await?;
        Ok(())
    }

    /// Gives a lease back, so that nobody has to wait for its end. What fails here costs time only.
    pub(super) async fn give_back(&self, handling: &Handling) {
        let (token, void) = (handling.token, handling.void_intent());
        let _ = self
            .book
            .change_user(handling.state.value.user_id, |state, _| {
                if let Some(state) = state
                    && state.give_back(token)
                {
                    take_back(state, void);
                }
                Ok::<_, std::convert::Infallible>(None)
            })
            .await;
    }

    /// A handling that was interrupted comes back, unless it did so for a day.
    pub(super) async fn interrupted(
        &self,
        mut handling: Handling,
        interrupted: Interrupted,
    ) -> Result<Handled, Interrupted> {
        let Interrupted::ComeBack { after, cause, throttled } = interrupted else {
            self.give_back(&handling).await;
            return Err(interrupted);
        };
        let void = handling.void_intent();
        take_back(&mut handling.state.value, void);
        let state = &handling.state.value;
        if let Some(outcome) = Self::gave_up(state, throttled, self.clock.now()) {
            let outcome = match (state.intent.is_some(), outcome) {
                // What is gone cannot be told now: better a partial too many than one too few.
                (true, Outcome::Failed(reason)) => Outcome::Partial(reason.into()),
                (_, outcome) => outcome,
            };
            let conclusion = Conclusion { outcome, deleted: Vec::new(), left: Vec::new(), decision: None };
            match self.conclude(&handling, conclusion).await {
                Ok(state) => return Ok(Handled::Concluded(Box::new(state))),
                Err(error) => tracing::warn!(user.id = %state.user_id, error = %error, "outcome not written"),
            }
        }
        self.give_back(&handling).await;
        let after = Self::backoff(state.attempts.count, Some(after));
        tracing::info!(user.id = %state.user_id, cause, attempts = state.attempts.count, "user comes back later");
        Err(Interrupted::ComeBack { after, cause, throttled })
    }
}
