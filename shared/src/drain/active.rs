//! How many handlings are at work at once. Too many would share the pace so thinly that what one of them read
//! would be stale before its first DELETE. A handling that only waits for Graph to forget a method does not
//! count.

use std::sync::Mutex;

use tokio::sync::Notify;

/// The most handlings that are at work at once.
const MOST: u32 = 48;

/// A gate whose width follows the pace.
#[derive(Debug, Default)]
pub(super) struct Active {
    working: Mutex<u32>,
    left: Notify,
}

/// The right to be at work; it ends when this is dropped.
pub(super) struct Working<'a>(&'a Active);

impl Active {
    /// Waits until fewer handlings are at work than the pace (in requests per second) allows.
    pub(super) async fn enter(&self, per_second: impl Fn() -> f64) -> Working<'_> {
        loop {
            let left = self.left.notified();
            {
                let mut working = self.lock();
                if *working < width(per_second()) {
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

/// Three reads and a DELETE must fit into 5 s for all who share the pace.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a small range")]
fn width(per_second: f64) -> u32 {
    (per_second / 2.0).clamp(1.0, f64::from(MOST)) as u32
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
    async fn one_at_a_time_at_a_slow_pace_and_never_more_than_the_most() {
        let active = Active::default();
        let first = active.enter(|| 1.0).await;
        let waits = tokio::time::timeout(std::time::Duration::from_millis(10), active.enter(|| 1.0)).await;
        assert!(waits.is_err());
        drop(first);
        let _second = active.enter(|| 1.0).await;
        assert_eq!((width(5.0), width(0.2), width(1e6)), (2, 1, MOST));
    }
}
