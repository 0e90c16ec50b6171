//! Whether what the ledger says is true: its intents and outcomes, the tenant's own record of what our app deleted, and
//! the methods as they are now. Reads only.
//!
//! `read` asks Graph and the ledger; `promise` and `judge` are pure. The three accounts are kept by different hands: who
//! changes the ledger cannot change the tenant's audit log. [`evidence`] and [`chain`] are for those who have neither.

pub mod chain;
pub mod evidence;
mod file;
mod finding;
mod judge;
#[cfg(test)]
mod judge_tests;
mod promise;
mod read;

use std::collections::BTreeMap;

use self::judge::UserFacts;
pub use self::{
    file::verify_file,
    finding::{Finding, Kind, Verification},
};
use crate::{drain::Interrupted, process::Scope};

/// Compares ledger and tenant, and returns everything that does not fit. An error means that there is nothing to
/// compare with: the log, or the ledger as a whole, cannot be read.
pub(crate) async fn verify(scope: &Scope) -> Result<Verification, Interrupted> {
    let log = read::log(&scope.process).await?;
    let (users, unread) = read::users(scope, &log).await?;
    let mut findings: Vec<Finding> = users.iter().flat_map(|user| user.judge(&log)).collect();
    findings.extend(unread.into_iter().map(|(user, why)| Finding::new(Kind::NotRead, user, why)));
    let of_nobody = log.by_us(None).into_iter();
    findings.extend(
        of_nobody.filter_map(|deletion| log.unknown(deletion, "the record does not say whose it was")),
    );
    if let Some(why) = &log.lacks {
        let what = format!("not all of the audit log's deletions: {why}");
        findings.push(Finding::new(Kind::NotRead, None, what));
    }
    let ours = log.deletions.iter().filter(|deletion| log.is_ours(deletion));
    let compared = BTreeMap::from([
        ("users".to_owned(), users.len()),
        ("intents".to_owned(), users.iter().map(UserFacts::intents).sum()),
        ("deletions_by_the_app".to_owned(), ours.count()),
        ("users_with_methods_read".to_owned(), users.iter().filter(|user| user.methods.is_some()).count()),
    ]);
    let tenant_id = Some(scope.process.settings.tenant);
    let verification = Verification { tenant_id, verified_at: log.read_at, head: None, compared, findings };
    Ok(verification.sorted())
}
