//! Erasing what is on record about one user, on request.

use super::{
    CHUNK, Expect, HistoryEntry, Key, Ledger, LedgerError, TRIES, Versioned, Write, events::SEEN_FOR,
};
use crate::domain::{
    ids::UserId,
    lease::CLOCK_SKEW,
    state::{EraseRefused, UserState},
    window::shift,
};

impl Ledger {
    /// Erases what is on record about a user, except the object id, the ids and times of registrations, what
    /// the audit log tells of the user's methods, and whether methods were ever deleted, so that nobody is
    /// rolled back twice. If nothing was ever deleted, the user's item expires after 45 days, as
    /// events do. Returns how many entries of the history are gone.
    pub async fn erase(
        &self,
        user: UserId,
        who: &str,
        why: &str,
    ) -> Result<Result<usize, EraseRefused>, LedgerError> {
        let mut entries = 0;
        for _ in 0..TRIES {
            let held = self.user(user).await?;
            let Some(mut value) = held.value else { return Ok(Err(EraseRefused::NotOnRecord)) };
            let now = self.clock.now();
            if let Err(refused) = value.erase(now, |owner| self.owner_is_dead(owner)) {
                return Ok(Err(refused));
            }
            entries += self.erase_history(user).await?;
            // No list has the user any more: only a new registration makes the program look again.
            let expires_at = value.first_delete_at.is_none().then_some(shift(now, SEEN_FOR));
            let state: Versioned<UserState> = Versioned { value, version: held.version };
            let write = self.write(Key::user(user), state.version, &state.value, None, expires_at);
            let entry = HistoryEntry::Erased { who: who.to_owned(), why: why.to_owned(), at: now };
            let mut entry = self.history_write(user, &entry);
            entry.document.expires_at = expires_at;
            match self.commit(&[write, entry]).await {
                Ok(()) => return Ok(Ok(entries)),
                // Another write came first: what it added is erased in the next round, too.
                Err(LedgerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable(format!("the item of user {user} is written too often")))
    }

    /// Overwrites the history, which is then gone at once; the empty items go when they expire.
    async fn erase_history(&self, user: UserId) -> Result<usize, LedgerError> {
        let now = self.clock.now();
        // Expired for processes whose clocks are behind, too.
        let over = shift(now, -CLOCK_SKEW);
        let history = self.store.children(&Key::user(user).pk, "H#").await?;
        let there: Vec<Key> = history
            .into_iter()
            .filter(|document| document.expires_at.is_none_or(|at| at > now))
            .map(|document| document.key)
            .collect();
        let keys = [there.as_slice(), &[Key::report_line(user)]].concat();
        for chunk in keys.chunks(CHUNK) {
            let writes: Vec<Write> = chunk
                .iter()
                .map(|key| Write {
                    expect: Expect::Any,
                    ..self.write(key.clone(), 0, &serde_json::json!({}), None, Some(over))
                })
                .collect();
            for result in self.store.commit_each(&writes).await? {
                result?;
            }
        }
        Ok(there.len())
    }
}
