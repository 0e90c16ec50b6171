//! The rollback of one user: DELETE after DELETE, each behind the lease, the brake and a recent look
//! at the user, and then the look back.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Drain,
    active::Working,
    handle::{Break, Conclusion, Handling, listed, name, refusal},
};
use crate::{
    decide::Decision,
    graph::{AuthenticationMethod, DELETE_TAKES_AT_MOST, GraphError, REMOVAL_SHOWS_AFTER, Refusal, Turn},
    intent::DurableIntent,
    outcome::{Deferred, Failed, Outcome, Partial},
};

/// A later DELETE than the first goes by a list of methods that is at most this old.
const LIST_HOLDS_FOR: SignedDuration = SignedDuration::from_secs(10);

/// How often the methods that are left are gone through.
const PASSES: usize = 8;

/// A throttle longer than this sends the message back instead.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// One rollback under way.
pub(super) struct Rollback<'a> {
    drain: &'a Drain,
    handling: &'a mut Handling,
    intent: DurableIntent,
    decision: Decision,
    listed: Vec<AuthenticationMethod>,
    listed_at: Timestamp,
    /// Answered with 204 or 404 in this handling, or gone before it.
    gone: BTreeSet<usize>,
    /// Refused for good.
    refused: BTreeMap<usize, Failed>,
    /// Refused as default, or as not yet: worth another look when others are gone.
    not_yet: BTreeSet<usize>,
    /// Something was deleted, and Graph may not show it yet.
    settling: bool,
    brake_open: bool,
}

/// How a pass over the methods ended.
enum Pass {
    /// Through to the end.
    Ended { deleted: usize },
    /// Graph throttles, an answer was lost, or the list has grown old: after a wait, look at the user
    /// and decide again.
    StartOver(Duration),
    /// The brake is open.
    BrakeOpen,
}

impl<'a> Rollback<'a> {
    pub(super) fn new(
        drain: &'a Drain,
        handling: &'a mut Handling,
        intent: DurableIntent,
        methods: Vec<AuthenticationMethod>,
        listed_at: Timestamp,
        decision: Decision,
    ) -> Self {
        Self {
            drain,
            handling,
            intent,
            decision,
            listed: methods,
            listed_at,
            gone: BTreeSet::new(),
            refused: BTreeMap::new(),
            not_yet: BTreeSet::new(),
            settling: false,
            brake_open: false,
        }
    }

    /// Deletes what the intent lists. `turn` is the pace's leave for the first DELETE.
    /// `None` where account and methods have to be read, and decided on, once more.
    pub(super) async fn run(mut self, turn: Turn, working: Working<'_>) -> Result<Option<Conclusion>, Break> {
        let mut working = Some(working);
        let mut turn = Some(turn);
        let mut waited = false;
        for _ in 0..PASSES {
            let todo = self.todo();
            if todo.is_empty() {
                break;
            }
            match self.pass(&todo, &mut turn).await? {
                Pass::StartOver(wait) => {
                    drop(working.take());
                    tokio::time::sleep(wait).await;
                    return Ok(None);
                }
                Pass::Ended { deleted } if deleted > 0 || self.not_yet.is_empty() => waited = false,
                Pass::Ended { .. } if self.settling && !waited => {
                    waited = true;
                    self.pause(&mut working).await?;
                }
                Pass::BrakeOpen | Pass::Ended { .. } => break,
            }
        }
        self.look_back(&mut working).await.map(Some)
    }

    /// What is provably still the one intended, and worth a DELETE.
    fn todo(&self) -> Vec<usize> {
        let settlement = self.intent.intent().settle(&self.listed, self.drain.clock.now());
        settlement
            .unchanged
            .into_iter()
            .filter(|n| !self.gone.contains(n) && !self.refused.contains_key(n))
            .collect()
    }

