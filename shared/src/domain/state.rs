//! A user's state item: everything the ledger knows about one candidate, and how it changes. Pure; the ledger
//! makes a change durable, on condition that nobody else has changed the item meanwhile.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    account::About,
    approval::{Approval, may_be_planned},
    brake::Counted,
    decision::{Consequences, Decision},
    facts::RecordedRegistration,
    ids::{RunId, UserId},
    intent::Intent,
    lease::Lease,
    look::Look,
    memory::Memory,
    method::MethodName,
    outcome::{Held, Outcome},
};

/// Who named a user by hand, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByHand {
    /// Who asked: the caller of the API, or the user at the command line.
    pub who: String,
    /// The reason that they gave.
    pub why: String,
    /// When the user was named.
    pub at: Timestamp,
}

/// An outcome of a user, with what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Concluded {
    /// What became of the user.
    pub outcome: Outcome,
    /// When the user came to this outcome.
    pub at: Timestamp,
    /// The run that brought the user to it.
    pub run_id: RunId,
    /// Methods of the intent that are gone.
    pub methods_deleted: Vec<MethodName>,
    /// All methods that are left. After `rolled_back`, a strong one among them was registered meanwhile.
    pub methods_left: Vec<MethodName>,
    /// The decision behind it; `None` if an open intent turned out to be done, or after a day of attempts.
    pub decision: Option<Decision>,
    /// The `request-id` headers of Graph's answers in this handling.
    pub request_ids: Vec<String>,
}

impl Concluded {
    /// What the user notices of it, if a decision led to it.
    pub fn consequences(&self) -> Option<&Consequences> {
        self.decision.as_ref()?.consequences.as_ref()
    }
}

/// How often a pending user was tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Handlings begun since the last outcome.
    pub count: u32,
    /// When the first of them began.
    pub first_at: Option<Timestamp>,
}

/// A person's decision to lift the held reasons that are on record at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The reasons that it lifts.
    pub reasons: BTreeSet<Held>,
    /// The methods that it covers: those of the latest look. A later method is not covered; `None` covers
    /// none.
    #[serde(default)]
    pub look: Option<Look>,
    /// Who released the user: the caller of the API, or the user at the command line.
    pub who: String,
    /// The reason that they gave.
    pub why: String,
    /// When the user was released.
    pub at: Timestamp,
}

/// Why a release was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseRefused {
    /// The ledger does not know the user.
    #[error("nothing is on record for this user")]
    NotOnRecord,
    /// Only users who are held, or partial for a reason that can be lifted, can be released.
    #[error("the user is neither held nor partial (the outcome is {0})")]
    NotHeld(String),
    /// No release lifts this reason.
    #[error("held({0}) cannot be released: {1}")]
    NotReleasable(Held, &'static str),
}

/// Why nothing was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EraseRefused {
    /// The ledger does not know the user.
    #[error("nothing is on record for this user")]
    NotOnRecord,
    /// The user waits to be handled, or is being handled.
    #[error("the user is pending: erase after the next outcome")]
    Pending,
}

/// The state item of one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserState {
    /// The user's Entra object id.
    pub user_id: UserId,
    /// All registrations on record, oldest first.
    pub registrations: Vec<RecordedRegistration>,
    /// Who last named the user by hand; `None` if nobody did.
    pub by_hand: Option<ByHand>,
    /// When this program first heard of the user.
    pub first_seen_at: Timestamp,
    /// Since when the user has been pending; `None` if the user is not.
    pub pending_since: Option<Timestamp>,
    /// The latest outcome; `None` if there is none yet.
    pub concluded: Option<Concluded>,
    /// When the outcome, including its reason, last changed.
    pub outcome_since: Option<Timestamp>,
    /// Consecutive `failed` or `partial` outcomes after the first; it sets the wait before the next retry.
    pub retries: u32,
    /// Whether the latest outcome, not counting those that only wait, was `failed` or `partial`.
    #[serde(default)]
    pub has_failed: bool,
    /// The lease of the handling under way, or of one that died.
    pub lease: Option<Lease>,
    /// Handlings begun since the last outcome.
    pub attempts: Attempts,
    /// The open intent: it is not settled yet.
    pub intent: Option<Intent>,
    /// When the first DELETE was about to be sent. This is kept for good once a method may be gone.
    pub first_delete_at: Option<Timestamp>,
    /// When the user last took a slot of the daily cap. It holds for 24 h, whatever became of the rollback.
    #[serde(default)]
    pub slot_at: Option<Timestamp>,
    /// A person's release that is not used up yet.
    pub release: Option<Release>,
    /// What people approved, where a setting asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// How the user counts towards the failure rate; `None` if not at all.
    pub counted: Option<Counted>,
    /// What reports say about the user.
    pub about: About,
    /// What every handling saw of the strong methods; `None` before the first.
    #[serde(default)]
    pub memory: Option<Memory>,
    /// The strong methods that the latest rollback left by a setting; `None` if it left none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Look>,
}

