//! The window: the bounded time in which people were registered by mistake.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long stragglers are looked for when no end is named: cached sessions and propagation.
pub const STRAGGLERS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long after the window's end the whole window is swept for the last time.
pub const LAST_SWEEP_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// From when to when registrations count, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first moment: `PREVIEW_ENABLED_AT`, or `PREVIEW_DISABLED_AT` where that is not given.
    pub start: Timestamp,
    /// When the preview was disabled: nothing is deleted before.
    pub preview_disabled_at: Timestamp,
    /// The last moment: `REGISTERED_UNTIL`.
    pub end: Timestamp,
}

/// Why three moments make no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The preview cannot have been enabled after it was disabled.
    #[error("PREVIEW_ENABLED_AT: lies after PREVIEW_DISABLED_AT ({0})")]
    EnabledAfterDisabled(Timestamp),
    /// The window ends before it begins.
    #[error("REGISTERED_UNTIL: lies before the window's start ({0})")]
    EndsBeforeStart(Timestamp),
}

impl Window {
    /// The window of design §2, with its defaults filled in.
    pub fn new(
        enabled_at: Option<Timestamp>,
        disabled_at: Timestamp,
        registered_until: Option<Timestamp>,
    ) -> Result<Self, WindowError> {
        let start = enabled_at.unwrap_or(disabled_at);
        if start > disabled_at {
            return Err(WindowError::EnabledAfterDisabled(disabled_at));
        }
        let end =
            registered_until.unwrap_or_else(|| disabled_at.checked_add(STRAGGLERS).unwrap_or(Timestamp::MAX));
        if end < start {
            return Err(WindowError::EndsBeforeStart(start));
        }
        Ok(Self { start, preview_disabled_at: disabled_at, end })
    }

    /// Whether a moment lies in the window.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at <= self.end
    }

    /// A range cut to the window, or nothing where they do not meet.
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
    /// Its first moment.
    pub from: Timestamp,
    /// Its last moment.
    pub to: Timestamp,
}

impl Range {
    /// Whether a moment lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }
}

/// `at` moved by `by`, held at the ends of time.
pub fn shift(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

/// How long it is from `now` until `at`; nothing where that is over.
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
    fn without_a_start_the_window_begins_when_the_preview_was_disabled() {
        let window = Window::new(None, at("2026-03-01T00:00:00Z"), None).unwrap();
        assert_eq!(window.start, at("2026-03-01T00:00:00Z"));
        assert_eq!(window.end, at("2026-03-31T00:00:00Z"));
        assert!(window.contains(window.start) && window.contains(window.end));
    }

    #[test]
    fn moments_in_the_wrong_order_are_refused() {
        let disabled = at("2026-03-01T00:00:00Z");
        assert!(Window::new(Some(at("2026-03-02T00:00:00Z")), disabled, None).is_err());
        assert!(Window::new(None, disabled, Some(at("2026-02-01T00:00:00Z"))).is_err());
    }

    #[test]
    fn a_range_is_cut_to_the_window() {
        let window = Window::new(None, at("2026-03-01T00:00:00Z"), None).unwrap();
        let cut = window.cut(Range { from: at("2026-01-01T00:00:00Z"), to: at("2026-03-02T00:00:00Z") });
        assert_eq!(cut, Some(Range { from: window.start, to: at("2026-03-02T00:00:00Z") }));
        assert_eq!(
            window.cut(Range { from: at("2026-01-01T00:00:00Z"), to: at("2026-02-02T00:00:00Z") }),
            None
        );
    }
}
