//! Reads what a verification compares: the audit log's deletions, the ledger's users with their history, and the
//! methods of those whom the ledger says it rolled back. Writes nothing.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};

use super::judge::{Log, UserFacts};
use crate::{
    audit::{DELETIONS, DirectoryAudit, MethodDeletion, deletion},
    domain::{facts::Reading, ids::UserId, method::AuthenticationMethod, state::UserState, window::shift},
    drain::Interrupted,
    graph::{GraphError, Urgency},
    ledger::{Entry, Ledger, LedgerError, OutcomeQuery},
    process::{Process, Scope},
    view::listed,
};

/// How many users' methods are read at once.
const AT_ONCE: usize = 8;

/// Entries per page of the ledger.
const PAGE: usize = 500;

/// Reads the log's deletions since it keeps records. What it does not tell at all interrupts.
pub(super) async fn log(process: &Process) -> Result<Log, Interrupted> {
    let read_at = process.clock.now();
    let kept_since = shift(read_at, -process.settings.retention);
    let (mut deletions, mut known, mut lacks) = (Vec::<MethodDeletion>::new(), BTreeSet::new(), None);
    for activity in DELETIONS {
        let found = process.graph.audit_records_named(activity, kept_since).await?;
        lacks = lacks.or(found.missing);
        for json in &found.records {
            match DirectoryAudit::from_graph(json.get()) {
                Ok(record) => deletions
                    .extend(deletion(&record).filter(|deletion| known.insert(deletion.event_id.clone()))),
                Err(error) => _ = lacks.get_or_insert_with(|| format!("a record cannot be read: {error}")),
            }
        }
    }
    deletions.sort_by_key(|deletion| deletion.at);
    let client_id = process.settings.client_id.to_lowercase();
    Ok(Log { client_id, read_at, kept_since, deletions, lacks })
}

/// The users on record, and those whose methods our app deleted; and what of the ledger cannot be read, with the reason.
pub(super) async fn users(
    scope: &Scope,
    log: &Log,
) -> Result<(Vec<UserFacts>, Vec<(Option<UserId>, String)>), Interrupted> {
    let ledger = &scope.process.ledger;
    let (mut states, damaged) = on_record(ledger).await?;
    let known: BTreeSet<UserId> = states.iter().map(|state| state.user_id).collect();
    let named: BTreeSet<UserId> = log
        .deletions
        .iter()
        .filter(|deletion| log.is_ours(deletion))
        .filter_map(|deletion| deletion.user_id.filter(|user| !known.contains(user)))
        .collect();
    let (mut facts, mut unread, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    unread.extend(damaged.map(|why| (None, why)));
    for user in named {
        match item(ledger.user(user).await)? {
            Reading::Known(held) => match held.value {
                Some(state) => states.push(state),
                None => unknown.push(user),
            },
            Reading::Unknown(why) => unread.push((Some(user), why)),
        }
    }
    let states = states.into_iter().map(|state| (state.user_id, Some(state)));
    for (user_id, state) in states.chain(unknown.into_iter().map(|user| (user, None))) {
        match item(ledger.history(user_id).await)? {
            Reading::Known(history) => facts.push(UserFacts { user_id, state, history, methods: None }),
            Reading::Unknown(why) => unread.push((Some(user_id), why)),
        }
    }
    Ok((read_methods(&scope.process, facts).await?, unread))
}

/// What one user's items came to: damage to one of them does not hide the others.
fn item<T>(answer: Result<T, LedgerError>) -> Result<Reading<T>, Interrupted> {
    match answer {
        Ok(known) => Ok(Reading::Known(known)),
        Err(LedgerError::Item(why) | LedgerError::Newer(why)) => Ok(Reading::Unknown(why)),
        Err(error) => Err(error.into()),
    }
}

/// Every user whom the ledger lists, and how many items of its lists cannot be read.
async fn on_record(ledger: &Ledger) -> Result<(Vec<UserState>, Option<String>), LedgerError> {
    let (mut states, mut damaged) = (Vec::new(), 0);
    for outcome in listed(None).unwrap_or_default() {
        let mut query = OutcomeQuery { outcome, until: None, after: None, limit: PAGE };
        let mut unread = ledger.count(&query.outcome).await?;
        loop {
            let page = ledger.list(&query).await?;
            for entry in page.entries {
                unread = unread.saturating_sub(1);
                if let Entry::User(state) = entry {
                    states.push(*state);
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        damaged += unread;
    }
    let why = format!("{damaged} of the ledger's items cannot be read; the log says which");
    Ok((states, (damaged > 0).then_some(why)))
}

async fn read_methods(process: &Process, facts: Vec<UserFacts>) -> Result<Vec<UserFacts>, Interrupted> {
    let read = stream::iter(facts).map(|mut user| async move {
        if user.claims_deletions() {
            let answer = process.graph.methods(user.user_id, Urgency::Begun).await;
            user.methods = Some(methods(answer.map(|answer| answer.body))?);
        }
        Ok(user)
    });
    read.buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
}

/// An account that is gone has no methods. Only a refused sign-in interrupts.
fn methods(
    answer: Result<Vec<AuthenticationMethod>, GraphError>,
) -> Result<Reading<Vec<AuthenticationMethod>>, Interrupted> {
    match answer {
        Ok(methods) => Ok(Reading::Known(methods)),
        Err(GraphError::NotFound) => Ok(Reading::Known(Vec::new())),
        Err(error) if error.is_no_sign_in() => Err(error.into()),
        Err(error) => Ok(Reading::Unknown(error.to_string())),
    }
}
