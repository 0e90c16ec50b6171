//! The tenant, which holds the state and the hooks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{journal::JournalEntry, options::Options, state::State};

type Hook = Arc<dyn Fn(&JournalEntry) + Send + Sync>;

/// A simulated tenant. Clones are the same tenant.
#[derive(Clone)]
pub struct Tenant {
    state: Arc<Mutex<State>>,
    hooks: Arc<Mutex<Vec<Hook>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tenant {
    /// Makes a tenant without users, groups and audit events.
    pub fn new(options: Options) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(options))), hooks: Arc::default() }
    }

    /// Every request in order of arrival.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.state().journal.clone()
    }

    /// Calls `hook` after each request was handled and before its answer is sent. The hook may use
    /// the tenant.
    pub fn on_request(&self, hook: impl Fn(&JournalEntry) + Send + Sync + 'static) {
        lock(&self.hooks).push(Arc::new(hook));
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn tell(&self, entry: &JournalEntry) {
        let hooks = lock(&self.hooks).clone();
        for hook in hooks {
            hook(entry);
        }
    }
}

#[cfg(test)]
mod tests;
