//! The time formats that audit exports use.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::text::clip;

/// A text that is not a time. The message quotes a short piece of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time that can be read: '{0}' (expected for example 2024-12-16T16:32:16.0875540Z)")]
pub struct TimeError(String);

/// Reads a time with `Z`, with an offset, or with neither, which means UTC; with up to nine decimals.
///
/// Dates in any order but year-month-day are refused rather than guessed.
pub fn parse_time(text: &str) -> Result<Timestamp, TimeError> {
    let text = text.trim();
    let refused = || TimeError(clip(text, 40));
    if !text.contains(':') {
        return Err(refused());
    }
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let civil: DateTime = text.parse().map_err(|_| refused())?;
    // A zone that could not be read is not the same as no zone.
    if text.get(10..).is_some_and(|time| time.contains(['+', '-', '[', 'Z', 'z'])) {
        return Err(refused());
    }
    TimeZone::UTC.to_timestamp(civil).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_writing_seen_is_read() {
        for (text, expected) in [
            ("2024-12-27T10:01:19.5796748Z", "2024-12-27T10:01:19.5796748Z"),
            ("2024-12-27T10:01:19.579674+00:00", "2024-12-27T10:01:19.579674Z"),
            ("2024-12-27T12:01:19+02:00", "2024-12-27T10:01:19Z"),
            ("2024-12-16 16:32:16.087554000", "2024-12-16T16:32:16.087554Z"),
            ("2024-12-16 16:32:16Z", "2024-12-16T16:32:16Z"),
            (" 2021-08-02T13:29:25.983 ", "2021-08-02T13:29:25.983Z"),
            ("2021-08-02T13:29:25.123456789Z", "2021-08-02T13:29:25.123456789Z"),
        ] {
            assert_eq!(parse_time(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "2024-12-16",
            "3/1/2024, 10:11:12 AM",
            "01.02.2024 10:11:12",
            "2024-12-16T16:32:16 MEZ",
            "2024-13-01T00:00:00Z",
            "now",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
