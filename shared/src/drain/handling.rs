//! One handling, step by step; [`drain`](super) tells the story.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    active::Working,
    again::{backoff, gave_up},
    approved::approved,
    ending::{Conclusion, Decided, Ending},
    interrupted::{Break, Interrupted},
    lease::{Leased, free_at, under_lease},
    reads::{about, read},
    story::{GOOD_FOR, Story},
    together::{Drain, TAKES_AT_LEAST},
    what_if::{Demand, questions},
};
use crate::{
    decide::{Record, decide},
    domain::{
        decision::Decision,
        facts::{Facts, LogReading, RecordedAct},
        ids::{RunId, UserId},
        lease::Lease,
        memory::Memory,
        method::AuthenticationMethod,
        outcome::{Deferred, Outcome, Verdict},
        state::{Concluded, UserState},
        story::RecordedChange,
        window::shift,
    },
    graph::{REMOVAL_SHOWS_AFTER, Urgency},
    ledger::{LedgerError, Versioned},
    preflight::Preflight,
    process::Scope,
    queue::Message,
    settings::Mode,
};

/// How soon to look again at a user about whom a scan under way may tell more.
const SCAN_AGAIN: Duration = Duration::from_secs(10);

/// What was read so short a time ago need not be read again: it is still fresh at the first DELETE.
const JUST_READ: SignedDuration = SignedDuration::from_secs(3);

/// How often one handling starts over because its reads are stale, or because others changed the item.
const ROUNDS: usize = 6;

/// What one handling carries along.
pub(super) struct Handling<'h, 'r> {
    pub(super) drain: &'h Drain<'r>,
    pub(super) leased: &'h mut Leased<'r>,
    /// The run that sent the message.
    pub(super) asked_by: RunId,
    /// The ids of this handling's requests in Graph's own logs.
    pub(super) request_ids: Vec<String>,
    /// The wait that Graph last asked for, if that made the handling start over.
    pub(super) waited: Option<Duration>,
    /// What the audit log told of the user, once it was asked.
    pub(super) story: Option<Story>,
    /// Whether that is in the ledger, too.
    pub(super) story_on_record: bool,
    /// Whether Graph was given time to notice a change of the default method.
    pub(super) waited_for_default: bool,
    /// What Conditional Access demands of the user, once it was asked.
    pub(super) demand: Option<Demand>,
}

impl Drain<'_> {
    /// Handles one user under a lease.
    pub(super) async fn handle_user(&self, message: &Message) -> Result<Ending, Interrupted> {
        let ledger = &self.process.ledger;
        let _counted = self.bulk.count();
        for _ in 0..ROUNDS {
            let Some(working) = self.enter().await else { return Ok(Ending::NotStarted) };
            if let Some(cause) = self.stopped.get() {
                return Err(Interrupted::Stop(cause.clone()));
            }
            let held = ledger.user(message.user_id).await?;
            let Some(state) = held.value else { return Ok(Ending::NotOnRecord) };
            if !state.is_pending() {
                return Ok(Ending::NothingToDo);
            }
            let now = self.process.clock.now();
            if !Lease::is_free(state.lease.as_ref(), now, |owner| ledger.owner_is_dead(owner)) {
                return Ok(Ending::Busy { until: free_at(self, state.lease.as_ref(), now) });
            }
            let state = Versioned { value: state, version: held.version };
            let handled = under_lease(self.scope, state, async |leased| {
                let asked_by = message.run_id;
                let handling = Handling {
                    drain: self,
                    leased,
                    asked_by,
                    request_ids: Vec::new(),
                    waited: None,
                    story: None,
                    story_on_record: false,
                    demand: None,
                    waited_for_default: false,
                };
                handling.run(working).await
            });
            match handled.await {
                Ok(state) => return Ok(Ending::Concluded(Box::new(state))),
                Err(Break::Again) => {}
                Err(Break::Interrupted(interrupted)) => return Err(interrupted),
            }
        }
        let cause = "the user's item is written too often".to_owned();
        Err(Interrupted::ComeBack { after: Duration::from_secs(5), cause, throttled: false })
    }
}