impl UserState {
    /// Makes the state of a user whom the ledger does not know yet.
    pub fn new(user_id: UserId, now: Timestamp) -> Self {
        Self {
            user_id,
            registrations: Vec::new(),
            by_hand: None,
            first_seen_at: now,
            pending_since: None,
            concluded: None,
            outcome_since: None,
            retries: 0,
            has_failed: false,
            lease: None,
            attempts: Attempts::default(),
            intent: None,
            first_delete_at: None,
            slot_at: None,
            release: None,
            approval: None,
            counted: None,
            about: About::default(),
            memory: None,
            kept: None,
        }
    }

    /// Erases everything except what keeps the user from being rolled back twice and known registrations from
    /// being taken for new ones.
    pub fn erase(
        &mut self,
        now: Timestamp,
        owner_is_dead: impl Fn(&str) -> bool,
    ) -> Result<(), EraseRefused> {
        if self.is_pending() || !Lease::is_free(self.lease.as_ref(), now, owner_is_dead) {
            return Err(EraseRefused::Pending);
        }
        let kept =
            |registration: RecordedRegistration| RecordedRegistration { methods: Vec::new(), ..registration };
        *self = Self {
            registrations: std::mem::take(&mut self.registrations).into_iter().map(kept).collect(),
            first_delete_at: self.first_delete_at,
            slot_at: self.slot_at,
            counted: self.counted,
            ..Self::new(self.user_id, self.first_seen_at)
        };
        Ok(())
    }

    /// The latest outcome, also while the user is pending again.
    pub fn outcome(&self) -> Option<Outcome> {
        self.concluded.as_ref().map(|concluded| concluded.outcome)
    }

    /// Whether the user waits to be handled.
    pub fn is_pending(&self) -> bool {
        self.pending_since.is_some()
    }

    /// The name under which lists find the user: `pending`, or the outcome with its reason.
    pub fn listed_as(&self) -> String {
        match self.outcome() {
            _ if self.is_pending() => "pending".to_owned(),
            Some(outcome) => outcome.to_string(),
            None => "pending".to_owned(),
        }
    }

    /// Adds registrations. A known event changes nothing, unless it was only a claim until now; a new one makes the
    /// user pending. Returns whether anything changed.
    pub fn add_registrations(
        &mut self,
        new: impl IntoIterator<Item = RecordedRegistration>,
        now: Timestamp,
    ) -> bool {
        let mut is_changed = false;
        for registration in new {
            match self.registrations.iter_mut().find(|known| known.event_id == registration.event_id) {
                Some(known) if registration.proves() && !known.proves() => *known = registration,
                Some(_) => continue,
                None => self.registrations.push(registration),
            }
            is_changed = true;
        }
        if !is_changed {
            return false;
        }
        // A release does not cover what was not on record then.
        self.release = None;
        self.registrations
            .sort_by(|a, b| (a.registered_at, &a.event_id).cmp(&(b.registered_at, &b.event_id)));
        self.make_pending(now);
        true
    }

    /// Records that a person named this user, and makes the user pending.
    pub fn name_by_hand(&mut self, by_hand: ByHand, now: Timestamp) {
        self.by_hand = Some(by_hand);
        self.make_pending(now);
    }

    /// Makes the user pending. A user who already is keeps their place.
    pub fn make_pending(&mut self, now: Timestamp) {
        if self.pending_since.is_none() {
            self.attempts = Attempts::default();
            self.pending_since = Some(now);
        }
    }

