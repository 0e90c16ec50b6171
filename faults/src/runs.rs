//! The processes of a world and what they do: polls, drains, runs of the command line.

use std::{rc::Rc, sync::Arc, time::Duration};

use jiff::SignedDuration;
use shared::{
    clock::Clock,
    credentials::ClientSecret,
    graph::GraphError,
    ledger::LedgerError,
    poll::{PollError, ScanRequest},
};

use crate::{
    ledger::{FaultyStore, Weather},
    machine::Machine,
    steps::{Luck, NEVER, Steps},
    watch::{SKEW, View},
    world::{HOUR, World},
};

impl World {
    /// Returns an idle process: a running one, or a new one.
    pub(crate) async fn machine(&self) -> Result<Rc<Machine>, LedgerError> {
        let idle = self.machines.borrow().iter().find(|machine| !machine.is_busy.get()).cloned();
        if let Some(idle) = idle
            && !self.chance(6)
        {
            return Ok(idle);
        }
        let secret = {
            let vars = self.vars.borrow();
            ClientSecret::read(|name: &str| vars.get(name).cloned()).expect("settings that are right")
        };
        let (chance, skew) = {
            let mut rng = self.rng.borrow_mut();
            let most = i64::try_from(SKEW.as_millis()).unwrap_or_default();
            (rng.fork(), SignedDuration::from_millis(rng.i64(-most..=most)))
        };
        let time = self.clock.clone();
        let clock = Clock::from_fn(move || time.now() + skew);
        let view = Arc::new(View::new(self.settings(), clock, self.may_not_delete.get()));
        let store = |steps: &Arc<Steps>| FaultyStore {
            store: Arc::clone(&self.watch.store),
            steps: Arc::clone(steps),
            view: Arc::clone(&view),
            watch: Arc::clone(&self.watch),
            index: Arc::clone(&self.index),
            weather: if self.watch.is_calm() { Weather::default() } else { self.weather },
        };
        let deployment = self.deployment.get();
        let (watch, database) = (Arc::clone(&self.watch), Arc::clone(&self.database));
        let machine = Machine::start(watch, database, Arc::clone(&view), secret, chance, store).await?;
        let machine = Rc::new(machine);
        if deployment == self.deployment.get() {
            self.machines.borrow_mut().push(Rc::clone(&machine));
        }
        Ok(machine)
    }

    fn luck(&self) -> Luck {
        if self.watch.is_calm() {
            return Luck { dies_at: NEVER, freezes: None };
        }
        let mut rng = self.rng.borrow_mut();
        let dies = rng.f64() < self.deaths;
        let steps = *rng.choice(&[12, 60, 240]).expect("some");
        let dies_at = rng.u32(..steps);
        let freezes = rng.u8(..6) == 0;
        let after = Duration::from_millis(rng.u64(..130_000));
        let longest = *rng.choice(&[8, 60, 1800]).expect("some");
        let length = Duration::from_secs(rng.u64(1..longest));
        Luck { dies_at: if dies { dies_at } else { NEVER }, freezes: freezes.then_some((after, length)) }
    }

    fn note(&self, machine: &Rc<Machine>, luck: Luck, has_ended: bool) {
        let mut tally = self.tally.borrow_mut();
        tally.frozen += u64::from(luck.freezes.is_some());
        if has_ended {
            tally.ended += 1;
        } else {
            tally.killed += 1;
            self.machines.borrow_mut().retain(|other| !Rc::ptr_eq(other, machine));
        }
        machine.is_busy.set(false);
    }

    /// Runs one invocation of poll. Returns whether a scan came to its end.
    pub(crate) async fn poll(&self, request: ScanRequest) -> bool {
        let is_calm = self.watch.is_calm();
        let Ok(machine) = self.machine().await else { return false };
        machine.is_busy.set(true);
        let luck = self.luck();
        let polled = machine.poll(luck, request).await;
        self.note(&machine, luck, polled.is_some());
        tracing::debug!(?request, ?luck, start = %machine.view.settings.policy.window.start, ?polled, "poll");
        match polled {
            Some(Ok(summary)) => summary.complete,
            // The log cannot be read at all, and every poll says so.
            Some(Err(error)) if self.cannot_be_read() => {
                tracing::debug!(%error, "poll cannot read the log");
                false
            }
            // A broken page is asked for several times, and the time may run out meanwhile: the next poll goes on.
            Some(Err(PollError::Graph(GraphError::Unavailable { .. }))) if self.breaks_pages() => false,
            Some(Err(error)) if is_calm => {
                self.watch.violation(6, format!("poll fails though nothing is wrong: {error}"));
                false
            }
            _ => false,
        }
    }

    /// Runs one invocation of drain with the visible messages. Returns `false` only if there are none.
    pub(crate) async fn drain(&self) -> bool {
        let Ok(machine) = self.machine().await else { return true };
        let mut batch = self.database.receive(10, None).expect("the queue is in memory");
        if batch.is_empty() {
            return false;
        }
        self.rng.borrow_mut().shuffle(&mut batch);
        machine.is_busy.set(true);
        let luck = self.luck();
        let drained = machine.drain(luck, &batch);
        let ended = if !self.watch.is_calm() && self.chance(8) {
            // The queue hands the same messages out twice.
            let again = async {
                let Ok(other) = self.machine().await else { return };
                other.is_busy.set(true);
                let luck = self.luck();
                let ended = other.drain(luck, &batch).await;
                self.note(&other, luck, ended.is_some());
            };
            tokio::join!(drained, again).0
        } else {
            drained.await
        };
        self.note(&machine, luck, ended.is_some());
        true
    }

    /// Runs `mfa-rollback run` on the same ledger.
    pub(crate) async fn run(&self) {
        let Ok(machine) = self.machine().await else { return };
        machine.is_busy.set(true);
        let luck = self.luck();
        machine.run(luck, HOUR * 2).await;
        self.note(&machine, luck, false);
    }
}
