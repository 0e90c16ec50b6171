//! What holds when everything has come to rest.

use jiff::{SignedDuration, Timestamp};
use shared::{
    domain::{
        outcome::{Held, Outcome},
        state::UserState,
    },
    ledger::{AmbiguousEvent, Entry, HistoryEntry, Key, OutcomeQuery},
    poll::{Gap, Position},
};

use serde_json::Value;
use simulator::{Part, Standing};
use uuid::Uuid;

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
        self.check_the_history().await;
        self.check_what_is_not_read().await;
        if self.cannot_be_read() {
            return;
        }
        self.check_everybody();
        self.check_the_scan();
        self.check_the_queue();
        self.check_ambiguous_events().await;
    }

    /// Whether nothing of the audit log can ever be read.
    pub(crate) fn cannot_be_read(&self) -> bool {
        let standing = self.standing.get();
        matches!(standing, Some(Standing::BlindFilter | Standing::SignInPage | Standing::SignInJsonThenPage))
    }

    /// Whether some pages of the audit log can be read only in part.
    pub(crate) fn breaks_pages(&self) -> bool {
        matches!(self.standing.get(), Some(Standing::BrokenRecords | Standing::CutPages))
    }

    fn gaps(&self) -> Vec<Gap> {
        self.watch.load::<Position>(Key::poll()).map(|position| position.gaps).unwrap_or_default()
    }

    /// The events that cannot be read.
    fn broken_events(&self) -> Vec<Value> {
        if !self.breaks_pages() {
            return Vec::new();
        }
        let broken = self.tenant.broken_events();
        let is_broken = |event: &Value| broken.iter().any(|id| event["id"] == id.as_str());
        self.tenant.events().into_iter().filter(is_broken).collect()
    }

    /// What could not be read is on record, and nothing else is said to be.
    async fn check_what_is_not_read(&self) {
        let unread =
            self.watch.load::<Position>(Key::poll()).map(|position| position.unread()).unwrap_or_default();
        if self.cannot_be_read() && unread.is_empty() {
            self.watch.violation(12, "nothing can be read, and the status does not say so");
        }
        if self.standing.get().is_none() && !unread.is_empty() {
            self.watch.violation(12, format!("said to be unread though nothing is wrong: {unread:?}"));
        }
        let held = self.held_events().await;
        if self.standing.get().is_none() && held.iter().any(|event| event.unread) {
            self.watch.violation(12, "a record is held as unread though it can be read");
        }
        let window = self.settings().policy.window;
        let gaps = self.gaps();
        for event in self.broken_events() {
            let id = event["id"].as_str().unwrap_or_default();
            let at: Option<Timestamp> = event["activityDateTime"].as_str().and_then(|at| at.parse().ok());
            let Some(at) = at.filter(|at| window.contains(*at)) else { continue };
            if !gaps.iter().any(|gap| gap.range.contains(at)) {
                self.watch.violation(12, format!("no gap where a record is broken: {id} {at}"));
            }
            // One that stands behind another within the same gap cannot be seen where pages are cut.
            let is_named = held.iter().any(|named| named.event_id.0 == id && named.unread);
            if self.standing.get() == Some(Standing::BrokenRecords) && !is_named {
                self.watch.violation(12, format!("a broken record is not named: {id} {at}"));
            }
        }
    }

    /// Everybody who registered has a decision, and the expected one if nothing interfered.
    fn check_everybody(&self) {
        let window = self.settings().policy.window;
        let gaps = self.gaps();
        let lies_in_a_gap = |at: &Timestamp| gaps.iter().any(|gap| gap.range.contains(*at));
        let broken = self.broken_events();
        let is_hit = |user: &Uuid| broken.iter().any(|event| event.to_string().contains(&user.to_string()));
        for (user, person) in &*lock(&self.watch.people) {
            let wrong = |what: &str| {
                self.watch.violation(6, format!("{what}: {:?} {user}", person.part));
            };
            let state = self.watch.state(*user);
            let got = state.as_ref().map_or_else(|| "none".to_owned(), UserState::listed_as);
            if let Some(expected) = person.expected
                && person.part != Part::AmbiguousEvent
                && !person.registrations.iter().any(lies_in_a_gap)
                && !is_hit(user)
            {
                let may_be_unknown = match got.as_str() {
                    // Where the log cannot be asked by user, a broken page may hide something about anybody.
                    "held(methods_of_window_unknown)" => {
                        self.tenant.breaks_pages() && !self.tenant.filters_audits_by_target()
                    }
                    // Half a report clears nobody.
                    "held(primary_sign_in)" => self.standing.get() == Some(Standing::ReportCut),
                    _ => false,
                };
                if got != expected && !may_be_unknown {
                    wrong(&format!("{got} instead of {expected}"));
                }
                let left = self.tenant.user(*user).is_some_and(|user| user.has_strong_methods());
                if got == "rolled_back" && left {
                    wrong("rolled back, and a strong method is left");
                }
            }
            let Some(state) = state else {
                if person.erased.is_none()
                    && person.registrations.iter().any(|at| window.contains(*at) && !lies_in_a_gap(at))
                {
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
        // Where pages are cut, scans and sweeps pass over different parts.
        let is_cut = self.standing.get() == Some(Standing::CutPages) || self.mended.get().is_some();
        if position.missed > 0 && !self.is_late.get() && !is_cut {
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
        let gaps = self.gaps();
        let lies_in_a_gap = |at: &Timestamp| gaps.iter().any(|gap| gap.range.contains(*at));
        let ambiguous = lock(&self.watch.people)
            .values()
            .filter(|p| {
                p.part == Part::AmbiguousEvent && !p.by_hand && !p.registrations.iter().any(lies_in_a_gap)
            })
            .count();
        if self.held_events().await.len() < ambiguous {
            self.watch.violation(6, "a registration without one clear user is not on record");
        }
    }

    async fn held_events(&self) -> Vec<AmbiguousEvent> {
        let query = OutcomeQuery {
            outcome: Outcome::Held(Held::AmbiguousEvent).to_string(),
            until: None,
            after: None,
            limit: 1000,
        };
        let entries = self.ledger().await.list(&query).await.map(|page| page.entries).unwrap_or_default();
        let event = |entry| if let Entry::Event(event) = entry { Some(event) } else { None };
        entries.into_iter().filter_map(event).collect()
    }
}
