//! The API: real binaries behind a gateway on loopback.

mod authorization;
mod callers;
mod command_line;
mod description;
mod document;
mod made_up;
mod plans;
mod requests;
mod runs;

use crate::support::{
    doubles::{Double, Service},
    gateway::Gateway,
    lambda::Function,
    world::World,
};
use crate::{DRAIN, POLL};
use simulator::Part;

/// A deployment with a gateway in front.
struct Deployment {
    world: World,
    poll: Function,
    /// One for batches, and one that requests come to as well.
    drains: [Function; 2],
    gateway: Gateway,
}

impl Deployment {
    async fn new(double: Double, more: &[(&str, &str)]) -> Self {
        Self::of_world(World::new(Service::shared(double), 60, 7).await, more).await
    }

    /// With just these people.
    async fn with_parts(parts: &[Part], more: &[(&str, &str)]) -> Self {
        Self::of_world(World::with_parts(Service::shared(Double::Ministack), parts, 7).await, more).await
    }

    async fn of_world(mut world: World, more: &[(&str, &str)]) -> Self {
        let canaries = world.cast.canary_group.to_string();
        world.env.insert("CANARY_GROUP_ID".to_owned(), canaries);
        let poll = world.function("poll", POLL, more);
        let drains = [world.function("drain-0", DRAIN, more), world.function("drain-1", DRAIN, more)];
        let gateway = Gateway::start(&[&poll], &[&drains[0], &drains[1]]).await;
        Self { world, poll, drains, gateway }
    }

    fn of(&self, part: Part) -> String {
        self.world.of(part).id.to_string()
    }

    /// Has poll read log and report, and drain handle whom they name.
    async fn scan_and_drain(&self) {
        // On a busy machine a scan may take longer than a request has; the next one goes on from there.
        for attempt in 1.. {
            let (status, answer) = self.gateway.ask("POST", "/scans", None).await;
            if (status, &answer["complete"]) == (200, &serde_json::json!(true)) {
                break;
            }
            assert!(attempt < 5 && matches!(status, 200 | 503), "{answer}\n{}", self.poll.logs());
        }
        self.drain().await;
    }

    async fn drain(&self) {
        if self.world.mapping().left().await == 0 {
            return;
        }
        let drains = [&self.drains[0], &self.drains[1]];
        // A message that both get waits for the other's lease, 4 min.
        self.world.mapping().drain(&drains, std::time::Duration::from_mins(6)).await;
    }
}
