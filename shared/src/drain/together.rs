//! The handlings of one run.

use std::{ops::Deref, sync::OnceLock, time::Duration};

use super::{
    active::{Active, Working},
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
        Self { scope, active: Active::default(), stopped: OnceLock::new() }
    }

    /// Waits until a handling may begin. Returns `None` if too little time is left for it.
    pub(super) async fn enter(&self) -> Option<Working<'_>> {
        let enter = self.active.enter(|| self.process.graph.limit());
        let LeaseTerm::Until(until) = self.term else { return Some(enter.await) };
        let left = window::until(self.process.clock.now(), until);
        tokio::time::timeout(left.checked_sub(TAKES_AT_LEAST)?, enter).await.ok()
    }
}
