//! The window: the bounded time in which people were registered by mistake.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long the window stays open for stragglers (cached sessions, propagation) if no end is named.
pub const STRAGGLERS: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The window ends at most this long after the preview was disabled.
pub const LATEST_END: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long after the window's end the whole window is swept for the last time.
pub const LAST_SWEEP_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// When registrations count as mistaken, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Window {
    /// The first moment: `PREVIEW_ENABLED_AT`.
    pub start: Timestamp,
    /// When the preview was disabled (`PREVIEW_DISABLED_AT`); nothing is deleted before.
    pub preview_disabled_at: Timestamp,
    /// The last moment: `REGISTERED_UNTIL`.
    pub end: Timestamp,
}

/// Why three moments do not make a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The preview cannot have been enabled after it was disabled.
    #[error("lies after PREVIEW_DISABLED_AT ({0})")]
    EnabledAfterDisabled(Timestamp),
    /// The window ends before it begins.
    #[error("lies before the window's start ({0})")]
    EndsBeforeStart(Timestamp),
    /// The window ends too late. A window without an end would strip every new registration.
    #[error("lies more than 30 days after PREVIEW_DISABLED_AT ({0})")]
    EndsTooLate(Timestamp),
}

impl WindowError {
    /// The environment variable that has to be changed.
    pub fn variable(&self) -> &'static str {
        match self {
            Self::EnabledAfterDisabled(_) => "PREVIEW_ENABLED_AT",
            Self::EndsBeforeStart(_) | Self::EndsTooLate(_) => "REGISTERED_UNTIL",
        }
    }
}

impl Window {
    /// Makes the window. It ends [`STRAGGLERS`] after the preview was disabled if no end is named.
    pub fn new(
        start: Timestamp,
        disabled_at: Timestamp,
        registered_until: Option<Timestamp>,
    ) -> Result<Self, WindowError> {
        if start > disabled_at {
            return Err(WindowError::EnabledAfterDisabled(disabled_at));
        }
        let end = registered_until.unwrap_or_else(|| shift(disabled_at, STRAGGLERS));
        if end < start {
            return Err(WindowError::EndsBeforeStart(start));
        }
        if end > shift(disabled_at, LATEST_END) {
            return Err(WindowError::EndsTooLate(disabled_at));
        }
        Ok(Self { start, preview_disabled_at: disabled_at, end })
    }

    /// Whether a moment lies in the window.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at <= self.end
    }

    /// Cuts a range to the window. Returns `None` if they do not overlap.
    pub fn cut(&self, range: Range) -> Option<Range> {
        let cut = Range { from: range.from.max(self.start), to: range.to.min(self.end) };
        (cut.from <= cut.to).then_some(cut)
    }

    /// When the last sweep is due and scanning ends.
    pub fn last_sweep_at(&self) -> Timestamp {
        self.end.checked_add(LAST_SWEEP_AFTER).unwrap_or(Timestamp::MAX)
    }
}

/// A stretch of the audit log, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first moment of the range.
    pub from: Timestamp,
    /// The last moment of the range.
    pub to: Timestamp,
}

impl Range {
    /// Whether a moment lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }
}

/// Moves `at` by `by`, but not past the earliest or the latest [`Timestamp`].
pub fn shift(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

/// How long it is from `now` until `at`; zero if `at` has passed.
pub fn until(now: Timestamp, at: Timestamp) -> std::time::Duration {
    std::time::Duration::try_from(at.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn without_an_end_stragglers_are_looked_for_three_days() {
        let disabled = at("2026-03-01T00:00:00Z");
        let window = Window::new(disabled, disabled, None).unwrap();
        assert_eq!(window.end, at("2026-03-04T00:00:00Z"));
        assert!(window.contains(window.start) && window.contains(window.end));
    }

    #[test]
    fn moments_in_the_wrong_order_are_refused() {
        let disabled = at("2026-03-01T00:00:00Z");
        for (start, until, variable) in [
            ("2026-03-02T00:00:00Z", None, "PREVIEW_ENABLED_AT"),
            ("2026-03-01T00:00:00Z", Some("2026-02-01T00:00:00Z"), "REGISTERED_UNTIL"),
            ("2026-03-01T00:00:00Z", Some("2026-03-31T00:00:01Z"), "REGISTERED_UNTIL"),
        ] {
            assert_eq!(Window::new(at(start), disabled, until.map(at)).unwrap_err().variable(), variable);
        }
        assert!(Window::new(disabled, disabled, Some(at("2026-03-31T00:00:00Z"))).is_ok());
    }

    #[test]
    fn a_range_is_cut_to_the_window() {
        let disabled = at("2026-03-01T00:00:00Z");
        let window = Window::new(disabled, disabled, None).unwrap();
        let cut = window.cut(Range { from: at("2026-01-01T00:00:00Z"), to: at("2026-03-02T00:00:00Z") });
        assert_eq!(cut, Some(Range { from: window.start, to: at("2026-03-02T00:00:00Z") }));
        assert_eq!(
            window.cut(Range { from: at("2026-01-01T00:00:00Z"), to: at("2026-02-02T00:00:00Z") }),
            None
        );
    }
}
