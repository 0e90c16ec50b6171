//! The handlings of one run.

use std::{
    ops::Deref,
    sync::{OnceLock, atomic::AtomicBool},
    time::Duration,
};

use super::{
    active::{Active, Working},
    bulk::Bulk,
    interrupted::StopCause,
};
use crate::{
    domain::window,
    process::{LeaseTerm, Scope},
};

/// A handling does not begin with less time than this.
pub(super) const TAKES_AT_LEAST: Duration = Duration::from_secs(20);

/// The handlings of one run, which share its pace. Once one meets something that stops everything, no other
/// begins.
pub struct Drain<'r> {
    pub(super) scope: &'r Scope,
    pub(super) active: Active,
    pub(super) bulk: Bulk,
    /// Whether Graph was seen to list a method that was just deleted.
    pub(super) shows_late: AtomicBool,
    pub(super) stopped: OnceLock<StopCause>,
}

impl Deref for Drain<'_> {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        self.scope
    }
}

impl<'r> Drain<'r> {
    pub(crate) fn of(scope: &'r Scope) -> Self {
        Self {
            scope,
            active: Active::default(),
            bulk: Bulk::default(),
            shows_late: AtomicBool::default(),
            stopped: OnceLock::new(),
        }
    }

    /// Waits until a handling may begin. Returns `None` if too little time is left for it.
    pub(super) async fn enter(&self) -> Option<Working<'_>> {
        let enter = self.active.enter(|| self.process.graph.limit());
        let LeaseTerm::Until(until) = self.term else { return Some(enter.await) };
        let left = window::until(self.process.clock.now(), until);
        tokio::time::timeout(left.checked_sub(TAKES_AT_LEAST)?, enter).await.ok()
    }
}