    async fn pass(&mut self, todo: &[usize], turn: &mut Option<Turn>) -> Result<Pass, Break> {
        let mut deleted = 0;
        self.not_yet.clear();
        for position in todo {
            let leave = match turn.take() {
                Some(turn) => turn,
                None => self.drain.graph.turn().await?,
            };
            if self.drain.clock.now().duration_since(self.listed_at) > LIST_HOLDS_FOR {
                return Ok(Pass::StartOver(Duration::ZERO));
            }
            self.drain.keep_lease(self.handling, DELETE_TAKES_AT_MOST).await?;
            if self.drain.book.brake().await?.value.is_open() {
                self.brake_open = true;
                return Ok(Pass::BrakeOpen);
            }
            let Some(deletion) = self.intent.deletion(*position) else { continue };
            let answer = self.drain.graph.delete_method(leave, &deletion).await;
            match answer {
                // 404: gone already, perhaps by a DELETE just before whose answer was lost.
                Ok(_) | Err(GraphError::NotFound) => {
                    self.handling.request_ids.extend(answer.ok().flatten());
                    self.gone.insert(*position);
                    self.handling.touched = true;
                    self.settling = true;
                    deleted += 1;
                }
                Err(GraphError::Throttled { retry_after }) if retry_after <= LONGEST_WAIT => {
                    return Ok(Pass::StartOver(retry_after));
                }
                Err(GraphError::Unavailable { .. }) => {
                    self.handling.touched = true;
                    return Ok(Pass::StartOver(Duration::from_secs(1)));
                }
                Err(GraphError::Refused {
                    reason: Refusal::DefaultMethod | Refusal::AlternateFirst, ..
                }) => {
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

    /// Reads the methods again.
    async fn look(&mut self) -> Result<(), Break> {
        let read_at = self.drain.clock.now();
        let answer = self.drain.graph.methods(self.handling.state.value.user_id).await?;
        self.handling.request_ids.extend(answer.request_id);
        self.listed = answer.body;
        self.listed_at = read_at;
        Ok(())
    }

    /// Waits until Graph shows what was deleted, while others are handled, and looks again.
    async fn pause(&mut self, working: &mut Option<Working<'_>>) -> Result<(), Break> {
        self.drain.keep_lease(self.handling, REMOVAL_SHOWS_AFTER + DELETE_TAKES_AT_MOST).await?;
        drop(working.take());
        tokio::time::sleep(REMOVAL_SHOWS_AFTER).await;
        self.look().await
    }

    /// Positions that a list still shows, and so that nothing proves to be another registration.
    fn shown(&self) -> BTreeSet<usize> {
        let settlement = self.intent.intent().settle(&self.listed, self.drain.clock.now());
        settlement.unchanged.into_iter().chain(settlement.unclear).collect()
    }

    /// Reads the methods back, and again after a pause where a deleted one still shows.
    async fn look_back(mut self, working: &mut Option<Working<'_>>) -> Result<Conclusion, Break> {
        self.look().await?;
        if self.gone.iter().any(|position| self.shown().contains(position)) {
            self.pause(working).await?;
        }
        let shown = self.shown();
        let methods = &self.intent.intent().methods;
        let deleted: Vec<_> =
            (0..methods.len()).filter(|n| !shown.contains(n)).map(|n| name(&methods[n])).collect();
        let outcome = self.outcome(&shown, deleted.len());
        Ok(Conclusion { outcome, deleted, left: listed(&self.listed), decision: Some(self.decision) })
    }

    fn outcome(&self, shown: &BTreeSet<usize>, deleted: usize) -> Outcome {
        if shown.is_empty() {
            return Outcome::RolledBack;
        }
        let settlement = self.intent.intent().settle(&self.listed, self.drain.clock.now());
        let refused = shown.iter().find_map(|position| self.refused.get(position)).copied();
        let still_listed = shown.iter().any(|position| self.gone.contains(position));
        if deleted == 0 && !still_listed {
            return match refused {
                _ if self.brake_open => Outcome::Deferred(Deferred::BrakeOpen),
                Some(reason) => Outcome::Failed(reason),
                None if self.not_yet.is_empty() => Outcome::Failed(Failed::Attempts),
                None => Outcome::Failed(Failed::Refused),
            };
        }
        Outcome::Partial(if self.brake_open {
            Partial::BrakeOpen
        } else if let Some(reason) = refused {
            reason.into()
        } else if !self.not_yet.is_empty() {
            Partial::DefaultRefused
        } else if !settlement.unclear.is_empty() {
            Partial::ReRegistered
        } else if still_listed {
            Partial::StillListed
        } else {
            Partial::Attempts
        })
    }
}
