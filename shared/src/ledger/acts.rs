//! What was done to users' methods other than their own registrations, one item for each event.

use super::{CHUNK, Key, Ledger, LedgerError, Write, parse};
use crate::{
    domain::{facts::RecordedAct, ids::UserId},
    ledger::Expect,
};

impl Ledger {
    /// Puts acts on record; known ones stay as they are. They never expire, because they keep a method from
    /// being taken for one of the window.
    pub async fn record_acts(&self, acts: &[(UserId, RecordedAct)]) -> Result<(), LedgerError> {
        for chunk in acts.chunks(CHUNK) {
            let writes: Vec<Write> = chunk
                .iter()
                .map(|(user, act)| Write {
                    expect: Expect::Absent,
                    ..self.write(Key::act(*user, &act.event_id), 0, act, None, None)
                })
                .collect();
            for result in self.store.commit_each(&writes).await? {
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
        let key = Key::user(user);
        self.store.children(&key.pk, Key::ACT).await?.iter().map(parse).collect()
    }
}
