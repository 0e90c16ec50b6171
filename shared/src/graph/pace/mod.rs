//! How fast requests are sent: the audit log, the reports and What If at a pace that is known, the rest at one that is
//! found out. Each resource has a line of its own, in which those go first whose user is begun: what was read about
//! them grows old.
//! All of it uses the wall clock: the monotonic clock stops in a frozen sandbox, and a pause would never end there.

mod fixed;
mod limit;
#[cfg(test)]
mod model;
#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Notify;

use self::{
    fixed::Fixed,
    limit::{LONGEST, Limit, Next, PERIOD, after},
};
use crate::{clock::Clock, domain::window::until};

/// No turn is further away than this, unless the clock was set back.
const FARTHEST: Duration = Duration::from_mins(10);

/// How long a look at the line takes at most when nothing happens in it.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Something was read already, and grows old.
    Begun,
    /// Nothing was begun.
    New,
}

/// The turn would come after the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLate {
    /// How far away it is.
    pub(super) wait: Duration,
}

/// The pace of one resource, and the line before it.
#[derive(Debug)]
pub(super) struct Pace {
    line: Mutex<Line>,
    moved: Notify,
}

#[derive(Debug)]
struct Line {
    rate: Rate,
    waiting: BTreeSet<Place>,
    places: u64,
}

/// A place in the line: the more urgent first, then who came first.
type Place = (Urgency, u64);

#[derive(Debug)]
enum Rate {
    Fixed(Fixed),
    Found(Limit),
}

/// The right to send one request now. However it went is said to the pace; a turn that is dropped counts as one
/// without an answer.
#[derive(Debug)]
pub struct Turn {
    pace: Arc<Pace>,
    sent: Timestamp,
    open: bool,
}

impl Pace {
    /// A pace that is known: so many requests in any period.
    pub(super) fn fixed(requests: f64, period: Duration) -> Arc<Self> {
        Self::at(Rate::Fixed(Fixed::new(requests, period)))
    }

    /// A pace that is found out, from so many requests at once on.
    pub(super) fn found(at_once: f64) -> Arc<Self> {
        Self::at(Rate::Found(Limit::new(at_once)))
    }

    fn at(rate: Rate) -> Arc<Self> {
        let line = Line { rate, waiting: BTreeSet::new(), places: 0 };
        Arc::new(Self { line: Mutex::new(line), moved: Notify::new() })
    }

    /// Waits for a turn; gives up as soon as it would come after the deadline.
    pub(super) async fn turn(
        self: &Arc<Self>,
        urgency: Urgency,
        clock: &Clock,
        deadline: Option<Timestamp>,
    ) -> Result<Turn, TooLate> {
        let place = self.stand_in_line(urgency);
        loop {
            let moved = self.moved.notified();
            let now = clock.now();
            let at = match self.lock().look(place.place, now) {
                Ok(()) => return Ok(Turn { pace: Arc::clone(self), sent: now, open: true }),
                Err(at) => at,
            };
            if deadline.is_some_and(|deadline| now >= deadline || at.is_some_and(|at| at >= deadline)) {
                return Err(TooLate { wait: at.map_or(PERIOD, |at| until(now, at)) });
            }
            let wait = at.map_or(LOOK_AGAIN, |at| until(now, at)).clamp(Duration::from_millis(1), LOOK_AGAIN);
            let wait = deadline.map_or(wait, |deadline| wait.min(until(now, deadline)));
            let _ = tokio::time::timeout(wait, moved).await;
        }
    }

    fn stand_in_line(&self, urgency: Urgency) -> Standing<'_> {
        let mut line = self.lock();
        line.places += 1;
        let place = (urgency, line.places);
        line.waiting.insert(place);
        Standing { pace: self, place }
    }

    /// The limit that was found, in requests per 10 s; `None` if it is known, or nothing was refused yet.
    pub(super) fn limit(&self) -> Option<f64> {
        match &self.lock().rate {
            Rate::Fixed(_) => None,
            Rate::Found(limit) => limit.per_period(),
        }
    }

    /// Starts from a limit that was found a short while ago, in requests per 10 s.
    pub(super) fn resume(&self, per_10_seconds: f64, now: Timestamp) {
        if let Rate::Found(limit) = &mut self.lock().rate {
            limit.resume(per_10_seconds, now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Takes the turn if it is this one's. Otherwise says when that may be; `None` if nobody knows yet.
    fn look(&mut self, place: Place, now: Timestamp) -> Result<(), Option<Timestamp>> {
        let mut next = self.rate.next(now);
        if matches!(next, Next::At(at) if until(now, at) > FARTHEST) {
            match &mut self.rate {
                Rate::Fixed(fixed) => fixed.set_back(),
                Rate::Found(limit) => limit.set_back(),
            }
            next = self.rate.next(now);
        }
        match next {
            Next::At(at) if self.waiting.first() == Some(&place) => {
                if at > now {
                    return Err(Some(at));
                }
                match &mut self.rate {
                    Rate::Fixed(fixed) => fixed.send(now),
                    Rate::Found(limit) => limit.send(now),
                }
                Ok(())
            }
            Next::At(at) => {
                let ahead = self.waiting.range(..place).count();
                Err(Some(self.rate.later(at, ahead)))
            }
            Next::AfterAnAnswer => Err(None),
        }
    }
}

impl Rate {
    fn next(&self, now: Timestamp) -> Next {
        match self {
            Self::Fixed(fixed) => Next::At(fixed.next(now)),
            Self::Found(limit) => limit.next(now),
        }
    }

    /// When the turn after so many others may come, if the first of them comes at this moment.
    fn later(&self, at: Timestamp, others: usize) -> Timestamp {
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        match self {
            Self::Fixed(fixed) => {
                let mut ahead = fixed.clone();
                let mut at = at;
                for _ in 0..others {
                    ahead.send(at);
                    at = ahead.next(at);
                }
                at
            }
            Self::Found(limit) => {
                let spacing = limit.per_period().map(|limit| PERIOD.div_f64(limit)).unwrap_or_default();
                after(at, spacing.saturating_mul(others))
            }
        }
    }
}

/// A place in the line, which is left when this is dropped.
struct Standing<'p> {
    pace: &'p Pace,
    place: Place,
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.pace.lock().waiting.remove(&self.place);
        self.pace.moved.notify_waiters();
    }
}

