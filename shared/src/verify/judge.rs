//! Compares what the ledger says with what the tenant says. Pure.

use jiff::{SignedDuration, Timestamp};

use super::{
    finding::{Finding, Kind},
    promise::{Promise, Promises},
};
use crate::{
    audit::{DeletedBy, MethodDeletion},
    domain::{
        facts::Reading,
        ids::UserId,
        method::{AuthenticationMethod, MethodKind, MethodName},
        outcome::{Held, Outcome},
        state::UserState,
        window::shift,
    },
    ledger::HistoryEntry,
};

/// How late a record of the audit log may come.
const COMES_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// What was read of the tenant's audit log.
#[derive(Debug)]
pub(super) struct Log {
    /// The client id of our app, in lower case.
    pub(super) client_id: String,
    /// When it was read.
    pub(super) read_at: Timestamp,
    /// The moment from which on it keeps records.
    pub(super) kept_since: Timestamp,
    /// All deletions since, by anybody, oldest first.
    pub(super) deletions: Vec<MethodDeletion>,
    /// Why some may be missing; `None` if all were read.
    pub(super) lacks: Option<String>,
}

/// What was read of one user.
#[derive(Debug)]
pub(super) struct UserFacts {
    pub(super) user_id: UserId,
    /// The state item; `None` if the ledger does not know the user.
    pub(super) state: Option<UserState>,
    /// The history, oldest first.
    pub(super) history: Vec<HistoryEntry>,
    /// The methods as they are now; `None` if nothing was ever deleted by the ledger's word.
    pub(super) methods: Option<Reading<Vec<AuthenticationMethod>>>,
}

impl Log {
    /// Whether the record names our app.
    pub(super) fn is_ours(&self, deletion: &MethodDeletion) -> bool {
        deletion.by == DeletedBy::App(self.client_id.clone())
    }

    /// What our app deleted of a user. An app without an id may be ours.
    pub(super) fn by_us(&self, user: Option<UserId>) -> Vec<&MethodDeletion> {
        let ours =
            |deletion: &&MethodDeletion| self.is_ours(deletion) || deletion.by == DeletedBy::AppWithoutId;
        self.deletions.iter().filter(|deletion| deletion.user_id == user).filter(ours).collect()
    }

    /// How many strong methods somebody else deleted meanwhile.
    fn by_others(&self, user: UserId, promise: &Promise<'_>) -> usize {
        let of_others = self.deletions.iter().filter(|deletion| {
            deletion.user_id == Some(user)
                && !self.is_ours(deletion)
                && deletion.by != DeletedBy::AppWithoutId
        });
        of_others
            .filter(|deletion| {
                promise.covers(deletion.at)
                    && (deletion.methods.is_empty() || deletion.methods.iter().any(MethodKind::is_strong))
            })
            .count()
    }

    /// Says of a deletion of our app that no intent accounts for it.
    pub(super) fn unknown(&self, deletion: &MethodDeletion, on_record: &str) -> Option<Finding> {
        // It may be anybody's.
        if deletion.by == DeletedBy::AppWithoutId {
            return None;
        }
        let what =
            format!("the app {} deleted a method ({}), and {on_record}", self.client_id, deletion.event_id);
        let finding = Finding::new(Kind::UnknownDeletion, deletion.user_id, what);
        Some(finding.at(deletion.at).event(&deletion.event_id))
    }
}

impl UserFacts {
    /// Whether the ledger says that anything of the user was deleted: then the methods are read.
    pub(super) fn claims_deletions(&self) -> bool {
        Promises::of(&self.history).all.iter().any(|promise| !promise.gone.is_empty())
            || self.state.as_ref().and_then(UserState::outcome) == Some(Outcome::RolledBack)
    }

    /// How many intents are on record.
    pub(super) fn intents(&self) -> usize {
        Promises::of(&self.history).all.len()
    }

