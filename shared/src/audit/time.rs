//! The time formats that audit exports use.

use jiff::{Timestamp, civil::DateTime, fmt::strtime, tz::TimeZone};

use crate::text::clip;

/// Why a text is not a time. The message quotes a short piece of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// It is no time at all.
    #[error("not a time that can be read: '{0}' (expected for example 2024-12-16T16:32:16.0875540Z)")]
    NotATime(String),
    /// Day and month could change places.
    #[error(
        "'{0}' can be read in more than one way: set the portal's language and regional format to one that writes \
         the year first (such as Swedish), or export JSON"
    )]
    Order(String),
    /// It does not say in which zone it is, and neither does its column.
    #[error("'{0}' names no time zone: export again with times in UTC, or as JSON")]
    NoZone(String),
}

impl TimeError {
    /// What kind of fault it is.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::NotATime(_) => "time",
            Self::Order(_) => "order of day and month",
            Self::NoZone(_) => "time zone",
        }
    }
}

/// What is known about the zone of a time that does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// The column or the product says UTC.
    Utc,
    /// Nothing. Times that are written as programs write them are in UTC; those written for people are not read.
    Unsaid,
}

/// Reads a time with `Z`, with an offset, or with neither, which means UTC; with up to nine decimals. Takes
/// what can be read in one way only; dates in any other order are refused rather than guessed.
pub fn parse_time(text: &str) -> Result<Timestamp, TimeError> {
    parse_time_in(text, Zone::Unsaid)
}

/// Like [`parse_time`], with what is known about the zone.
pub(super) fn parse_time_in(text: &str, zone: Zone) -> Result<Timestamp, TimeError> {
    let text = text.trim();
    if let Some(time) = as_programs_write(text).or_else(|| since_1970(text)) {
        return Ok(time);
    }
    let (rest, offset) = split_zone(text);
    if let Some(civil) = year_first(rest) {
        return in_zone(civil, &offset.unwrap_or(TimeZone::UTC))
            .ok_or_else(|| TimeError::NotATime(clip(text, 40)));
    }
    if let Some(civil) = named_month(rest) {
        let Some(zone) = offset.or((zone == Zone::Utc).then_some(TimeZone::UTC)) else {
            return Err(TimeError::NoZone(clip(text, 40)));
        };
        return in_zone(civil, &zone).ok_or_else(|| TimeError::NotATime(clip(text, 40)));
    }
    Err(if is_day_and_month(rest) { TimeError::Order } else { TimeError::NotATime }(clip(text, 40)))
}

/// RFC 3339 and ISO 8601, and dates of mails.
fn as_programs_write(text: &str) -> Option<Timestamp> {
    if !text.contains(':') {
        return None;
    }
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    if let Ok(civil) = text.parse::<DateTime>() {
        // A zone that could not be read is not the same as no zone.
        let has_zone = text.get(10..).is_some_and(|time| time.contains(['+', '-', '[', 'Z', 'z']));
        return if has_zone { None } else { in_zone(civil, &TimeZone::UTC) };
    }
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp())
}

/// Milliseconds since 1970 as Windows `PowerShell` writes them, and plain numbers whose length leaves one unit.
fn since_1970(text: &str) -> Option<Timestamp> {
    let inner = text.trim_matches(['/', '\\']);
    if let Some(inner) = inner.strip_prefix("Date(").and_then(|inner| inner.strip_suffix(')')) {
        // The offset says where it was written and changes nothing.
        let end = inner.rfind(['+', '-']).filter(|at| *at > 0).unwrap_or(inner.len());
        return Timestamp::from_millisecond(inner[..end].parse().ok()?).ok();
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    match text.len() {
        10 => Timestamp::from_second(number).ok(),
        13 => Timestamp::from_millisecond(number).ok(),
        16 => Timestamp::from_microsecond(number).ok(),
        19 => Timestamp::from_nanosecond(i128::from(number)).ok(),
        _ => None,
    }
}

/// Splits a zone off the end: `Z`, `UTC`, `GMT`, or an offset behind a blank or a time.
fn split_zone(text: &str) -> (&str, Option<TimeZone>) {
    for mark in ["UTC", "GMT", "Z", "z"] {
        if let Some(rest) = text.strip_suffix(mark) {
            return (rest.trim_end(), Some(TimeZone::UTC));
        }
    }
    let offset = text.rfind(['+', '-']).filter(|at| text[..*at].contains(':')).and_then(|at| {
        let (rest, offset) = text.split_at(at);
        let (hours, minutes) = match offset.len() {
            6 if offset.as_bytes()[3] == b':' => (offset.get(1..3)?, offset.get(4..6)?),
            5 => (offset.get(1..3)?, offset.get(3..5)?),
            3 => (offset.get(1..3)?, "00"),
            _ => return None,
        };
        let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
        let sign = if offset.starts_with('-') { -1 } else { 1 };
        let offset = jiff::tz::Offset::from_seconds(sign * seconds).ok()?;
        Some((rest.trim_end(), Some(TimeZone::fixed(offset))))
    });
    offset.unwrap_or((text, None))
}

fn in_zone(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(civil).ok()
}

/// A date with the year first, in parts of one digit or more, and a time behind it.
fn year_first(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once([' ', 'T', ','])?;
    let mark = ['/', '-', '.'].into_iter().find(|mark| date.contains(*mark))?;
    let mut parts = date.split(mark);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let is_date = parts.next().is_none() && year.len() == 4 && month.len() <= 2 && day.len() <= 2;
    if !is_date {
        return None;
    }
    let iso = format!("{year}-{month:0>2}-{day:0>2} {}", clock(time.trim_start_matches([' ', ',']))?);
    iso.parse().ok()
}

/// A date whose month is a word, in either order, and a time behind it.
fn named_month(text: &str) -> Option<DateTime> {
    let words: Vec<&str> = text.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    let (mut date, time) = words.split_at_checked(3)?;
    let mut reordered = [date[0], date[1], date[2]];
    if date[0].bytes().all(|byte| byte.is_ascii_digit()) {
        reordered.swap(0, 1);
        date = &reordered;
    }
    let date = date.join(" ");
    let parsed = ["%b %d %Y", "%B %d %Y"]
        .into_iter()
        .find_map(|format| strtime::parse(format, &date).ok().and_then(|parsed| parsed.to_date().ok()))?;
    format!("{parsed} {}", clock(&time.join(" "))?).parse().ok()
}

/// A time of day as ISO writes it, from `9:15`, `9:15:00.123 AM` or `09:15:00,5`.
fn clock(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let (digits, half) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(rest), _) => (rest.trim_end(), Some(0)),
        (_, Some(rest)) => (rest.trim_end(), Some(12)),
        _ => (upper.as_str(), None),
    };
    let (hour, rest) = digits.split_once(':')?;
    let mut hour: u32 = hour.parse().ok()?;
    if let Some(half) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half;
    }
    let is_clock = rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b','));
    is_clock.then(|| format!("{hour:02}:{}", rest.replace(',', ".")))
}

