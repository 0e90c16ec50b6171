//! A user's state item: everything the ledger knows of one candidate, and how it changes. Pure; the
//! ledger makes a change durable, conditional on nobody else having changed the item meanwhile.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    brake::Counted,
    decision::Decision,
    facts::RecordedRegistration,
    ids::{RunId, UserId},
    intent::{Intent, Look},
    method::MethodName,
    outcome::{Held, Outcome},
    window::shift,
};

/// Clocks may differ by this much: a lease is taken over only this long after its end.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(2);

/// Who named a user by hand, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByHand {
    /// Who asked.
    pub who: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// The right to handle one user (or to scan), for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The process that holds it.
    pub owner: String,
    /// The one handling that holds it.
    pub token: Uuid,
    /// When it ends.
    pub until: Timestamp,
}

impl Lease {
    /// Whether somebody else may take it now.
    pub fn is_free(lease: Option<&Self>, now: Timestamp, owner_is_dead: impl Fn(&str) -> bool) -> bool {
        lease.is_none_or(|lease| now >= shift(lease.until, CLOCK_SKEW) || owner_is_dead(&lease.owner))
    }
}

/// What reports tell about a user, as read at the latest handling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Whether the account is enabled.
    pub enabled: Option<bool>,
    /// How the user is external, if so.
    pub external: Option<String>,
    /// Whether synchronised from on premises.
    pub synced: Option<bool>,
    /// How the user is an administrator, if so.
    pub administrator: Option<String>,
    /// The display name.
    pub display_name: Option<String>,
    /// The principal name; kept only where a setting allows it.
    pub user_principal_name: Option<String>,
    /// The per-user MFA state.
    pub per_user_mfa: Option<String>,
    /// All methods before anything was deleted.
    pub methods_before: Vec<MethodName>,
}

/// The latest outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concluded {
    /// What became of the user.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// By which run.
    pub run_id: RunId,
    /// Methods that are gone.
    pub methods_deleted: Vec<MethodName>,
    /// Methods that are left, none of the strong ones after `rolled_back`.
    pub methods_left: Vec<MethodName>,
    /// The decision behind it.
    pub decision: Option<Decision>,
    /// Graph's own names for the requests of this handling.
    pub request_ids: Vec<String>,
}

/// How often a pending user was tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Handlings begun since the last outcome.
    pub count: u32,
    /// When the first of them began.
    pub first_at: Option<Timestamp>,
}

/// A person's word that lifts the held reasons on record at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The reasons that it lifts.
    pub reasons: BTreeSet<Held>,
    /// The methods that it speaks of: those that the latest look showed. One that comes later is not covered.
    #[serde(default)]
    pub look: Option<Look>,
    /// Who said so.
    pub who: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// Why a release was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseRefused {
    /// The ledger does not know the user.
    #[error("nothing is on record for this user")]
    NotOnRecord,
    /// Only held users can be released.
    #[error("the user is neither held nor partial (the outcome is {0})")]
    NotHeld(String),
    /// Some reasons no release lifts.
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
    /// Who it is.
    pub user_id: UserId,
    /// All registrations on record, oldest first.
    pub registrations: Vec<RecordedRegistration>,
    /// Who named the user by hand.
    pub by_hand: Option<ByHand>,
    /// When this program first heard of the user.
    pub first_seen_at: Timestamp,
    /// Since when the user waits to be handled.
    pub pending_since: Option<Timestamp>,
    /// The latest outcome.
    pub concluded: Option<Concluded>,
    /// Since when the outcome is what it is, reason and all.
    pub outcome_since: Option<Timestamp>,
    /// Automatic retries of the latest failed or partial outcome.
    pub retries: u32,
    /// Whether the latest outcome that was no mere waiting failed, wholly or in part.
    #[serde(default)]
    pub has_failed: bool,
    /// Who handles the user now.
    pub lease: Option<Lease>,
    /// Handlings begun since the last outcome.
    pub attempts: Attempts,
    /// The intent that is not settled yet.
    pub intent: Option<Intent>,
    /// When a DELETE was first sent. It never goes away once a method may be gone.
    pub first_delete_at: Option<Timestamp>,
    /// When the user's slot of the daily cap was taken: it holds for 24 h, whatever became of it.
    #[serde(default)]
    pub slot_at: Option<Timestamp>,
    /// A person's release that is not used up.
    pub release: Option<Release>,
    /// How the user counts towards the failure rate.
    pub counted: Option<Counted>,
    /// What reports tell.
    pub about: About,
    /// The latest look at the methods.
    #[serde(default)]
    pub look: Option<Look>,
}

