//! The daily cap and the brake, counted in 5-minute buckets: pure arithmetic over one ledger item.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::window::shift;

/// How many users may be rolled back in 24 hours, and how many failures open the brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `MAX_ROLLBACKS_PER_DAY`: at most this many users in any 24 h.
    pub max_rollbacks_per_day: u32,
    /// `MAX_FAILURE_PERCENT`: the brake opens if more than this share of the last 24 h's users failed.
    pub max_failure_percent: u32,
}

const BUCKET_SECONDS: i64 = 300;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Fewer users than this say nothing about a failure rate.
const FEWEST_USERS: u32 = 10;

/// Who moved the brake if no person did: the program itself, because too many users failed.
pub const MFA_ROLLBACK: &str = "mfa-rollback";

/// How many moves of the brake are kept for the record.
const KEPT_MOVES: usize = 50;

/// What was counted in one stretch of 5 minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Slots of the daily cap that were taken.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub slots: u32,
    /// Users whose latest outcome is `rolled_back`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub done: u32,
    /// Users whose latest outcome is `failed` or `partial`, not counting throttled ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Whether the brake stops all rollbacks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BrakeState {
    /// Rollbacks may go on, as far as mode, cap and preflight allow.
    Released,
    /// Nothing is deleted until a person releases the brake.
    Open,
}

impl BrakeState {
    /// The state as JSON and log lines spell it: `released` or `open`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One move of the brake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Move {
    /// The state that the brake was moved to.
    pub to: BrakeState,
    /// When the brake was moved.
    pub at: Timestamp,
    /// Who moved the brake; [`MFA_ROLLBACK`] if too many failures did.
    pub who: String,
    /// Why: a person's own words, or how many users failed.
    pub why: String,
}

/// How one user counts towards the failure rate, and in which bucket. Each user counts once, by the latest
/// outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// When the user was counted, which says in which bucket.
    pub at: Timestamp,
    /// Whether the user counts as failed; if not, as rolled back.
    pub failed: bool,
}

/// The ledger's item for the daily cap and the brake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brake {
    /// Whether the brake is open now; in a new ledger it is released.
    pub state: BrakeState,
    /// The latest moves, at most 50, oldest first.
    pub moves: Vec<Move>,
    /// When the brake was last released. Outcomes before that no longer count.
    pub released_at: Option<Timestamp>,
    /// Counts for each bucket; the key is the bucket's start in Unix seconds.
    pub buckets: BTreeMap<i64, Bucket>,
}

impl Default for Brake {
    fn default() -> Self {
        Self { state: BrakeState::Released, moves: Vec::new(), released_at: None, buckets: BTreeMap::new() }
    }
}

fn bucket_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(BUCKET_SECONDS) * BUCKET_SECONDS
}

/// A bucket counts until all of it is more than 24 h ago.
fn counts(bucket: i64, now: Timestamp) -> bool {
    bucket + BUCKET_SECONDS > shift(now, -DAY).as_second()
}

