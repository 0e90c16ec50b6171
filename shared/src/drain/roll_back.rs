//! The rollback of one user: one DELETE after the other, each guarded by the lease, the brake and a recent
//! look at the user, and then the look back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    active::Working,
    ending::{Changed, Conclusion, Decided},
    handling::Handling,
    interrupted::{Break, LONGEST_WAIT},
    reads::FRESH_FOR,
};
use crate::{
    domain::{
        decision::Decision,
        intent::DurableIntent,
        method::{AuthenticationMethod, MethodName, names},
        outcome::{Deferred, Failed, Held, Outcome, Partial},
    },
    graph::{DELETE_TAKES_AT_MOST, GraphError, REMOVAL_SHOWS_AFTER, Refusal, Turn, Urgency},
    process::Process,
};

/// How old the list of methods may be once something was deleted.
const LIST_HOLDS_FOR: SignedDuration = SignedDuration::from_secs(10);

/// A throttle that is waited for without reading again what was read before it.
const SHORT_WAIT: Duration = Duration::from_secs(4);

/// How often a DELETE is sent before the user is looked at again.
const DELETE_TRIES: u32 = 3;

/// The most passes over the methods that are left.
const PASSES: usize = 8;

/// One rollback under way.
struct Rollback<'a, 'h, 'r> {
    handling: &'a mut Handling<'h, 'r>,
    intent: DurableIntent,
    decision: Decision,
    /// The list that was decided on.
    decided_on: Vec<AuthenticationMethod>,
    decided_at: Timestamp,
    listed: Vec<AuthenticationMethod>,
    /// The positions whose DELETE was answered with 204 or 404 in this rollback.
    gone: BTreeSet<usize>,
    /// Those of them whose first DELETE ever was answered with 404: perhaps the answer is wrong, and nothing is gone.
    doubtful: BTreeSet<usize>,
    /// The positions whose DELETE was refused for good, each with the reason.
    refused: BTreeMap<usize, Failed>,
    /// Refused as the default, or as not yet possible: worth another try when others are gone.
    not_yet: BTreeSet<usize>,
    /// Something was deleted, and Graph may not show it yet.
    settling: bool,
    brake_open: bool,
    /// The default method was asked to change in this rollback.
    asked_default: bool,
}

/// How a pass over the methods ended.
enum Pass {
    /// The pass reached its end.
    Ended { deleted: usize },
    /// Graph throttles, an answer was lost, or the list is stale: after a wait, look at the user and decide
    /// again.
    StartOver(Option<Duration>),
    /// The brake is open.
    BrakeOpen,
}

/// What became of one DELETE.
enum Deleted {
    /// Graph answered it.
    Answered(Result<Option<String>, GraphError>),
    /// The pass ends here.
    Ends(Pass),
    /// The intent does not list it.
    NotListed,
}

impl Handling<'_, '_> {
    /// Deletes what the intent lists. `turn` lets the first DELETE go out. Returns `None` if account and
    /// methods must be read and decided on once more.
    pub(super) async fn roll_back(
        &mut self,
        intent: DurableIntent,
        decided: Decided,
        turn: Turn,
        working: Working<'_>,
    ) -> Result<Option<Conclusion>, Break> {
        let Decided { methods, read_at, decision } = decided;
        let rollback = Rollback {
            handling: self,
            intent,
            decision,
            decided_on: methods.clone(),
            decided_at: read_at,
            listed: methods,
            gone: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            refused: BTreeMap::new(),
            not_yet: BTreeSet::new(),
            settling: false,
            brake_open: false,
            asked_default: false,
        };
        rollback.run(turn, working).await
    }
}