    /// Everything that does not fit.
    pub(super) fn judge(&self, log: &Log) -> Vec<Finding> {
        let mut promises = Promises::of(&self.history);
        let unknown = promises.account_for(log.by_us(Some(self.user_id)));
        let mut findings: Vec<Finding> =
            unknown.into_iter().filter_map(|deletion| self.unaccounted(deletion, &promises, log)).collect();
        findings.extend(self.record_disagrees(&promises));
        if let Some(Reading::Unknown(why)) = &self.methods {
            findings.push(self.finding(Kind::NotRead, format!("the user's methods: {why}")));
        }
        let latest = promises.all.iter().rposition(|promise| !promise.gone.is_empty());
        for (place, promise) in promises.all.iter().enumerate() {
            let still = self.still_listed(promise, log, latest == Some(place));
            match still {
                Some(finding) => findings.push(finding),
                None => findings.extend(self.event_missing(promise, log)),
            }
        }
        findings.extend(latest.and_then(|place| self.registered_anew(&promises.all[place], log)));
        findings
    }

    fn finding(&self, kind: Kind, what: impl Into<String>) -> Finding {
        Finding::new(kind, Some(self.user_id), what)
    }

    fn unaccounted(&self, deletion: &MethodDeletion, promises: &Promises<'_>, log: &Log) -> Option<Finding> {
        let first_delete_at = self.state.as_ref().and_then(|state| state.first_delete_at);
        let was_erased = promises.erased_at.zip(first_delete_at).is_some_and(|(erased_at, first)| {
            deletion.at <= erased_at && deletion.at >= shift(first, -super::promise::CLOCKS_DIFFER)
        });
        if was_erased {
            let what = "the app deleted a method before the record of the user was erased";
            return Some(self.finding(Kind::Erased, what).at(deletion.at).event(&deletion.event_id));
        }
        let on_record = match (&self.state, promises.all.is_empty()) {
            (None, _) => "this ledger does not know the user",
            (Some(_), true) => "this ledger has no intent for the user",
            (Some(_), false) => "none of this ledger's intents accounts for it",
        };
        log.unknown(deletion, on_record)
    }

    /// State item and history are written together: where they disagree, one of them was changed.
    fn record_disagrees(&self, promises: &Promises<'_>) -> Vec<Finding> {
        let mut found: Vec<Finding> = promises
            .baseless
            .iter()
            .map(|concluded| {
                let what = "the history says rolled_back, and no intent was written before";
                self.finding(Kind::ForgedOutcome, what).at(concluded.at)
            })
            .collect();
        let Some(state) = &self.state else { return found };
        if let Some(concluded) = &state.concluded {
            let is_in_history = self.history.iter().any(|entry| match entry {
                HistoryEntry::Outcome(past) => {
                    let is_same = past.outcome == concluded.outcome
                        && past.methods_deleted == concluded.methods_deleted;
                    // What follows a rollback is held under this name.
                    past.at == concluded.at
                        && (is_same || concluded.outcome == Outcome::Held(Held::ReRegistered))
                }
                _ => false,
            });
            if !is_in_history {
                let kind = if concluded.outcome == Outcome::RolledBack {
                    Kind::ForgedOutcome
                } else {
                    Kind::ChangedHistory
                };
                let what =
                    format!("the user's state says {}, and no entry of the history does", concluded.outcome);
                found.push(self.finding(kind, what).at(concluded.at));
            }
        }
        if let Some(first) = state.first_delete_at
            && promises.all.is_empty()
            && promises.erased_at.is_none()
        {
            let what = "the user's state says when the first DELETE was sent, and the history has no intent";
            found.push(self.finding(Kind::ChangedHistory, what).at(first));
        }
        if let Some(open) = &state.intent
            && !promises.all.iter().any(|promise| promise.intent.id == open.id)
        {
            let what = "the user's state has an open intent that the history lacks";
            found.push(self.finding(Kind::ChangedHistory, what).at(open.written_at));
        }
        found
    }