impl Brake {
    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.state == BrakeState::Open
    }

    /// Slots taken in the last 24 h.
    pub fn slots_taken(&self, now: Timestamp) -> u32 {
        self.live(now).map(|(_, bucket)| bucket.slots).sum()
    }

    /// Slots of the daily cap that are free.
    pub fn slots_free(&self, limits: Limits, now: Timestamp) -> u32 {
        limits.max_rollbacks_per_day.saturating_sub(self.slots_taken(now))
    }

    /// When the next slot frees up by itself; `None` if one is free now.
    pub fn next_free_at(&self, limits: Limits, now: Timestamp) -> Option<Timestamp> {
        if self.slots_free(limits, now) > 0 {
            return None;
        }
        let (bucket, _) = self.live(now).find(|(_, bucket)| bucket.slots > 0)?;
        let end = Timestamp::from_second(bucket + BUCKET_SECONDS).ok()?;
        Some(shift(end, DAY))
    }

    /// Takes one slot of the daily cap. Returns `false` if none is free.
    pub fn take_slot(&mut self, limits: Limits, now: Timestamp) -> bool {
        if self.slots_free(limits, now) == 0 {
            return false;
        }
        self.drop_old(now);
        self.buckets.entry(bucket_of(now)).or_default().slots += 1;
        true
    }

    /// Whether a slot taken at `slot_at` still holds: it does so for 24 h.
    pub fn slot_holds(slot_at: Timestamp, now: Timestamp) -> bool {
        now < shift(slot_at, DAY)
    }

    /// Counts a user's outcome in place of `before`, how the user counted so far. Opens the brake if too many
    /// failed.
    pub fn count(
        &mut self,
        failed: bool,
        before: Option<Counted>,
        limits: Limits,
        now: Timestamp,
    ) -> Counted {
        self.uncount(before);
        self.drop_old(now);
        let counted = Counted { at: now, failed };
        let bucket = self.buckets.entry(bucket_of(now)).or_default();
        if failed {
            bucket.failed += 1;
        } else {
            bucket.done += 1;
        }
        let (users, failures) = self.rate(now);
        if !self.is_open()
            && users >= FEWEST_USERS
            && u64::from(failures) * 100 > u64::from(limits.max_failure_percent) * u64::from(users)
        {
            let why = format!("{failures} of the last 24 h's {users} users failed or are partial");
            self.open(now, MFA_ROLLBACK, &why);
        }
        counted
    }

    /// Takes a user out of the count, because the latest outcome does not count.
    pub fn uncount(&mut self, before: Option<Counted>) {
        let Some(before) = before else { return };
        if self.released_at.is_some_and(|released| before.at <= released) {
            return;
        }
        if let Some(bucket) = self.buckets.get_mut(&bucket_of(before.at)) {
            let count = if before.failed { &mut bucket.failed } else { &mut bucket.done };
            *count = count.saturating_sub(1);
        }
    }

    /// Returns how many users were counted in the last 24 h (since the latest release, if that is later), and
    /// how many of them failed.
    pub fn rate(&self, now: Timestamp) -> (u32, u32) {
        let failed = self.live(now).map(|(_, bucket)| bucket.failed).sum();
        let done: u32 = self.live(now).map(|(_, bucket)| bucket.done).sum();
        (done + failed, failed)
    }

    /// Opens the brake. It stays open until a person releases it.
    pub fn open(&mut self, now: Timestamp, who: &str, why: &str) {
        self.turn(BrakeState::Open, now, who, why);
    }

    /// Releases the brake. Outcomes until now no longer count; no slot becomes free.
    pub fn release(&mut self, now: Timestamp, who: &str, why: &str) {
        self.turn(BrakeState::Released, now, who, why);
        self.released_at = Some(now);
        for bucket in self.buckets.values_mut() {
            bucket.done = 0;
            bucket.failed = 0;
        }
    }

    fn turn(&mut self, to: BrakeState, now: Timestamp, who: &str, why: &str) {
        self.state = to;
        self.moves.push(Move { to, at: now, who: who.to_owned(), why: why.to_owned() });
        let surplus = self.moves.len().saturating_sub(KEPT_MOVES);
        self.moves.drain(..surplus);
    }

    fn live(&self, now: Timestamp) -> impl Iterator<Item = (i64, Bucket)> {
        self.buckets.iter().map(|(at, bucket)| (*at, *bucket)).filter(move |(at, _)| counts(*at, now))
    }

    fn drop_old(&mut self, now: Timestamp) {
        self.buckets.retain(|at, _| counts(*at, now));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { max_rollbacks_per_day: 3, max_failure_percent: 20 };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_772_323_200 + minutes * 60).unwrap()
    }

    #[test]
    fn a_full_cap_frees_up_when_its_bucket_is_wholly_out_of_the_day() {
        let mut brake = Brake::default();
        for minute in [0, 3, 20] {
            assert!(brake.take_slot(LIMITS, at(minute)));
        }
        assert!(!brake.take_slot(LIMITS, at(21)));
        assert!(!brake.take_slot(LIMITS, at(24 * 60 + 4)));
        assert_eq!(brake.next_free_at(LIMITS, at(21)), Some(at(24 * 60 + 5)));
        assert_eq!(brake.slots_free(LIMITS, at(24 * 60 + 5)), 2);
    }

    #[test]
    fn releasing_the_brake_frees_no_slot() {
        let mut brake = Brake::default();
        while brake.take_slot(LIMITS, at(0)) {}
        brake.open(at(1), "ops", "look");
        brake.release(at(2), "ops", "looked");
        assert_eq!(brake.slots_free(LIMITS, at(3)), 0);
    }

    #[test]
    fn too_many_failures_open_the_brake_from_ten_users_on() {
        let mut brake = Brake::default();
        for _ in 0..7 {
            brake.count(false, None, LIMITS, at(0));
        }
        brake.count(true, None, LIMITS, at(0));
        brake.count(true, None, LIMITS, at(0));
        assert!(!brake.is_open(), "nine users say nothing");
        brake.count(true, None, LIMITS, at(0));
        assert!(brake.is_open());
        brake.release(at(1), "ops", "fixed");
        brake.count(true, None, LIMITS, at(2));
        assert!(!brake.is_open(), "counted from the release on");
    }

    #[test]
    fn a_user_counts_once_by_the_latest_outcome() {
        let mut brake = Brake::default();
        let failed = brake.count(true, None, LIMITS, at(0));
        brake.count(false, Some(failed), LIMITS, at(60));
        assert_eq!(brake.rate(at(61)), (1, 0));
    }

    proptest! {
        /// Invariant 7: at most the cap in any 24 h.
        #[test]
        fn never_more_slots_than_the_cap_in_any_24_hours(gaps in prop::collection::vec(0i64..400, 1..200)) {
            let mut brake = Brake::default();
            let mut now = 0;
            let mut taken: Vec<i64> = Vec::new();
            for gap in gaps {
                now += gap;
                if brake.take_slot(LIMITS, at(now)) {
                    taken.push(now);
                }
            }
            for (i, first) in taken.iter().enumerate() {
                let in_day = taken[i..].iter().take_while(|t| **t - first < 24 * 60).count();
                prop_assert!(in_day <= 3);
            }
        }
    }
}
