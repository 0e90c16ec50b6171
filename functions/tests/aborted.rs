//! SIGKILL between any two requests: several deployments at once, whose functions die again and again
//! on their way, some by an answer that never came.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::{join, join_all};
use serde_json::json;
use simulator::Faults;

use crate::{
    DRAIN, ENFORCE, POLL,
    support::{
        doubles::{Double, Service},
        lambda::Function,
        proxy::{Moment, Proxy, Reaction},
        world::World,
    },
};

/// Deployments whose poll dies once, each at another request, and whose drain dies five times. All of a
/// drain's deaths come while its users are handled for the first time: the next time is minutes later.
const POLL_DIES: u64 = 6;
const DRAIN_DIES: u64 = 9;

/// A lease ends at its invocation's deadline and is taken over two minutes later.
const LIMIT: Duration = Duration::from_mins(8);

/// Kills a function whenever so many requests have gone by, of AWS and Graph together.
struct Executioner {
    function: Function,
    requests: AtomicUsize,
    next: AtomicUsize,
    kills: AtomicUsize,
    most: usize,
    seed: u64,
}

impl Executioner {
    fn new(function: &Function, seed: u64, most: usize) -> Arc<Self> {
        Arc::new(Self {
            function: function.clone(),
            requests: AtomicUsize::new(0),
            next: AtomicUsize::new(fastrand::Rng::with_seed(seed).usize(3..70)),
            kills: AtomicUsize::new(0),
            most,
            seed,
        })
    }

    /// Counts a request, and says whether its sender was killed over it.
    fn counts(&self) -> bool {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        if request != self.next.load(Ordering::Relaxed) {
            return false;
        }
        let kill = self.kills.fetch_add(1, Ordering::Relaxed);
        if kill < self.most {
            let gap = fastrand::Rng::with_seed(self.seed * 1000 + kill as u64).usize(7..50);
            self.next.store(request + gap, Ordering::Relaxed);
            self.function.kill();
        }
        kill < self.most
    }
}

/// Every request on this way is counted, and some are its sender's last.
async fn watched(world: &World, executioner: &Arc<Executioner>) -> Proxy {
    let proxy = Proxy::before(&world.stack.endpoint).await;
    let executioner = Arc::clone(executioner);
    proxy.on_request(move |moment, _| {
        // In turn before AWS sees it, and when it has acted and nobody hears the answer.
        let is_turn =
            (moment == Moment::Before) == executioner.kills.load(Ordering::Relaxed).is_multiple_of(2);
        if is_turn && executioner.counts() { Reaction::Lose } else { Reaction::Pass }
    });
    proxy
}

async fn run(seed: u64, poll_kills: usize, drain_kills: usize) -> usize {
    let world = World::new(Service::shared(Double::Ministack), 40, 100 + seed).await;
    // A batch whose invocation died shows again this soon, and finds its users' leases.
    let timeout = world.stack.sqs.set_queue_attributes().queue_url(&world.stack.queue_url);
    timeout.attributes(QueueAttributeName::VisibilityTimeout, "20").send().await.unwrap();
    let poll = world.function("poll", POLL, &[ENFORCE]);
    let drain = world.function("drain", DRAIN, &[ENFORCE]);
    // Part of a poll's time is for the registration report, without which many are held.
    poll.set_timeout(Duration::from_secs(50));
    drain.set_timeout(Duration::from_secs(45));
    let of_poll = Executioner::new(&poll, seed, poll_kills);
    let of_drain = Executioner::new(&drain, seed, drain_kills);
    let (to_aws_1, to_aws_2) = (watched(&world, &of_poll).await, watched(&world, &of_drain).await);
    poll.set_env("AWS_ENDPOINT_URL", &to_aws_1.endpoint());
    drain.set_env("AWS_ENDPOINT_URL", &to_aws_2.endpoint());
    let third = Arc::clone(&of_drain);
    world.tenant.on_request(move |entry| {
        // Poll asks for no single user's methods.
        if entry.user.is_some() {
            third.counts();
        }
    });

    let polled = AtomicBool::new(false);
    let end = Instant::now() + LIMIT;
    let scanning = async {
        while Instant::now() < end {
            if matches!(poll.invoke(&json!({})).await, Ok(answer) if answer["complete"] == true) {
                return polled.store(true, Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        panic!("no poll came to its end\n{}", poll.logs());
    };
    let draining = async {
        let mapping = world.mapping();
        while Instant::now() < end {
            let batch = mapping.receive().await;
            if !batch.is_empty() {
                mapping.deliver(&batch, &drain).await;
            } else if polled.load(Ordering::Relaxed) && mapping.left().await == 0 {
                return;
            } else {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        panic!("{} messages are left\n{}", mapping.left().await, drain.logs());
    };
    join(scanning, draining).await;
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
    assert_eq!(world.dead_letters().await, []);
    let kills = [of_poll, of_drain].iter().map(|of| of.kills.load(Ordering::Relaxed).min(of.most)).sum();
    println!("deployment {seed}: {kills} kills, {} and {} processes", poll.starts(), drain.starts());
    kills
}

/// An invocation in the middle of its work at its deadline answers in time, and another goes on.
async fn cut_off() {
    let world = World::new(Service::shared(Double::Ministack), 40, 99).await;
    let (poll, drain) =
        (world.function("poll", POLL, &[ENFORCE]), world.function("drain", DRAIN, &[ENFORCE]));
    poll.invoke(&json!({})).await.unwrap();
    let mapping = world.mapping();
    drain.set_timeout(Duration::from_secs(40));
    world.tenant.set_faults(Faults { slow: 1.0, slow_for: Duration::from_secs(14), ..Faults::default() });
    let batch = mapping.receive().await;
    let tally = mapping.deliver(&batch, &drain).await;
    assert_eq!((tally.returned, tally.errors), (10, 0), "{}", drain.logs());
    world.tenant.set_faults(Faults::default());
    drain.set_timeout(Duration::from_mins(2));
    mapping.drain(&[&drain], LIMIT).await;
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_any_two_requests_or_cut_off_nobody_is_lost_or_rolled_back_twice() {
    let polls = join_all((0..POLL_DIES).map(|seed| run(seed, 1, 0)));
    let drains = join_all((0..DRAIN_DIES).map(|seed| run(20 + seed, 0, 5)));
    let ((polls, drains), ()) = join(join(polls, drains), cut_off()).await;
    let kills: usize = polls.into_iter().chain(drains).sum();
    assert!(kills >= 45, "only {kills} kills");
}
