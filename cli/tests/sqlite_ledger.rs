//! The `SQLite` store: as a ledger, as a queue, and as a file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use mfa_rollback::sqlite::{Database, OpenError, Received};
use shared::{
    clock::Clock,
    domain::ids::{RunId, UserId},
    ledger::{Document, Expect, Key, LedgerError, SCHEMA, Store, Write},
    queue::{Disposition, Message, Queue},
};
use tempfile::TempDir;
use testkit::conformance::conforms;
use uuid::Uuid;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_323_200 + second).unwrap()
}

fn clock_at(second: i64) -> Clock {
    Clock::from_fn(move || at(second))
}

/// A folder with a ledger in it and a clock that stands still until it is set.
struct Bench {
    folder: TempDir,
    second: Arc<AtomicI64>,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), second: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a folder").join("x.ledger")
    }

    fn open(&self) -> Database {
        let second = self.second.clone();
        Database::open(&self.path(), Clock::from_fn(move || at(second.load(Ordering::SeqCst)))).unwrap()
    }

    fn set(&self, second: i64) {
        self.second.store(second, Ordering::SeqCst);
    }
}

fn document(sk: &str, version: u64) -> Document {
    Document {
        key: Key::new("P", sk),
        version,
        write_id: Uuid::new_v4(),
        schema: SCHEMA,
        body: "{}".to_owned(),
        outcome: Some("pending".to_owned()),
        updated_at: at(0),
        expires_at: None,
    }
}

fn absent(document: &Document) -> Write {
    Write { document: document.clone(), expect: Expect::Absent }
}

fn user(n: u128) -> UserId {
    Uuid::from_u128(n).to_string().parse().unwrap()
}

fn message(n: u128, second: i64) -> Message {
    Message {
        schema: shared::queue::SCHEMA,
        user_id: user(n),
        run_id: RunId(Uuid::from_u128(9)),
        enqueued_at: at(second),
    }
}

fn users(received: &[Received]) -> Vec<UserId> {
    received.iter().map(|received| Message::parse(&received.body).unwrap().user_id).collect()
}

fn receive(store: &Database) -> Vec<Received> {
    store.receive(10, None).unwrap()
}

