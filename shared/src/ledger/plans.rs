//! Plans, their users in parts of a hundred, and which plan was the first that people approved.

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use super::{Key, Ledger, LedgerError, Plans, TRIES, Versioned, Write, parse};
use crate::{
    domain::{
        plan::{PART, Plan, PlanHash, PlannedUser},
        window::shift,
    },
    ledger::Expect,
};

/// How many plans are listed.
const RECENT: usize = 20;

/// How long a plan is kept. Approvals are kept with the users.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

impl Ledger {
    /// What is known of plans as a whole.
    pub async fn plans(&self) -> Result<Plans, LedgerError> {
        Ok(self.load(Key::plans()).await?.value.unwrap_or_default())
    }

    /// A plan, if there is one of this hash.
    pub async fn plan(&self, hash: &PlanHash) -> Result<Option<Plan>, LedgerError> {
        Ok(self.load(Key::plan(hash)).await?.value)
    }

    /// The users of a plan, in its order.
    pub async fn planned_users(&self, plan: &Plan) -> Result<Vec<PlannedUser>, LedgerError> {
        let mut users = Vec::with_capacity(plan.users);
        for document in self.store.children(&Key::plan(&plan.hash).pk, Key::PLAN_PART).await? {
            users.extend(parse::<Vec<PlannedUser>>(&document)?);
        }
        Ok(users)
    }

    /// A part of a plan's users, counted from 0; empty behind the last one.
    pub async fn planned_part(&self, plan: &Plan, part: usize) -> Result<Vec<PlannedUser>, LedgerError> {
        let part: Option<Vec<PlannedUser>> = self.load(Key::plan_part(&plan.hash, part)).await?.value;
        Ok(part.unwrap_or_default())
    }

    /// The plans that were made last, the latest first.
    pub async fn recent_plans(&self) -> Result<Vec<Plan>, LedgerError> {
        let mut plans = Vec::new();
        for hash in self.plans().await?.recent {
            plans.extend(self.plan(&hash).await?);
        }
        Ok(plans)
    }

    /// Puts a plan on record, users first. The same plan made again can be approved from now on again; who made it first
    /// and who approved it stays.
    pub async fn save_plan(&self, plan: Plan, users: &[PlannedUser]) -> Result<Plan, LedgerError> {
        let expires_at = Some(shift(self.clock.now(), KEPT_FOR));
        let parts = users.chunks(PART).enumerate();
        let writes: Vec<Write> = parts
            .map(|(number, part)| Write {
                expect: Expect::Any,
                ..self.write(Key::plan_part(&plan.hash, number), 0, &part, None, expires_at)
            })
            .collect();
        for result in self.store.commit_each(&writes).await? {
            result?;
        }
        let saved = self
            .change_plan(&plan.hash, |held| match held {
                Some(held) => held.made_at = plan.made_at,
                None => *held = Some(plan.clone()),
            })
            .await?;
        self.change(Key::plans(), None, |plans: &mut Option<Plans>| {
            let recent = &mut plans.get_or_insert_default().recent;
            recent.retain(|hash| *hash != plan.hash);
            recent.insert(0, plan.hash.clone());
            recent.truncate(RECENT);
        })
        .await?;
        Ok(saved.unwrap_or(plan))
    }

    /// Changes a plan's own document.
    pub(crate) async fn change_plan(
        &self,
        hash: &PlanHash,
        change: impl FnMut(&mut Option<Plan>),
    ) -> Result<Option<Plan>, LedgerError> {
        self.change(Key::plan(hash), Some(shift(self.clock.now(), KEPT_FOR)), change).await
    }

    /// Notes that a plan was approved by enough people, if none was before.
    pub(crate) async fn note_first_approved(&self, plan: &Plan) -> Result<(), LedgerError> {
        self.change(Key::plans(), None, |plans: &mut Option<Plans>| {
            plans.get_or_insert_default().first_approved_made_at.get_or_insert(plan.made_at);
        })
        .await?;
        Ok(())
    }

    async fn change<T: Serialize + DeserializeOwned>(
        &self,
        key: Key,
        expires_at: Option<Timestamp>,
        mut change: impl FnMut(&mut Option<T>),
    ) -> Result<Option<T>, LedgerError> {
        for _ in 0..TRIES {
            let mut held: Versioned<Option<T>> = self.load(key.clone()).await?;
            change(&mut held.value);
            match self.commit(&[self.write(key.clone(), held.version, &held.value, None, expires_at)]).await {
                Ok(()) => return Ok(held.value),
                Err(LedgerError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Unavailable(format!("the item {} is written too often", key.pk)))
    }
}
