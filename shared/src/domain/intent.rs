//! The intent: what is about to be deleted, written to the ledger before the first DELETE, and what
//! it proves after a crash.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    default_method::{DefaultChange, DefaultMethod},
    ids::{MethodId, UserId},
    look::{IntendedMethod, Look, hash, strong},
    method::{AuthenticationMethod, MethodKind},
    window::shift,
};

/// For how long after the intent a phone without a date counts as the one intended.
const UNDATED_PHONE_PROVEN_FOR: SignedDuration = SignedDuration::from_mins(15);

/// What is about to be deleted for one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// A random id that names this intent alone.
    pub id: Uuid,
    /// When it was written.
    pub written_at: Timestamp,
    /// When its slot of the daily cap was taken.
    pub slot_at: Timestamp,
    /// The salt of the hashes of its phone numbers.
    pub salt: Uuid,
    /// The methods, in the order in which they are deleted.
    pub methods: Vec<IntendedMethod>,
    /// The strong methods that stay by a setting: neither new nor left over. `None` if all go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Look>,
    /// The change of the default method that lets the one that blocks go; `None` if none was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_change: Option<DefaultChange>,
}

impl Intent {
    /// Makes an intent for all strong methods among `methods`, in the order of deletion.
    pub fn for_methods(methods: &[AuthenticationMethod], id: Uuid, salt: Uuid, now: Timestamp) -> Self {
        Self {
            id,
            written_at: now,
            slot_at: now,
            salt,
            methods: strong(methods, salt),
            kept: None,
            default_change: None,
        }
    }

    /// Notes the methods that stay.
    #[must_use]
    pub fn keeping(mut self, methods: &[AuthenticationMethod]) -> Self {
        self.kept = (!methods.is_empty()).then(|| Look::at(methods, self.salt));
        self
    }

    /// What can take the place of the default method: one that stays, or else the one that goes last. `None` if
    /// there is none.
    pub fn next_default(&self, now: DefaultMethod, listed: &[AuthenticationMethod]) -> Option<DefaultMethod> {
        let goes_at = |method: &AuthenticationMethod| {
            self.methods.iter().position(|intended| intended.kind == method.kind && intended.id == method.id)
        };
        listed
            .iter()
            .filter(|method| !now.is(method))
            .filter_map(|method| Some((goes_at(method).unwrap_or(usize::MAX), DefaultMethod::of(method)?)))
            .max_by_key(|(goes_at, _)| *goes_at)
            .map(|(_, default)| default)
    }

    /// Finds out what has become of the intended methods, as far as a list of the user's methods proves it.
    pub fn settle<'a>(&self, listed: &'a [AuthenticationMethod], now: Timestamp) -> Settlement<'a> {
        let mut settlement = Settlement::default();
        for (position, intended) in self.methods.iter().enumerate() {
            let same = listed.iter().find(|m| m.kind == intended.kind && m.id == intended.id);
            match same.map_or(Fate::Gone, |method| self.fate(intended, method, now)) {
                Fate::Gone => settlement.gone.push(position),
                Fate::Unchanged => settlement.unchanged.push(position),
                Fate::Unclear => settlement.unclear.push(position),
            }
        }
        settlement.anew = listed
            .iter()
            .filter(|method| method.kind.is_strong())
            .filter(|method| !self.kept.as_ref().is_some_and(|kept| kept.shows(method)))
            .filter(|method| {
                !self.methods.iter().enumerate().any(|(position, intended)| {
                    intended.kind == method.kind
                        && intended.id == method.id
                        && !settlement.gone.contains(&position)
                })
            })
            .collect();
        settlement
    }

    /// Authenticator and OATH ids are new with each registration; a phone's id never changes.
    fn fate(&self, intended: &IntendedMethod, listed: &AuthenticationMethod, now: Timestamp) -> Fate {
        if intended.kind != MethodKind::Phone {
            return Fate::Unchanged;
        }
        // Clocks differ: a date that the intent already knows proves no new registration.
        let known_until = intended.created.map_or(self.written_at, |created| created.max(self.written_at));
        if listed.created.is_some_and(|created| created > known_until) {
            return Fate::Gone;
        }
        match (&intended.number_hash, hash(self.salt, listed.phone_number.as_deref())) {
            (Some(then), Some(now)) if *then != now => return Fate::Gone,
            (Some(_), Some(_)) => {}
            _ => return Fate::Unclear,
        }
        match listed.created {
            Some(created) if intended.created.is_some_and(|then| then != created) => Fate::Unclear,
            Some(_) => Fate::Unchanged,
            None if now < shift(self.written_at, UNDATED_PHONE_PROVEN_FOR) => Fate::Unchanged,
            None => Fate::Unclear,
        }
    }
}

enum Fate {
    Gone,
    Unchanged,
    Unclear,
}

/// What has become of an intent's methods; positions are those in [`Intent::methods`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settlement<'a> {
    /// No longer there, or provably registered anew.
    pub gone: Vec<usize>,
    /// Provably still the methods that were intended.
    pub unchanged: Vec<usize>,
    /// There, but perhaps registered anew.
    pub unclear: Vec<usize>,
    /// Strong methods that the intent neither lists nor keeps, or that were registered anew since.
    pub anew: Vec<&'a AuthenticationMethod>,
}

impl Settlement<'_> {
    /// Whether nothing of the intent is left.
    pub fn is_complete(&self) -> bool {
        self.unchanged.is_empty() && self.unclear.is_empty()
    }

    /// Whether every strong method in the list is provably one of the intent.
    pub fn proves_all(&self) -> bool {
        self.unclear.is_empty() && self.anew.is_empty()
    }
}

/// An intent that is known to be in the ledger. Only the ledger makes one; without one, no DELETE can be
/// sent.
#[derive(Debug, Clone)]
pub struct DurableIntent {
    user: UserId,
    intent: Intent,
}

impl DurableIntent {
    /// Only the ledger calls this, once the intent is durable.
    pub(crate) fn of(user: UserId, intent: Intent) -> Self {
        Self { user, intent }
    }

    /// The intent as the ledger has it.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// The change of the default method, as a request; `None` if the intent has none.
    pub fn new_default(&self) -> Option<NewDefault> {
        self.intent.default_change.map(|change| NewDefault { user: self.user, to: change.to })
    }

    /// The way back from it.
    pub fn former_default(&self) -> Option<NewDefault> {
        self.intent.default_change.map(|change| NewDefault { user: self.user, to: change.from })
    }

    /// The DELETE of the method at `position`; `None` if the intent has no such position.
    pub fn deletion(&self, position: usize) -> Option<Deletion<'_>> {
        self.intent.methods.get(position).map(|method| Deletion { user: self.user, method })
    }
}

/// One change of a default method, backed by an intent in the ledger.
#[derive(Debug, Clone, Copy)]
pub struct NewDefault {
    user: UserId,
    to: DefaultMethod,
}

impl NewDefault {
    /// Whose default it is.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// What it is to be.
    pub fn to(&self) -> DefaultMethod {
        self.to
    }
}

/// One DELETE, backed by an intent in the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Deletion<'a> {
    user: UserId,
    method: &'a IntendedMethod,
}

impl Deletion<'_> {
    /// Whose method it is.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The method's kind: always a strong one.
    pub fn kind(&self) -> &MethodKind {
        &self.method.kind
    }

    /// The method's id, which ends the DELETE's URL.
    pub fn id(&self) -> &MethodId {
        &self.method.id
    }
}

#[cfg(test)]
#[path = "intent_tests.rs"]
mod tests;