    /// Lifts the held reasons on record and makes the user pending. `listed` is `RELEASABLE_USER_IDS`.
    pub fn release(
        &mut self,
        who: &str,
        why: &str,
        listed: &BTreeSet<UserId>,
        now: Timestamp,
    ) -> Result<(), ReleaseRefused> {
        let is_listed = listed.contains(&self.user_id);
        let concluded = match &self.concluded {
            Some(concluded) if matches!(concluded.outcome, Outcome::Held(_) | Outcome::Partial(_)) => {
                concluded
            }
            _ => return Err(ReleaseRefused::NotHeld(self.listed_as())),
        };
        if let Outcome::Held(reason) = concluded.outcome
            && !reason.can_be_released(is_listed)
        {
            let hint = match reason {
                Held::ChangedSinceReview => "approve a new plan, which shows what changed",
                Held::Excluded => "take the user out of EXCLUDED_USER_IDS or EXCLUDED_GROUP_ID",
                Held::Administrator | Held::LastCredential => {
                    "only users whose object id is in RELEASABLE_USER_IDS can be"
                }
                _ => "it is looked at again by the hour until it can be read",
            };
            return Err(ReleaseRefused::NotReleasable(reason, hint));
        }
        let reasons = concluded.decision.as_ref().map(|it| it.releasable(is_listed)).unwrap_or_default();
        if reasons.is_empty() && matches!(concluded.outcome, Outcome::Partial(_)) {
            return Err(ReleaseRefused::NotHeld(self.listed_as()));
        }
        let look = self.memory.as_ref().and_then(Memory::latest);
        self.release = Some(Release { reasons, look, who: who.to_owned(), why: why.to_owned(), at: now });
        self.make_pending(now);
        Ok(())
    }

    /// What the user notices of the latest outcome, if a decision led to it.
    pub fn consequences(&self) -> Option<&Consequences> {
        self.concluded.as_ref()?.consequences()
    }

    /// Begins a handling under `lease`, and counts it as an attempt.
    pub fn begin(&mut self, lease: Lease, now: Timestamp) {
        self.lease = Some(lease);
        self.attempts.count += 1;
        self.attempts.first_at.get_or_insert(now);
    }

    /// Records an intent, just before its first DELETE.
    pub fn intend(&mut self, intent: Intent) {
        self.first_delete_at.get_or_insert(intent.written_at);
        self.slot_at = Some(intent.slot_at);
        self.intent = Some(intent);
    }

    /// Ends a handling with an outcome. Only `held(re_registered)` may replace `rolled_back`: a later
    /// handling that finds nothing new leaves it in place, and one that cannot tell holds the user.
    pub fn conclude(&mut self, mut concluded: Concluded) {
        let now = concluded.at;
        self.pending_since = None;
        self.lease = None;
        self.attempts = Attempts::default();
        if concluded.outcome == Outcome::RolledBack {
            self.kept = self.intent.take().and_then(|intent| intent.kept);
            self.approval = None;
        }
        match (concluded.outcome, &mut self.release) {
            // A partial rollback is unfinished: what a person released stays released for it, but that does
            // not cover anything registered from now on.
            (Outcome::Partial(_), Some(release)) => {
                release.reasons.remove(&Held::ReRegistered);
            }
            // Who waits for an approval goes on as they were reviewed.
            (outcome, release) if !outcome.waits() && !may_be_planned(outcome) => *release = None,
            _ => {}
        }
        if self.outcome() == Some(Outcome::RolledBack) && concluded.outcome != Outcome::RolledBack {
            match concluded.outcome {
                Outcome::Held(reason) if reason == Held::ReRegistered || reason.is_unknown() => {}
                Outcome::Failed(_) | Outcome::Partial(_) => {}
                _ => return,
            }
            concluded.outcome = Outcome::Held(Held::ReRegistered);
        }
        if !concluded.outcome.waits() {
            let failed = matches!(concluded.outcome, Outcome::Failed(_) | Outcome::Partial(_));
            self.retries = if failed && self.has_failed { self.retries + 1 } else { 0 };
            self.has_failed = failed;
        }
        if self.outcome() != Some(concluded.outcome) {
            self.outcome_since = Some(now);
        }
        let left_strong = concluded.methods_left.iter().any(|method| method.kind.is_strong());
        if concluded.outcome == Outcome::RolledBack && left_strong {
            // A method was registered meanwhile; it needs a decision of its own.
            self.make_pending(now);
        }
        self.concluded = Some(concluded);
    }

    /// Gives the lease back without an outcome; the user stays pending. Returns whether this handling held
    /// it.
    pub fn give_back(&mut self, token: Uuid) -> bool {
        let own = self.lease.as_ref().is_some_and(|lease| lease.token == token);
        if own {
            self.lease = None;
        }
        own
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
