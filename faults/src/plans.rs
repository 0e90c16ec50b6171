//! Plans as people read them, and what they said of them.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::Timestamp;
use shared::domain::plan::Plan;
use uuid::Uuid;

/// A plan as people read it: the ids of the methods of each user.
pub(crate) struct Read {
    pub(crate) plan: Plan,
    pub(crate) users: BTreeMap<Uuid, Vec<String>>,
}

/// Somebody's word that one method may go.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) who: &'static str,
    /// When the plan was made that this person read.
    pub(crate) of: Timestamp,
}

/// How a world of this seed reviews, drawn apart from everything else.
pub(crate) fn settings(seed: u64) -> [(&'static str, &'static str); 2] {
    let mut rng = Rng::with_seed(seed ^ 0x0a99);
    let require = ["off", "off", "off", "off", "first", "always"][rng.usize(..6)];
    [("REQUIRE_APPROVAL", require), ("PLAN_APPROVERS", ["1", "1", "2"][rng.usize(..3)])]
}
