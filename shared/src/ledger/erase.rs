//! Erasing what is on record about one user, for those who ask for it.

use super::{
    CHUNK, Expect, HistoryEntry, Key, Ledger, LedgerError, TRIES, Versioned, Write, events::SEEN_FOR,
};
use crate::domain::{
    ids::UserId,
    state::{CLOCK_SKEW, EraseRefused, UserState},
    window::shift,
};

impl Ledger {
    /// Erases everything on record about a user but the object id, the ids of events, and whether methods were ever
    /// deleted: nobody is rolled back twice. Whom nothing was ever deleted of is forgotten wholly after 45 days, as
    /// the events are.
    /// Says how many entries of the history are gone.
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
            // Out of every list: nothing looks at the user again but a new registration.
            let expires_at = value.first_delete_at.is_none().then_some(shift(now, SEEN_FOR));
            let state: Versioned<UserState> = Versioned { value, version: held.version };
            let write = self.write(Key::user(user), state.version, &state.value, None, expires_at);
            let entry = HistoryEntry::Erased { who: who.to_owned(), why: why.to_owned(), at: now };
            let mut entry = self.history_write(user, &entry);
            entry.document.expires_at = expires_at;
            match self.commit(&[write, entry]).await {
                Ok(()) => return Ok(Ok(entries)),
                // Something came in between: what it added goes, too.
                Err(LedgerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable(format!("the item of user {user} is written too often")))
    }

    /// What is overwritten is gone at once; its empty items go when they expire.
    async fn erase_history(&self, user: UserId) -> Result<usize, LedgerError> {
        let now = self.clock.now();
        // Over for processes whose clocks are behind, too.
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
