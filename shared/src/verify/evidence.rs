//! Evidence: what is on record, as one file for people who have neither ledger nor tenant.

use std::{collections::BTreeSet, io};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chain::{Link, canonical};
use crate::{
    domain::{
        facts::RecordedAct,
        ids::{TenantId, UserId},
        plan::PlanHash,
    },
    ledger::{Entry, Ledger, LedgerError, OutcomeQuery},
    view::{Line, Past, PlanHead, PlannedLine, listed},
};

/// What a file of evidence calls itself. The number goes up when older programs cannot check it any more.
pub const FORMAT: &str = "mfa-rollback evidence 1";

/// Entries per page of the ledger.
const PAGE: usize = 500;

/// A file of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// `mfa-rollback evidence 1`.
    pub format: String,
    /// Everything that is on record, in order.
    pub entries: Vec<Chained>,
    /// The hash of the last entry, which covers all of them.
    pub head: Link,
}

/// An entry with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chained {
    /// What is on record.
    pub entry: EvidenceEntry,
    /// The SHA-256 over the hash before it, as text, and the entry's canonical JSON (RFC 8785).
    pub hash: Link,
}

/// One thing that is on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum EvidenceEntry {
    /// The first entry: whose ledger it is, and who made the file.
    Begin {
        /// The tenant.
        tenant_id: TenantId,
        /// When the file was made.
        made_at: Timestamp,
        /// Who made it.
        made_by: String,
        /// The version of the program that made it.
        version: String,
    },
    /// A user, or a registration without one clear user: state, registrations and the latest decision.
    OnRecord {
        /// As `report` shows it.
        line: Box<Line>,
        /// What else the audit log tells of the user's methods.
        acts: Vec<RecordedAct>,
    },
    /// One entry of a user's history; they follow the user, oldest first.
    History {
        /// The user.
        user_id: UserId,
        /// What was done: decisions and outcomes, intents, approvals, releases.
        done: Past,
    },
    /// A plan that somebody approved, or the latest one.
    Plan {
        /// The plan, with who approved it.
        plan: PlanHead,
        /// Its users.
        users: Vec<PlannedLine>,
    },
    /// A plan that somebody approved and that the ledger keeps no longer.
    PlanNotKept {
        /// Its hash.
        hash: PlanHash,
    },
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// How many users and events.
    pub on_record: usize,
    /// How many entries of histories.
    pub history: usize,
    /// How many plans.
    pub plans: usize,
    /// The hash to note elsewhere.
    pub head: Link,
}

/// Why evidence was not written.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The ledger cannot be read. An item that is damaged or for newer code counts: evidence has everything or is none.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Items of this list cannot be read.
    #[error("{0} items listed as {1} cannot be read: the log says which")]
    Damaged(u64, String),
}

/// How a file begins and ends, around entries with a comma between each two.
pub(super) fn frame(head: &str) -> (String, String) {
    (format!("{{\"format\":\"{FORMAT}\",\"entries\":[\n"), format!("\n],\"head\":\"{head}\"}}\n"))
}

struct Chain<W> {
    out: W,
    head: Option<Link>,
}

impl<W: io::Write> Chain<W> {
    fn begin(mut out: W) -> io::Result<Self> {
        out.write_all(frame("").0.as_bytes())?;
        Ok(Self { out, head: None })
    }

    fn add(&mut self, entry: &EvidenceEntry) -> io::Result<()> {
        let value = serde_json::to_value(entry).expect("evidence is plain data");
        let hash = Link::of(self.head.as_ref(), &value);
        let comma = if self.head.is_some() { ",\n" } else { "" };
        write!(self.out, "{comma}{{\"entry\":{},\"hash\":\"{hash}\"}}", canonical(&value))?;
        self.head = Some(hash);
        Ok(())
    }

    fn end(mut self) -> io::Result<Link> {
        let head = self.head.expect("the first entry is always there");
        self.out.write_all(frame(&head.to_string()).1.as_bytes())?;
        self.out.flush()?;
        Ok(head)
    }
}

/// Writes everything that is on record in the ledger, in the name of `who`; people by name only if `names`. No phone
/// number and no hash of one is in it.
pub async fn write(
    ledger: &Ledger,
    tenant_id: TenantId,
    who: &str,
    names: bool,
    out: impl io::Write,
) -> Result<Written, EvidenceError> {
    let mut chain = Chain::begin(out)?;
    chain.add(&EvidenceEntry::Begin {
        tenant_id,
        made_at: ledger.now(),
        made_by: who.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    let (mut on_record, mut history, mut plans) = (0, 0, BTreeSet::new());
    for outcome in listed(None).unwrap_or_default() {
        let mut query = OutcomeQuery { outcome, until: None, after: None, limit: PAGE };
        let mut of_outcome = 0;
        loop {
            let page = ledger.list(&query).await?;
            for entry in &page.entries {
                of_outcome += 1;
                history += add_entry(&mut chain, ledger, entry, names, &mut plans).await?;
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        let listed = ledger.count(&query.outcome).await?;
        if listed > of_outcome {
            return Err(EvidenceError::Damaged(listed - of_outcome, query.outcome));
        }
        on_record += usize::try_from(of_outcome).unwrap_or(usize::MAX);
    }
    plans.extend(ledger.plans().await?.recent.into_iter().next());
    for hash in &plans {
        let Some(plan) = ledger.plan(hash).await? else {
            chain.add(&EvidenceEntry::PlanNotKept { hash: hash.clone() })?;
            continue;
        };
        let users = ledger.planned_users(&plan).await?.into_iter().map(PlannedLine::from).collect();
        chain.add(&EvidenceEntry::Plan { plan: plan.into(), users })?;
    }
    Ok(Written { on_record, history, plans: plans.len(), head: chain.end()? })
}

/// Adds an entry of the ledger and its history, whose approvals name plans. Returns how long the history is.
async fn add_entry<W: io::Write>(
    chain: &mut Chain<W>,
    ledger: &Ledger,
    entry: &Entry,
    names: bool,
    plans: &mut BTreeSet<PlanHash>,
) -> Result<usize, EvidenceError> {
    let line = Box::new(Line::of(entry, names));
    let Entry::User(state) = entry else {
        chain.add(&EvidenceEntry::OnRecord { line, acts: Vec::new() })?;
        return Ok(0);
    };
    let user_id = state.user_id;
    chain.add(&EvidenceEntry::OnRecord { line, acts: ledger.acts(user_id).await? })?;
    let history = ledger.history(user_id).await?;
    let entries = history.len();
    for done in history.into_iter().map(Past::from) {
        if let Past::Approved { plan, .. } = &done {
            plans.insert(plan.clone());
        }
        chain.add(&EvidenceEntry::History { user_id, done })?;
    }
    Ok(entries)
}
