//! Which parts of the window the files say nothing about.

use jiff::{SignedDuration, Timestamp};
use shared::domain::window::{Range, Window};

/// A quiet stretch that is no longer than this is taken for quiet.
const QUIET: SignedDuration = SignedDuration::from_hours(24);

/// The parts of the window, up to now, that no file reaches, given the first and the last time of each file.
pub(super) fn gaps(window: &Window, spans: &[(Timestamp, Timestamp)], now: Timestamp) -> Vec<Range> {
    let mut spans = spans.to_vec();
    spans.sort_unstable();
    let end = window.end.min(now);
    let mut gaps = Vec::new();
    let mut reached = window.start;
    for (first, last) in spans.into_iter().chain([(end, end)]) {
        let until = first.min(end);
        if until.duration_since(reached) > QUIET {
            gaps.push(Range { from: reached, to: until });
        }
        reached = reached.max(last);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i8) -> Timestamp {
        format!("2026-03-{day:02}T00:00:00Z").parse().unwrap()
    }

    #[test]
    fn what_no_file_reaches_is_told_but_for_a_quiet_day() {
        let window = Window::new(at(1), at(20), Some(at(23))).unwrap();
        let range = |from, to| Range { from: at(from), to: at(to) };
        let now = at(30);
        assert_eq!(gaps(&window, &[(at(2), at(22))], now), []);
        assert_eq!(gaps(&window, &[], now), [range(1, 23)]);
        assert_eq!(gaps(&window, &[(at(10), at(12))], now), [range(1, 10), range(12, 23)]);
        assert_eq!(gaps(&window, &[(at(10), at(23)), (at(1), at(5)), (at(2), at(3))], now), [range(5, 10)]);
        assert_eq!(gaps(&window, &[(at(1), at(12))], at(13)), [], "what has not happened is not missing");
        assert_eq!(gaps(&window, &[(at(25), at(28))], now), [range(1, 23)]);
    }
}
