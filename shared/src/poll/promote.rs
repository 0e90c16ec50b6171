//! Promotion: makes users pending again if their outcome may change now. So moving from report to canary to
//! enforce needs no second scan, even past the audit log's retention.

use jiff::{SignedDuration, Timestamp};

use super::{
    Poll,
    polled::{PollError, Polled},
    position::Position,
};
use crate::{
    domain::{
        brake::Brake,
        decision::Fingerprint,
        ids::UserId,
        lease::Lease,
        outcome::{self, Deferred, NotEligible, Outcome},
        state::UserState,
        window::shift,
    },
    ledger::{Cursor, Entry, OutcomeQuery, Versioned},
    preflight::Preflight,
    settings::Mode,
};

/// A message that is older than this may be lost.
const MESSAGE_MAY_BE_LOST_AFTER: SignedDuration = SignedDuration::from_hours(6);

/// How long held users and deleted accounts are looked at again.
const LOOKED_AT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The shortest time after which a stopped partial is looked at again.
const RESUME_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// The shortest time after which a user whom drain's own preflight stopped is looked at again, if drain signs
/// in as another app registration: poll cannot see what that one lacks.
const WRITER_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Waits before the automatic retries of `failed` and `partial`.
const RETRY_AFTER: [SignedDuration; 3] =
    [SignedDuration::from_hours(1), SignedDuration::from_hours(6), SignedDuration::from_hours(24)];

/// A method may show up this much later than its registration.
const METHOD_MAY_SHOW_FOR: SignedDuration = SignedDuration::from_mins(15);

const OUTSIDE_WINDOW: Outcome = Outcome::NotEligible(NotEligible::OutsideWindow);

/// The most items in one read.
const PAGE: usize = 100;