#[track_caller]
fn refusal(path: &Path) -> OpenError {
    match Database::open(path, clock_at(0)) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

#[track_caller]
fn is_one_clear_line(error: &OpenError, path: &Path) {
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()) && text.starts_with("ledger "), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

// As a ledger

fn ledger(store: Result<Database, OpenError>) -> Arc<dyn Store> {
    Arc::new(store.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_in_memory_is_a_ledger() {
    conforms(async || ledger(Database::in_memory(clock_at(0)))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_in_a_file_is_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let files = AtomicUsize::new(0);
    conforms(async || {
        let path = folder.path().join(format!("{}.ledger", files.fetch_add(1, Ordering::SeqCst)));
        ledger(Database::open(&path, clock_at(0)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_in_two_stores_on_one_file_exactly_one_wins() {
    let bench = Bench::new();
    let stores = [Arc::new(bench.open()), Arc::new(bench.open())];
    for round in 0..10 {
        let writers = (0..8).map(|n| {
            let (store, write) = (stores[n % 2].clone(), absent(&document(&format!("round {round}"), 1)));
            tokio::spawn(async move { store.commit(&[write]).await })
        });
        let mut won = 0;
        for writer in writers.collect::<Vec<_>>() {
            match writer.await.unwrap() {
                Ok(()) => won += 1,
                Err(error) => assert_eq!(error, LedgerError::Conflict),
            }
        }
        assert_eq!(won, 1, "round {round}");
    }
}

// As a file

#[tokio::test]
async fn reopening_keeps_everything() {
    let bench = Bench::new();
    let kept = document("kept", 1);
    let lasting = Document { expires_at: Some(at(1000)), ..document("lasting", 1) };
    let expired = Document { expires_at: Some(at(10)), ..document("expired", 1) };
    {
        let store = bench.open();
        store.commit(&[absent(&kept), absent(&lasting), absent(&expired)]).await.unwrap();
        store.send(&[message(1, 0), message(2, 0)]).await.unwrap();
        let received = store.receive(1, None).unwrap();
        store.dispose(&received[0], &Disposition::DeadLetter("bad".to_owned())).unwrap();
    }
    bench.set(100);
    let store = bench.open();
    let keys = [&kept, &lasting, &expired].map(|document| document.key.clone());
    assert_eq!(
        store.get(&keys).await.unwrap(),
        [Some(kept), Some(lasting), None],
        "but for what has expired"
    );
    assert_eq!(store.count("pending").await.unwrap(), 2);
    assert_eq!(users(&receive(&store)), [user(2)]);
    assert_eq!(store.dead_letters().unwrap()[0].reason, "bad");
    assert_eq!(store.path(), Some(bench.path().as_path()));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.txt");
    let text = "dd44fd36-4511-4889-801e-dc8e367e5d6d\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = refusal(&path);
    assert!(matches!(error, OpenError::NotALedger { .. }), "{error:?}");
    is_one_clear_line(&error, &path);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_directory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
    is_one_clear_line(&error, folder.path());
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let path = folder.path().join("file").join("x.ledger");
    let error = refusal(&path);
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
    is_one_clear_line(&error, &path);
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
    let bench = Bench::new();
    drop(bench.open());
    let connection = rusqlite::Connection::open(bench.path()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(&bench.path());
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error:?}");
    is_one_clear_line(&error, &bench.path());
    assert!(error.to_string().contains("newer version of mfa-rollback"), "{error}");
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_business_only() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    drop(bench.open());
    assert_eq!(std::fs::metadata(bench.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_store_knows_which_other_stores_are_dead() {
    let bench = Bench::new();
    let (first, second) = (bench.open(), bench.open());
    let owner = second.owner();
    assert!(!first.owner_is_dead(&owner) && !first.owner_is_dead(&first.owner()));
    drop(second);
    assert!(first.owner_is_dead(&owner));
    assert!(!first.owner_is_dead("2026/function/[1]abc"), "not a process of this machine");
}

// As a queue

#[tokio::test]
async fn messages_come_in_order_and_stay_away_while_they_are_handled() {
    let bench = Bench::new();
    let store = bench.open();
    store.send(&[message(2, -5), message(1, -10), message(3, -5)]).await.unwrap();
    let first = store.receive(2, None).unwrap();
    assert_eq!(users(&first), [user(1), user(2)]);
    assert_eq!(users(&receive(&store)), [user(3)]);
    assert!(receive(&store).is_empty());
    store.dispose(&first[0], &Disposition::Acknowledge).unwrap();
    assert_eq!(store.depth().unwrap(), 2);
    assert!(!store.has_message_for(user(1)).unwrap() && store.has_message_for(user(2)).unwrap());
    assert_eq!(store.next_visible_at(None, &BTreeSet::new()).unwrap(), Some(at(12 * 60)));
    bench.set(12 * 60 - 1);
    assert!(receive(&store).is_empty());
    bench.set(12 * 60);
    assert_eq!(users(&receive(&store)), [user(2), user(3)], "nobody settled them");
}

#[tokio::test]
async fn a_message_comes_back_after_its_time() {
    let bench = Bench::new();
    let store = bench.open();
    store.send(&[message(1, 0)]).await.unwrap();
    let received = receive(&store);
    store.dispose(&received[0], &Disposition::ComeBack(Duration::from_mins(15))).unwrap();
    assert_eq!(store.next_visible_at(None, &BTreeSet::new()).unwrap(), Some(at(900)));
    bench.set(899);
    assert!(receive(&store).is_empty());
    bench.set(900);
    assert_eq!(users(&receive(&store)), [user(1)]);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_goes_to_the_dead_letters_with_the_reason() {
    let bench = Bench::new();
    let store = bench.open();
    store.send(&[message(1, 0), message(2, 0)]).await.unwrap();
    let received = receive(&store);
    store.dispose(&received[0], &Disposition::DeadLetter("not a message".to_owned())).unwrap();
    store.dispose(&received[0], &Disposition::DeadLetter("not a message".to_owned())).unwrap();
    let dead = store.dead_letters().unwrap();
    assert_eq!(dead.len(), 1, "once");
    assert_eq!(
        (dead[0].body.as_str(), dead[0].reason.as_str()),
        (received[0].body.as_str(), "not a message")
    );
    assert_eq!(store.depth().unwrap(), 1, "its neighbour stays");
}

#[tokio::test]
async fn only_the_named_users_messages_are_received() {
    let bench = Bench::new();
    let store = bench.open();
    let messages: Vec<Message> = (1..=20).map(|n| message(n, i64::try_from(n).unwrap() - 100)).collect();
    store.send(&messages).await.unwrap();
    let only: BTreeSet<UserId> = [user(15), user(7), user(99)].into();
    assert_eq!(store.next_visible_at(Some(&only), &BTreeSet::new()).unwrap(), Some(at(7 - 100)));
    assert_eq!(users(&store.receive(1, Some(&only)).unwrap()), [user(7)]);
    assert_eq!(users(&store.receive(10, Some(&only)).unwrap()), [user(15)]);
    assert!(store.receive(10, Some(&only)).unwrap().is_empty());
    assert!(store.receive(10, Some(&BTreeSet::new())).unwrap().is_empty());
    assert_eq!(store.next_visible_at(Some(&[user(99)].into()), &BTreeSet::new()).unwrap(), None);
    assert_eq!(store.receive(100, None).unwrap().len(), 18);
}

#[tokio::test]
async fn a_stale_receipt_settles_nothing() {
    let bench = Bench::new();
    let store = bench.open();
    store.send(&[message(1, 0)]).await.unwrap();
    let stale = receive(&store).remove(0);
    bench.set(12 * 60);
    let current = receive(&store).remove(0);
    let dispositions = [
        Disposition::Acknowledge,
        Disposition::ComeBack(Duration::ZERO),
        Disposition::DeadLetter("bad".to_owned()),
    ];
    for disposition in dispositions {
        store.dispose(&stale, &disposition).unwrap();
        assert_eq!(store.depth().unwrap(), 1, "{disposition:?}");
        assert!(receive(&store).is_empty(), "{disposition:?}");
        assert!(store.dead_letters().unwrap().is_empty(), "{disposition:?}");
    }
    store.dispose(&current, &Disposition::Acknowledge).unwrap();
    assert_eq!(store.depth().unwrap(), 0);
}

#[tokio::test]
async fn what_a_dead_process_received_shows_again_at_once_and_what_a_live_one_did_does_not() {
    let bench = Bench::new();
    let (dying, living, other) = (bench.open(), bench.open(), bench.open());
    living.send(&[message(1, 0), message(2, 0)]).await.unwrap();
    let lost = dying.receive(1, None).unwrap().remove(0);
    assert_eq!(users(&living.receive(1, None).unwrap()), [user(2)]);
    assert!(receive(&other).is_empty());
    drop(dying);
    let again = receive(&other);
    assert_eq!(users(&again), [user(1)], "and not the one that a live process has");
    living.dispose(&lost, &Disposition::Acknowledge).unwrap();
    assert_eq!(other.depth().unwrap(), 2, "the dead process's receipt is stale");
    other.dispose(&again[0], &Disposition::Acknowledge).unwrap();
    assert_eq!(other.depth().unwrap(), 1);
}
