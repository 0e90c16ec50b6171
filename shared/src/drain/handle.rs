//! One handling: lease, reads, decision, gates, rollback, outcome.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Drain, LeaseTerm, StopCause, active::Working, gather::about, lease::TAKES_AT_LEAST, roll_back::Rollback,
};
use crate::{
    decide::{Decision, decide},
    facts::{Facts, LogReading},
    graph::{AuthenticationMethod, GraphError, REMOVAL_SHOWS_AFTER},
    ids::{RunId, UserId},
    intent::{DurableIntent, Intent, Look},
    ledger::{Book, Held, IntentWritten, LedgerError},
    outcome::{Deferred, Failed, Outcome, Verdict},
    preflight::Preflight,
    queue::Message,
    settings::Mode,
    state::{Concluded, Lease, MethodName, UserState},
};

/// Account and methods are at most this old at a user's first DELETE.
pub(super) const FRESH_FOR: SignedDuration = SignedDuration::from_secs(5);

/// A user whom a scan that is under way may tell more of is looked at again this soon.
const SCAN_AGAIN: Duration = Duration::from_secs(10);

/// How often stale reads, or an item that others change, are started over within one handling.
const ROUNDS: usize = 6;

/// What became of a handling.
#[derive(Debug)]
pub enum Handled {
    /// There is a new outcome in the ledger.
    Concluded(Box<UserState>),
    /// The user is not pending: another message was first.
    NothingToDo,
    /// There is no such candidate.
    NotOnRecord,
    /// There was no time left to begin.
    NotStarted,
    /// Somebody else handles the user.
    Busy {
        /// When that can be taken over.
        until: Timestamp,
    },
}

/// What kept a handling from reaching an outcome. The user stays pending.
#[derive(Debug)]
pub enum Interrupted {
    /// The message comes back.
    ComeBack {
        /// After at least so long.
        after: Duration,
        /// Why.
        cause: String,
        /// Whether Graph throttles or does not answer.
        throttled: bool,
    },
    /// The user's own item in the ledger cannot be read.
    Item(String),
    /// The user's own item in the ledger is for newer code.
    Newer(String),
    /// Everything stops.
    Stop(StopCause),
}

/// How one round of a handling ends short of an outcome.
pub(super) enum Break {
    /// The state item was changed by somebody: look again from the beginning.
    Again,
    /// The handling is interrupted.
    Interrupted(Interrupted),
}

impl From<GraphError> for Interrupted {
    fn from(error: GraphError) -> Self {
        match error {
            error if error.stops_everything() => Self::Stop(StopCause::Tenant(error)),
            GraphError::Throttled { retry_after } => {
                Self::ComeBack { after: retry_after, cause: error.to_string(), throttled: true }
            }
            error => Self::ComeBack {
                after: Duration::ZERO,
                cause: error.to_string(),
                throttled: error.comes_back(),
            },
        }
    }
}

impl From<LedgerError> for Interrupted {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Unusable(_) => Self::Stop(StopCause::Ledger(error)),
            LedgerError::Item(why) => Self::Item(why),
            LedgerError::Newer(why) => Self::Newer(why),
            error => Self::ComeBack { after: Duration::ZERO, cause: error.to_string(), throttled: false },
        }
    }
}

impl From<Interrupted> for Break {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(interrupted)
    }
}

impl From<GraphError> for Break {
    fn from(error: GraphError) -> Self {
        Self::Interrupted(error.into())
    }
}

impl From<LedgerError> for Break {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Conflict => Self::Again,
            error => Self::Interrupted(error.into()),
        }
    }
}

/// Everything that one handling carries along.
pub(super) struct Handling {
    pub(super) state: Held<UserState>,
    pub(super) token: Uuid,
    /// The run that sent the message.
    pub(super) asked_by: RunId,
    pub(super) term: LeaseTerm,
    pub(super) request_ids: Vec<String>,
    /// The intent that this handling wrote where there was none before.
    pub(super) new_intent: Option<Uuid>,
    /// A DELETE was sent that worked, or may have worked.
    pub(super) touched: bool,
    /// Methods whose DELETE was answered with 204 or 404; a list may show them for a while.
    pub(super) gone: BTreeSet<MethodName>,
    /// The wait that Graph last asked for, where it made the handling start over.
    pub(super) waited: Option<Duration>,
}

impl Handling {
    /// The intent that this handling wrote and that came to nothing: no DELETE was sent for it, or
    /// every one was refused. Nothing keeps its user from being decided on like any other.
    pub(super) fn void_intent(&self) -> Option<Uuid> {
        self.new_intent.filter(|_| !self.touched)
    }
}

/// Takes an intent that came to nothing back.
pub(super) fn take_back(state: &mut UserState, void: Option<Uuid>) {
    if void.is_some() && state.intent.as_ref().map(|intent| intent.id) == void {
        state.intent = None;
        state.first_delete_at = None;
    }
}