impl Poll<'_> {
    /// Makes users pending if their outcome may change now, and wakes drain for them.
    pub(super) async fn promote(
        &self,
        position: &mut Versioned<Position>,
        preflight: Option<&Preflight>,
        summary: &mut Polled,
    ) -> Result<(), PollError> {
        let now = self.process.clock.now();
        let mut promoted = self.promote_waiting(preflight, now).await?;
        promoted += self.promote_due(position, now).await?;
        promoted += self.wake_forgotten(now).await?;
        summary.promoted += promoted;
        summary.enqueued += promoted;
        Ok(())
    }

    /// Promotes `would_roll_back` and `deferred` once mode, brake and preflight allow it: the longest waiting
    /// first, and no more than there are slots for.
    async fn promote_waiting(&self, preflight: Option<&Preflight>, now: Timestamp) -> Result<u64, PollError> {
        let Some(preflight) = preflight.filter(|preflight| preflight.passes()) else { return Ok(0) };
        let before_disabled = now < self.process.settings.policy.window.preview_disabled_at;
        let brake = self.process.ledger.brake().await?.value;
        if self.process.settings.mode == Mode::Report || before_disabled || brake.is_open() {
            return Ok(0);
        }
        let first = self.process.first_approved().await?;
        let free = brake.slots_free(self.process.settings.limits, now);
        let resumed = self.resume(preflight, free, first, now).await?;
        let pending = self.process.ledger.count("pending").await?;
        let free = u64::from(brake.slots_free(self.process.settings.limits, now)).saturating_sub(pending);
        let mut free = usize::try_from(free).unwrap_or(usize::MAX);
        if self.process.settings.mode == Mode::Canary {
            let canaries: Vec<UserId> = preflight.canaries.iter().copied().collect();
            let waiting: Vec<UserState> = self
                .process
                .ledger
                .users(&canaries)
                .await?
                .into_iter()
                .filter_map(|(_, held)| held.value)
                .filter(|state| {
                    !state.is_pending() && self.has_waited(state, now) && self.may_go(state, first)
                })
                .take(free)
                .collect();
            let canaries = waiting.iter().map(|state| state.user_id).collect();
            return Ok(resumed + self.wake(canaries, Outcome::waits).await?);
        }
        let mut waiting: Vec<(Timestamp, UserId)> = Vec::new();
        let outcomes = Deferred::ALL.iter().map(|reason| Outcome::Deferred(*reason));
        for outcome in std::iter::once(Outcome::WouldRollBack).chain(outcomes) {
            let mut query = query(outcome, Some(shift(now, -self.waits_for(outcome))));
            while waiting.len() < free.saturating_mul(2).saturating_add(PAGE) {
                let page = self.process.ledger.list(&query).await?;
                let users = page.entries.iter().filter_map(user).filter(|state| self.may_go(state, first));
                waiting.extend(users.map(|state| (state.first_seen_at, state.user_id)));
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
        }
        waiting.sort();
        free = free.min(waiting.len());
        let first = waiting[..free].iter().map(|(_, user)| *user).collect();
        Ok(resumed + self.wake(first, Outcome::waits).await?)
    }

    /// Promotes partials that mode, cap, brake or preflight had stopped. A user whose slot still holds needs
    /// no new one; the others need a free slot.
    async fn resume(
        &self,
        preflight: &Preflight,
        mut free: u32,
        first: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<u64, PollError> {
        let mut users = Vec::new();
        for reason in outcome::Partial::all().filter(|reason| reason.waits()) {
            let outcome = Outcome::Partial(reason);
            let mut query = query(outcome, Some(shift(now, -self.waits_for(outcome))));
            loop {
                let page = self.process.ledger.list(&query).await?;
                for state in page.entries.iter().filter_map(user) {
                    let allowed = self.may_go(state, first)
                        && (self.process.settings.mode == Mode::Enforce
                            || preflight.canaries.contains(&state.user_id));
                    let holds = state.slot_at.is_some_and(|at| Brake::slot_holds(at, now));
                    if allowed && (holds || free > 0) {
                        free -= u32::from(!holds);
                        users.push(state.user_id);
                    }
                }
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
        }
        self.wake(users, Outcome::waits).await
    }

    /// How long an outcome that waits for mode, cap, brake or preflight must stand before it is promoted.
    fn waits_for(&self, outcome: Outcome) -> SignedDuration {
        match outcome {
            Outcome::Deferred(Deferred::PreflightFailed)
            | Outcome::Partial(outcome::Partial::Deferred(Deferred::PreflightFailed))
                if self.process.settings.another_deletes =>
            {
                WRITER_AGAIN
            }
            Outcome::Deferred(Deferred::SecondLook)
            | Outcome::Partial(outcome::Partial::Deferred(Deferred::SecondLook)) => {
                self.process.settings.second_look
            }
            Outcome::Partial(_) => RESUME_AFTER,
            _ => SignedDuration::ZERO,
        }
    }

    /// Whether something else than an approval may change the outcome. An approval wakes by itself; but what was decided
    /// under other settings is in no plan, so that nobody could approve it.
    fn may_go(&self, state: &UserState, first: Option<Timestamp>) -> bool {
        let settings = &self.process.settings;
        let is_unapproved = state.outcome().is_some_and(|outcome| {
            let partial = Outcome::Partial(outcome::Partial::Deferred(Deferred::NotApproved));
            outcome == Outcome::Deferred(Deferred::NotApproved) || outcome == partial
        });
        !is_unapproved
            || !state.needs_approval(settings.require_approval, first)
            || decided_under_other(state, &settings.policy.fingerprint())
    }

    fn has_waited(&self, state: &UserState, now: Timestamp) -> bool {
        state.concluded.as_ref().is_some_and(|concluded| {
            let outcome = concluded.outcome;
            outcome.waits() && concluded.at <= shift(now, -self.waits_for(outcome))
        })
    }

    /// Promotes whatever is looked at again after some time, or because the settings have changed.
    async fn promote_due(
        &self,
        position: &mut Versioned<Position>,
        now: Timestamp,
    ) -> Result<u64, PollError> {
        let fingerprint = self.process.settings.policy.fingerprint();
        let changed = position.value.promoted_for.as_ref() != Some(&fingerprint);
        let mut promoted = 0;
        for outcome in Outcome::all() {
            let is_planned = outcome == Outcome::WouldRollBack && self.process.settings.mode == Mode::Report;
            let may_change = changed && (goes_by_settings(outcome) || is_planned);
            let Some(soonest) = soonest(outcome, may_change) else { continue };
            let mut query = query(outcome, Some(shift(now, -soonest)));
            loop {
                if self.is_over() {
                    return Ok(promoted);
                }
                let page = self.process.ledger.list(&query).await?;
                let due: Vec<UserId> = page
                    .entries
                    .iter()
                    .filter_map(user)
                    .filter(|state| {
                        let may_change = may_change || outcome == OUTSIDE_WINDOW;
                        may_change && decided_under_other(state, &fingerprint) || is_due(state, outcome, now)
                    })
                    .map(|state| state.user_id)
                    .collect();
                promoted += self.wake(due, move |now| now == outcome).await?;
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
        }
        position.value.promoted_for = Some(fingerprint);
        self.save(position).await?;
        Ok(promoted)
    }

    /// Wakes pending users whose message may be lost.
    async fn wake_forgotten(&self, now: Timestamp) -> Result<u64, PollError> {
        let mut query = OutcomeQuery {
            outcome: "pending".to_owned(),
            until: Some(shift(now, -MESSAGE_MAY_BE_LOST_AFTER)),
            after: None,
            limit: PAGE,
        };
        let mut woken = 0;
        loop {
            if self.is_over() {
                return Ok(woken);
            }
            let page = self.process.ledger.list(&query).await?;
            let asleep: Vec<UserId> = page
                .entries
                .iter()
                .filter_map(user)
                .filter(|state| {
                    Lease::is_free(state.lease.as_ref(), now, |owner| {
                        self.process.ledger.owner_is_dead(owner)
                    })
                })
                .map(|state| state.user_id)
                .collect();
            // Writing the item prevents it from being woken again for another 6 h.
            woken += self.wake_if(&asleep, |state| state.is_pending()).await?;
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(woken),
            }
        }
    }

    /// Makes users pending, each only if the outcome still allows it, and sends their messages.
    async fn wake(&self, users: Vec<UserId>, still: impl Fn(Outcome) -> bool) -> Result<u64, PollError> {
        let now = self.process.clock.now();
        self.wake_if(&users, |state| {
            let waits = !state.is_pending() && state.outcome().is_some_and(&still);
            if waits {
                state.make_pending(now);
            }
            waits
        })
        .await
    }

    /// Writes the items of the users that `admit` accepts, and sends messages for those whose item nobody
    /// else had changed.
    async fn wake_if(
        &self,
        users: &[UserId],
        admit: impl Fn(&mut UserState) -> bool,
    ) -> Result<u64, PollError> {
        let mut admitted = Vec::new();
        for (_, held) in self.process.ledger.users(users).await? {
            if let Some(mut state) = held.value
                && admit(&mut state)
            {
                admitted.push(Versioned { value: state, version: held.version });
            }
        }
        let written = self.process.ledger.save_users(&admitted).await?;
        let woken: Vec<UserId> = admitted
            .iter()
            .zip(written)
            .filter(|(_, written)| *written)
            .map(|(state, _)| state.value.user_id)
            .collect();
        self.intake().send(&woken).await?;
        Ok(woken.len() as u64)
    }
}

fn query(outcome: Outcome, until: Option<Timestamp>) -> OutcomeQuery {
    OutcomeQuery { outcome: outcome.to_string(), until, after: None::<Cursor>, limit: PAGE }
}

fn user(entry: &Entry) -> Option<&UserState> {
    match entry {
        Entry::User(state) => Some(state),
        Entry::Event(_) => None,
    }
}

/// Whether changed settings may change this outcome.
fn goes_by_settings(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Held(_)) || outcome == OUTSIDE_WINDOW
}

fn decided_under_other(state: &UserState, fingerprint: &Fingerprint) -> bool {
    let decision = state.concluded.as_ref().and_then(|concluded| concluded.decision.as_ref());
    decision.is_none_or(|decision| decision.fingerprint != *fingerprint)
}

/// The shortest time after which any user with this outcome is looked at again.
fn soonest(outcome: Outcome, settings_change_it: bool) -> Option<SignedDuration> {
    if settings_change_it {
        return Some(SignedDuration::ZERO);
    }
    match outcome {
        Outcome::Held(outcome::Held::AmbiguousEvent) => None,
        Outcome::Held(reason) if reason.is_unknown() => Some(SignedDuration::from_hours(1)),
        Outcome::Held(_) | Outcome::NotEligible(NotEligible::UserNotFound) => {
            Some(SignedDuration::from_hours(24))
        }
        // If they changed and changed back, or a process still used the old ones, nobody noticed.
        OUTSIDE_WINDOW => Some(SignedDuration::from_hours(1)),
        Outcome::NotEligible(NotEligible::NoStrongMethods) => Some(SignedDuration::ZERO),
        Outcome::Partial(reason) if reason.waits() => None,
        Outcome::Failed(_) | Outcome::Partial(_) => Some(RETRY_AFTER[0]),
        _ => None,
    }
}

/// Whether it is time to look at this user again.
fn is_due(state: &UserState, outcome: Outcome, now: Timestamp) -> bool {
    let Some(concluded) = &state.concluded else { return false };
    let since = state.outcome_since.unwrap_or(concluded.at);
    let waited = now.duration_since(concluded.at);
    match outcome {
        Outcome::Held(_) | Outcome::NotEligible(NotEligible::UserNotFound) => {
            let looked_at = now.duration_since(since) < LOOKED_AT_FOR;
            looked_at && soonest(outcome, false).is_some_and(|wait| waited >= wait)
        }
        Outcome::NotEligible(NotEligible::NoStrongMethods) => {
            let registered = state.registrations.last().map(|registration| registration.registered_at);
            registered.is_some_and(|at| {
                let shows_by = shift(at, METHOD_MAY_SHOW_FOR);
                concluded.at < shows_by && now >= shows_by
            })
        }
        Outcome::Failed(_) | Outcome::Partial(_) => usize::try_from(state.retries)
            .ok()
            .and_then(|retries| RETRY_AFTER.get(retries))
            .is_some_and(|wait| waited >= *wait),
        _ => false,
    }
}
