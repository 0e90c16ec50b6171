//! What a decision sees of the ledger.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::{
    facts::{Facts, RecordedRegistration},
    ids::UserId,
    intent::Intent,
    look::Look,
    memory::Memory,
    method::AuthenticationMethod,
    outcome::Held,
    state::UserState,
};

/// What the ledger says about the candidate.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The candidate's Entra object id.
    pub user_id: UserId,
    /// The registrations on record.
    pub registrations: &'a [RecordedRegistration],
    /// Whether a person named the user by hand; then `in_window` does not apply.
    pub by_hand: bool,
    /// When the first DELETE for this user was about to be sent; `None` if none was.
    pub first_delete_at: Option<Timestamp>,
    /// The intent that is not settled yet, if any.
    pub intent: Option<&'a Intent>,
    /// The methods that a rollback keeps or kept, if any.
    pub kept: Option<&'a Look>,
    /// What earlier looks saw; `None` if there was none.
    pub memory: Option<&'a Memory>,
    /// Reasons that a person has lifted.
    pub released: &'a BTreeSet<Held>,
    /// The methods that the release covers; `None` covers none.
    pub released_look: Option<&'a Look>,
}

impl<'a> Record<'a> {
    /// Takes what a decision needs from a user's item; `nothing` is an empty set, used without a release.
    pub fn of(state: &'a UserState, nothing: &'a BTreeSet<Held>) -> Self {
        Self {
            user_id: state.user_id,
            registrations: &state.registrations,
            by_hand: state.by_hand.is_some(),
            first_delete_at: state.first_delete_at,
            intent: state.intent.as_ref(),
            kept: state.intent.as_ref().map_or(state.kept.as_ref(), |intent| intent.kept.as_ref()),
            memory: state.memory.as_ref(),
            released: state.release.as_ref().map_or(nothing, |release| &release.reasons),
            released_look: state.release.as_ref().and_then(|release| release.look.as_ref()),
        }
    }
}

impl Record<'_> {
    /// Whether the release covers all strong methods that the user has now.
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
