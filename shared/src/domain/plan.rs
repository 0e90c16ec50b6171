//! A plan: whom a rollback would take which methods, as people review it. Pure.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    decision::{Consequences, Fingerprint},
    ids::UserId,
    look::Look,
    origin::MethodOrigin,
    person::person,
    window::shift,
};
use crate::digest::digest;

/// For how long a plan can be approved after it was made.
pub const APPROVE_WITHIN: SignedDuration = SignedDuration::from_hours(72);

/// How many users the ledger keeps together.
pub const PART: usize = 100;

/// A digest of everything that people approve: users, methods, origins, settings. The mode is not in it.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(try_from = "String")]
pub struct PlanHash(String);

impl FromStr for PlanHash {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hash = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash {
            Ok(Self(text.to_owned()))
        } else {
            Err("not the hash of a plan: 32 digits and letters a to f")
        }
    }
}

impl TryFrom<String> for PlanHash {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is planned for one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedUser {
    /// The user's object id.
    pub user_id: UserId,
    /// The methods that would go, as the latest look saw them.
    pub methods: Look,
    /// Where each strong method comes from, and what shows it.
    pub origins: Vec<MethodOrigin>,
    /// What the user will notice.
    pub consequences: Option<Consequences>,
}

impl PlannedUser {
    /// What is approved of it. The words of the evidence are not: they may change while the evidence stays.
    fn line(&self) -> Vec<u8> {
        let origins =
            self.origins.iter().map(|found| (&found.method, found.origin, &found.shown_by, found.kept));
        let line = (self.user_id, &self.methods, origins.collect::<Vec<_>>());
        serde_json::to_vec(&line).expect("a plan is plain data")
    }
}

/// A plan without its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The name by which it is approved.
    pub hash: PlanHash,
    /// Who had it made: the caller of the API, or the user at the command line.
    pub made_by: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The settings under which its users were decided on.
    pub fingerprint: Fingerprint,
    /// How many users it has.
    pub users: usize,
    /// Who approved it or a part of it, in order.
    pub approved: Vec<PlanApproved>,
}

/// A person's approval of a plan or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlanApproved {
    /// Who approved: the caller of the API, or the user at the command line.
    pub who: String,
    /// The reason that they gave.
    pub why: String,
    /// When they approved.
    pub at: Timestamp,
    /// How many users they approved.
    pub users: usize,
}

impl Plan {
    /// A plan of these users, whom it puts in the order of their ids.
    pub fn of(
        users: &mut [PlannedUser],
        fingerprint: Fingerprint,
        made_by: &str,
        made_at: Timestamp,
    ) -> Self {
        users.sort_by_key(|user| user.user_id);
        let lines: Vec<Vec<u8>> = users.iter().map(PlannedUser::line).collect();
        let parts = std::iter::once(fingerprint.0.as_bytes()).chain(lines.iter().map(Vec::as_slice));
        let hash = PlanHash(digest(parts, 16));
        Self {
            hash,
            made_by: made_by.to_owned(),
            made_at,
            fingerprint,
            users: users.len(),
            approved: Vec::new(),
        }
    }

    /// Until when it can be approved.
    pub fn approve_by(&self) -> Timestamp {
        shift(self.made_at, APPROVE_WITHIN)
    }

    /// How many of the people who have to approve it, or a part of it, have not.
    pub fn approvers_missing(&self, approvers: u32) -> u32 {
        let people = self.approved.iter().map(|it| person(&it.who)).collect::<BTreeSet<_>>().len();
        approvers.saturating_sub(u32::try_from(people).unwrap_or(u32::MAX))
    }
}
