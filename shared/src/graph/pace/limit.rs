//! Finds a request limit that nobody tells, from what is granted and what is refused.
//!
//! Graph counts requests in a sliding window, of about 10 s where it says so. Like BBR, this measures what was
//! delivered over such a period instead of guessing from losses, and like TCP's slow start it multiplies until the
//! first refusal. What is in flight then is refused, too, so that it may only be a small part of what was granted.
//! After a refusal everybody waits, one request goes ahead to see whether the wait was long enough, and the limit
//! becomes what was granted in the period before: no fraction of a fraction. From there it creeps up to where it was
//! refused, and beyond that faster with each step that holds. A larger share is refused more often, so that two
//! processes come to shares that are fair.

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// The period over which Graph counts where it says so.
pub(super) const PERIOD: Duration = Duration::from_secs(10);

/// The smallest limit, in requests per period: below it, what was read about a user would be stale before their default
/// method changes (two reads, a DELETE that is refused, another read and the change, within 5 s).
pub(super) const SMALLEST: f64 = 10.0;
/// The largest limit, in requests per period: one process needs no more.
pub(super) const LARGEST: f64 = 10_000.0;

/// One more may be in flight for so many requests that were granted without a refusal.
const GRANTED_FOR_ONE_MORE: f64 = 20.0;
/// The part of the measured limit that is used at first, so that jitter does not reach it.
const BELOW: f64 = 0.93;
/// How many requests must be granted before the limit is raised towards where it was refused.
const GRANTED_TO_RAISE: u32 = 100;
/// The first wait after a refusal that names none; each further one is longer by half.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest pause; a request that is told to wait longer goes back to its caller.
pub(super) const LONGEST: Duration = Duration::from_mins(1);
/// How late a turn may be taken without loss to the next ones.
const SLACK: Duration = Duration::from_millis(250);
/// From so many granted requests on, they tell where the limit is.
const TELLS_SOMETHING: usize = 8;
/// A pause after which requests begin anew.
const REST: Duration = Duration::from_secs(3);
/// What one refusal leaves of the limit at least.
const KEPT: f64 = 0.6;
/// From this part of a budget on, Graph says how much of it is used.
const NEARLY_USED: f64 = 0.8;

/// When the next request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// At this moment.
    At(Timestamp),
    /// When an answer has come.
    AfterAnAnswer,
}

/// The limit of one resource, as far as it is known.
#[derive(Debug)]
pub(super) struct Limit {
    /// Requests per period; `None` until something was refused.
    found: Option<Found>,
    /// How many may be in flight at the start.
    at_start: f64,
    in_flight: u32,
    /// When the requests of the last period were sent that were granted.
    granted: VecDeque<Timestamp>,
    granted_in_all: f64,
    next: Option<Timestamp>,
    refusal: Option<Refusal>,
    /// One request goes ahead of the others.
    scouting: bool,
    refused_in_a_row: u32,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    per_period: f64,
    /// Where it was refused.
    ceiling: f64,
    step: f64,
    changed: Timestamp,
    granted_since: u32,
}

#[derive(Debug, Clone, Copy)]
struct Refusal {
    /// When the refused request was sent.
    sent: Timestamp,
    until: Timestamp,
}

impl Limit {
    /// Starts with this many requests in flight at most.
    pub(super) fn new(at_start: f64) -> Self {
        Self {
            found: None,
            at_start: at_start.max(1.0),
            in_flight: 0,
            granted: VecDeque::new(),
            granted_in_all: 0.0,
            next: None,
            refusal: None,
            scouting: false,
            refused_in_a_row: 0,
        }
    }

    /// Starts from a limit that was found a short while ago, unless one was found already.
    pub(super) fn resume(&mut self, per_period: f64, now: Timestamp) {
        self.found.get_or_insert_with(|| Found::at(per_period, now));
    }

    /// The limit, in requests per period; `None` if nothing was refused yet.
    pub(super) fn per_period(&self) -> Option<f64> {
        self.found.map(|found| found.per_period)
    }

    fn most_in_flight(&self) -> f64 {
        match self.found {
            _ if self.scouting => 1.0,
            None => self.at_start + self.granted_in_all / GRANTED_FOR_ONE_MORE,
            Some(_) => f64::INFINITY,
        }
    }

    /// When the next request may be sent.
    pub(super) fn next(&self, now: Timestamp) -> Next {
        if self.refusal.is_none() && f64::from(self.in_flight) + 1.0 > self.most_in_flight() {
            return Next::AfterAnAnswer;
        }
        let until = self.refusal.map(|refusal| refusal.until);
        let at = self.next.max(until);
        Next::At(at.map_or(now, |at| at.max(now)))
    }

    /// Records that a request is sent.
    pub(super) fn send(&mut self, now: Timestamp) {
        if let Some(refusal) = self.refusal.take() {
            self.measure(refusal, now);
            self.scouting = true;
        }
        self.in_flight += 1;
        let spacing = PERIOD.div_f64(self.found.map_or(LARGEST, |found| found.per_period));
        let due = self.next.map_or(now, |next| next.max(before(now, SLACK)));
        self.next = Some(after(due, spacing));
    }

