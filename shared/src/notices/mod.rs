//! What people are told, each thing once: what was told last is on record. Sending is up to the caller. If
//! something fails here, people are told later, or not at all; the ledger is the truth.

mod text;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

pub use self::text::Notice;
use self::text::{NAMED, Told};
use crate::{
    domain::{outcome::Outcome, state::UserState, window::shift},
    ledger::{Key, Ledger, LedgerError, OutcomeQuery, Versioned},
    process::Process,
    view::{self, Messages, Status},
};

/// The shortest time between two digests.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// How long a digest may take: a process that has not sent it by then is dead.
const SENT_WITHIN: SignedDuration = SignedDuration::from_mins(4);

/// The notices of one process. Every method takes `send`, which sends a notice and returns whether that
/// worked.
#[derive(Debug, Default)]
pub struct Notices {
    /// When this process last looked and found nothing for a digest: counting reads the whole ledger.
    looked_at: Mutex<Option<Timestamp>>,
}

impl Notices {
    /// Sends what is due after a poll: that the brake is open, if nobody was told yet, and at most hourly
    /// what has changed.
    pub async fn after_poll(
        &self,
        process: &Process,
        send: impl AsyncFn(&Notice) -> bool,
    ) -> Result<(), LedgerError> {
        self.brake(process, &send).await?;
        self.digest(process, &send).await
    }

    /// Sends, at once, which users of a batch are newly partial, and that the brake is open.
    pub async fn after_batch(
        &self,
        process: &Process,
        concluded: &[UserState],
        send: impl AsyncFn(&Notice) -> bool,
    ) -> Result<(), LedgerError> {
        let is_partial = |state: &UserState| matches!(state.outcome(), Some(Outcome::Partial(_)));
        // Any user who counts towards the failure rate may have opened the brake, even one who succeeded: a
        // rate needs enough users.
        let counts = |state: &UserState| {
            matches!(state.outcome(), Some(Outcome::RolledBack | Outcome::Partial(_) | Outcome::Failed(_)))
        };
        let partial: Vec<&UserState> =
            concluded.iter().filter(|state| is_partial(state) && is_new(state)).collect();
        if !partial.is_empty() {
            send(&text::partial(process.settings.tenant, &partial)).await;
        }
        if concluded.iter().any(counts) {
            self.brake(process, &send).await?;
        }
        Ok(())
    }

    /// Sends that somebody moved the brake, if it is open now.
    pub async fn brake_moved(
        &self,
        process: &Process,
        send: impl AsyncFn(&Notice) -> bool,
    ) -> Result<(), LedgerError> {
        self.brake(process, &send).await
    }

    /// Sends once that the brake is open. Two processes at the same moment may both send it.
    async fn brake(
        &self,
        process: &Process,
        send: &impl AsyncFn(&Notice) -> bool,
    ) -> Result<(), LedgerError> {
        let ledger = &process.ledger;
        let brake = ledger.brake().await?.value;
        let Some(last) = brake.moves.last().filter(|_| brake.is_open()) else { return Ok(()) };
        let mut told = told(ledger).await?;
        if told.value.brake_moved_at == Some(last.at)
            || !send(&text::brake(process.settings.tenant, last)).await
        {
            return Ok(());
        }
        told.value.brake_moved_at = Some(last.at);
        save(ledger, &told).await
    }

    /// Sends what has changed since the last digest, unless that was sent within the hour.
    async fn digest(
        &self,
        process: &Process,
        send: &impl AsyncFn(&Notice) -> bool,
    ) -> Result<(), LedgerError> {
        let (ledger, settings, now) = (&process.ledger, &process.settings, process.clock.now());
        let mut told = told(ledger).await?;
        let since = |at: Option<Timestamp>, by| at.is_none_or(|at| shift(at, by) <= now);
        let mut looked_at = self.looked_at.lock().await;
        if !since(told.value.at, EVERY)
            || !since(*looked_at, EVERY)
            || !since(told.value.begun_at, SENT_WITHIN)
        {
            return Ok(());
        }
        let status = Status::read(ledger, settings.tenant, Some(settings), Messages::default()).await?;
        if !told.value.differs(&status) {
            *looked_at = Some(now);
            return Ok(());
        }
        let look = to_look_at(ledger).await?;
        told.value.begun_at = Some(now);
        match ledger.save(Key::notices(), &told).await {
            Ok(version) => told.version = version,
            // Another poll sends it.
            Err(LedgerError::Conflict) => return Ok(()),
            Err(error) => return Err(error),
        }
        if !send(&text::digest(&told.value, &status, &look)).await {
            return Ok(());
        }
        told.value.tell(&status, now);
        save(ledger, &told).await
    }
}

/// Users that are partial or failed, by outcome.
async fn to_look_at(ledger: &Ledger) -> Result<Vec<(String, Vec<String>)>, LedgerError> {
    let mut all = Vec::new();
    for outcome in ["partial", "failed"].into_iter().filter_map(|kind| view::listed(Some(kind))).flatten() {
        let query = OutcomeQuery { outcome: outcome.clone(), until: None, after: None, limit: NAMED };
        let page = ledger.list(&query).await?;
        let users: Vec<String> = page.entries.iter().map(view::name).collect();
        if !users.is_empty() {
            all.push((outcome, users));
        }
    }
    Ok(all)
}

async fn told(ledger: &Ledger) -> Result<Versioned<Told>, LedgerError> {
    let held: Versioned<Option<Told>> = ledger.load(Key::notices()).await?;
    Ok(Versioned { value: held.value.unwrap_or_default(), version: held.version })
}

/// Whether the latest outcome differs from the one before it.
pub fn is_new(state: &UserState) -> bool {
    state.concluded.as_ref().map(|concluded| concluded.at) == state.outcome_since
}

/// Puts on record what was told. A conflict is ignored: another process told the same at the same moment.
async fn save(ledger: &Ledger, told: &Versioned<Told>) -> Result<(), LedgerError> {
    match ledger.save(Key::notices(), told).await {
        Ok(_) | Err(LedgerError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}
