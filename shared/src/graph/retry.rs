//! How long to wait before asking again.

use std::time::Duration;

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

/// The longest wait that a request sits out itself; a longer one is returned to the caller.
pub const MAX_WAIT: Duration = Duration::from_mins(1);

/// The most times that one request is tried.
pub const MAX_ATTEMPTS: u32 = 5;

/// After this many answers that cannot be read, the next is expected to be no better.
pub const UNREADABLE: u32 = 3;

/// The longest `Retry-After` that counts; a longer one is cut to this.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Reads `Retry-After`, as whole or fractional seconds or as an HTTP date. Returns `None` if it is absent or
/// makes no sense.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<f64>() {
        if !seconds.is_finite() || seconds < 0.0 {
            return None;
        }
        Duration::try_from_secs_f64(seconds).unwrap_or(MAX_RETRY_AFTER)
    } else {
        let at = Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()?;
        let wait: SignedDuration = at.duration_since(now);
        Duration::try_from(wait).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// How much of a budget is used, from 0.8 on: Graph says it of some identity resources. Above 1, requests are refused.
pub fn part_used(headers: &HeaderMap) -> Option<f64> {
    let used: f64 = headers.get("x-ms-throttle-limit-percentage")?.to_str().ok()?.trim().parse().ok()?;
    (0.0..=10.0).contains(&used).then_some(used)
}

/// Exponential backoff with full jitter: `jitter` is a random number from 0 to 1.
pub fn backoff(attempt: u32, jitter: f64) -> Duration {
    let ceiling = Duration::from_secs(1 << attempt.min(5));
    Duration::from_millis(200) + ceiling.mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::RETRY_AFTER, HeaderValue::from_str(text).unwrap());
        retry_after(&headers, "2026-03-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
        assert_eq!(parse("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse("2.128"), Some(Duration::from_millis(2128)));
        assert_eq!(parse("Sun, 01 Mar 2026 00:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(parse("Sat, 28 Feb 2026 00:00:30 GMT"), Some(Duration::ZERO));
        assert_eq!(parse("1e300"), Some(MAX_RETRY_AFTER));
        for nonsense in ["", "-5", "NaN", "inf", "soon"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn the_used_part_of_a_budget_is_a_small_number() {
        let read = |text| {
            let mut headers = HeaderMap::new();
            headers.insert("x-ms-throttle-limit-percentage", HeaderValue::from_static(text));
            part_used(&headers)
        };
        assert_eq!((read("0.8"), read(" 1.2")), (Some(0.8), Some(1.2)));
        assert_eq!([read("much"), read("-1"), read("NaN"), read("80")], [None; 4]);
    }

    #[test]
    fn the_backoff_grows_and_stays_bounded() {
        assert!(backoff(0, 0.0) >= Duration::from_millis(200));
        assert!(backoff(3, 1.0) > backoff(2, 1.0));
        assert!(backoff(u32::MAX, 1.0) <= MAX_WAIT);
    }
}