/// Returns the outcome that takes the place of a rollback that was decided on, or `None` if nothing stands in
/// its way.
fn gate(scope: &Scope, user: UserId, preflight: &Preflight, now: Timestamp) -> Option<Outcome> {
    let settings = &scope.process.settings;
    if settings.mode == Mode::Report {
        return Some(Outcome::WouldRollBack);
    }
    let deferred = if now < settings.policy.window.preview_disabled_at {
        Some(Deferred::PreviewNotDisabled)
    } else if !preflight.passes() {
        Some(Deferred::PreflightFailed)
    } else if settings.mode == Mode::Canary && !preflight.canaries.contains(&user) {
        Some(Deferred::Canary)
    } else {
        None
    };
    deferred.map(Outcome::Deferred)
}

/// Returns the outcome that takes the place of a rollback that was decided on: the gate's, or that it is not approved, or
/// that a second look is due. `None` if nothing stands in its way.
pub(super) async fn stops(
    scope: &Scope,
    user: &UserState,
    facts: &Facts,
    decision: &Decision,
    preflight: &Preflight,
    now: Timestamp,
) -> Result<Option<Outcome>, LedgerError> {
    if let Some(outcome) = gate(scope, user.user_id, preflight, now) {
        return Ok(Some(outcome));
    }
    let methods = facts.methods.known().map_or(&[][..], Vec::as_slice);
    if let Some(outcome) = approved(scope, user, methods, decision, now).await? {
        return Ok(Some(outcome));
    }
    Ok(second_look(scope, user.memory.as_ref(), facts, now))
}

/// Returns the outcome that takes the place of a rollback if a look at some method lies too short a time back.
fn second_look(scope: &Scope, memory: Option<&Memory>, facts: &Facts, now: Timestamp) -> Option<Outcome> {
    let latest = shift(now, -scope.process.settings.second_look);
    let is_known = |method: &AuthenticationMethod| {
        memory.and_then(|memory| memory.since(method)).is_some_and(|since| since <= latest)
    };
    let mut strong = facts.methods.known()?.iter().filter(|method| method.kind.is_strong());
    (!strong.all(is_known)).then_some(Outcome::Deferred(Deferred::SecondLook))
}

impl Handling<'_, '_> {
    /// Takes the user to an outcome. A user who was interrupted for a day gets one, too.
    async fn run(mut self, working: Working<'_>) -> Result<UserState, Break> {
        match self.reach_outcome(working).await {
            Err(Break::Interrupted(Interrupted::ComeBack { after, cause, throttled })) => {
                self.come_back(after, cause, throttled).await
            }
            ended => ended,
        }
    }

    async fn reach_outcome(&mut self, working: Working<'_>) -> Result<UserState, Break> {
        let conclusion = self.reach_conclusion(working).await?;
        if !matches!(conclusion.outcome, Outcome::RolledBack | Outcome::Partial(_)) {
            self.leased.take_back_void_intent();
        }
        Ok(self.conclude(conclusion).await?)
    }

