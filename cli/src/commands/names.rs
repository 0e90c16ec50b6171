//! People's names, and the preview's switches, for the operator's own terminal and page. Nothing of it is kept.

use std::{collections::BTreeMap, sync::Arc};

use shared::{
    clock::Clock,
    doctor,
    domain::{ids::UserId, window::shift},
    graph::{Graph, transport},
    settings::Settings,
};

use super::{How, settings};
use crate::{progress::Progress, report::Added};

/// The most people whom a report asks the tenant about: 67 requests.
const MOST: usize = 1_000;

/// Reads principal names. Whoever has none, and everybody if the tenant does not answer, is left out: the id is there.
pub(super) async fn of(graph: &Graph, users: &[UserId]) -> BTreeMap<UserId, String> {
    if users.is_empty() {
        return BTreeMap::new();
    }
    let names = graph.principal_names(&users[..users.len().min(MOST)]).await;
    names.unwrap_or_default().into_iter().collect()
}

/// Asks the tenant for what a report adds to the ledger, if settings and secret are set: names of these users, and when
/// the preview was switched.
pub(super) async fn added(users: &[UserId], with_switches: bool) -> Added {
    let Ok((settings, secret)) = settings(&How::default()) else { return Added::default() };
    let Ok(transport) = transport::network(&settings.endpoints.graph) else { return Added::default() };
    let clock = Clock::system();
    let graph = Graph::new(&settings, Arc::new(secret), transport, clock.clone());
    let progress = Progress::start("asking the tenant for names");
    let names = of(&graph, users).await;
    let switches = if with_switches { switches(&graph, &settings, &clock).await } else { Vec::new() };
    progress.done();
    Added { names, switches }
}

async fn switches(graph: &Graph, settings: &Settings, clock: &Clock) -> Vec<crate::report::Switch> {
    let kept_from = shift(clock.now(), -settings.retention);
    let from = settings.policy.window.start.max(kept_from);
    let from = shift(from, -jiff::SignedDuration::from_hours(1));
    doctor::switches(graph, from).await.unwrap_or_default()
}
