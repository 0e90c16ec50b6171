//! Metrics: their names, units and meaning. They go wherever whoever runs the use cases sends them; on AWS to
//! CloudWatch, on a laptop nowhere.

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use strum::VariantArray as _;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "MfaRollback";

/// The one dimension that every metric has: whose tenant it is.
pub const TENANT: &str = "TenantId";

/// The dimension of [`Metric::UsersDecided`]: `roll_back`, `not_eligible`, `held` or `undecided`.
pub const DECISION: &str = "Decision";

/// A metric.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::VariantArray,
)]
pub enum Metric {
    /// Audit events read.
    EventsRead,
    /// Users with a registration that was not seen before.
    Candidates,
    /// Messages put into the queue.
    Enqueued,
    /// Registrations that were seen before.
    Duplicates,
    /// Registrations that only a sweep found; must be 0.
    MissedEvents,
    /// How late registrations showed in the audit log, from the second scan on.
    EventLagSeconds,
    /// Polls that came to their end.
    PollsFinished,
    /// How old the scan position is, until the window has closed.
    WatermarkAgeSeconds,
    /// Users decided on, by [`DECISION`].
    UsersDecided,
    /// Users rolled back.
    UsersRolledBack,
    /// Users of whom some methods are gone and some are left.
    UsersPartial,
    /// Users whose rollback failed.
    UsersFailed,
    /// Requests sent to Graph.
    GraphRequests,
    /// Requests that Graph throttled.
    GraphThrottled,
    /// Requests refused for want of a credential, a permission or a licence (401, 403).
    GraphDenied,
    /// 1 while the brake is open, else 0.
    BrakeOpen,
    /// Days until the first of the application's secrets or certificates runs out.
    CredentialDaysLeft,
}

impl Metric {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name in CloudWatch.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Its unit.
    pub fn unit(self) -> Unit {
        match self {
            Self::EventLagSeconds | Self::WatermarkAgeSeconds => Unit::Seconds,
            _ => Unit::Count,
        }
    }

    /// Whether it is a sum of what happened, rather than something measured.
    fn is_sum(self) -> bool {
        let measured =
            [Self::EventLagSeconds, Self::WatermarkAgeSeconds, Self::BrakeOpen, Self::CredentialDaysLeft];
        !measured.contains(&self)
    }

    /// Counts so many more.
    pub fn count(self, more: u64) {
        if more > 0 {
            counter!(self.name()).increment(more);
        }
    }

    /// Says what was measured just now. It is told once, and not again with what is told later.
    pub fn measure(self, value: f64) {
        histogram!(self.name()).record(value);
    }
}

/// Counts a user who was decided on.
pub fn count_decided(decision: &'static str) {
    counter!(Metric::UsersDecided.name(), DECISION => decision).increment(1);
}

/// Tells a recorder the units.
pub fn describe() {
    for metric in Metric::ALL {
        if metric.is_sum() {
            describe_counter!(metric.name(), metric.unit(), "");
        } else {
            describe_histogram!(metric.name(), metric.unit(), "");
        }
    }
}
