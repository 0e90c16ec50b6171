//! The steps of one process: there is one before and one after each I/O, and the process may die at any of
//! them.

use std::{
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use fastrand::Rng;
use futures::FutureExt;
use jiff::SignedDuration;
use tokio::{sync::Notify, time::Instant};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The step number for a process that does not die.
pub(crate) const NEVER: u32 = u32::MAX;

/// How long an invocation may run past its deadline before it is cut off.
const FOR_THE_ANSWER: Duration = Duration::from_secs(8);

/// What happens to an invocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Luck {
    /// The step at which the process dies; [`NEVER`] if it does not.
    pub(crate) dies_at: u32,
    /// When it stands still, counted from its start, and for how long.
    pub(crate) freezes: Option<(Duration, Duration)>,
}

/// How far one process has come.
pub(crate) struct Steps {
    chance: Mutex<Rng>,
    taken: AtomicU32,
    dies_at: AtomicU32,
    died: Notify,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End<T> {
    Done(T),
    Died,
}

impl Steps {
    pub(crate) fn new(chance: Rng) -> Self {
        Self {
            chance: Mutex::new(chance),
            taken: AtomicU32::new(0),
            dies_at: AtomicU32::new(NEVER),
            died: Notify::new(),
        }
    }

    /// Takes one step; the one at which the process dies never ends.
    pub(crate) async fn step(&self) {
        if self.taken.fetch_add(1, Relaxed) >= self.dies_at.load(Relaxed) {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Draws whether something of this probability happens.
    pub(crate) fn happens(&self, probability: f64) -> bool {
        lock(&self.chance).f64() < probability
    }

    /// Draws a time of up to `most`.
    pub(crate) fn some_time(&self, most: Duration) -> Duration {
        most.mul_f64(lock(&self.chance).f64())
    }

    /// Lets `work` run until it is done or dies at its step number `dies_at`.
    pub(crate) async fn run<T>(&self, dies_at: u32, work: impl Future<Output = T>) -> End<T> {
        self.taken.store(0, Relaxed);
        self.dies_at.store(dies_at, Relaxed);
        // Clears what several branches may have signaled in the last run.
        let _ = self.died.notified().now_or_never();
        tokio::select! {
            biased;
            () = self.died.notified() => End::Died,
            done = work => End::Done(done),
        }
    }

    /// Runs `work` as far as its luck goes; without a freeze it is cut off after `time`. Returns `None` if it
    /// died or was cut off.
    pub(crate) async fn invoke<T>(
        &self,
        luck: Luck,
        time: SignedDuration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let now = tokio::time::Instant::now();
        let time = time.unsigned_abs() + FOR_THE_ANSWER;
        let ended = match luck.freezes {
            Some((after, length)) => {
                self.run(luck.dies_at, async { Ok(freezing(work, now + after, length).await) }).await
            }
            None => self.run(luck.dies_at, tokio::time::timeout(time, work)).await,
        };
        match ended {
            End::Done(Ok(value)) => Some(value),
            End::Done(Err(_)) | End::Died => None,
        }
    }
}

/// Runs `work`, and freezes it for `length` at `from`: none of its tasks runs, and all its timers are late.
/// The requests that it has sent continue without it.
pub(crate) async fn freezing<F: Future>(work: F, from: Instant, length: Duration) -> F::Output {
    let mut work = pin!(work);
    let mut freeze = pin!(tokio::time::sleep_until(from));
    let mut thaw = pin!(tokio::time::sleep_until(from + length));
    std::future::poll_fn(move |context| {
        let frozen = freeze.as_mut().poll(context).is_ready() && thaw.as_mut().poll(context).is_pending();
        if frozen { Poll::Pending } else { work.as_mut().poll(context) }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_dies_at_its_step_and_takes_all_its_branches_along() {
        let steps = Steps::new(Rng::with_seed(1));
        let done = AtomicU32::new(0);
        let branch = async || {
            for _ in 0..10 {
                steps.step().await;
                done.fetch_add(1, Relaxed);
            }
        };
        let work = async { tokio::join!(branch(), branch()) };
        assert_eq!(steps.run(7, work).await, End::Died);
        assert_eq!(done.load(Relaxed), 7);
        assert_eq!(steps.run(NEVER, async { 3 }).await, End::Done(3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_frozen_does_nothing_until_it_thaws() {
        let begun = Instant::now();
        let tick = async {
            let mut late = Duration::ZERO;
            for _ in 0..10 {
                let before = Instant::now();
                tokio::time::sleep(Duration::from_secs(1)).await;
                late = late.max(before.elapsed());
            }
            late
        };
        let late = freezing(tick, begun + Duration::from_millis(2500), Duration::from_mins(1)).await;
        assert!(late >= Duration::from_mins(1), "{late:?}");
    }
}
