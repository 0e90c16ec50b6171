//! What a plan says of a user, and how the user's state takes a person's approval. Pure.

use jiff::Timestamp;

use super::{
    approval::{Approval, Approved, Approving, RequireApproval, may_be_planned},
    decision::{Decision, Fingerprint},
    look::IntendedMethod,
    outcome::{Outcome, Verdict},
    person::is_same_person,
    plan::PlannedUser,
    state::UserState,
};

impl UserState {
    /// Whether a rollback of this user waits for an approval. `first` is when the first plan that people approved was made.
    /// Whoever was named by hand needs one as long as anybody does: approving is the second person.
    pub fn needs_approval(&self, require: RequireApproval, first: Option<Timestamp>) -> bool {
        match require {
            RequireApproval::Off => false,
            RequireApproval::Always => true,
            RequireApproval::First => {
                self.by_hand.is_some() || first.is_none_or(|made_at| self.first_seen_at <= made_at)
            }
        }
    }

    /// What a plan says of this user; `None` if nothing would be deleted now, or what is on record was decided under other
    /// settings.
    pub fn planned(&self, fingerprint: &Fingerprint) -> Option<PlannedUser> {
        let concluded =
            self.concluded.as_ref().filter(|it| may_be_planned(it.outcome) && !self.is_pending())?;
        let is_current = |decision: &&Decision| {
            decision.verdict == Verdict::RollBack && decision.fingerprint == *fingerprint
        };
        let decision = concluded.decision.as_ref().filter(is_current)?;
        let mut methods = self.memory.as_ref()?.latest()?;
        let goes = |method: &IntendedMethod| !decision.keeps(&method.name());
        methods.methods.retain(goes);
        Some(PlannedUser {
            user_id: self.user_id,
            methods,
            origins: decision.methods.clone(),
            consequences: decision.consequences.clone(),
        })
    }

    /// Takes a person's approval of what a plan lists of this user.
    pub fn approve(&mut self, planned: &PlannedUser, giving: &Approving<'_>, now: Timestamp) -> Approved {
        let may_go = |outcome: &Outcome| self.is_pending() || outcome.waits() || may_be_planned(*outcome);
        let Some(outcome) = self.outcome().filter(may_go) else { return Approved::PassedOver };
        let who = &giving.approver.who;
        if giving.by_another && self.by_hand.as_ref().is_some_and(|named| is_same_person(&named.who, who)) {
            return Approved::OwnWord;
        }
        let same = self.approval.take_if(|it| it.plan == giving.plan.hash && now < it.until);
        let mut approval = same.unwrap_or_else(|| Approval {
            plan: giving.plan.hash.clone(),
            methods: planned.methods.clone(),
            fingerprint: giving.plan.fingerprint.clone(),
            until: giving.until,
            by: Vec::new(),
        });
        let is_known = approval.by.iter().any(|by| is_same_person(&by.who, who));
        if !is_known {
            approval.by.push(giving.approver.clone());
        }
        let is_given = approval.is_given(giving.approvers);
        self.approval = Some(approval);
        let waits = may_be_planned(outcome) && outcome != Outcome::WouldRollBack && !self.is_pending();
        if waits && is_given {
            self.make_pending(now);
            Approved::Woken
        } else if is_known {
            Approved::Already
        } else {
            Approved::Noted
        }
    }
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
