//! What a decision sees of the ledger.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::{
    facts::{Facts, RecordedRegistration},
    ids::UserId,
    intent::{Intent, Look},
    method::AuthenticationMethod,
    outcome::Held,
    state::UserState,
};

/// What the ledger says about the candidate.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Who it is.
    pub user_id: UserId,
    /// The registrations on record.
    pub registrations: &'a [RecordedRegistration],
    /// Whether a person named the user.
    pub by_hand: bool,
    /// When a DELETE was first sent for this user.
    pub first_delete_at: Option<Timestamp>,
    /// The open intent.
    pub intent: Option<&'a Intent>,
    /// Reasons that a person has lifted.
    pub released: &'a BTreeSet<Held>,
    /// The methods for which a person has lifted them.
    pub released_look: Option<&'a Look>,
}

impl<'a> Record<'a> {
    /// What a decision sees of a user's item; `nothing` stands for what nobody has released.
    pub fn of(state: &'a UserState, nothing: &'a BTreeSet<Held>) -> Self {
        Self {
            user_id: state.user_id,
            registrations: &state.registrations,
            by_hand: state.by_hand.is_some(),
            first_delete_at: state.first_delete_at,
            intent: state.intent.as_ref(),
            released: state.release.as_ref().map_or(nothing, |release| &release.reasons),
            released_look: state.release.as_ref().and_then(|release| release.look.as_ref()),
        }
    }
}

impl Record<'_> {
    /// Whether what a person has lifted speaks of all strong methods that are there.
    pub(super) fn covers(&self, facts: &Facts) -> bool {
        let strong = |methods: &&Vec<AuthenticationMethod>| {
            let mut strong = methods.iter().filter(|method| method.kind.is_strong());
            strong.all(|method| self.released_look.is_some_and(|look| look.shows(method)))
        };
        facts.methods.known().as_ref().is_some_and(strong)
    }

    /// Whether a person has lifted this reason for this very method.
    pub(super) fn is_released(&self, reason: Held, method: &AuthenticationMethod) -> bool {
        self.released.contains(&reason) && self.released_look.is_some_and(|look| look.shows(method))
    }
}
