//! What the audit log tells of users' methods other than their own registrations, one item for each event. These
//! items do not expire, because they keep a method from being taken for one of the window, or show that it is.

use serde::Serialize;

use super::{CHUNK, Key, Ledger, LedgerError, Write, parse};
use crate::{
    domain::{
        facts::RecordedAct,
        ids::UserId,
        story::{RecordedChange, Story},
    },
    ledger::Expect,
};

impl Ledger {
    /// Puts acts on record; known ones stay as they are.
    pub async fn record_acts(&self, acts: &[(UserId, RecordedAct)]) -> Result<(), LedgerError> {
        self.record_once(acts.iter().map(|(user, act)| (Key::act(*user, &act.event_id), act))).await
    }

    /// Puts the directory's records of changes on record; known ones stay as they are.
    pub async fn record_changes(&self, changes: &[(UserId, RecordedChange)]) -> Result<(), LedgerError> {
        let items = changes.iter().map(|(user, change)| (Key::change(*user, &change.event_id), change));
        self.record_once(items).await
    }

    async fn record_once<'a, T: Serialize + 'a>(
        &self,
        items: impl Iterator<Item = (Key, &'a T)>,
    ) -> Result<(), LedgerError> {
        let writes: Vec<Write> = items
            .map(|(key, item)| Write { expect: Expect::Absent, ..self.write(key, 0, item, None, None) })
            .collect();
        for chunk in writes.chunks(CHUNK) {
            for result in self.store.commit_each(chunk).await? {
                match result {
                    Ok(()) | Err(LedgerError::Conflict) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// The acts on record that concern a user's methods.
    pub async fn acts(&self, user: UserId) -> Result<Vec<RecordedAct>, LedgerError> {
        self.store.children(&Key::user(user).pk, Key::ACT).await?.iter().map(parse).collect()
    }

    /// The story of a user's MFA details, as far as it is on record.
    pub async fn story(&self, user: UserId) -> Result<Story, LedgerError> {
        let changes = self.store.children(&Key::user(user).pk, Key::CHANGE).await?;
        Ok(Story::new(changes.iter().map(parse).collect::<Result<_, _>>()?))
    }
}
