//! Metrics: their names, units and meaning. The installed recorder decides where they go: on AWS to
//! CloudWatch, on a laptop nowhere.

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use strum::VariantArray as _;

/// The CloudWatch namespace of all metrics.
pub const NAMESPACE: &str = "MfaRollback";

/// The one dimension that every metric has: the tenant's id.
pub const TENANT: &str = "TenantId";

/// The dimension of [`Metric::UsersDecided`]: `roll_back`, `not_eligible`, `held` or `undecided`.
pub const DECISION: &str = "Decision";

/// Everything that is measured; a variant's name is the metric's name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::VariantArray,
)]
pub enum Metric {
    /// Audit events read by polls that succeeded.
    EventsRead,
    /// Users with a registration that was not seen before.
    Candidates,
    /// Messages put into the queue.
    Enqueued,
    /// Registrations that were seen before.
    Duplicates,
    /// Registrations that only a sweep found; must be 0.
    MissedEvents,
    /// How late registrations appeared in the audit log, from the second scan on.
    EventLagSeconds,
    /// Polls that finished without an error.
    PollsFinished,
    /// How old the scan position is, until it reaches the end of the window.
    WatermarkAgeSeconds,
    /// Users decided on, by [`DECISION`].
    UsersDecided,
    /// Users whose handling ended in `rolled_back`.
    UsersRolledBack,
    /// Users of whom some methods are gone and some are left.
    UsersPartial,
    /// Users whose rollback failed.
    UsersFailed,
    /// Requests sent to Graph, including retries but not sign-ins.
    GraphRequests,
    /// Requests that Graph answered with 429.
    GraphThrottled,
    /// Requests and sign-ins refused because a credential, permission or licence is missing or wrong (401,
    /// 403).
    GraphDenied,
    /// 1 while the brake is open, else 0.
    BrakeOpen,
    /// Days until the first of the application's secrets or certificates expires.
    CredentialDaysLeft,
}

impl Metric {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name in CloudWatch.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The unit that [`describe`] tells the recorder: seconds or a count.
    pub fn unit(self) -> Unit {
        match self {
            Self::EventLagSeconds | Self::WatermarkAgeSeconds => Unit::Seconds,
            _ => Unit::Count,
        }
    }

    /// Whether it counts events, rather than recording a measured value.
    fn is_sum(self) -> bool {
        let measured =
            [Self::EventLagSeconds, Self::WatermarkAgeSeconds, Self::BrakeOpen, Self::CredentialDaysLeft];
        !measured.contains(&self)
    }

    /// Adds `more` to the counter; 0 records nothing.
    pub fn count(self, more: u64) {
        if more > 0 {
            counter!(self.name()).increment(more);
        }
    }

    /// Records a value measured just now. It is reported once, not repeated with later reports.
    pub fn measure(self, value: f64) {
        histogram!(self.name()).record(value);
    }
}

/// Counts a user in [`Metric::UsersDecided`]; `decision` is the value of [`DECISION`].
pub fn count_decided(decision: &'static str) {
    counter!(Metric::UsersDecided.name(), DECISION => decision).increment(1);
}

/// Tells the installed recorder the unit of every metric.
pub fn describe() {
    for metric in Metric::ALL {
        if metric.is_sum() {
            describe_counter!(metric.name(), metric.unit(), "");
        } else {
            describe_histogram!(metric.name(), metric.unit(), "");
        }
    }
}
