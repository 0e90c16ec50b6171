//! What holds when everything has come to rest.

use jiff::SignedDuration;
use shared::{
    domain::{
        outcome::{Held, Outcome},
        state::UserState,
    },
    ledger::{HistoryEntry, Key, OutcomeQuery},
    poll::Position,
};

use simulator::Part;

use crate::{
    steps::lock,
    watch::{SKEW, user_id},
    world::World,
};

/// Automatic retries of a failed or partial outcome; then it waits for a person.
const RETRIES: u32 = 3;

/// The last retry is due 24 h after the one before, and begins with the next poll.
const RETRIED_WITHIN: SignedDuration = SignedDuration::from_hours(31);

impl World {
    /// Checks the ledger, the queue and the tenant once more.
    pub(crate) async fn check_the_end(&self) {
        self.check_everybody();
        self.check_the_history().await;
        self.check_the_scan();
        self.check_the_queue();
        self.check_ambiguous_events().await;
    }

    /// Everybody who registered has a decision, and the expected one if nothing interfered.
    fn check_everybody(&self) {
        let window = self.settings().policy.window;
        for (user, person) in &*lock(&self.watch.people) {
            let wrong = |what: &str| {
                self.watch.violation(6, format!("{what}: {:?} {user}", person.part));
            };
            let state = self.watch.state(*user);
            let got = state.as_ref().map_or_else(|| "none".to_owned(), UserState::listed_as);
            if let Some(expected) = person.expected
                && person.part != Part::AmbiguousEvent
            {
                if got != expected {
                    wrong(&format!("{got} instead of {expected}"));
                }
                let left = self.tenant.user(*user).is_some_and(|user| user.has_strong_methods());
                if got == "rolled_back" && left {
                    wrong("rolled back, and a strong method is left");
                }
            }
            let Some(state) = state else {
                if person.erased.is_none() && person.registrations.iter().any(|at| window.contains(*at)) {
                    wrong("a registration without a decision");
                }
                continue;
            };
            let is_recent = |state: &UserState| {
                let at = state.concluded.as_ref().map(|concluded| concluded.at);
                at.is_some_and(|at| at + RETRIED_WITHIN > self.clock.now())
            };
            if state.is_pending() {
                wrong("pending for ever");
            }
            match state.outcome() {
                Some(Outcome::WouldRollBack | Outcome::Deferred(_)) => {
                    wrong(&format!("waits for ever: {got}"));
                }
                Some(Outcome::Failed(_)) if state.retries < RETRIES && !is_recent(&state) => {
                    wrong(&format!("given up: {got}"));
                }
                _ => {}
            }
        }
    }

    /// No outcome says that nothing was deleted if something was.
    async fn check_the_history(&self) {
        let ledger = self.ledger().await;
        let people = lock(&self.watch.people).clone();
        for (user, person) in people {
            let Some(first) = person.first_deleted else { continue };
            let Ok(history) = ledger.history(user_id(user)).await else { continue };
            let known_after = first.checked_add(SKEW * 2).unwrap_or(first);
            let lies = history.iter().any(|entry| match entry {
                HistoryEntry::Outcome(concluded) => {
                    matches!(concluded.outcome, Outcome::Failed(_))
                        && concluded.at > known_after
                        && person.registered.is_empty()
                        && person.released.is_none()
                }
                _ => false,
            });
            if lies {
                self.watch.violation(
                    4,
                    format!("failed, and a method was deleted before: {:?} {user}", person.part),
                );
            }
            let has_intent = history.iter().any(|entry| matches!(entry, HistoryEntry::Intent { .. }));
            if !has_intent && person.erased.is_none() {
                self.watch.violation(4, format!("a DELETE and no intent in the history: {user}"));
            }
        }
    }

    fn check_the_scan(&self) {
        let Some(position) = self.watch.load::<Position>(Key::poll()) else {
            return self.watch.violation(6, "nothing was ever scanned");
        };
        if position.missed > 0 && !self.is_late.get() {
            self.watch.violation(6, format!("{} registrations missed by the scans", position.missed));
        }
    }

    fn check_the_queue(&self) {
        let dead = self.database.dead_letters().expect("the queue is in memory");
        if dead.len() as u64 > self.strangers.get() {
            let reasons: Vec<&str> = dead.iter().map(|letter| letter.reason.as_str()).collect();
            let strangers = self.strangers.get();
            self.watch.violation(8, format!("more dead letters than strangers: {reasons:?}, {strangers}"));
        }
    }

    async fn check_ambiguous_events(&self) {
        let ambiguous = lock(&self.watch.people)
            .values()
            .filter(|p| p.part == Part::AmbiguousEvent && !p.by_hand)
            .count();
        let query = OutcomeQuery {
            outcome: Outcome::Held(Held::AmbiguousEvent).to_string(),
            until: None,
            after: None,
            limit: 100,
        };
        let page = self.ledger().await.list(&query).await;
        if page.map_or(0, |page| page.entries.len()) < ambiguous {
            self.watch.violation(6, "a registration without one clear user is not on record");
        }
    }
}