impl UserState {
    /// A user that was never heard of before.
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
            counted: None,
            about: About::default(),
            look: None,
        }
    }

    /// Takes out everything but what keeps a user from being rolled back twice and a known registration known.
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

    /// The latest outcome.
    pub fn outcome(&self) -> Option<Outcome> {
        self.concluded.as_ref().map(|concluded| concluded.outcome)
    }

    /// Whether the user waits to be handled.
    pub fn is_pending(&self) -> bool {
        self.pending_since.is_some()
    }

    /// The name under which lists find the user.
    pub fn listed_as(&self) -> String {
        match self.outcome() {
            _ if self.is_pending() => "pending".to_owned(),
            Some(outcome) => outcome.to_string(),
            None => "pending".to_owned(),
        }
    }

    /// Adds registrations; a known event changes nothing. Each new one makes the user pending.
    /// Says whether anything is new.
    pub fn add_registrations(
        &mut self,
        new: impl IntoIterator<Item = RecordedRegistration>,
        now: Timestamp,
    ) -> bool {
        let before = self.registrations.len();
        for registration in new {
            if !self.registrations.iter().any(|known| known.event_id == registration.event_id) {
                self.registrations.push(registration);
            }
        }
        if self.registrations.len() == before {
            return false;
        }
        // It was not on record when a person spoke.
        self.release = None;
        self.registrations
            .sort_by(|a, b| (a.registered_at, &a.event_id).cmp(&(b.registered_at, &b.event_id)));
        self.make_pending(now);
        true
    }

    /// Takes a person's word that this user is to be looked at.
    pub fn name_by_hand(&mut self, by_hand: ByHand, now: Timestamp) {
        self.by_hand = Some(by_hand);
        self.make_pending(now);
    }

    /// Makes the user wait to be handled, keeping its place where it already does.
    pub fn make_pending(&mut self, now: Timestamp) {
        if self.pending_since.is_none() {
            self.attempts = Attempts::default();
            self.pending_since = Some(now);
        }
    }

    /// Lifts the held reasons on record and makes the user pending.
    pub fn release(&mut self, who: &str, why: &str, now: Timestamp) -> Result<(), ReleaseRefused> {
        let concluded = match &self.concluded {
            Some(concluded) if matches!(concluded.outcome, Outcome::Held(_) | Outcome::Partial(_)) => {
                concluded
            }
            _ => return Err(ReleaseRefused::NotHeld(self.listed_as())),
        };
        if let Outcome::Held(reason) = concluded.outcome
            && !reason.can_be_released()
        {
            let hint = if reason == Held::Excluded {
                "take the user out of EXCLUDED_USER_IDS or EXCLUDED_GROUP_ID"
            } else {
                "it is looked at again by the hour until it can be read"
            };
            return Err(ReleaseRefused::NotReleasable(reason, hint));
        }
        let reasons = concluded.decision.as_ref().map(Decision::releasable).unwrap_or_default();
        if reasons.is_empty() && matches!(concluded.outcome, Outcome::Partial(_)) {
            return Err(ReleaseRefused::NotHeld(self.listed_as()));
        }
        let look = self.look.clone();
        self.release = Some(Release { reasons, look, who: who.to_owned(), why: why.to_owned(), at: now });
        self.make_pending(now);
        Ok(())
    }

    /// Begins a handling.
    pub fn begin(&mut self, lease: Lease, now: Timestamp) {
        self.lease = Some(lease);
        self.attempts.count += 1;
        self.attempts.first_at.get_or_insert(now);
    }

    /// Takes an intent, just before its first DELETE.
    pub fn intend(&mut self, intent: Intent) {
        self.first_delete_at.get_or_insert(intent.written_at);
        self.slot_at = Some(intent.slot_at);
        self.intent = Some(intent);
    }

    /// Ends a handling with an outcome. Only `held(re_registered)` may replace `rolled_back`: a later
    /// look that finds nothing leaves it standing, and one that cannot tell holds the user.
    pub fn conclude(&mut self, mut concluded: Concluded) {
        let now = concluded.at;
        self.pending_since = None;
        self.lease = None;
        self.attempts = Attempts::default();
        if concluded.outcome == Outcome::RolledBack {
            self.intent = None;
        }
        match (concluded.outcome, &mut self.release) {
            // A partial is unfinished business: what a person released stays released for it, but
            // nothing that is registered from now on.
            (Outcome::Partial(_), Some(release)) => {
                release.reasons.remove(&Held::ReRegistered);
            }
            (outcome, release) if !outcome.waits() => *release = None,
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
            // Something was registered meanwhile: that wants a decision of its own.
            self.make_pending(now);
        }
        self.concluded = Some(concluded);
    }

    /// Gives the lease back without an outcome: the user stays pending. Says whether it was this
    /// handling's.
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