    /// Records that a request was granted. `used` is how much of the budget is used, where Graph says it.
    pub(super) fn granted(&mut self, sent: Timestamp, now: Timestamp, used: Option<f64>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.granted_in_all += 1.0;
        let at = self.granted.partition_point(|other| *other <= sent);
        self.granted.insert(at, sent);
        self.forget(now);
        if self.refusal.is_none() {
            self.scouting = false;
            self.refused_in_a_row = 0;
        }
        let in_period = number(self.since(before(now, PERIOD)));
        let used = used.filter(|used| *used >= NEARLY_USED);
        let Some(found) = &mut self.found else {
            // Nothing was refused, so that nothing stands above it.
            if let Some(used) = used {
                self.found = Some(Found { ceiling: 0.0, ..Found::at(in_period / used, now) });
            }
            return;
        };
        found.granted_since += 1;
        if now < after(found.changed, PERIOD) || in_period < 0.85 * found.per_period {
            return;
        }
        if let Some(used) = used {
            *found = Found::at(in_period / used, now);
        } else if found.per_period > found.ceiling || found.granted_since >= GRANTED_TO_RAISE {
            found.raise(now);
        }
    }

    /// Records that a request was refused, and stops everybody for a while. Returns for how long.
    pub(super) fn refused(&mut self, sent: Timestamp, now: Timestamp, wait: Option<Duration>) -> Duration {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.scouting || self.refusal.is_none() {
            self.refused_in_a_row += 1;
        }
        let n = i32::try_from(self.refused_in_a_row.min(8)).unwrap_or(8);
        let wait = wait.unwrap_or_else(|| FIRST_WAIT.mul_f64(1.5f64.powi(n - 1)));
        let until = after(now, wait.min(LONGEST));
        match &mut self.refusal {
            Some(refusal) => refusal.until = refusal.until.max(until),
            None => self.refusal = Some(Refusal { sent, until }),
        }
        self.scouting = false;
        wait
    }

    /// Forgets what lies ahead, after the clock was set back.
    pub(super) fn set_back(&mut self) {
        (self.next, self.refusal) = (None, None);
        self.granted.clear();
    }

    /// Records that no answer came, or that nothing was sent.
    pub(super) fn lost(&mut self) {
        self.scouting = false;
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Sets the limit to what was granted in the period before a refusal.
    fn measure(&mut self, refusal: Refusal, now: Timestamp) {
        let begin = self.granted.partition_point(|at| *at < before(refusal.sent, PERIOD));
        let in_period: Vec<Timestamp> = self.granted.iter().skip(begin).copied().collect();
        // What was granted before a rest says nothing about the limit of a budget that counts over a shorter time.
        let rested = in_period.windows(2).rposition(|two| seconds(two[0], two[1]) > REST.as_secs_f64());
        let in_a_row = &in_period[rested.map_or(0, |at| at + 1)..];
        let granted = in_a_row.len();
        // A budget that was used up at once may count over a shorter time: until it grants again.
        let first = in_a_row.first().map_or(now, |at| *at);
        let span = seconds(first, now).clamp(1.0, PERIOD.as_secs_f64());
        let mut per_period = number(granted) * PERIOD.as_secs_f64() / span;
        if let Some(found) = self.found {
            // What was hardly used is not what was refused.
            per_period = per_period.max(found.per_period * KEPT).min(found.per_period);
        }
        let mut found = Found::at(per_period, now);
        if granted < TELLS_SOMETHING {
            found.ceiling = 0.0;
        }
        self.found = Some(found);
        self.next = None;
    }

    fn since(&self, from: Timestamp) -> usize {
        self.granted.len() - self.granted.partition_point(|at| *at < from)
    }

    fn forget(&mut self, now: Timestamp) {
        // Twice as long, since a refusal may be measured a while after it was sent.
        let from = before(now, PERIOD * 2);
        while self.granted.front().is_some_and(|at| *at < from) {
            self.granted.pop_front();
        }
    }
}

impl Found {
    /// A limit that was measured.
    fn at(ceiling: f64, now: Timestamp) -> Self {
        let per_period = (ceiling * BELOW).clamp(SMALLEST, LARGEST);
        Self { per_period, ceiling, step: 0.0, changed: now, granted_since: 0 }
    }

    /// Raises it by a step that grows more slowly than the limit, which evens out the shares of two processes.
    fn raise(&mut self, now: Timestamp) {
        let step = (self.per_period.sqrt() / 2.0 - 1.0).max(1.0);
        self.step = if self.per_period > self.ceiling { (self.step * 2.0).max(step) } else { step };
        self.per_period = (self.per_period + self.step).min(LARGEST);
        (self.changed, self.granted_since) = (now, 0);
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// `at` and `wait` later.
pub(super) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait).ok().and_then(|wait| at.checked_add(wait).ok()).unwrap_or(Timestamp::MAX)
}

fn before(at: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait).ok().and_then(|wait| at.checked_sub(wait).ok()).unwrap_or(Timestamp::MIN)
}
