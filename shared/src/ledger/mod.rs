//! The ledger: the durable record of candidates, decisions, intents, outcomes, releases, scan position and brake.
//!
//! This module says what the documents mean and has every transition between their states, the same for every
//! store. A change is durable once it is answered, and a lost answer is told from a lost race.

mod acts;
mod erase;
mod events;
mod idempotency;
mod items;
mod key;
mod lists;
mod pace;
mod plans;
mod registration_report;
mod rollback;
mod store;
mod users;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

pub use self::{
    items::{
        AmbiguousEvent, Claim, Claimed, Entry, HistoryEntry, IntentWritten, KeptAnswer, Page, Plans,
        RegistrationReportState, Versioned,
    },
    key::Key,
    store::{Cursor, Document, Expect, LedgerError, OutcomeQuery, SCHEMA, Store, Write},
};
use crate::{
    clock::Clock,
    domain::{
        brake::{Brake, BrakeState, MFA_ROLLBACK, Move},
        ids::{TenantId, UserId},
        outcome::UnknownName,
        state::UserState,
    },
};

/// How often a change is tried while other writers keep coming first.
const TRIES: usize = 8;

/// How many items are read or written at once.
const CHUNK: usize = 100;

#[derive(Serialize, Deserialize)]
struct TenantDocument {
    tenant_id: TenantId,
}

/// The ledger of one tenant, on top of a store.
#[derive(Clone)]
pub struct Ledger {
    store: Arc<dyn Store>,
    clock: Clock,
}

impl Ledger {
    /// Opens a tenant's ledger. A new one is bound to the tenant; another tenant's is refused.
    pub async fn open(store: Arc<dyn Store>, tenant: TenantId, clock: Clock) -> Result<Self, LedgerError> {
        let ledger = Self { store, clock };
        let there: Versioned<Option<TenantDocument>> = ledger.load(Key::tenant()).await?;
        let bound = if let Some(there) = there.value {
            there.tenant_id
        } else {
            let write = ledger.write(Key::tenant(), 0, &TenantDocument { tenant_id: tenant }, None, None);
            match ledger.commit(&[write]).await {
                Ok(()) => tenant,
                Err(LedgerError::Conflict) => {
                    let there: Versioned<Option<TenantDocument>> = ledger.load(Key::tenant()).await?;
                    there.value.map_or(tenant, |there| there.tenant_id)
                }
                Err(error) => return Err(error),
            }
        };
        if bound == tenant {
            Ok(ledger)
        } else {
            Err(LedgerError::Unusable(format!(
                "this ledger belongs to tenant {bound}, not to {tenant}: name another ledger or look at AZURE_TENANT_ID"
            )))
        }
    }

    /// The tenant in the body of a ledger's [`Key::tenant`] document.
    pub fn tenant_of(body: &str) -> Result<TenantId, LedgerError> {
        serde_json::from_str::<TenantDocument>(body)
            .map(|document| document.tenant_id)
            .map_err(|error| LedgerError::Unusable(format!("the ledger does not say whose it is: {error}")))
    }

    /// The time by this ledger's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the process behind a lease is known to be dead.
    pub fn owner_is_dead(&self, owner: &str) -> bool {
        self.store.owner_is_dead(owner)
    }

    /// Reads the daily cap and the brake; in a new ledger, no slot is taken and the brake is released.
    pub async fn brake(&self) -> Result<Versioned<Brake>, LedgerError> {
        let held: Versioned<Option<Brake>> = self.load(Key::brake()).await?;
        Ok(Versioned { value: held.value.unwrap_or_default(), version: held.version })
    }

