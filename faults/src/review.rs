//! People who review: they have plans made, and approve them, or parts of them, sooner or later.

use shared::{
    domain::approval::{RequireApproval, Slice},
    plan::{self, Approve},
};
use uuid::Uuid;

use crate::{
    plans::{Read, Word},
    steps::lock,
    watch::{user_id, uuid},
    world::World,
};

const PEOPLE: [&str; 3] = ["ada", "ben", "cyd"];

impl World {
    pub(crate) fn reviews(&self) -> bool {
        self.settings().require_approval != RequireApproval::Off
    }

    /// Somebody has a plan made, or approves one that was made before.
    pub(crate) async fn review(&self) {
        if !self.reviews() {
            return;
        }
        let act = self.reviewers.borrow_mut().u8(..6);
        match act {
            0..2 => {
                let read = self.make_plan().await;
                self.plans.borrow_mut().extend(read);
            }
            2..4 => {
                let nth = self.reviewers.borrow_mut().usize(..PEOPLE.len());
                let latest = self.plans.borrow_mut().pop();
                if let Some(read) = latest {
                    let slice = self.slice(&read);
                    self.approve(&read, PEOPLE[nth], slice).await;
                    self.plans.borrow_mut().push(read);
                }
            }
            _ => {}
        }
    }

    /// Everybody approves everything, as often as it takes until nothing goes wrong by itself.
    pub(crate) async fn approve_everything(&self) {
        if self.reviews()
            && let Some(read) = self.make_plan().await
        {
            for who in PEOPLE {
                self.approve(&read, who, Slice::default()).await;
            }
        }
    }

    fn slice(&self, read: &Read) -> Slice {
        let mut rng = self.reviewers.borrow_mut();
        let somebody = || read.users.keys().next().map(|user| user_id(*user));
        match rng.u8(..4) {
            0 => Slice { first: Some(rng.usize(1..3)), ..Slice::default() },
            1 => Slice { except: somebody().into_iter().collect(), ..Slice::default() },
            _ => Slice::default(),
        }
    }

    async fn make_plan(&self) -> Option<Read> {
        let ledger = self.ledger().await;
        let fingerprint = self.settings().policy.fingerprint();
        let plan = plan::make(&ledger, fingerprint, "ada", self.clock.now()).await.ok()?;
        let users = ledger.planned_users(&plan).await.ok()?;
        let ids = |look: &shared::domain::look::Look| look.methods.iter().map(|it| it.id.0.clone()).collect();
        let users = users.iter().map(|user| (uuid(user.user_id), ids(&user.methods))).collect();
        Some(Read { plan, users })
    }

    async fn approve(&self, read: &Read, who: &'static str, slice: Slice) {
        let settings = self.settings();
        let asked = Approve {
            hash: read.plan.hash.clone(),
            slice: slice.clone(),
            who: who.to_owned(),
            why: "read".to_owned(),
            approvers: settings.plan_approvers,
            by_another: true,
            per_day: settings.limits.max_rollbacks_per_day,
            work_until: None,
        };
        // From here on a process may see it.
        let said = |place: usize, user: Uuid| slice.contains(place, user_id(user));
        for (place, (user, methods)) in read.users.iter().enumerate() {
            if who != "ada" && said(place, *user) {
                for method in methods {
                    let word = Word { who, of: read.plan.made_at };
                    lock(&self.watch.words).entry((*user, method.clone())).or_default().push(word);
                }
            }
        }
        let ledger = self.ledger().await;
        if let Ok(approval) = plan::approve(&ledger, &asked).await {
            for user in approval.woken {
                self.wake(uuid(user)).await;
            }
            if approval.approvers_missing == 0 {
                lock(&self.watch.first_approved).get_or_insert(read.plan.made_at);
            }
        }
    }
}
