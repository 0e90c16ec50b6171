//! How a schedule ends: faults stop, and polls and drains run until nothing is due any more.

use std::{collections::BTreeSet, time::Duration};

use shared::poll::ScanRequest;
use simulator::Faults;

use crate::{
    steps::lock,
    world::{DAY, HOUR, World},
};

impl World {
    /// Ends all that goes wrong by itself and not for good, and restores the settings. What else people did stays.
    pub(crate) async fn calm_down(&self) {
        self.watch.calm_down();
        // What keeps parts of the log from being read is mended in half of the worlds.
        if (self.breaks_pages() || self.cannot_be_read()) && self.chance(2) {
            self.mended.set(self.standing.take());
        }
        self.tenant.set_faults(Faults { standing: self.standing.get(), ..Faults::default() });
        self.mend_the_exclusions();
        self.release_the_brake().await;
        *lock(&self.watch.cap) = 1000;
        self.set("MAX_ROLLBACKS_PER_DAY", "1000".to_owned());
        self.set("PREVIEW_ENABLED_AT", self.window().0.to_string());
        self.set("MODE", "enforce".to_owned());
    }

    /// Polls and drains, as the schedule does, until every late event has shown and every retry is over.
    pub(crate) async fn come_to_rest(&self) {
        let until = self.clock.now() + DAY * 2 + HOUR * 12;
        while self.clock.now() < until {
            for _ in 0..10 {
                if self.poll(ScanRequest::Scheduled).await {
                    break;
                }
                tokio::time::sleep(Duration::from_mins(3)).await;
            }
            for round in 0..60 {
                while self.drain().await {}
                if round < 3 {
                    self.approve_everything().await;
                    while self.drain().await {}
                }
                let soon = self.clock.now() + HOUR;
                match self.database.next_visible_at(None, &BTreeSet::new()).expect("the queue is in memory") {
                    Some(at) if at < soon => {
                        let wait = at.duration_since(self.clock.now());
                        tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
                    }
                    _ => break,
                }
            }
            tokio::time::sleep(Duration::from_hours(5)).await;
        }
    }
}