/// Whether it looks like a date of three numbers whose order only its author knows.
fn is_day_and_month(text: &str) -> bool {
    let Some(date) = text.split([' ', ',', 'T']).next() else { return false };
    let parts: Vec<&str> = date.split(['/', '.', '-']).collect();
    parts.len() == 3
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && parts[0].len() <= 2
        && text.contains(':')
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
            ("2024-12-27 12:01:19 +02:00", "2024-12-27T10:01:19Z"),
            ("2024-12-27 12:01:19.5 +0200", "2024-12-27T10:01:19.5Z"),
            ("2024-12-27 08:01:19 -02", "2024-12-27T10:01:19Z"),
            ("2024-12-16 16:32:16.087554000", "2024-12-16T16:32:16.087554Z"),
            ("2024-12-16 16:32:16Z", "2024-12-16T16:32:16Z"),
            ("2024-12-16 16:32:16 UTC", "2024-12-16T16:32:16Z"),
            (" 2021-08-02T13:29:25.983 ", "2021-08-02T13:29:25.983Z"),
            ("2021-08-02T13:29:25.123456789Z", "2021-08-02T13:29:25.123456789Z"),
            ("2026/2/10 9:15:00.123", "2026-02-10T09:15:00.123Z"),
            ("2026/02/10, 9:15:00 PM", "2026-02-10T21:15:00Z"),
            ("2026-2-10 9:15", "2026-02-10T09:15:00Z"),
            ("2026.02.10 09:15:00,5", "2026-02-10T09:15:00.5Z"),
            ("2026/2/10 12:15:00 AM +01:00", "2026-02-09T23:15:00Z"),
            ("/Date(1770714900123)/", "2026-02-10T09:15:00.123Z"),
            ("\\/Date(1770714900123+0200)\\/", "2026-02-10T09:15:00.123Z"),
            ("/Date(-1000)/", "1969-12-31T23:59:59Z"),
            ("1770714900123", "2026-02-10T09:15:00.123Z"),
            ("1770714900", "2026-02-10T09:15:00Z"),
            ("Tue, 10 Feb 2026 09:15:00 GMT", "2026-02-10T09:15:00Z"),
            ("Feb 10, 2026 9:15 AM UTC", "2026-02-10T09:15:00Z"),
            ("10 February 2026 09:15:00 +01:00", "2026-02-10T08:15:00Z"),
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
            "13/12/2024 10:11:12",
            "2024-12-16T16:32:16 MEZ",
            "2024-13-01T00:00:00Z",
            "2024/13/01 00:00:00",
            "2024/12/01 13:00:00 PM",
            "24/12/01 13:00:00",
            "Feb 10, 2026 9:15 AM",
            "Febr 10, 2026 9:15 AM UTC",
            "/Date(soon)/",
            "123456",
            "5",
            "now",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        let why = |text: &str| parse_time(text).unwrap_err();
        assert!(matches!(why("2/10/2026, 9:15:00.123 AM"), TimeError::Order(_)));
        assert!(matches!(why("10.02.2026 09:15"), TimeError::Order(_)));
        assert!(matches!(why("Feb 10, 2026 9:15 AM"), TimeError::NoZone(_)));
        assert!(matches!(why("yesterday"), TimeError::NotATime(_)));
        let said = parse_time_in("Feb 10, 2026 9:15:00 AM", Zone::Utc).unwrap();
        assert_eq!(said.to_string(), "2026-02-10T09:15:00Z");
    }
}