impl Turn {
    /// Says that the request was granted, and how much of the budget is used if Graph said it.
    pub(super) fn granted(mut self, now: Timestamp, used: Option<f64>) {
        self.answered(|rate, sent| {
            if let Rate::Found(limit) = rate {
                limit.granted(sent, now, used);
            }
        });
    }

    /// Says that the request was refused: everybody waits for as long as Graph says, or for as long as it needs.
    /// Returns how long.
    pub(super) fn refused(mut self, now: Timestamp, wait: Option<Duration>) -> Duration {
        let mut waits = wait.unwrap_or_default();
        self.answered(|rate, sent| match rate {
            Rate::Fixed(fixed) => {
                waits = wait.unwrap_or(NO_RETRY_AFTER);
                fixed.pause(now, waits.min(LONGEST));
            }
            Rate::Found(limit) => waits = limit.refused(sent, now, wait),
        });
        waits
    }

    fn answered(&mut self, tell: impl FnOnce(&mut Rate, Timestamp)) {
        if std::mem::take(&mut self.open) {
            tell(&mut self.pace.lock().rate, self.sent);
            self.pace.moved.notify_waiters();
        }
    }
}

/// How long a known pace pauses after a refusal that names no time.
const NO_RETRY_AFTER: Duration = Duration::from_secs(3);

impl Drop for Turn {
    fn drop(&mut self) {
        self.answered(|rate, _| {
            if let Rate::Found(limit) = rate {
                limit.lost();
            }
        });
    }
}

#[cfg(test)]
mod line_tests {
    use super::*;

    fn clock() -> Clock {
        let start = tokio::time::Instant::now();
        Clock::from_fn(move || after(Timestamp::UNIX_EPOCH, start.elapsed()))
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_begun_goes_before_who_came_first() {
        let (pace, clock) = (Pace::fixed(1.0, Duration::from_secs(1)), clock());
        drop(pace.turn(Urgency::New, &clock, None).await.unwrap());
        let order = Mutex::new(Vec::new());
        let wait = async |urgency, name| {
            pace.turn(urgency, &clock, None).await.unwrap();
            order.lock().unwrap().push(name);
        };
        tokio::join!(wait(Urgency::New, "new"), wait(Urgency::New, "newer"), wait(Urgency::Begun, "begun"));
        assert_eq!(*order.lock().unwrap(), ["begun", "new", "newer"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_not_waited_for() {
        let (pace, clock) = (Pace::found(5.0), clock());
        let turn = pace.turn(Urgency::New, &clock, None).await.unwrap();
        turn.refused(clock.now(), Some(Duration::from_secs(30)));
        let deadline = after(clock.now(), Duration::from_secs(20));
        let late = pace.turn(Urgency::New, &clock, Some(deadline)).await.unwrap_err();
        assert_eq!((late.wait, clock.now()), (Duration::from_secs(30), Timestamp::UNIX_EPOCH));
        pace.turn(Urgency::New, &clock, None).await.unwrap();
        assert_eq!(clock.now(), after(Timestamp::UNIX_EPOCH, Duration::from_secs(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_stands_in_nobodys_way() {
        let (pace, clock) = (Pace::fixed(1.0, Duration::from_secs(1)), clock());
        drop(pace.turn(Urgency::New, &clock, None).await.unwrap());
        let gives_up =
            tokio::time::timeout(Duration::from_millis(10), pace.turn(Urgency::Begun, &clock, None));
        assert!(gives_up.await.is_err());
        pace.turn(Urgency::New, &clock, None).await.unwrap();
        assert!(clock.now() < after(Timestamp::UNIX_EPOCH, Duration::from_secs(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_back_stops_nobody() {
        let pace = Pace::found(5.0);
        let hour = Duration::from_hours(1);
        let at = |wait| Clock::from_fn(move || after(Timestamp::UNIX_EPOCH, wait));
        let turn = pace.turn(Urgency::New, &at(hour), None).await.unwrap();
        turn.refused(at(hour).now(), Some(Duration::from_secs(30)));
        pace.turn(Urgency::New, &at(Duration::ZERO), None).await.unwrap();
    }
}