impl<'r> Rollback<'_, '_, 'r> {
    fn process(&self) -> &'r Process {
        &self.handling.leased.scope.process
    }

    async fn run(mut self, turn: Turn, working: Working<'_>) -> Result<Option<Conclusion>, Break> {
        let mut working = Some(working);
        let mut turn = Some(turn);
        for _ in 0..PASSES {
            let todo = self.todo();
            if todo.is_empty() {
                break;
            }
            match self.pass(&todo, &mut turn).await? {
                Pass::StartOver(wait) => {
                    drop(working.take());
                    self.handling.waited = wait.or(self.handling.waited);
                    tokio::time::sleep(wait.unwrap_or_default()).await;
                    return Ok(None);
                }
                Pass::Ended { deleted } if deleted > 0 || self.not_yet.is_empty() => {}
                // What was deleted may still count as the default. Once Graph has forgotten it, read and
                // decide once more.
                Pass::Ended { .. } if self.settling => {
                    self.pause(&mut working).await?;
                    return Ok(None);
                }
                Pass::Ended { .. } if !self.asked_default => {
                    self.asked_default = true;
                    match self.change_default().await? {
                        Changed::Now(intent) => self.intent = intent,
                        Changed::StartOver(wait) => {
                            drop(working.take());
                            tokio::time::sleep(wait).await;
                            return Ok(None);
                        }
                        Changed::No => break,
                        Changed::BrakeOpen => {
                            self.brake_open = true;
                            break;
                        }
                    }
                }
                // Graph has taken the change, and the rule does not know of it yet.
                Pass::Ended { .. } if !self.handling.waited_for_default => {
                    self.handling.waited_for_default = true;
                    self.pause(&mut working).await?;
                    return Ok(None);
                }
                Pass::BrakeOpen | Pass::Ended { .. } => break,
            }
        }
        self.look_back(&mut working).await.map(Some)
    }

    /// The positions worth a DELETE: the method is provably still the one intended. In the handling that
    /// wrote the intent, it is enough if the method still looks as it did when it was decided on.
    fn todo(&self) -> Vec<usize> {
        let intent = self.intent.intent();
        let settlement = intent.settle(&self.listed, self.process().clock.now());
        let wrote_it = self.handling.leased.new_intent == Some(intent.id);
        let as_decided = |position: &usize| {
            let method = &intent.methods[*position];
            let of = |list: &[AuthenticationMethod]| {
                list.iter().find(|m| m.kind == method.kind && m.id == method.id).cloned()
            };
            wrote_it && of(&self.listed) == of(&self.decided_on)
        };
        let mut todo = settlement.unchanged;
        todo.extend(settlement.unclear.into_iter().filter(as_decided));
        todo.retain(|n| !self.gone.contains(n) && !self.refused.contains_key(n));
        todo.sort_unstable();
        todo
    }

    async fn change_default(&mut self) -> Result<Changed, Break> {
        let intended = &self.intent.intent().methods;
        let gone: Vec<MethodName> = self.gone.iter().map(|position| intended[*position].name()).collect();
        let is_there = |method: &&AuthenticationMethod| !gone.contains(&method.name());
        let there: Vec<AuthenticationMethod> = self.listed.iter().filter(is_there).cloned().collect();
        let (clock, decided_at, holds_for) =
            (self.process().clock.clone(), self.decided_at, self.holds_for());
        let is_fresh = || clock.now().duration_since(decided_at) <= holds_for;
        self.handling.change_default(self.intent.clone(), &there, is_fresh).await
    }

    /// How old account and methods may be now.
    fn holds_for(&self) -> SignedDuration {
        if self.settling { LIST_HOLDS_FOR } else { FRESH_FOR }
    }

    async fn pass(&mut self, todo: &[usize], turn: &mut Option<Turn>) -> Result<Pass, Break> {
        let mut deleted = 0;
        self.not_yet.clear();
        for position in todo {
            let answer = match self.delete(*position, turn).await? {
                Deleted::Answered(answer) => answer,
                Deleted::Ends(pass) => return Ok(pass),
                Deleted::NotListed => continue,
            };
            match answer {
                // 404: already gone, perhaps by an earlier DELETE whose answer was lost.
                Ok(_) | Err(GraphError::NotFound) => {
                    let is_first = self.handling.leased.void_intent() == Some(self.intent.intent().id);
                    if answer.is_err() && is_first {
                        self.doubtful.insert(*position);
                    } else {
                        self.handling.leased.touched = true;
                    }
                    self.handling.request_ids.extend(answer.ok().flatten());
                    self.gone.insert(*position);
                    self.handling.leased.gone.insert(self.intent.intent().methods[*position].name());
                    self.settling = true;
                    deleted += 1;
                }
                Err(GraphError::Throttled { retry_after }) if retry_after <= LONGEST_WAIT => {
                    return Ok(Pass::StartOver(Some(retry_after)));
                }
                Err(GraphError::TokenRefused) => return Ok(Pass::StartOver(None)),
                Err(GraphError::Unavailable { .. }) => {
                    self.handling.leased.touched = true;
                    return Ok(Pass::StartOver(Some(Duration::from_secs(1))));
                }
                Err(GraphError::Refused { reason: Refusal::NotYet, .. }) => {
                    self.not_yet.insert(*position);
                }
                Err(error) if error.comes_back() || error.stops_everything() => return Err(error.into()),
                Err(error) => {
                    self.handling.request_ids.extend(error.request_id().map(str::to_owned));
                    self.refused.insert(*position, refusal(&error));
                }
            }
        }
        Ok(Pass::Ended { deleted })
    }

    /// Sends one DELETE, if every guard allows it. If Graph throttles, it waits in line with the next turn, as long as
    /// what was read is recent enough.
    async fn delete(&mut self, position: usize, turn: &mut Option<Turn>) -> Result<Deleted, Break> {
        for attempt in 1.. {
            let leave = match turn.take() {
                Some(turn) => turn,
                None => self.process().graph.turn().await?,
            };
            self.handling.leased.keep(DELETE_TAKES_AT_MOST).await?;
            if self.process().ledger.brake().await?.value.is_open() {
                self.brake_open = true;
                return Ok(Deleted::Ends(Pass::BrakeOpen));
            }
            let Some(deletion) = self.intent.deletion(position) else { return Ok(Deleted::NotListed) };
            if self.process().clock.now().duration_since(self.decided_at) > self.holds_for() {
                return Ok(Deleted::Ends(Pass::StartOver(None)));
            }
            match self.process().graph.delete_method(leave, &deletion).await {
                Err(GraphError::Throttled { retry_after })
                    if retry_after <= SHORT_WAIT && attempt < DELETE_TRIES =>
                {
                    self.handling.waited = Some(retry_after);
                }
                answer => return Ok(Deleted::Answered(answer)),
            }
        }
        Ok(Deleted::NotListed)
    }

    /// Reads the methods again.
    async fn look(&mut self) -> Result<(), Break> {
        let user = self.handling.leased.state.value.user_id;
        let answer = self.process().graph.methods(user, Urgency::Begun).await?;
        self.handling.request_ids.extend(answer.request_id);
        self.listed = answer.body;
        Ok(())
    }

    /// Waits until Graph shows what was deleted. Meanwhile, others are handled.
    async fn pause(&mut self, working: &mut Option<Working<'_>>) -> Result<(), Break> {
        self.handling.leased.keep(REMOVAL_SHOWS_AFTER + DELETE_TAKES_AT_MOST).await?;
        drop(working.take());
        tokio::time::sleep(REMOVAL_SHOWS_AFTER).await;
        Ok(())
    }

    /// The positions that the list still shows, unless they were provably registered anew.
    fn shown(&self) -> BTreeSet<usize> {
        let settlement = self.intent.intent().settle(&self.listed, self.process().clock.now());
        settlement.unchanged.into_iter().chain(settlement.unclear).collect()
    }

    /// Reads the methods back, and again after a pause if a deleted one still shows.
    async fn look_back(mut self, working: &mut Option<Working<'_>>) -> Result<Conclusion, Break> {
        // Where Graph takes its time, a look that comes too soon is a request for nothing.
        let drain = self.handling.drain;
        if self.settling && drain.shows_late.load(Ordering::Relaxed) {
            self.pause(working).await?;
        }
        self.look().await?;
        if self.gone.iter().any(|position| self.shown().contains(position)) {
            drain.shows_late.store(true, Ordering::Relaxed);
            self.pause(working).await?;
            self.look().await?;
        }
        self.resolve_doubt();
        let shown = self.shown();
        let methods = &self.intent.intent().methods;
        let deleted: Vec<_> =
            (0..methods.len()).filter(|n| !shown.contains(n)).map(|n| methods[n].name()).collect();
        let outcome = self.outcome(&shown, deleted.len());
        if outcome != Outcome::RolledBack {
            let listed = std::mem::take(&mut self.listed);
            self.handling.put_back_default(&listed).await?;
            self.listed = listed;
        }
        Ok(Conclusion { outcome, deleted, left: names(&self.listed), decision: Some(self.decision) })
    }

    /// A method that was never deleted and still shows was not gone: its DELETE was refused.
    fn resolve_doubt(&mut self) {
        let shown = self.shown();
        for position in std::mem::take(&mut self.doubtful) {
            if shown.contains(&position) {
                self.gone.remove(&position);
                self.handling.leased.gone.remove(&self.intent.intent().methods[position].name());
                self.refused.insert(position, Failed::Refused);
            } else {
                self.handling.leased.touched = true;
            }
        }
    }

    fn outcome(&self, shown: &BTreeSet<usize>, deleted: usize) -> Outcome {
        if shown.is_empty() {
            return Outcome::RolledBack;
        }
        let settlement = self.intent.intent().settle(&self.listed, self.process().clock.now());
        let refused = shown.iter().find_map(|position| self.refused.get(position)).copied();
        let methods = &self.intent.intent().methods;
        let still_listed =
            shown.iter().any(|position| self.handling.leased.gone.contains(&methods[*position].name()));
        if deleted == 0 && !still_listed {
            return match refused {
                _ if self.brake_open => Outcome::Deferred(Deferred::BrakeOpen),
                Some(reason) => Outcome::Failed(reason),
                None if self.not_yet.is_empty() => Outcome::Failed(Failed::Attempts),
                None => Outcome::Failed(Failed::DefaultRefused),
            };
        }
        Outcome::Partial(if self.brake_open {
            Partial::Deferred(Deferred::BrakeOpen)
        } else if let Some(reason) = refused {
            reason.into()
        } else if !self.not_yet.is_empty() {
            Partial::DefaultRefused
        } else if !settlement.unclear.is_empty() {
            Partial::Held(Held::ReRegistered)
        } else if still_listed {
            Partial::StillListed
        } else {
            Partial::Failed(Failed::Attempts)
        })
    }
}

/// The outcome's reason for a refused DELETE.
fn refusal(error: &GraphError) -> Failed {
    match error {
        GraphError::Forbidden { .. } => Failed::Forbidden,
        GraphError::Refused { .. } => Failed::Refused,
        _ => Failed::Attempts,
    }
}