    /// A method that is gone by the ledger's word, and that the tenant still lists. A phone keeps its id when it is
    /// registered anew: one that may have been counts only if no event of ours shows that it was ever gone.
    fn still_listed(&self, promise: &Promise<'_>, log: &Log, is_latest: bool) -> Option<Finding> {
        let Some(Reading::Known(listed)) = &self.methods else { return None };
        let settlement = promise.intent.settle(listed, log.read_at);
        let claimed = |position: &&usize| promise.gone.contains(&promise.intent.methods[**position].name());
        let undated = |position: &&usize| {
            let method = &promise.intent.methods[**position];
            method.kind == MethodKind::Phone && method.created.is_none()
        };
        let name = |position: &usize| promise.intent.methods[*position].name();
        let unchanged = settlement.unchanged.iter().filter(claimed);
        let still: Vec<MethodName> = unchanged.clone().filter(|it| !undated(it)).map(name).collect();
        let unclear = settlement.unclear.iter().filter(claimed);
        let perhaps: Vec<MethodName> = unchanged.filter(undated).chain(unclear).map(name).collect();
        let by = promise.deletions.len() + log.by_others(self.user_id, promise);
        let what = if !still.is_empty() {
            format!("the ledger says that {} is gone, and the tenant still lists it", named(&still))
        } else if is_latest && by == 0 && !perhaps.is_empty() && log.tells(promise) {
            format!(
                "the ledger says that {} is gone; the tenant lists it, and its audit log shows no deletion",
                named(&perhaps)
            )
        } else {
            return None;
        };
        let at = promise.ended.map_or(promise.from, |ended| ended.at);
        Some(self.finding(Kind::ForgedOutcome, what).at(at))
    }

    /// An intent with fewer deletions in the log than it should have.
    fn event_missing(&self, promise: &Promise<'_>, log: &Log) -> Option<Finding> {
        let shown = promise.deletions.len();
        let at = promise.ended.map_or(promise.from, |ended| ended.at);
        if shown == 0 && promise.ended.is_some() && promise.gone.is_empty() {
            let what = "an intent was written, its outcome says that nothing was deleted, and the audit log shows nothing";
            return Some(self.finding(Kind::NothingDeleted, what).at(at));
        }
        let expected = if promise.ended.is_some() { promise.gone.len() } else { shown.max(1) };
        if shown + log.by_others(self.user_id, promise) >= expected {
            return None;
        }
        let lacks = if promise.ended.is_some() {
            format!(
                "the intent's outcome says that {} gone, and the audit log shows {}",
                counted(expected, "method is", "methods are"),
                counted(shown, "deletion", "deletions")
            )
        } else {
            "the intent never came to an outcome, and the audit log shows no deletion".to_owned()
        };
        let (kind, what) = if promise.from < log.kept_since {
            (Kind::TooOld, format!("{lacks}; the log may not keep records that old"))
        } else if log.read_at < shift(at, COMES_WITHIN) {
            (Kind::NotYet, format!("{lacks} yet"))
        } else if let Some(why) = &log.lacks {
            (Kind::NotRead, format!("{lacks}; but it could not be read to its end: {why}"))
        } else {
            (Kind::MissingEvent, lacks)
        };
        Some(self.finding(kind, what).at(at))
    }

    fn registered_anew(&self, promise: &Promise<'_>, log: &Log) -> Option<Finding> {
        let Some(Reading::Known(listed)) = &self.methods else { return None };
        let settlement = promise.intent.settle(listed, log.read_at);
        let anew: Vec<MethodName> = settlement.anew.iter().map(|method| method.name()).collect();
        let perhaps: Vec<MethodName> =
            settlement.unclear.iter().map(|position| promise.intent.methods[*position].name()).collect();
        let perhaps: Vec<MethodName> =
            perhaps.into_iter().filter(|name| promise.gone.contains(name)).collect();
        let is_shown_gone = !promise.deletions.is_empty() || !log.tells(promise);
        let what = match (anew.as_slice(), perhaps.as_slice()) {
            ([], []) => return None,
            ([], _) if !is_shown_gone => return None,
            ([], perhaps) => format!(
                "{} is listed after the rollback; it has no date that says whether it was registered anew",
                named(perhaps)
            ),
            (anew, _) => format!("registered after the rollback: {}", named(anew)),
        };
        Some(self.finding(Kind::RegisteredAnew, what))
    }
}

impl Log {
    /// Whether an event of an intent would be in the log by now.
    fn tells(&self, promise: &Promise<'_>) -> bool {
        let at = promise.ended.map_or(promise.from, |ended| ended.at);
        self.lacks.is_none() && promise.from >= self.kept_since && self.read_at >= shift(at, COMES_WITHIN)
    }
}

fn named(methods: &[MethodName]) -> String {
    methods.iter().map(|method| format!("{} {}", method.kind, method.id)).collect::<Vec<_>>().join(", ")
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