/// What a handling comes to, before it is written down.
pub(super) struct Conclusion {
    pub(super) outcome: Outcome,
    pub(super) deleted: Vec<MethodName>,
    pub(super) left: Vec<MethodName>,
    pub(super) decision: Option<Decision>,
}

impl Drain {
    /// Handles one user under a lease.
    pub(super) async fn handle_user(
        &self,
        message: &Message,
        term: LeaseTerm,
    ) -> Result<Handled, Interrupted> {
        for _ in 0..ROUNDS {
            // Before the lease, which would run out while its holder waits here.
            let Some(working) = self.enter(term).await else { return Ok(Handled::NotStarted) };
            if let Some(cause) = self.stopped.get() {
                return Err(Interrupted::Stop(cause.clone()));
            }
            let held = self.book.user(message.user_id).await?;
            let Some(state) = held.value else { return Ok(Handled::NotOnRecord) };
            if !state.is_pending() {
                return Ok(Handled::NothingToDo);
            }
            let now = self.clock.now();
            if !Lease::is_free(state.lease.as_ref(), now, |owner| self.book.owner_is_dead(owner)) {
                return Ok(Handled::Busy { until: self.free_at(state.lease.as_ref(), now) });
            }
            let mut handling = Handling {
                state: Held { value: state, version: held.version },
                token: Uuid::new_v4(),
                asked_by: message.run_id,
                term,
                request_ids: Vec::new(),
                new_intent: None,
                touched: false,
                gone: BTreeSet::new(),
                waited: None,
            };
            match self.take_lease(&mut handling).await {
                Ok(()) => {}
                Err(LedgerError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            }
            match self.with_lease(&mut handling, working).await {
                Ok(state) => return Ok(Handled::Concluded(Box::new(state))),
                Err(Break::Again) => self.give_back(&handling).await,
                Err(Break::Interrupted(interrupted)) => return self.interrupted(handling, interrupted).await,
            }
        }
        let cause = "the user's item is written too often".to_owned();
        Err(Interrupted::ComeBack { after: Duration::from_secs(5), cause, throttled: false })
    }

    async fn with_lease(&self, handling: &mut Handling, working: Working<'_>) -> Result<UserState, Break> {
        let preflight = self.preflight().await?;
        let conclusion = self.reach_conclusion(handling, &preflight, working).await?;
        if !matches!(conclusion.outcome, Outcome::RolledBack | Outcome::Partial(_)) {
            let void = handling.void_intent();
            take_back(&mut handling.state.value, void);
        }
        Ok(self.conclude(handling, conclusion).await?)
    }

    /// Writes an outcome down, and then says so.
    pub(super) async fn conclude(
        &self,
        handling: &Handling,
        conclusion: Conclusion,
    ) -> Result<UserState, LedgerError> {
        let concluded = Concluded {
            outcome: conclusion.outcome,
            at: self.clock.now(),
            run_id: self.run_id,
            methods_deleted: conclusion.deleted,
            methods_left: conclusion.left,
            decision: conclusion.decision,
            request_ids: handling.request_ids.clone(),
        };
        let state = self.book.conclude(&handling.state, &concluded, self.settings.limits).await?;
        self.say_decided(handling, &concluded);
        self.say_outcome(handling, &concluded);
        Ok(state)
    }

    async fn reach_conclusion(
        &self,
        handling: &mut Handling,
        preflight: &Arc<Preflight>,
        working: Working<'_>,
    ) -> Result<Conclusion, Break> {
        let user = handling.state.value.user_id;
        let mut working = Some(working);
        let mut looked_twice = false;
        for _ in 0..ROUNDS {
            let at_work = match working.take() {
                Some(working) => working,
                None => self.active.enter(|| self.graph.pace()).await,
            };
            self.keep_lease(handling, TAKES_AT_LEAST).await?;
            let facts = self.gather(user).await?;
            handling.request_ids.extend(facts.request_ids.iter().cloned());
            let settled = self.settle(handling, &facts).await?;
            if let Some(conclusion) = settled.complete {
                return Ok(conclusion);
            }
            let nothing = BTreeSet::new();
            let now = self.clock.now();
            let mut record = handling.state.value.record(&nothing);
            if handling.void_intent().is_some() {
                (record.first_delete_at, record.intent) = (None, None);
            }
            let decision = decide(record, &facts, &preflight.belts, &self.settings.policy, now);
            self.note(handling, &facts, preflight);
            let stop = match decision.verdict {
                Verdict::RollBack => self.gate(user, preflight, now),
                Verdict::NotEligible(reason) => Some(Outcome::NotEligible(reason)),
                Verdict::Held(reason) => Some(Outcome::Held(reason)),
            };
            if let Some(outcome) = stop {
                if handling.touched && settled.gone.is_empty() && !looked_twice {
                    // A DELETE whose answer was lost may show only now.
                    looked_twice = true;
                    self.keep_lease(handling, REMOVAL_SHOWS_AFTER).await?;
                    drop(at_work);
                    tokio::time::sleep(REMOVAL_SHOWS_AFTER).await;
                    continue;
                }
                return Ok(Self::stopped(handling, &facts, decision, outcome, settled.gone));
            }
            if facts.log == LogReading::UnderWay {
                let cause = "a scan of the audit log is under way, and may tell more of the user".to_owned();
                return Err(Interrupted::ComeBack { after: SCAN_AGAIN, cause, throttled: false }.into());
            }
            let methods = facts.methods.known().cloned().unwrap_or_default();
            let intent = match self.durable_intent(handling, &methods).await? {
                Ok(intent) => intent,
                Err(deferred) => {
                    let outcome = Outcome::Deferred(deferred);
                    return Ok(Self::stopped(handling, &facts, decision, outcome, settled.gone));
                }
            };
            let turn = self.graph.turn().await?;
            let rollback = Rollback::new(self, handling, intent, methods, facts.read_at, decision);
            if let Some(conclusion) = rollback.run(turn, at_work).await? {
                return Ok(conclusion);
            }
        }
        let cause = "Graph throttled, or what was read grew stale, before each DELETE".to_owned();
        let throttled = handling.waited.is_some();
        Err(Interrupted::ComeBack { after: handling.waited.unwrap_or_default(), cause, throttled }.into())
    }

    /// Remembers what was read.
    fn note(&self, handling: &mut Handling, facts: &Facts, preflight: &Preflight) {
        let state = &mut handling.state.value;
        let administrator = preflight.belts.administrators.known().and_then(|list| list.get(&state.user_id));
        let mut about = about(facts, administrator, self.settings.log_user_principal_names);
        if state.intent.is_some() || state.outcome() == Some(Outcome::RolledBack) {
            about.methods_before = std::mem::take(&mut state.about.methods_before);
        }
        state.about = about;
        if let Some(methods) = facts.methods.known() {
            state.look = Some(Look::at(methods, Uuid::new_v4()));
        }
    }

    /// What stands between a decision to roll back and doing it.
    pub(super) fn gate(&self, user: UserId, preflight: &Preflight, now: Timestamp) -> Option<Outcome> {
        if self.settings.mode == Mode::Report {
            return Some(Outcome::WouldRollBack);
        }
        let deferred = if now < self.settings.policy.window.preview_disabled_at {
            Some(Deferred::PreviewNotDisabled)
        } else if !preflight.passes() {
            Some(Deferred::PreflightFailed)
        } else if self.settings.mode == Mode::Canary && !preflight.canaries.contains(&user) {
            Some(Deferred::Canary)
        } else {
            None
        };
        deferred.map(Outcome::Deferred)
    }

    /// The intent behind the DELETEs that follow: the open one while it still says what is there and
    /// its slot holds, else a new one with slot and intent in one transaction.
    async fn durable_intent(
        &self,
        handling: &mut Handling,
        methods: &[AuthenticationMethod],
    ) -> Result<Result<DurableIntent, Deferred>, Break> {
        let now = self.clock.now();
        let open = handling.state.value.intent.clone();
        let slot_at = handling.state.value.slot_at;
        let holds = slot_at.is_some_and(|slot_at| crate::brake::Brake::slot_holds(slot_at, now));
        let proven = open.as_ref().is_some_and(|open| open.settle(methods, now).proves_all());
        if holds
            && proven
            && let Some(intent) = Book::durable_intent(&handling.state)
        {
            return Ok(if self.book.brake().await?.value.is_open() {
                Err(Deferred::BrakeOpen)
            } else {
                Ok(intent)
            });
        }
        let intent = match open {
            Some(open) if proven => open,
            _ => {
                let mut intent = Intent::for_methods(methods, Uuid::new_v4(), Uuid::new_v4(), now);
                intent.slot_at = slot_at.unwrap_or(now);
                intent
            }
        };
        let limits = self.settings.limits;
        let is_first = handling.state.value.first_delete_at.is_none() || handling.void_intent().is_some();
        match self.book.write_intent(&mut handling.state, intent, holds, limits, self.run_id).await? {
            IntentWritten::Durable(intent) => {
                handling.new_intent = is_first.then_some(intent.intent().id).or(handling.new_intent);
                Ok(Ok(intent))
            }
            IntentWritten::BrakeOpen => Ok(Err(Deferred::BrakeOpen)),
            IntentWritten::NoSlot => Ok(Err(Deferred::DailyCap)),
        }
    }
}

/// A method of an intent as results name it.
pub(super) fn name(method: &crate::intent::IntendedMethod) -> MethodName {
    MethodName { kind: method.kind.clone(), id: method.id.clone() }
}

/// Listed methods as results name them.
pub(super) fn listed(methods: &[AuthenticationMethod]) -> Vec<MethodName> {
    methods.iter().map(|method| MethodName { kind: method.kind.clone(), id: method.id.clone() }).collect()
}

/// A refusal of a DELETE as the outcome names it.
pub(super) fn refusal(error: &GraphError) -> Failed {
    match error {
        GraphError::Forbidden { .. } => Failed::Forbidden,
        GraphError::Refused { .. } => Failed::Refused,
        _ => Failed::Attempts,
    }
}
