//! How many handlings are at work at once. Too many would share the limit so thinly that what one of them read
//! would be stale before its first DELETE. A handling that only waits for Graph to forget a method does not
//! count.

use std::sync::Mutex;

use tokio::sync::Notify;

/// The most handlings that are at work at once.
const MOST: u32 = 48;

/// A gate whose width follows the limit that Graph sets.
#[derive(Debug, Default)]
pub(super) struct Active {
    working: Mutex<u32>,
    left: Notify,
}

/// The right to be at work; it ends when this is dropped.
pub(super) struct Working<'a>(&'a Active);

impl Active {
    /// Waits until fewer handlings are at work than the limit allows, in requests per 10 s; `None` if there is none.
    pub(super) async fn enter(&self, limit: impl Fn() -> Option<f64>) -> Working<'_> {
        loop {
            let left = self.left.notified();
            {
                let mut working = self.lock();
                if *working < width(limit()) {
                    *working += 1;
                    return Working(self);
                }
            }
            left.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, u32> {
        self.working.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Two reads and two DELETEs must fit into 5 s for all who share the limit.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a small range")]
fn width(limit: Option<f64>) -> u32 {
    limit.map_or(MOST, |limit| (limit / 8.0).clamp(1.0, f64::from(MOST)) as u32)
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
        self.0.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_below_a_low_limit_and_never_more_than_the_most() {
        let active = Active::default();
        let first = active.enter(|| Some(1.0)).await;
        let waits =
            tokio::time::timeout(std::time::Duration::from_millis(10), active.enter(|| Some(1.0))).await;
        assert!(waits.is_err());
        drop(first);
        let _second = active.enter(|| Some(1.0)).await;
        assert_eq!((width(Some(56.0)), width(Some(6.0)), width(Some(1e6)), width(None)), (7, 1, MOST, MOST));
    }
}