    async fn reach_conclusion(&mut self, working: Working<'_>) -> Result<Conclusion, Break> {
        let (drain, user) = (self.drain, self.leased.state.value.user_id);
        let mut preflight = drain.process.preflight().await?;
        let mut working = Some(working);
        let (mut urgency, mut looked_twice) = (Urgency::New, false);
        let mut just_read: Option<Facts> = None;
        for _ in 0..ROUNDS {
            let at_work = match working.take() {
                Some(working) => working,
                None => drain.active.enter(|| drain.process.graph.limit()).await,
            };
            self.leased.keep(TAKES_AT_LEAST).await?;
            // Where nothing may be deleted, the log need not be asked.
            if gate(drain, user, &preflight, drain.process.clock.now()).is_none() {
                self.story_in_bulk().await?;
            }
            let facts = self.facts(just_read.take(), urgency).await?;
            urgency = Urgency::Begun;
            let now = drain.process.clock.now();
            let settled = self.settle(&facts).await?;
            if let Some(conclusion) = settled.complete {
                return Ok(conclusion);
            }
            let decision = self.decide(&facts, &preflight);
            self.note(&facts, &preflight, now);
            let stop = match decision.verdict {
                Verdict::RollBack => {
                    let state = &self.leased.state.value;
                    stops(drain, state, &facts, &decision, &preflight, now).await?
                }
                Verdict::NotEligible(reason) => Some(Outcome::NotEligible(reason)),
                Verdict::Held(reason) => Some(Outcome::Held(reason)),
            };
            let questions = questions(drain, &preflight.belts, user);
            let may_go = [None, Some(Outcome::WouldRollBack), Some(Outcome::Deferred(Deferred::NotApproved))];
            if may_go.contains(&stop) && self.demand.is_none() && !questions.is_empty() {
                self.demand = Some(Demand::ask(drain, user, &questions).await?);
                (working, just_read) = (Some(at_work), Some(facts));
                continue;
            }
            if let Some(outcome) = stop {
                if self.leased.touched && settled.gone.is_empty() && !looked_twice {
                    // A DELETE whose answer was lost may become visible only now.
                    looked_twice = true;
                    self.leased.keep(REMOVAL_SHOWS_AFTER).await?;
                    drop(at_work);
                    tokio::time::sleep(REMOVAL_SHOWS_AFTER).await;
                    continue;
                }
                self.put_back_default(facts.methods.known().map_or(&[], Vec::as_slice)).await?;
                return Ok(self.stopped(&facts, decision, outcome, settled.gone));
            }
            if facts.log == LogReading::UnderWay {
                let cause = "a scan of the audit log is under way, and may tell more of the user".to_owned();
                return Err(Interrupted::ComeBack { after: SCAN_AGAIN, cause, throttled: false }.into());
            }
            if self.story.is_none() || !preflight.is_within(GOOD_FOR, now) {
                self.ask_the_log().await?;
                preflight = drain.process.preflight_within(GOOD_FOR).await?;
                (working, just_read) = (Some(at_work), Some(facts));
                continue;
            }
            self.put_story_on_record().await?;
            let methods = facts.methods.known().cloned().unwrap_or_default();
            let intent = match self.promise(&methods, &decision).await? {
                Ok(intent) => intent,
                Err(deferred) => {
                    self.put_back_default(&methods).await?;
                    return Ok(self.stopped(&facts, decision, Outcome::Deferred(deferred), settled.gone));
                }
            };
            let turn = drain.process.graph.turn().await?;
            let decided = Decided { methods, read_at: facts.read_at, decision };
            if let Some(conclusion) = self.roll_back(intent, decided, turn, at_work).await? {
                return Ok(conclusion);
            }
        }
        let cause = "Graph throttled, or what was read grew stale, before each DELETE".to_owned();
        let throttled = self.waited.is_some();
        Err(Interrupted::ComeBack { after: self.waited.unwrap_or_default(), cause, throttled }.into())
    }

    /// Reads the user, unless that was just done, and adds what is known by other requests and is recent enough.
    async fn facts(&mut self, just_read: Option<Facts>, urgency: Urgency) -> Result<Facts, Break> {
        let process = &self.drain.process;
        let is_recent = |facts: &Facts| process.clock.now() < shift(facts.read_at, JUST_READ);
        let mut facts = if let Some(facts) = just_read.filter(is_recent) {
            facts
        } else {
            read(self.drain, self.leased.state.value.user_id, urgency).await?
        };
        let now = process.clock.now();
        self.story = self.story.take().filter(|story| story.is_recent(now));
        if let Some(story) = &self.story {
            let state = &mut self.leased.state.value;
            state.add_registrations(story.registrations.iter().cloned(), now);
            story.add_to(&mut facts);
        }
        self.demand = self.demand.take().filter(|demand| demand.is_recent(now));
        if let Some(demand) = &self.demand {
            facts.what_if = demand.what_if.clone();
        }
        self.request_ids.append(&mut facts.request_ids);
        Ok(facts)
    }

    /// Takes the user's story from a reading for all users, if there is one, and none is known yet.
    async fn story_in_bulk(&mut self) -> Result<(), Break> {
        let now = self.drain.process.clock.now();
        self.story = self.story.take().filter(|story| story.is_recent(now));
        if self.story.is_none() {
            let state = &self.leased.state.value;
            self.story = self.drain.bulk.story(self.drain, state.user_id, &state.registrations).await?;
            self.story_on_record = false;
        }
        Ok(())
    }

