//! Requests that carry a key of their caller's, so that a repeat is answered, not done again.

use jiff::{SignedDuration, Timestamp};

use super::{
    Key, Ledger, LedgerError, Write,
    items::{Claim, Claimed, KeptAnswer, KeptRequest},
};
use crate::{digest::digest, domain::window::shift, ledger::Versioned};

/// How long a repeat is given the same answer.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

impl Ledger {
    /// Claims the request of `caller` under `key` until `until`. `request` is everything that identifies it.
    pub async fn claim(
        &self,
        caller: &str,
        key: &str,
        request: &[&[u8]],
        until: Timestamp,
    ) -> Result<Claim, LedgerError> {
        let key = Key::idempotency(caller, key);
        let record = KeptRequest { request: digest(request.iter().copied(), 32), until, answer: None };
        let document = self.get(std::slice::from_ref(&key)).await?.pop().flatten();
        let is_over =
            document.as_ref().and_then(|there| there.expires_at).is_some_and(|at| at <= self.clock.now());
        let there: Versioned<Option<KeptRequest>> = super::read(document)?;
        if let Some(there) = there.value.filter(|_| !is_over) {
            if there.request != record.request {
                return Ok(Claim::Reused);
            }
            if let Some(answer) = there.answer {
                return Ok(Claim::Answered(answer));
            }
            if self.clock.now() < there.until {
                return Ok(Claim::UnderWay { until: there.until });
            }
        }
        let held = Versioned { value: record, version: there.version };
        match self.commit(&[self.idempotency_write(&key, &held)]).await {
            Ok(()) => {
                let held = Versioned { version: held.version + 1, ..held };
                Ok(Claim::Yours(Claimed { key, held }))
            }
            // Somebody else claimed it at the same moment.
            Err(LedgerError::Conflict) => Ok(Claim::UnderWay { until }),
            Err(error) => Err(error),
        }
    }

    /// Keeps the answer to a claimed request, unless somebody else has claimed it in the meantime.
    pub async fn answered(&self, claimed: Claimed, answer: KeptAnswer) -> Result<(), LedgerError> {
        let Claimed { key, mut held } = claimed;
        held.value.answer = Some(answer);
        match self.commit(&[self.idempotency_write(&key, &held)]).await {
            Ok(()) | Err(LedgerError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives a claimed request back that could not be done, so that a repeat does it at once.
    pub async fn not_done(&self, claimed: Claimed) -> Result<(), LedgerError> {
        let Claimed { key, mut held } = claimed;
        held.value.until = self.clock.now();
        match self.commit(&[self.idempotency_write(&key, &held)]).await {
            Ok(()) | Err(LedgerError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn idempotency_write(&self, key: &Key, held: &Versioned<KeptRequest>) -> Write {
        let expires_at = Some(shift(self.clock.now(), KEPT_FOR));
        self.write(key.clone(), held.version, &held.value, None, expires_at)
    }
}
