//! The ledger in DynamoDB against what every ledger must do, on two doubles that err in different
//! places, and through everything that DynamoDB may answer instead of doing what it was asked.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::sync::Arc;

use functions::dynamodb::DynamoDbStore;
use jiff::Timestamp;
use shared::{
    clock::Clock,
    domain::state::UserState,
    ledger::{Document, Expect, Key, Ledger, LedgerError, OutcomeQuery, SCHEMA, Store, Versioned, Write},
};
use testkit::conformance::conforms;
use uuid::Uuid;

use crate::support::{
    doubles::{Double, Service, config},
    faults,
    proxy::{Moment, Proxy, Reaction},
    stack::Stack,
};

async fn conforms_on(double: Double) {
    conforms(async || {
        let stack = Stack::create(Service::shared(double)).await;
        Arc::new(DynamoDbStore::new(stack.dynamodb, stack.table)) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_ledger_must_do_on_ministack() {
    conforms_on(Double::Ministack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_what_every_ledger_must_do_on_moto() {
    conforms_on(Double::Moto).await;
}

/// A ledger behind a proxy.
struct Watched {
    store: DynamoDbStore,
    proxy: Proxy,
}

impl Watched {
    async fn new() -> Self {
        let stack = Stack::create(Service::shared(Double::Ministack)).await;
        let proxy = Proxy::before(&stack.endpoint).await;
        let client = aws_sdk_dynamodb::Client::new(&config(&proxy.endpoint()).await);
        Self { store: DynamoDbStore::new(client, stack.table), proxy }
    }

    /// Spoils the first `times` requests of this operation.
    fn spoil(&self, operation: &'static str, moment: Moment, times: usize, reaction: fn() -> Reaction) {
        let left = std::sync::atomic::AtomicUsize::new(times);
        self.proxy.on_request(move |now, call| {
            use std::sync::atomic::Ordering::Relaxed;
            let hit = now == moment && call.operation == operation;
            if hit && left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                reaction()
            } else {
                Reaction::Pass
            }
        });
    }
}

fn write(pk: &str, expect: Expect) -> Write {
    let version = match expect {
        Expect::Version(version) => version + 1,
        _ => 1,
    };
    Write {
        document: Document {
            key: Key::new(pk, "STATE"),
            version,
            write_id: Uuid::new_v4(),
            schema: SCHEMA,
            body: "{}".to_owned(),
            outcome: None,
            updated_at: Timestamp::from_second(1_772_323_200).unwrap(),
            expires_at: None,
        },
        expect,
    }
}

const WRITES: [&str; 2] = ["DynamoDB.PutItem", "DynamoDB.TransactWriteItems"];

/// One write is a put, two are a transaction.
fn writes(operation: &str) -> Vec<Write> {
    let all = [write("A", Expect::Absent), write("B", Expect::Absent)];
    all.into_iter().take(1 + usize::from(operation != WRITES[0])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_done_once_and_succeeds() {
    for operation in WRITES {
        let watched = Watched::new().await;
        let writes = writes(operation);
        watched.spoil(operation, Moment::After, 1, || Reaction::Lose);
        assert_eq!(watched.store.commit(&writes).await, Ok(()), "{operation}");
        let there = watched.store.get(&[writes[0].document.key.clone()]).await.unwrap();
        assert_eq!(there[0].as_ref(), Some(&writes[0].document), "{operation}");
        assert!(watched.proxy.calls().iter().filter(|call| call.operation == operation).count() > 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_that_was_lost_is_a_conflict_and_changes_nothing() {
    for operation in WRITES {
        let watched = Watched::new().await;
        let first = writes(operation);
        watched.store.commit(&first).await.unwrap();
        let second = writes(operation);
        assert_eq!(watched.store.commit(&second).await, Err(LedgerError::Conflict), "{operation}");
        let there = watched.store.get(&[first[0].document.key.clone()]).await.unwrap();
        assert_eq!(there[0].as_ref(), Some(&first[0].document));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_writes_are_sent_again_and_given_up_in_the_end() {
    for operation in WRITES {
        let watched = Watched::new().await;
        let throttle = || {
            Reaction::Answer(faults::error(
                http::StatusCode::BAD_REQUEST,
                "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            ))
        };
        watched.spoil(operation, Moment::Before, 5, throttle);
        assert_eq!(watched.store.commit(&writes(operation)).await, Ok(()), "{operation}");
        watched.spoil(operation, Moment::Before, usize::MAX, throttle);
        let refused = watched.store.commit(&[write("C", Expect::Absent), write("D", Expect::Absent)]).await;
        if operation == WRITES[1] {
            assert!(matches!(refused, Err(LedgerError::Unavailable(_))), "{refused:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_left_unread_are_asked_for_again() {
    let watched = Watched::new().await;
    let documents: Vec<Write> = (0..130).map(|n| write(&format!("K{n}"), Expect::Absent)).collect();
    watched.store.commit_each(&documents).await.unwrap();
    watched.spoil("DynamoDB.BatchGetItem", Moment::Before, 3, || Reaction::Keys(7));
    let mut keys: Vec<Key> = documents.iter().map(|write| write.document.key.clone()).collect();
    keys.push(keys[0].clone());
    let found = watched.store.get(&keys).await.unwrap();
    assert_eq!(found.iter().flatten().count(), 131);
    assert_eq!(found[130].as_ref(), Some(&documents[0].document));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_stops_everything_and_says_what_to_look_at() {
    let watched = Watched::new().await;
    watched.spoil("DynamoDB.GetItem", Moment::Before, usize::MAX, || Reaction::Answer(faults::denied()));
    let denied = watched.store.get(&[Key::brake()]).await.unwrap_err();
    assert!(matches!(&denied, LedgerError::Unusable(why) if why.contains("role")), "{denied:?}");
    let client = aws_sdk_dynamodb::Client::new(&config(&Service::shared(Double::Ministack).endpoint()).await);
    let missing = DynamoDbStore::new(client, "no-such-table").get(&[Key::brake()]).await.unwrap_err();
    assert!(matches!(&missing, LedgerError::Unusable(why) if why.contains("LEDGER_TABLE")), "{missing:?}");
}

/// One that somebody edited by hand, or that newer code wrote.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_cannot_be_read_hides_no_other() {
    use aws_sdk_dynamodb::types::AttributeValue;
    let stack = Stack::create(Service::shared(Double::Ministack)).await;
    let store = Arc::new(DynamoDbStore::new(stack.dynamodb.clone(), &stack.table));
    let tenant = "11111111-1111-1111-1111-111111111111".parse().unwrap();
    let ledger = Ledger::open(store, tenant, Clock::from_fn(crate::support::now)).await.unwrap();
    let [good, damaged] = ["1", "2"].map(|n| format!("{n:0>8}-0000-0000-0000-000000000001").parse().unwrap());
    let state = UserState::new(good, crate::support::now());
    ledger.save_users(&[Versioned { value: state.clone(), version: 0 }]).await.unwrap();
    let item =
        [("pk", format!("USER#{damaged}")), ("sk", "STATE".to_owned()), ("outcome", state.listed_as())]
            .into_iter()
            .chain([("updated_at", "0000".to_owned())])
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
    stack.dynamodb.put_item().table_name(&stack.table).set_item(Some(item.collect())).send().await.unwrap();

    assert!(matches!(ledger.user(damaged).await, Err(LedgerError::Item(_))));
    let users = ledger.users(&[damaged, good]).await.unwrap();
    assert_eq!(users.iter().map(|(user, _)| *user).collect::<Vec<_>>(), [good]);
    let query = OutcomeQuery { outcome: state.listed_as(), until: None, after: None, limit: 10 };
    assert_eq!(ledger.list(&query).await.unwrap().entries.len(), 1);
}