    /// Asks the audit log about the user, if nothing is known yet.
    async fn ask_the_log(&mut self) -> Result<(), Break> {
        if self.story.is_none() {
            let state = &self.leased.state.value;
            self.story = Some(self.drain.bulk.ask(self.drain, state.user_id, &state.registrations).await?);
            self.story_on_record = false;
        }
        Ok(())
    }

    /// Puts what the audit log told on record, before anything is promised on its ground.
    async fn put_story_on_record(&mut self) -> Result<(), Break> {
        let user = self.leased.state.value.user_id;
        let Some(story) = self.story.as_ref().filter(|_| !self.story_on_record) else { return Ok(()) };
        let ledger = &self.drain.process.ledger;
        let of_user = |act: &RecordedAct| (user, act.clone());
        ledger.record_acts(&story.acts.iter().map(of_user).collect::<Vec<_>>()).await?;
        let of_user = |change: &RecordedChange| (user, change.clone());
        ledger.record_changes(&story.changes.iter().map(of_user).collect::<Vec<_>>()).await?;
        self.story_on_record = true;
        Ok(())
    }

    fn decide(&self, facts: &Facts, preflight: &Preflight) -> Decision {
        let nothing = BTreeSet::new();
        let mut record = Record::of(&self.leased.state.value, &nothing);
        if self.leased.void_intent().is_some() {
            (record.first_delete_at, record.intent) = (None, None);
        }
        let process = &self.drain.process;
        decide(record, facts, &preflight.belts, &process.settings.policy, process.clock.now())
    }

    /// Puts what was read by a moment into the state item, for reports and releases. It may have been read long after
    /// it was asked for, since requests wait in line.
    fn note(&mut self, facts: &Facts, preflight: &Preflight, read_by: Timestamp) {
        let state = &mut self.leased.state.value;
        let administrator = preflight.belts.administrators.known().and_then(|list| list.get(&state.user_id));
        let mut about = about(facts, administrator, self.drain.process.settings.log_user_principal_names);
        if state.intent.is_some() || state.outcome() == Some(Outcome::RolledBack) {
            about.methods_before = std::mem::take(&mut state.about.methods_before);
        }
        state.about = about;
        if let Some(methods) = facts.methods.known() {
            let memory = state.memory.get_or_insert_with(|| Memory::new(uuid::Uuid::new_v4()));
            memory.look(methods, read_by);
        }
    }

    /// Writes an outcome to the ledger, and then logs it.
    async fn conclude(&self, conclusion: Conclusion) -> Result<UserState, LedgerError> {
        let process = &self.drain.process;
        let concluded = Concluded {
            outcome: conclusion.outcome,
            at: process.clock.now(),
            run_id: self.drain.run_id,
            methods_deleted: conclusion.deleted,
            methods_left: conclusion.left,
            decision: conclusion.decision,
            request_ids: self.request_ids.clone(),
        };
        let state = process.ledger.conclude(&self.leased.state, &concluded, process.settings.limits).await?;
        self.say_decided(&concluded);
        self.say_outcome(&concluded);
        Ok(state)
    }

    /// Lets an interrupted handling come back, or gives up if it has done so for a day.
    async fn come_back(
        &mut self,
        after: Duration,
        cause: String,
        throttled: bool,
    ) -> Result<UserState, Break> {
        self.leased.take_back_void_intent();
        let state = &self.leased.state.value;
        let (user, attempts) = (state.user_id, state.attempts.count);
        if let Some(outcome) = gave_up(state, throttled, self.drain.process.clock.now()) {
            let outcome = match (state.intent.is_some(), outcome) {
                // It is not known now what is gone: better one partial too many than one too few.
                (true, Outcome::Failed(reason)) => Outcome::Partial(reason.into()),
                (_, outcome) => outcome,
            };
            let conclusion = Conclusion { outcome, deleted: Vec::new(), left: Vec::new(), decision: None };
            match self.conclude(conclusion).await {
                Ok(state) => return Ok(state),
                Err(error) => tracing::warn!(user.id = %user, error = %error, "outcome not written"),
            }
        }
        let after = backoff(attempts, Some(after));
        tracing::info!(user.id = %user, cause, attempts, "user comes back later");
        Err(Interrupted::ComeBack { after, cause, throttled }.into())
    }
}
