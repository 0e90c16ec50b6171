//! The queue in SQS, through what SQS may answer instead of doing what it was asked.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use functions::sqs::SqsQueue;
use shared::{
    domain::ids::RunId,
    queue::{Message, Queue, SCHEMA},
};
use uuid::Uuid;

use crate::support::{
    doubles::{Double, Service, config},
    faults,
    mapping::Mapping,
    proxy::{Call, Moment, Proxy, Reaction},
    stack::Stack,
};

struct Watched {
    queue: SqsQueue,
    stack: Stack,
    proxy: Proxy,
}

impl Watched {
    async fn on(double: Double) -> Self {
        let stack = Stack::create(Service::shared(double)).await;
        let proxy = Proxy::before(&stack.endpoint).await;
        let client = aws_sdk_sqs::Client::new(&config(&proxy.endpoint()).await);
        let queue = SqsQueue::new(client, &stack.queue_url, &stack.dead_letter_queue_url);
        Self { queue, stack, proxy }
    }

    /// Spoils so many requests, or their answers.
    fn spoil(
        &self,
        moment: Moment,
        times: usize,
        reaction: impl Fn(&Call) -> Reaction + Send + Sync + 'static,
    ) {
        let left = AtomicUsize::new(times);
        self.proxy.on_request(move |now, call| {
            let take = |left: usize| left.checked_sub(1);
            if now == moment && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                reaction(call)
            } else {
                Reaction::Pass
            }
        });
    }

    /// Whom the messages in the queue are about; each at least once.
    async fn users(&self) -> BTreeSet<String> {
        let mapping = Mapping::new(&self.stack);
        let mut users = BTreeSet::new();
        loop {
            let batch = mapping.receive().await;
            if batch.is_empty() {
                return users;
            }
            users
                .extend(batch.iter().map(|m| Message::parse(m.body().unwrap()).unwrap().user_id.to_string()));
            mapping.delete(&batch).await;
        }
    }
}

fn messages(count: u128) -> Vec<Message> {
    (1..=count)
        .map(|n| Message {
            schema: SCHEMA,
            user_id: Uuid::from_u128(n).to_string().parse().unwrap(),
            run_id: RunId(Uuid::from_u128(7)),
            enqueued_at: crate::support::now(),
        })
        .collect()
}

fn all(messages: &[Message]) -> BTreeSet<String> {
    messages.iter().map(|message| message.user_id.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_in_tens_and_all_arrive() {
    for double in [Double::Ministack, Double::Moto] {
        let watched = Watched::on(double).await;
        let messages = messages(95);
        watched.queue.send(&messages).await.unwrap();
        assert_eq!(watched.proxy.count(), 10, "{double:?}");
        assert_eq!(watched.users().await, all(&messages), "{double:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_entries_are_sent_again_and_only_they() {
    let watched = Watched::on(Double::Ministack).await;
    watched.spoil(Moment::Before, 2, |_| Reaction::Refuse {
        ids: vec!["2".to_owned(), "7".to_owned()],
        code: "InternalError",
        sender_fault: false,
    });
    let messages = messages(10);
    watched.queue.send(&messages).await.unwrap();
    let sizes: Vec<usize> =
        watched.proxy.calls().iter().map(|call| call.body["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 2, 2]);
    assert_eq!(watched.users().await, all(&messages));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_refused_for_good_fails_the_sending() {
    let watched = Watched::on(Double::Ministack).await;
    watched.spoil(Moment::Before, usize::MAX, |_| Reaction::Refuse {
        ids: vec!["0".to_owned()],
        code: "InvalidMessageContents",
        sender_fault: true,
    });
    let error = watched.queue.send(&messages(3)).await.unwrap_err();
    assert!(error.to_string().contains("InvalidMessageContents"), "{error}");
    assert_eq!(watched.proxy.count(), 1, "what is our fault is not repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_and_a_lost_answer_lose_no_message() {
    for moment in [Moment::Before, Moment::After] {
        let watched = Watched::on(Double::Ministack).await;
        match moment {
            Moment::Before => watched.spoil(moment, 2, |call| Reaction::Answer(faults::throttled(call))),
            Moment::After => watched.spoil(moment, 1, |_| Reaction::Lose),
        }
        let messages = messages(12);
        watched.queue.send(&messages).await.unwrap();
        assert_eq!(watched.users().await, all(&messages), "{moment:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_shows_again_when_it_is_told_to() {
    for double in [Double::Ministack, Double::Moto] {
        let watched = Watched::on(double).await;
        watched.queue.send(&messages(3)).await.unwrap();
        let mapping = Mapping::new(&watched.stack);
        let batch = mapping.receive().await;
        let receipt = |n: usize| batch[n].receipt_handle.clone().unwrap();
        let (now, soon, late) = (Duration::ZERO, Duration::from_millis(1500), Duration::from_mins(10));
        let unknown = ("nobody's receipt".to_owned(), now);
        let told = [(receipt(0), now), (receipt(1), soon), (receipt(2), late), unknown];
        watched.queue.show_again(&told).await;
        assert_eq!(mapping.receive().await.len(), 1, "{double:?}");
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(mapping.receive().await.len(), 1, "{double:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_not_there_says_which_setting_to_look_at() {
    let stack = Stack::create(Service::shared(Double::Ministack)).await;
    let queue =
        SqsQueue::new(stack.sqs.clone(), format!("{}-not", stack.queue_url), "https://sqs.example/0/no");
    let error = queue.send(&messages(1)).await.unwrap_err().to_string();
    assert!(error.contains("QUEUE_URL"), "{error}");
}
