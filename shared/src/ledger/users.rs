//! Users' state items and their history.

use std::collections::BTreeSet;

use super::{CHUNK, HistoryEntry, Key, Ledger, LedgerError, TRIES, Versioned, Write, parse, read};
use crate::domain::{
    ids::UserId,
    state::{Release, ReleaseRefused, UserState},
};
use jiff::Timestamp;

impl Ledger {
    /// Reads a user's state item.
    pub async fn user(&self, user: UserId) -> Result<Versioned<Option<UserState>>, LedgerError> {
        self.load(Key::user(user)).await
    }

    /// Reads several users' state items. One that cannot be read, or is for newer code, is skipped: it must
    /// not hide its neighbours.
    pub async fn users(
        &self,
        users: &[UserId],
    ) -> Result<Vec<(UserId, Versioned<Option<UserState>>)>, LedgerError> {
        let mut all = Vec::with_capacity(users.len());
        for chunk in users.chunks(CHUNK) {
            let keys: Vec<Key> = chunk.iter().map(|user| Key::user(*user)).collect();
            for (user, document) in chunk.iter().zip(self.get(&keys).await?) {
                match read(document) {
                    Ok(held) => all.push((*user, held)),
                    Err(error @ (LedgerError::Item(_) | LedgerError::Newer(_))) => {
                        tracing::error!(error = %error, "item passed over");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(all)
    }

    /// Makes a changed state item durable, and an entry of the history with it. Returns its new version.
    pub async fn save_user(
        &self,
        state: &Versioned<UserState>,
        entry: Option<&HistoryEntry>,
    ) -> Result<u64, LedgerError> {
        let mut writes = vec![self.user_write(state)];
        writes.extend(entry.map(|entry| self.history_write(state.value.user_id, entry)));
        self.commit(&writes).await?;
        Ok(state.version + 1)
    }

    /// Makes changed state items durable, each by itself. Returns for each whether its version still matched.
    pub async fn save_users(&self, states: &[Versioned<UserState>]) -> Result<Vec<bool>, LedgerError> {
        let mut done = Vec::with_capacity(states.len());
        for chunk in states.chunks(CHUNK) {
            let writes: Vec<Write> = chunk.iter().map(|state| self.user_write(state)).collect();
            for result in self.store.commit_each(&writes).await? {
                match result {
                    Ok(()) => done.push(true),
                    Err(LedgerError::Conflict) => done.push(false),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(done)
    }

    /// Changes a user's state item, reading it again if somebody else was first. `change` returns the entry
    /// to add to the history, if any; its error ends the change and is returned.
    pub async fn change_user<E>(
        &self,
        user: UserId,
        mut change: impl FnMut(&mut Option<UserState>, Timestamp) -> Result<Option<HistoryEntry>, E>,
    ) -> Result<Result<UserState, E>, LedgerError> {
        for _ in 0..TRIES {
            let mut held = self.user(user).await?;
            let entry = match change(&mut held.value, self.clock.now()) {
                Ok(entry) => entry,
                Err(error) => return Ok(Err(error)),
            };
            let Some(value) = held.value else {
                return Err(LedgerError::Unusable(format!("nothing is on record for user {user}")));
            };
            let state = Versioned { value, version: held.version };
            match self.save_user(&state, entry.as_ref()).await {
                Ok(_) => return Ok(Ok(state.value)),
                Err(LedgerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable(format!("the item of user {user} is written too often")))
    }

    /// Lifts the reasons for which a user is held. `listed` is `RELEASABLE_USER_IDS`.
    pub async fn release(
        &self,
        user: UserId,
        who: &str,
        why: &str,
        listed: &BTreeSet<UserId>,
    ) -> Result<Result<Release, ReleaseRefused>, LedgerError> {
        let released = self
            .change_user(user, |state, now| {
                let state = state.as_mut().ok_or(ReleaseRefused::NotOnRecord)?;
                state.release(who, why, listed, now)?;
                Ok(Some(HistoryEntry::Release { who: who.to_owned(), why: why.to_owned(), at: now }))
            })
            .await?;
        Ok(released.map(|state| state.release.expect("it was released")))
    }

    /// A user's history, oldest first.
    pub async fn history(&self, user: UserId) -> Result<Vec<HistoryEntry>, LedgerError> {
        let now = self.clock.now();
        let documents = self.store.children(&Key::user(user).pk, "H#").await?;
        let there = documents.iter().filter(|document| document.expires_at.is_none_or(|at| at > now));
        there.map(parse).collect()
    }
}
