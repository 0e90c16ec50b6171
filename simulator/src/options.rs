//! What kind of tenant to simulate.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    answer::Refusal,
    credentials::{Certificate, FederatedCredential},
    ids::random_uuid,
    permissions::ALL_PERMISSIONS,
    standing::Standing,
};

/// The source of all time in the tenant.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The tenant and how it behaves.
#[derive(Clone)]
pub struct Options {
    /// The tenant's object id; it follows from the seed.
    pub tenant_id: Uuid,
    /// The id of the one application that may sign in.
    pub client_id: Uuid,
    /// The client secret that the application signs in with.
    pub client_secret: String,
    /// When its secret and its certificates expire. They still work after that.
    pub credential_ends_at: Timestamp,
    /// Its certificates; none in a new tenant.
    pub certificates: Vec<Certificate>,
    /// The issuers whose tokens it may sign in with; none in a new tenant.
    pub federated_credentials: Vec<FederatedCredential>,
    /// The seed of everything that is left to chance.
    pub seed: u64,
    /// The source of all time in the tenant.
    pub clock: Clock,
    /// Whether Graph's limits are enforced.
    pub budget: Budget,
    /// The limit of the audit log and the reports.
    pub report_limit: Limit,
    /// The limit of `users/…/authentication/…`.
    pub authentication_limit: Limit,
    /// How long an answer is under way once the server has acted; drawn for each.
    pub latency: RangeInclusive<Duration>,
    /// How long a deleted method still shows in lists and counts for the default rule.
    pub removal_delay: Duration,
    /// How much longer than that it shows at most; drawn for each.
    pub removal_spread: Duration,
    /// How long an access token is valid.
    pub token_lifetime: Duration,
    /// How long the link to a next page is valid.
    pub cursor_lifetime: Duration,
    /// How long after the event the audit log keeps a record.
    pub retention: Duration,
    /// Entries per page of most lists, unless `$top` asks for another number.
    pub page_size: usize,
    /// Records per page of the audit log at most, whatever `$top` asks for.
    pub audit_page_size: usize,
    /// Whether the audit log can be filtered by target: Microsoft gives no example.
    pub audit_by_target: bool,
    /// The granted application permissions.
    pub permissions: Vec<String>,
    /// The tenant's licence, which decides what Graph refuses.
    pub premium: Premium,
    /// What goes wrong with requests by chance.
    pub faults: Faults,
}

impl Options {
    /// A tenant with a P2 licence, all permissions granted, Graph's limits kept and no faults.
    pub fn new(seed: u64, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x7e4a);
        Self {
            tenant_id: random_uuid(&mut rng),
            client_id: random_uuid(&mut rng),
            client_secret: format!("sim~{:016x}", rng.u64(..)),
            credential_ends_at: clock() + SignedDuration::from_hours(365 * 24),
            certificates: Vec::new(),
            federated_credentials: Vec::new(),
            seed,
            clock: Arc::new(clock),
            budget: Budget::Real,
            report_limit: Limit { requests: 5, period: Duration::from_secs(10) },
            authentication_limit: Limit { requests: 10, period: Duration::from_secs(2) },
            latency: Duration::ZERO..=Duration::ZERO,
            removal_delay: Duration::from_secs(10),
            removal_spread: Duration::ZERO,
            token_lifetime: Duration::from_hours(1),
            cursor_lifetime: Duration::from_hours(1),
            retention: Duration::from_hours(30 * 24),
            page_size: 100,
            audit_page_size: 1000,
            audit_by_target: true,
            permissions: ALL_PERMISSIONS.iter().map(ToString::to_string).collect(),
            premium: Premium::P2,
            faults: Faults::default(),
        }
    }
}

/// Whether Graph's limits are enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// [`Options::report_limit`] and [`Options::authentication_limit`], and one request a second on
    /// Conditional Access.
    Real,
    /// No limits; only [`Faults::throttle`] answers 429.
    Off,
}

/// At most so many requests in any such period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub requests: usize,
    /// In how long.
    pub period: Duration,
}

/// The tenant's licence, which decides what Graph refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Premium {
    /// Nothing is refused for lack of a licence.
    P2,
    /// No Privileged Identity Management.
    P1,
    /// No audit log through Graph and no registration report either.
    Free,
}

impl Premium {
    /// Refuses the audit log and the reports without at least a P1 licence.
    pub(crate) fn require_reports(self) -> Result<(), Refusal> {
        if self == Self::Free {
            return Err(Refusal::graph(
                403,
                "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                "Neither tenant is B2C or tenant doesn't have premium license",
            ));
        }
        Ok(())
    }

    /// Refuses Privileged Identity Management without a P2 licence.
    pub(crate) fn require_pim(self) -> Result<(), Refusal> {
        if self != Self::P2 {
            return Err(Refusal::graph(
                400,
                "AadPremiumLicenseRequired",
                "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
            ));
        }
        Ok(())
    }
}

/// What goes wrong; rates are probabilities per request (0 to 1).
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// 429; half of them with a `Retry-After` (whole, fractional or a date).
    pub throttle: f64,
    /// 500, 502, 503 or 504. With 504 the server has acted.
    pub server_error: f64,
    /// The connection is lost before the server acts.
    pub reset_before: f64,
    /// The server acts, and the answer is lost.
    pub reset_after: f64,
    /// The answer is late. In half of the cases the server also acts late, even if the caller has hung up.
    pub slow: f64,
    /// How late a slow answer is.
    pub slow_for: Duration,
    /// A page of a list answers 200 and has an error object in it.
    pub error_in_page: f64,
    /// What is wrong for good, whatever chance does.
    pub standing: Option<Standing>,
    /// Users in a restricted management unit: 403 on everything below `authentication`.
    pub restricted_users: Vec<Uuid>,
    /// 403 on every change of a default method, as for an app that has the permissions for single kinds only.
    pub refuse_preferences: bool,
}

impl Faults {
    /// Spreads a total rate evenly over all kinds.
    pub fn spread(rate: f64, slow_for: Duration) -> Self {
        let each = rate / 6.0;
        Self {
            throttle: each,
            server_error: each,
            reset_before: each,
            reset_after: each,
            slow: each,
            slow_for,
            error_in_page: each,
            standing: None,
            restricted_users: Vec::new(),
            refuse_preferences: false,
        }
    }
}