    /// Opens or releases the brake.
    pub async fn move_brake(&self, to: BrakeState, who: &str, why: &str) -> Result<Brake, LedgerError> {
        for _ in 0..TRIES {
            let mut brake = self.brake().await?;
            let now = self.clock.now();
            match to {
                BrakeState::Open => brake.value.open(now, who, why),
                BrakeState::Released => brake.value.release(now, who, why),
            }
            match self.commit(&[self.brake_write(&brake)]).await {
                Ok(()) => {
                    say_moved(&brake.value);
                    return Ok(brake.value);
                }
                Err(LedgerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable("the brake's item is written too often".to_owned()))
    }

    /// Reads any document of this crate, such as the scan position.
    pub async fn load<T: DeserializeOwned>(&self, key: Key) -> Result<Versioned<Option<T>>, LedgerError> {
        let document = self.get(std::slice::from_ref(&key)).await?.pop().flatten();
        read(document)
    }

    /// Makes such a document durable. Returns its new version.
    pub async fn save<T: Serialize>(&self, key: Key, held: &Versioned<T>) -> Result<u64, LedgerError> {
        self.commit(&[self.write(key, held.version, &held.value, None, None)]).await?;
        Ok(held.version + 1)
    }

    fn user_write(&self, state: &Versioned<UserState>) -> Write {
        let outcome = Some(state.value.listed_as());
        self.write(Key::user(state.value.user_id), state.version, &state.value, outcome, None)
    }

    fn brake_write(&self, brake: &Versioned<Brake>) -> Write {
        self.write(Key::brake(), brake.version, &brake.value, None, None)
    }

    fn history_write(&self, user: UserId, entry: &HistoryEntry) -> Write {
        self.write(Key::history(user, self.clock.now(), Uuid::new_v4()), 0, entry, None, None)
    }

    fn write<T: Serialize>(
        &self,
        key: Key,
        version: u64,
        value: &T,
        outcome: Option<String>,
        expires_at: Option<Timestamp>,
    ) -> Write {
        Write {
            expect: if version == 0 { Expect::Absent } else { Expect::Version(version) },
            document: Document {
                key,
                version: version + 1,
                write_id: Uuid::new_v4(),
                schema: SCHEMA,
                body: serde_json::to_string(value).expect("the ledger's items are plain data"),
                outcome,
                updated_at: self.clock.now(),
                expires_at,
            },
        }
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Document>>, LedgerError> {
        self.store.get(keys).await
    }

    /// A condition that failed, or an answer that was lost, may hide a write of our own that succeeded: the
    /// first item's `write_id` tells.
    async fn commit(&self, writes: &[Write]) -> Result<(), LedgerError> {
        let error = match self.store.commit(writes).await {
            Ok(()) => return Ok(()),
            Err(error @ (LedgerError::Unusable(_) | LedgerError::Item(_) | LedgerError::Newer(_))) => {
                return Err(error);
            }
            Err(error) => error,
        };
        let Some(first) = writes.first() else { return Err(error) };
        let there = self.get(std::slice::from_ref(&first.document.key)).await?.pop().flatten();
        match there {
            Some(there) if there.write_id == first.document.write_id => Ok(()),
            _ => Err(error),
        }
    }
}

fn read<T: DeserializeOwned>(document: Option<Document>) -> Result<Versioned<Option<T>>, LedgerError> {
    match document {
        None => Ok(Versioned { value: None, version: 0 }),
        Some(document) => Ok(Versioned { value: Some(parse(&document)?), version: document.version }),
    }
}

fn parse<T: DeserializeOwned>(document: &Document) -> Result<T, LedgerError> {
    let error = |cause: &str| {
        let text = format!("the ledger's item {} / {} {cause}", document.key.pk, document.key.sk);
        let is_one_of_many = document.key.pk.starts_with("USER#") || document.key.pk.starts_with("EVENT#");
        if is_one_of_many { LedgerError::Item(text) } else { LedgerError::Unusable(text) }
    };
    let newer = || match error("was written by a newer version of mfa-rollback: use that one") {
        LedgerError::Item(why) => LedgerError::Newer(why),
        error => error,
    };
    if document.schema > SCHEMA {
        return Err(newer());
    }
    serde_json::from_str(&document.body).map_err(|cause| {
        if cause.to_string().starts_with(&UnknownName.to_string()) {
            return newer();
        }
        // serde's own text may quote the item's content.
        error(&format!("cannot be read ({:?} at column {})", cause.classify(), cause.column()))
    })
}

/// Logs how the brake was moved last. A person's name and reason stay in the ledger.
fn say_moved(brake: &Brake) {
    let Some(Move { to, who, why, .. }) = brake.moves.last() else { return };
    let itself = who == MFA_ROLLBACK;
    let (by, reason) = if itself { (MFA_ROLLBACK, Some(why.as_str())) } else { ("a person", None) };
    tracing::warn!(brake.state = to.as_str(), by, reason, "brake moved");
}
