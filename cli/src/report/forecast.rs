//! When everybody who waits will have been rolled back, if nothing changes.

use jiff::{SignedDuration, Timestamp};
use shared::{domain::window::shift, view::Status};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is still to be done, and when it will be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Forecast {
    /// Users who would be rolled back, or wait for something other than a person.
    pub(super) waiting: u64,
    /// The daily cap.
    pub(super) cap: u32,
    /// When the last of them has a slot of the cap.
    pub(super) at_the_cap: Timestamp,
    /// When the last of them is done if each day brings as many rollbacks as the last 24 h; `None` if these brought none.
    pub(super) at_this_pace: Option<Timestamp>,
}

impl Forecast {
    /// Reads it off a status; `None` if nobody waits, or the settings are not known.
    pub(super) fn of(status: &Status, now: Timestamp) -> Option<Self> {
        let waits =
            |name: &str| name == "pending" || name == "would_roll_back" || name.starts_with("deferred(");
        let waiting: u64 = status.counts.iter().filter(|(name, _)| waits(name)).map(|(_, count)| count).sum();
        let cap = status.max_rollbacks_per_day.filter(|_| waiting > 0)?;
        let free = u64::from(cap.saturating_sub(status.slots_taken));
        let at_the_cap = if waiting <= free {
            now
        } else {
            let days = (waiting - free).div_ceil(u64::from(cap.max(1)));
            after(status.next_slot_at.unwrap_or(shift(now, DAY)), days - 1)
        };
        let a_day = u64::from(status.slots_taken);
        let at_this_pace = (a_day > 0).then(|| after(now, waiting.div_ceil(a_day.max(1))));
        Some(Self { waiting, cap, at_the_cap, at_this_pace })
    }
}

fn after(at: Timestamp, days: u64) -> Timestamp {
    let hours = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(24);
    at.checked_add(SignedDuration::from_hours(hours.min(24 * 36_500))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(counts: &[(&str, u64)], cap: u32, taken: u32) -> Status {
        let mut status: Status = serde_json::from_value(serde_json::json!({
            "tenant_id": "11111111-1111-1111-1111-111111111111", "mode": "enforce", "window": null,
            "scanned_from": null, "complete_to": null, "scan_under_way": false, "missed": 0, "lag": null, "counts": {},
            "queue_depth": 0, "dead_letters": 0, "slots_taken": taken, "max_rollbacks_per_day": cap,
            "next_slot_at": null, "failure_rate": {"users": 0, "failed": 0},
            "brake": {"state": "released", "last_move": null},
        }))
        .unwrap();
        status.counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        status
    }

    fn days(from: Timestamp, to: Timestamp) -> i64 {
        to.duration_since(from).as_hours() / 24
    }

    #[test]
    fn the_cap_bounds_it_and_so_does_what_the_last_day_brought() {
        let now: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let waiting = [("would_roll_back", 20), ("deferred(daily_cap)", 100), ("held(administrator)", 7)];
        let forecast = Forecast::of(&status(&waiting, 50, 0), now).unwrap();
        assert_eq!((forecast.waiting, forecast.at_this_pace), (120, None));
        // 50 now, 50 a day later, 20 two days later.
        assert_eq!(days(now, forecast.at_the_cap), 2);
        let forecast = Forecast::of(&status(&waiting, 50, 30), now).unwrap();
        // 20 now, 50, 50.
        assert_eq!(
            (days(now, forecast.at_the_cap), forecast.at_this_pace.map(|at| days(now, at))),
            (2, Some(4))
        );
        assert_eq!(Forecast::of(&status(&[("pending", 3)], 50, 0), now).unwrap().at_the_cap, now);
        assert_eq!(Forecast::of(&status(&[("held(external)", 3)], 50, 0), now), None);
    }
}
