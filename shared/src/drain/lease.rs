//! The lease of one handling, as a scope: it is taken before the reads, kept along the way, and given back
//! however the handling ends.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::interrupted::{Break, Interrupted};
use crate::{
    domain::{
        lease::{CLOCK_SKEW, Lease},
        method::MethodName,
        state::UserState,
        window::shift,
    },
    ledger::Versioned,
    process::{LeaseTerm, Scope},
};

/// How soon a second message comes back for a user whom this process is handling.
const OWN_LEASE_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// The right to handle one user, with the user's state item as this run last wrote it.
pub(super) struct Leased<'r> {
    pub(super) scope: &'r Scope,
    pub(super) state: Versioned<UserState>,
    token: Uuid,
    /// The intent that was written under this lease, if there was none before.
    pub(super) new_intent: Option<Uuid>,
    /// Whether a DELETE under this lease worked, or may have worked.
    pub(super) touched: bool,
    /// Whether the default method was changed under this lease, or may have been.
    pub(super) default_changed: bool,
    /// Methods whose DELETE was answered with 204 or 404. A list may still show them for a while.
    pub(super) gone: BTreeSet<MethodName>,
}

/// Takes the lease of a user whose item was just read, does `work` under it, and gives the lease back.
/// `Again` means that somebody else has written the item.
pub(super) async fn under_lease<'r>(
    scope: &'r Scope,
    state: Versioned<UserState>,
    work: impl AsyncFnOnce(&mut Leased<'r>) -> Result<UserState, Break>,
) -> Result<UserState, Break> {
    let mut leased = Leased::take(scope, state).await?;
    let ended = work(&mut leased).await;
    // An outcome ends the lease in the same write.
    if ended.is_err() {
        leased.give_back().await;
    }
    ended
}

/// When to look again at a lease that somebody holds. This process gives its own leases back, so they are
/// free sooner.
pub(super) fn free_at(scope: &Scope, lease: Option<&Lease>, now: Timestamp) -> Timestamp {
    match lease {
        Some(lease) if lease.owner != scope.owner => shift(lease.until, CLOCK_SKEW),
        _ => shift(now, OWN_LEASE_AGAIN),
    }
}

impl<'r> Leased<'r> {
    async fn take(scope: &'r Scope, state: Versioned<UserState>) -> Result<Self, Break> {
        let token = Uuid::new_v4();
        let mut leased = Self {
            scope,
            state,
            token,
            new_intent: None,
            touched: false,
            default_changed: false,
            gone: BTreeSet::new(),
        };
        let lease = Lease { owner: scope.owner.clone(), token, until: leased.end() };
        leased.state.value.begin(lease, scope.process.clock.now());
        leased.state.version = scope.process.ledger.save_user(&leased.state, None).await?;
        Ok(leased)
    }

    /// When the lease ends if it is taken or renewed now.
    fn end(&self) -> Timestamp {
        match self.scope.term {
            LeaseTerm::Until(until) => until,
            LeaseTerm::Renewed(length) => shift(self.scope.process.clock.now(), length),
        }
    }

    /// Makes sure that the lease lasts at least `needed` longer, renewing it if that is possible.
    pub(super) async fn keep(&mut self, needed: Duration) -> Result<(), Break> {
        let now = self.scope.process.clock.now();
        let lease_until = self.state.value.lease.as_ref().map_or(now, |lease| lease.until);
        if now.checked_add(needed).is_ok_and(|end| end < lease_until) {
            return Ok(());
        }
        // A renewal is conditional on the item's version, so a late one does no harm.
        if matches!(self.scope.term, LeaseTerm::Until(_)) {
            return Err(Interrupted::come_back("the time to handle this user is up").into());
        }
        let until = self.end();
        if let Some(lease) = &mut self.state.value.lease {
            lease.until = until;
        }
        self.state.version = self.scope.process.ledger.save_user(&self.state, None).await?;
        Ok(())
    }

    /// The intent that was written under this lease and came to nothing: nothing was sent for it, or everything
    /// was refused. Its user can be decided on like any other.
    pub(super) fn void_intent(&self) -> Option<Uuid> {
        self.new_intent.filter(|_| !self.touched && !self.default_changed)
    }

    /// Takes back an intent that came to nothing, in the item that is written next.
    pub(super) fn take_back_void_intent(&mut self) {
        let void = self.void_intent();
        take_back(&mut self.state.value, void);
    }

    /// Gives the lease back, so that nobody has to wait for its end. Errors are ignored: they only cost time.
    async fn give_back(&self) {
        let (token, void) = (self.token, self.void_intent());
        let _ = self
            .scope
            .process
            .ledger
            .change_user(self.state.value.user_id, |state, _| {
                if let Some(state) = state
                    && state.give_back(token)
                {
                    take_back(state, void);
                }
                Ok::<_, std::convert::Infallible>(None)
            })
            .await;
    }
}

fn take_back(state: &mut UserState, void: Option<Uuid>) {
    if void.is_some() && state.intent.as_ref().map(|intent| intent.id) == void {
        state.intent = None;
        state.first_delete_at = None;
    }
}
