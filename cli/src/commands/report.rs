//! `report`: everything on record, read a page at a time.

use std::path::PathBuf;

use shared::{
    ledger::{Ledger, OutcomeQuery},
    view::{Line, listed},
};

use super::{names, opened, status};
use crate::{
    args::{Format, Wanted},
    error::{CommandError, Exit},
    report::{Added, Report},
};

/// Entries per page of the ledger.
const PAGE: usize = 500;

pub(super) async fn report(
    path: Option<PathBuf>,
    wanted: &Wanted,
    format: Format,
) -> Result<Exit, CommandError> {
    let outcomes = outcomes(wanted)?;
    let ledger = opened(path.clone()).await?;
    let names = wanted.names(format);
    let mut report = Report::begin(format, names)?;
    for outcome in outcomes {
        add(&ledger, outcome, names, &mut report).await?;
    }
    let people = if names { report.people() } else { Vec::new() };
    let added = if people.is_empty() && !report.has_a_timeline() {
        Added::default()
    } else {
        names::added(&people, report.has_a_timeline()).await
    };
    report.end(added, async || status::read(path).await).await
}

async fn add(ledger: &Ledger, outcome: String, names: bool, report: &mut Report) -> Result<(), CommandError> {
    let mut query = OutcomeQuery { outcome, until: None, after: None, limit: PAGE };
    loop {
        let page = ledger.list(&query).await?;
        for entry in &page.entries {
            report.add(Line::of(entry, names))?;
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Returns the outcomes to list, or a usage error if there is no such outcome.
fn outcomes(wanted: &Wanted) -> Result<Vec<String>, CommandError> {
    let outcome = wanted.kind();
    listed(outcome).ok_or_else(|| {
        CommandError::usage(format!(
            "no such outcome: {} (pending, rolled_back, partial, failed, would_roll_back, deferred, not_eligible, held, or with a reason, like held(administrator))",
            outcome.unwrap_or_default()
        ))
    })
}
