//! What every look at a user's strong methods saw. Looks add; nothing replaces what an earlier one saw.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    look::{IntendedMethod, Look, strong},
    method::{AuthenticationMethod, MethodKind},
};

/// What the looks at one user's strong methods saw, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    salt: Uuid,
    looked_at: Option<Timestamp>,
    seen: Vec<Seen>,
}

/// One method, and the looks that saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    #[serde(flatten)]
    method: IntendedMethod,
    /// The first of the looks in a row that saw it.
    since: Timestamp,
    /// The latest look that saw it.
    last_at: Timestamp,
    /// The latest look that did not see it, before or after it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missed_at: Option<Timestamp>,
}

impl Memory {
    /// Makes a memory of no look. The salt is that of the hashes of phone numbers.
    pub fn new(salt: Uuid) -> Self {
        Self { salt, looked_at: None, seen: Vec::new() }
    }

    /// Adds a look at the methods that are there now.
    pub fn look(&mut self, methods: &[AuthenticationMethod], now: Timestamp) {
        let before = self.looked_at.replace(now);
        let mut missed: Vec<bool> = vec![true; self.seen.len()];
        for method in strong(methods, self.salt) {
            match self.seen.iter().position(|seen| is_same(&seen.method, &method)) {
                Some(position) => {
                    let seen = &mut self.seen[position];
                    if Some(seen.last_at) != before {
                        seen.since = now;
                    }
                    seen.last_at = now;
                    seen.method.created = method.created;
                    if let Some(missed) = missed.get_mut(position) {
                        *missed = false;
                    }
                }
                None => self.seen.push(Seen { method, since: now, last_at: now, missed_at: before }),
            }
        }
        for (seen, _) in self.seen.iter_mut().zip(missed).filter(|(_, is_missed)| *is_missed) {
            seen.missed_at = Some(now);
        }
    }

    /// What the latest look saw; `None` if there was none.
    pub fn latest(&self) -> Option<Look> {
        let at = self.looked_at?;
        let methods = self.seen.iter().filter(|seen| seen.last_at == at);
        Some(Look { salt: self.salt, methods: methods.map(|seen| seen.method.clone()).collect() })
    }

    /// Since when every look has seen this very method; `None` if the latest did not.
    pub fn since(&self, method: &AuthenticationMethod) -> Option<Timestamp> {
        self.find(method).filter(|seen| Some(seen.last_at) == self.looked_at).map(|seen| seen.since)
    }

    /// The latest look that did not see this method; `None` if there was none.
    pub fn missed_at(&self, method: &AuthenticationMethod) -> Option<Timestamp> {
        self.find(method).map_or(self.looked_at, |seen| seen.missed_at)
    }

    fn find(&self, method: &AuthenticationMethod) -> Option<&Seen> {
        let method = IntendedMethod::of(method, self.salt);
        self.seen.iter().find(|seen| is_same(&seen.method, &method))
    }
}

/// Whether two looks saw one method. An app that becomes what its user signs in with is dated anew. A number that
/// Graph masks cannot be compared.
fn is_same(seen: &IntendedMethod, now: &IntendedMethod) -> bool {
    let is_dated_anew = seen.created.zip(now.created).is_some_and(|(then, now)| then != now);
    seen.kind == now.kind
        && seen.id == now.id
        && seen.number_hash == now.number_hash
        && (!is_dated_anew || now.kind == MethodKind::MicrosoftAuthenticator)
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
