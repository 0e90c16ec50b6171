//! What people approved, held against what is about to be deleted.

use jiff::Timestamp;

use crate::{
    domain::{
        approval::Approval, decision::Decision, method::AuthenticationMethod, outcome::Outcome,
        state::UserState,
    },
    ledger::LedgerError,
    process::Scope,
};

/// Returns the outcome that takes the place of a rollback that nobody approved, or that is another one than was approved;
/// `None` if it may go on.
pub(super) async fn approved(
    scope: &Scope,
    user: &UserState,
    methods: &[AuthenticationMethod],
    decision: &Decision,
    now: Timestamp,
) -> Result<Option<Outcome>, LedgerError> {
    let process = &scope.process;
    let (require, approvers) = (process.settings.require_approval, process.settings.plan_approvers);
    let first = process.first_approved().await?;
    if !user.needs_approval(require, first) {
        return Ok(None);
    }
    let goes = |method: &&AuthenticationMethod| method.kind.is_strong() && !decision.keeps(&method.name());
    let going = methods.iter().filter(goes);
    Ok(Approval::stops(user.approval.as_ref(), going, &decision.fingerprint, approvers, now))
}
