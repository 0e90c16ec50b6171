//! Where things stand: the summary that `status` shows.

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

/// A summary of one tenant's ledger and queue at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Status {
    /// The tenant that the ledger belongs to.
    pub tenant_id: TenantId,
    /// The mode; `None` if the settings are not known.
    pub mode: Option<Mode>,
    /// The window; `None` if the settings are not known.
    pub window: Option<Window>,
    /// Where the scanned part of the audit log begins; `None` until the first scan finishes.
    pub scanned_from: Option<Timestamp>,
    /// The watermark, up to which the log is scanned; `None` until the first scan finishes.
    pub complete_to: Option<Timestamp>,
    /// Whether the next poll continues an unfinished scan.
    pub scan_under_way: bool,
    /// What of the audit log could not be read, and why: one sentence each; empty if all of it was.
    #[serde(default)]
    pub unread: Vec<String>,
    /// Registrations that only sweeps found; must be 0.
    pub missed: u64,
    /// How late registrations appeared; `None` until a scan after the first one finds some.
    pub lag: Option<Lag>,
    /// How many users and registrations are listed under each outcome; those with none are left out.
    pub counts: BTreeMap<String, u64>,
    /// Messages in the queue, including those being handled.
    pub queue_depth: u64,
    /// Messages among the dead letters, for any reason.
    pub dead_letters: u64,
    /// Slots of the daily cap that were taken in the last 24 h.
    pub slots_taken: u32,
    /// The daily cap; `None` if the settings are not known.
    pub max_rollbacks_per_day: Option<u32>,
    /// When the next slot becomes free; `None` if one is free now, or the settings are not known.
    pub next_slot_at: Option<Timestamp>,
    /// How many of the last 24 h's users failed.
    pub failure_rate: FailureRate,
    /// Whether the brake is open, and who moved it last.
    pub brake: BrakeView,
}

/// How many users failed or are partial in the last 24 h, counted since the brake was last released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FailureRate {
    /// Users that count towards the rate: rolled back, failed or partial, but not throttled.
    pub users: u32,
    /// How many of these users failed or are partial.
    pub failed: u32,
}

/// The brake, and who moved it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BrakeView {
    /// Open, which stops every rollback, or released.
    pub state: BrakeState,
    /// Its last move; `None` if it never moved.
    pub last_move: Option<Move>,
}

/// How many messages there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Messages {
    /// In the queue, including those being handled.
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
            unread: position.unread(),
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
