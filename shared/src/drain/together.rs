//! The handlings of one run.

use std::{
    ops::Deref,
    sync::{OnceLock, atomic::AtomicBool},
    time::Duration,
};

use tokio::sync::OnceCell;

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

/// How far a limit may be from the one on record without being written anew.
const NO_OTHER: f64 = 0.05;

/// How long writing it may take at the end of a run.
const KEEPS_WITHIN: Duration = Duration::from_secs(2);

/// The handlings of one run, which share its pace. Once one meets something that stops everything, no other
/// begins.
pub struct Drain<'r> {
    pub(super) scope: &'r Scope,
    pub(super) active: Active,
    pub(super) bulk: Bulk,
    /// Whether Graph was seen to list a method that was just deleted.
    pub(super) shows_late: AtomicBool,
    pub(super) stopped: OnceLock<StopCause>,
    /// The limit that an earlier run found, once it was asked for.
    earlier_limit: OnceCell<Option<f64>>,
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
            earlier_limit: OnceCell::new(),
        }
    }

    /// Starts with the limit that an earlier run found, once. It only saves time, so that no error matters.
    async fn resume_pace(&self) {
        let resume = async || {
            let earlier = self.process.ledger.found_limit().await.ok().flatten();
            if let Some(limit) = earlier {
                self.process.graph.resume_at(limit);
            }
            earlier
        };
        self.earlier_limit.get_or_init(resume).await;
    }

    /// Keeps the limit that was found, for the next run. Errors are ignored: they only cost time.
    pub async fn keep_pace(&self) {
        let earlier = self.earlier_limit.get().copied().flatten();
        let is_other = |limit: &f64| earlier.is_none_or(|earlier| (limit / earlier - 1.0).abs() > NO_OTHER);
        let Some(limit) = self.process.graph.limit().filter(is_other) else { return };
        let _ = tokio::time::timeout(KEEPS_WITHIN, self.process.ledger.keep_limit(limit)).await;
    }

    /// Waits until a handling may begin. Returns `None` if too little time is left for it.
    pub(super) async fn enter(&self) -> Option<Working<'_>> {
        self.resume_pace().await;
        let enter = self.active.enter(|| self.process.graph.limit());
        let LeaseTerm::Until(until) = self.term else { return Some(enter.await) };
        let left = window::until(self.process.clock.now(), until);
        tokio::time::timeout(left.checked_sub(TAKES_AT_LEAST)?, enter).await.ok()
    }
}
