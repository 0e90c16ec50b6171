//! What a user's history promises: each intent with what became of it, and the deletions that it accounts for.

use jiff::{SignedDuration, Timestamp};

use crate::{
    audit::MethodDeletion,
    domain::{
        intent::Intent, look::IntendedMethod, method::MethodName, outcome::Outcome, state::Concluded,
        window::shift,
    },
    ledger::HistoryEntry,
};

/// Graph's clock and this machine's may differ by this much.
pub(super) const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// One intent of a history.
pub(super) struct Promise<'a> {
    pub(super) intent: &'a Intent,
    /// From when on it may have deleted something.
    pub(super) from: Timestamp,
    /// When it was over: something took its place, or nothing of it was left. `None` while it is open.
    pub(super) until: Option<Timestamp>,
    /// The latest outcome under it; `None` if it never came to one.
    pub(super) ended: Option<&'a Concluded>,
    /// The methods that are gone by the ledger's word.
    pub(super) gone: Vec<MethodName>,
    /// The app's deletions that it accounts for.
    pub(super) deletions: Vec<&'a MethodDeletion>,
}

/// A history, read for what it promises.
#[derive(Default)]
pub(super) struct Promises<'a> {
    pub(super) all: Vec<Promise<'a>>,
    /// Outcomes `rolled_back` that no intent came before.
    pub(super) baseless: Vec<&'a Concluded>,
    /// When the record was last erased.
    pub(super) erased_at: Option<Timestamp>,
}

impl<'a> Promises<'a> {
    pub(super) fn of(history: &'a [HistoryEntry]) -> Self {
        let mut promises = Self::default();
        for entry in history {
            match entry {
                HistoryEntry::Intent { intent, .. } => promises.add(intent),
                HistoryEntry::Outcome(concluded) => promises.conclude(concluded),
                HistoryEntry::Erased { at, .. } => {
                    promises = Self { erased_at: Some(*at), ..Self::default() };
                }
                HistoryEntry::Release { .. }
                | HistoryEntry::Approved { .. }
                | HistoryEntry::ByHand { .. } => {}
            }
        }
        promises
    }

    /// An intent may be written again, with another slot or another default method.
    fn add(&mut self, intent: &'a Intent) {
        match self.all.last_mut() {
            Some(last) if last.intent.id == intent.id => {
                last.intent = intent;
                return;
            }
            Some(last) => _ = last.until.get_or_insert(intent.written_at),
            None => {}
        }
        self.all.push(Promise {
            intent,
            from: intent.written_at,
            until: None,
            ended: None,
            gone: Vec::new(),
            deletions: Vec::new(),
        });
    }

    fn conclude(&mut self, concluded: &'a Concluded) {
        let is_done = concluded.outcome == Outcome::RolledBack;
        let is_baseless = is_done && self.all.is_empty();
        match self.all.last_mut().filter(|last| last.until.is_none()) {
            Some(last) => {
                last.ended = Some(concluded);
                if is_done {
                    last.until = Some(concluded.at);
                    last.gone = last.intent.methods.iter().map(IntendedMethod::name).collect();
                } else if !concluded.methods_deleted.is_empty() {
                    last.gone.clone_from(&concluded.methods_deleted);
                }
            }
            // An outcome may be confirmed later; without an intent before it, it has nothing to stand on.
            None if is_baseless => self.baseless.push(concluded),
            None => {}
        }
    }

    /// Gives each deletion, oldest first, to the intent that accounts for it. Returns those that none accounts for.
    pub(super) fn account_for(&mut self, deletions: Vec<&'a MethodDeletion>) -> Vec<&'a MethodDeletion> {
        let mut unknown = Vec::new();
        for deletion in deletions {
            match self.all.iter_mut().find(|promise| promise.accounts_for(deletion)) {
                Some(promise) => promise.deletions.push(deletion),
                None => unknown.push(deletion),
            }
        }
        unknown
    }
}

impl Promise<'_> {
    /// Each method of an intent is deleted once.
    fn accounts_for(&self, deletion: &MethodDeletion) -> bool {
        let is_of_a_kind = deletion.methods.is_empty()
            || self.intent.methods.iter().any(|method| deletion.methods.contains(&method.kind));
        self.covers(deletion.at) && is_of_a_kind && self.deletions.len() < self.intent.methods.len()
    }

    /// Whether something that happened then may have been under this intent.
    pub(super) fn covers(&self, at: Timestamp) -> bool {
        at >= shift(self.from, -CLOCKS_DIFFER)
            && self.until.is_none_or(|until| at <= shift(until, CLOCKS_DIFFER))
    }
}
