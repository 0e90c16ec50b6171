//! What goes wrong with a request.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use serde_json::json;

use crate::{
    answer::{Handled, Refusal, Success},
    options::Faults,
};

/// What chance has in store for one request.
#[derive(Debug)]
pub(crate) struct Fate {
    pub(crate) reset_before: bool,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) slow: Option<Slow>,
    spoiled_page: Option<u8>,
    pub(crate) reset_after: bool,
}

/// A late answer, and whether the server acts late, too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slow {
    pub(crate) pause: Duration,
    pub(crate) acts_late: bool,
}

impl Fate {
    /// Draws the same number of random values for every request, whatever the rates are.
    pub(crate) fn draw(faults: &Faults, chance: &mut fastrand::Rng, now: Timestamp, login: bool) -> Self {
        let mut hits = [faults.reset_before, faults.throttle, faults.server_error]
            .into_iter()
            .chain([faults.slow, faults.error_in_page, faults.reset_after])
            .map(|rate| chance.f64() < rate)
            .collect::<Vec<_>>()
            .into_iter();
        let mut hit = || hits.next().unwrap_or_default();
        let (reset_before, throttled, failed, slow, spoiled, reset_after) =
            (hit(), hit(), hit(), hit(), hit(), hit());
        let (shape, late) = (chance.u8(..4), chance.bool());
        let mut dice = chance.fork();
        let refusal = if throttled {
            let wait = Duration::from_millis(dice.u64(200..8_000));
            Some(Refusal::throttled().after(perhaps_retry_after(&mut dice, now, wait)))
        } else if failed {
            Some(server_error(&mut dice, login))
        } else {
            None
        };
        Self {
            reset_before,
            refusal,
            slow: slow.then_some(Slow { pause: faults.slow_for, acts_late: late }),
            spoiled_page: spoiled.then_some(shape),
            reset_after,
        }
    }

    /// Whether the server acts although the answer is a refusal.
    pub(crate) fn acts_all_the_same(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.status == 504)
    }

    /// Puts an error object into a page, if that was drawn and the answer is a page.
    pub(crate) fn spoil(&self, handled: Handled) -> Handled {
        let Some(shape) = self.spoiled_page else {
            return handled;
        };
        let Ok(Success::Json(mut body)) = handled else {
            return handled;
        };
        let Some(items) = body.get_mut("value").and_then(|value| value.as_array_mut()) else {
            return Ok(Success::Json(body));
        };
        let error = json!({ "code": "UnknownError", "message": "", "innerError": { "status": "500" } });
        items.truncate(items.len() / 2);
        match shape {
            0 => items.push(json!({ "error": error })),
            1 => {
                body["error"] = error;
            }
            2 => return Ok(Success::Json(json!({ "error": error }))),
            _ => {
                return Ok(Success::Text(format!("{body}{}", json!({ "error": error }))));
            }
        }
        if let Some(body) = body.as_object_mut() {
            body.remove("@odata.nextLink");
        }
        Ok(Success::Json(body))
    }
}

fn server_error(dice: &mut fastrand::Rng, login: bool) -> Refusal {
    let status = *dice.choice([500, 502, 503, 504].iter()).expect("the list is not empty");
    let refusal = match status {
        502 | 504 if dice.bool() => Refusal::gateway(status),
        _ if login => Refusal::login(
            status,
            "temporarily_unavailable",
            90033,
            "A transient error has occurred. Please try again.",
        ),
        500 => Refusal::graph(500, "UnknownError", ""),
        503 => Refusal::graph(503, "serviceNotAvailable", "The service is temporarily unavailable."),
        _ => Refusal::graph(status, "UnknownError", "The server failed to answer in time."),
    };
    let retry_after = (status == 503 && dice.bool()).then(|| dice.u8(1..5).to_string());
    refusal.after(retry_after)
}

/// Makes a `Retry-After` in one of the three forms that are seen, never earlier than `wait`.
pub(crate) fn retry_after(dice: &mut fastrand::Rng, now: Timestamp, wait: Duration) -> String {
    match dice.u8(..3) {
        0 => (wait.as_secs() + 1).to_string(),
        1 => format!("{:.3}", wait.as_secs_f64() + 0.001),
        _ => {
            let date = now + wait + Duration::from_secs(1);
            DateTimePrinter::new()
                .timestamp_to_rfc9110_string(&date)
                .expect("dates in this age have four-digit years")
        }
    }
}

/// Makes one in half of the cases.
pub(crate) fn perhaps_retry_after(
    dice: &mut fastrand::Rng,
    now: Timestamp,
    wait: Duration,
) -> Option<String> {
    dice.bool().then(|| retry_after(dice, now, wait))
}
