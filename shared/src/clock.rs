//! The only source of time.

use std::sync::Arc;

use jiff::Timestamp;

/// Wall-clock time. Tokens, leases and caches expire by this, never by a monotonic clock, which stops while a
/// sandbox is frozen.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's own clock.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn system() -> Self {
        Self::from_fn(Timestamp::now)
    }

    /// A clock that calls `now`, for simulated time.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the current time. It may go backwards, since it is wall-clock time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
