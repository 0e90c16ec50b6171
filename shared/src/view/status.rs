//! Where things stand.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        brake::{BrakeState, Move},
        ids::TenantId,
        window::Window,
    },
    ledger::{Key, Ledger, LedgerError},
    poll::{Lag, Position},
    settings::{Mode, Settings},
};

/// Where things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whose ledger it is.
    pub tenant_id: TenantId,
    /// The mode, where settings are known.
    pub mode: Option<Mode>,
    /// The window, where settings are known.
    pub window: Option<Window>,
    /// From where on the audit log was scanned.
    pub scanned_from: Option<Timestamp>,
    /// Up to where it is scanned.
    pub complete_to: Option<Timestamp>,
    /// Whether a scan goes on with the next poll.
    pub scan_under_way: bool,
    /// Registrations that only sweeps found; must be 0.
    pub missed: u64,
    /// How late registrations showed; nothing while none showed after the first scan.
    pub lag: Option<Lag>,
    /// Users and registrations by outcome.
    pub counts: BTreeMap<String, u64>,
    /// Messages that wait.
    pub queue_depth: u64,
    /// Messages that could not be read.
    pub dead_letters: u64,
    /// Slots of the daily cap that are taken.
    pub slots_taken: u32,
    /// The daily cap, where settings are known.
    pub max_rollbacks_per_day: Option<u32>,
    /// When the next slot frees up by itself, where all are taken.
    pub next_slot_at: Option<Timestamp>,
    /// How many of the last 24 h's users failed.
    pub failure_rate: FailureRate,
    /// The brake.
    pub brake: BrakeView,
}

/// How many of the last 24 h's users failed or are partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRate {
    /// Users that count.
    pub users: u32,
    /// Those that failed.
    pub failed: u32,
}

/// The brake, and who moved it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrakeView {
    /// Open or released.
    pub state: BrakeState,
    /// Its last move; none where it never moved.
    pub last_move: Option<Move>,
}

/// How many messages there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Messages {
    /// In the queue.
    pub waiting: u64,
    /// Among the dead letters.
    pub dead: u64,
}

impl Status {
    /// Reads the ledger. Counts may lag.
    pub async fn read(
        ledger: &Ledger,
        tenant_id: TenantId,
        settings: Option<&Settings>,
        messages: Messages,
    ) -> Result<Self, LedgerError> {
        let now = ledger.now();
        let position: Position = ledger.load(Key::poll()).await?.value.unwrap_or_default();
        let brake = ledger.brake().await?.value;
        let (users, failed) = brake.rate(now);
        Ok(Self {
            tenant_id,
            mode: settings.map(|settings| settings.mode),
            window: settings.map(|settings| settings.policy.window),
            scanned_from: position.scanned_from,
            complete_to: position.complete_to,
            scan_under_way: position.scan.is_some(),
            missed: position.missed,
            lag: position.lags.percentiles(),
            counts: ledger.counts().await?.into_iter().collect(),
            queue_depth: messages.waiting,
            dead_letters: messages.dead,
            slots_taken: brake.slots_taken(now),
            max_rollbacks_per_day: settings.map(|settings| settings.limits.max_rollbacks_per_day),
            next_slot_at: settings.and_then(|settings| brake.next_free_at(settings.limits, now)),
            failure_rate: FailureRate { users, failed },
            brake: BrakeView { state: brake.state, last_move: brake.moves.last().cloned() },
        })
    }
}
