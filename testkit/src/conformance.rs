//! What every ledger must do, for the tests of each implementation: [`conforms`] runs all checks, each
//! on a ledger of its own, and names those that failed.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use shared::{
    clock::Clock,
    domain::{
        brake::{BrakeState, Limits},
        ids::{EventId, MethodId, RunId, TenantId, UserId},
        intent::Intent,
        lease::Lease,
        look::IntendedMethod,
        method::MethodKind,
        outcome::{Failed, Held, Outcome, Partial},
        state::{Concluded, EraseRefused, UserState},
        window::shift,
    },
    ledger::{
        AmbiguousEvent, Claim, Cursor, Document, Entry, Expect, HistoryEntry, IntentWritten, KeptAnswer, Key,
        Ledger, LedgerError, OutcomeQuery, SCHEMA, Store, Versioned, Write,
    },
};

type Check = fn(Arc<dyn Store>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! checks {
    ($($name:ident),+ $(,)?) => { &[$((stringify!($name), |store| Box::pin($name(store)))),+] };
}

const CHECKS: &[(&str, Check)] = checks![
    get_answers_in_the_order_of_the_keys,
    a_document_is_read_back_as_it_was_written,
    a_condition_holds_or_the_write_is_refused,
    a_commit_writes_all_or_none,
    a_full_commit_is_taken,
    commit_each_reports_each,
    by_outcome_lists_the_longest_unchanged_first,
    by_outcome_ends_at_until,
    by_outcome_pages_without_loss_or_repeats,
    a_document_leaves_a_list_when_its_outcome_changes,
    children_come_by_prefix_in_order_and_of_one_pk,
    large_bodies_are_kept,
    odd_characters_in_keys_are_kept_apart,
    exactly_one_of_many_writers_wins,
    a_ledger_belongs_to_one_tenant,
    a_request_is_claimed_once,
    an_intent_takes_exactly_one_slot,
    an_intent_in_its_old_slot_takes_none,
    an_intent_is_refused_while_the_brake_is_open,
    an_intent_is_refused_without_a_slot,
    an_intent_is_refused_when_the_user_was_changed,
    concurrent_intents_never_exceed_the_cap,
    a_user_counts_once_by_the_latest_outcome,
    throttled_users_count_apart,
    too_many_failures_open_the_brake,
    an_outcome_on_a_changed_user_is_a_conflict,
    history_is_kept_in_order,
    what_is_erased_is_gone_but_for_what_keeps_from_a_second_rollback,
    a_write_whose_answer_was_lost_is_a_success,
    an_intent_whose_answer_was_lost_is_a_success,
    an_outcome_whose_answer_was_lost_is_a_success,
    an_outcome_whose_answer_was_lost_is_a_success_though_the_brake_moved_on,
    a_move_of_the_brake_whose_answer_was_lost_is_made_once,
    a_binding_whose_answer_was_lost_is_a_success,
    a_write_that_was_not_done_is_no_success,
    an_item_of_a_newer_schema_is_refused_and_left_alone,
    an_item_with_a_reason_of_newer_code_is_left_for_it,
    seen_events_are_remembered_for_45_days,
    ambiguous_events_are_listed_until_they_are_ended,
];

/// Runs every check, each on a new and empty ledger. Panics with the names of those that failed.
///
/// Some checks race writers against each other: the more threads the runtime has, the better.
pub async fn conforms(new: impl AsyncFn() -> Arc<dyn Store>) {
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        if tokio::spawn(check(new().await)).await.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "{} of {} checks failed: {}", failed.len(), CHECKS.len(), failed.join(", "));
}

// Documents

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_323_200 + second).unwrap()
}

fn document(key: Key, version: u64) -> Document {
    Document {
        key,
        version,
        write_id: Uuid::new_v4(),
        schema: SCHEMA,
        body: "{}".to_owned(),
        outcome: None,
        updated_at: at(0),
        expires_at: None,
    }
}

fn listed(pk: &str, outcome: &str, second: i64) -> Document {
    Document {
        outcome: Some(outcome.to_owned()),
        updated_at: at(second),
        ..document(Key::new(pk, "STATE"), 1)
    }
}

fn put(document: Document, expect: Expect) -> Write {
    Write { document, expect }
}

fn any(document: Document) -> Write {
    put(document, Expect::Any)
}

async fn write_all(store: &dyn Store, documents: &[Document]) {
    for chunk in documents.chunks(25) {
        let writes: Vec<Write> = chunk.iter().cloned().map(any).collect();
        store.commit(&writes).await.unwrap();
    }
}

async fn one(store: &dyn Store, key: &Key) -> Option<Document> {
    let mut found = store.get(std::slice::from_ref(key)).await.unwrap();
    assert_eq!(found.len(), 1);
    found.pop().unwrap()
}

fn query(outcome: &str, limit: usize) -> OutcomeQuery {
    OutcomeQuery { outcome: outcome.to_owned(), until: None, after: None, limit }
}

fn pks(documents: &[Document]) -> Vec<&str> {
    documents.iter().map(|document| document.key.pk.as_str()).collect()
}

/// Lists may lag: asks again for a while until they are as expected.
async fn lists(store: &dyn Store, query: &OutcomeQuery, expected: &[&str]) {
    for _ in 0..50 {
        if pks(&store.by_outcome(query).await.unwrap()) == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(pks(&store.by_outcome(query).await.unwrap()), expected);
}

async fn counts(store: &dyn Store, outcome: &str, expected: u64) {
    for _ in 0..50 {
        if store.count(outcome).await.unwrap() == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(store.count(outcome).await.unwrap(), expected, "{outcome}");
}

async fn get_answers_in_the_order_of_the_keys(store: Arc<dyn Store>) {
    let keys: Vec<Key> = (0..100).map(|n| Key::new(format!("P#{n}"), "S")).collect();
    let there: Vec<Document> = keys.iter().step_by(2).map(|key| document(key.clone(), 1)).collect();
    write_all(&*store, &there).await;
    let backwards: Vec<Key> = keys.iter().rev().cloned().collect();
    let found = store.get(&backwards).await.unwrap();
    assert_eq!(found.len(), 100);
    for (n, (key, found)) in backwards.iter().zip(found).enumerate() {
        assert_eq!(found.map(|document| document.key), (n % 2 == 1).then(|| key.clone()));
    }
    assert_eq!(store.get(&[]).await.unwrap(), []);
    assert_eq!(one(&*store, &Key::new("P#0", "s")).await, None, "keys tell cases apart");
}

async fn a_document_is_read_back_as_it_was_written(store: Arc<dyn Store>) {
    let full = Document {
        body: "{\"text\":\"a 'quoted' \\u0000 % ü 🔑\\n\"}".to_owned(),
        outcome: Some("held(re_registered)".to_owned()),
        updated_at: "2026-03-01T00:00:00.123456789Z".parse().unwrap(),
        expires_at: Some("2126-03-01T00:00:00Z".parse().unwrap()),
        schema: SCHEMA + 1,
        ..document(Key::new("P", "full"), 7)
    };
    let bare = document(Key::new("P", "bare"), 1);
    store.commit(&[any(full.clone()), any(bare.clone())]).await.unwrap();
    assert_eq!(one(&*store, &full.key).await, Some(full));
    assert_eq!(one(&*store, &bare.key).await, Some(bare));
}

async fn a_condition_holds_or_the_write_is_refused(store: Arc<dyn Store>) {
    let key = Key::new("P", "S");
    let refused = Err(LedgerError::Conflict);
    let write = |version, expect| [put(document(key.clone(), version), expect)];
    assert_eq!(store.commit(&write(2, Expect::Version(1))).await, refused, "there is none");
    assert_eq!(one(&*store, &key).await, None);
    assert_eq!(store.commit(&write(1, Expect::Absent)).await, Ok(()));
    assert_eq!(store.commit(&write(1, Expect::Absent)).await, refused, "there is one");
    assert_eq!(store.commit(&write(3, Expect::Version(2))).await, refused, "another version");
    assert_eq!(store.commit(&write(2, Expect::Version(1))).await, Ok(()));
    assert_eq!(store.commit(&write(2, Expect::Version(1))).await, refused, "it was written since");
    assert_eq!(store.commit(&write(1, Expect::Any)).await, Ok(()));
    assert_eq!(one(&*store, &key).await.unwrap().version, 1);
    let anew = Key::new("P", "new");
    assert_eq!(store.commit(&[any(document(anew.clone(), 1))]).await, Ok(()));
    assert!(one(&*store, &anew).await.is_some());
}

async fn a_commit_writes_all_or_none(store: Arc<dyn Store>) {
    let there = document(Key::new("P", "there"), 4);
    write_all(&*store, std::slice::from_ref(&there)).await;
    let failing = [
        put(document(there.key.clone(), 1), Expect::Absent),
        put(document(there.key.clone(), 4), Expect::Version(3)),
        put(document(Key::new("P", "missing"), 2), Expect::Version(1)),
    ];
    for (n, failing) in failing.into_iter().enumerate() {
        let others = ["a", "b"].map(|sk| any(listed(&format!("{n}{sk}"), "pending", 0)));
        for place in 0..=others.len() {
            let mut writes = others.to_vec();
            writes.insert(place, failing.clone());
            assert_eq!(store.commit(&writes).await, Err(LedgerError::Conflict), "case {n}, place {place}");
            for write in &writes {
                let expected = (write.document.key == there.key).then(|| there.clone());
                assert_eq!(one(&*store, &write.document.key).await, expected, "case {n}, place {place}");
            }
        }
    }
    assert_eq!(store.by_outcome(&query("pending", 10)).await.unwrap(), []);
}

async fn a_full_commit_is_taken(store: Arc<dyn Store>) {
    let writes: Vec<Write> =
        (0..25).map(|n| put(document(Key::new(format!("P#{n}"), "S"), 1), Expect::Absent)).collect();
    store.commit(&writes).await.unwrap();
    let keys: Vec<Key> = writes.iter().map(|write| write.document.key.clone()).collect();
    assert!(store.get(&keys).await.unwrap().iter().all(Option::is_some));
}

async fn commit_each_reports_each(store: Arc<dyn Store>) {
    let key = |n: usize| Key::new(format!("P#{n}"), "S");
    let there: Vec<Document> = (0..100).filter(|n| n % 3 == 0).map(|n| document(key(n), 1)).collect();
    write_all(&*store, &there).await;
    let writes: Vec<Write> = (0..100).map(|n| put(document(key(n), 1), Expect::Absent)).collect();
    let results = store.commit_each(&writes).await.unwrap();
    assert_eq!(results.len(), 100);
    for (n, result) in results.into_iter().enumerate() {
        let expected = if n % 3 == 0 { Err(LedgerError::Conflict) } else { Ok(()) };
        assert_eq!(result, expected, "write {n}");
        let found = one(&*store, &key(n)).await.unwrap();
        assert_eq!(found.write_id == writes[n].document.write_id, n % 3 != 0, "write {n}");
    }
    assert_eq!(store.commit_each(&[]).await.unwrap(), []);
}

async fn by_outcome_lists_the_longest_unchanged_first(store: Arc<dyn Store>) {
    let late =
        Document { updated_at: shift(at(20), SignedDuration::from_nanos(1)), ..listed("d", "pending", 0) };
    let documents = [
        listed("a", "pending", 30),
        listed("b", "pending", 10),
        listed("c", "pending", 20),
        late,
        listed("e", "held(excluded)", 5),
        listed("f", "held", 6),
        document(Key::new("g", "STATE"), 1),
    ];
    write_all(&*store, &documents).await;
    lists(&*store, &query("pending", 10), &["b", "c", "d", "a"]).await;
    lists(&*store, &query("pending", 2), &["b", "c"]).await;
    lists(&*store, &query("held(excluded)", 10), &["e"]).await;
    lists(&*store, &query("rolled_back", 10), &[]).await;
    counts(&*store, "pending", 4).await;
    counts(&*store, "held(excluded)", 1).await;
    counts(&*store, "rolled_back", 0).await;
    let whole = store.by_outcome(&query("pending", 1)).await.unwrap();
    assert_eq!(whole, [documents[1].clone()], "documents come whole");
}

async fn by_outcome_ends_at_until(store: Arc<dyn Store>) {
    let documents = [listed("a", "pending", 10), listed("b", "pending", 20), listed("c", "pending", 30)];
    write_all(&*store, &documents).await;
    let until = |until| OutcomeQuery { until: Some(until), ..query("pending", 10) };
    lists(&*store, &query("pending", 10), &["a", "b", "c"]).await;
    lists(&*store, &until(at(20)), &["a", "b"]).await;
    lists(&*store, &until(shift(at(20), SignedDuration::from_nanos(-1))), &["a"]).await;
    lists(&*store, &until(at(9)), &[]).await;
    let after = Cursor { updated_at: at(10), key: documents[0].key.clone() };
    lists(&*store, &OutcomeQuery { after: Some(after), ..until(at(20)) }, &["b"]).await;
}

async fn by_outcome_pages_without_loss_or_repeats(store: Arc<dyn Store>) {
    let documents: Vec<Document> =
        (0..40).map(|n| listed(&format!("USER#{n:02}"), "pending", i64::from(n / 15))).collect();
    write_all(&*store, &documents).await;
    counts(&*store, "pending", 40).await;
    for limit in [1, 7, 10, 40] {
        let mut seen: Vec<Document> = Vec::new();
        let mut after = None;
        loop {
            let page = store.by_outcome(&OutcomeQuery { after, ..query("pending", limit) }).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(Cursor { updated_at: last.updated_at, key: last.key.clone() });
            seen.extend(page);
        }
        assert!(seen.is_sorted_by_key(|document| document.updated_at), "limit {limit}");
        assert_eq!(seen.len(), 40, "limit {limit}");
        assert_eq!(pks(&seen).into_iter().collect::<BTreeSet<_>>().len(), 40, "limit {limit}");
    }
}

async fn a_document_leaves_a_list_when_its_outcome_changes(store: Arc<dyn Store>) {
    write_all(&*store, &[listed("a", "pending", 1), listed("b", "pending", 2), listed("c", "pending", 3)])
        .await;
    lists(&*store, &query("pending", 10), &["a", "b", "c"]).await;
    let changed = Document { outcome: None, ..listed("c", "", 4) };
    write_all(&*store, &[listed("a", "rolled_back", 4), listed("b", "pending", 5), changed]).await;
    lists(&*store, &query("pending", 10), &["b"]).await;
    lists(&*store, &query("rolled_back", 10), &["a"]).await;
    counts(&*store, "pending", 1).await;
    counts(&*store, "rolled_back", 1).await;
}

async fn children_come_by_prefix_in_order_and_of_one_pk(store: Arc<dyn Store>) {
    let there = [
        ("USER#1", "H#3"),
        ("USER#1", "H#1"),
        ("USER#1", "H#2"),
        ("USER#1", "H#10"),
        ("USER#1", "H"),
        ("USER#1", "I#1"),
        ("USER#1", "h#1"),
        ("USER#1", "STATE"),
        ("USER#10", "H#1"),
        ("USER#", "H#1"),
        ("user#1", "H#1"),
    ];
    let documents: Vec<Document> = there.iter().map(|(pk, sk)| document(Key::new(*pk, *sk), 1)).collect();
    write_all(&*store, &documents).await;
    let sks = |documents: Vec<Document>| documents.into_iter().map(|d| d.key.sk).collect::<Vec<_>>();
    assert_eq!(sks(store.children("USER#1", "H#").await.unwrap()), ["H#1", "H#10", "H#2", "H#3"]);
    assert_eq!(sks(store.children("USER#1", "H").await.unwrap()), ["H", "H#1", "H#10", "H#2", "H#3"]);
    assert_eq!(sks(store.children("USER#1", "H%").await.unwrap()), [""; 0], "no pattern");
    assert_eq!(sks(store.children("USER#1", "_").await.unwrap()), [""; 0], "no pattern");
    assert_eq!(sks(store.children("USER#2", "H#").await.unwrap()), [""; 0]);
    let many: Vec<Document> = (0..300)
        .map(|n| Document { body: "x".repeat(5000), ..document(Key::new("MANY", format!("H#{n:03}")), 1) })
        .collect();
    write_all(&*store, &many).await;
    assert_eq!(store.children("MANY", "H#").await.unwrap(), many, "all of them, however many");
}

async fn large_bodies_are_kept(store: Arc<dyn Store>) {
    let body = format!("\"{}\"", "ä".repeat(50_000));
    let large = Document { body, ..document(Key::new("P", "S"), 1) };
    store.commit(&[put(large.clone(), Expect::Absent)]).await.unwrap();
    assert_eq!(one(&*store, &large.key).await, Some(large));
}

async fn odd_characters_in_keys_are_kept_apart(store: Arc<dyn Store>) {
    let odd = [
        "plain",
        " plain",
        "plain ",
        "a b",
        "it's",
        "say \"x\"",
        "100%",
        "a_b",
        "a\\b",
        "ü",
        "u\u{308}",
        "🔑",
        "a\nb",
        "a",
        "a\u{0}",
        "a\u{0}b",
        "a\u{0}c",
        "\u{0}",
        "'; DROP TABLE documents; --",
        "#",
        "a#b",
    ];
    let documents: Vec<Document> = odd
        .iter()
        .flat_map(|text| [Key::new(format!("EVENT#{text}"), "SEEN"), Key::new("P", format!("H#{text}"))])
        .map(|key| Document { outcome: Some("pending".to_owned()), ..document(key, 1) })
        .collect();
    for document in &documents {
        store.commit(&[put(document.clone(), Expect::Absent)]).await.unwrap();
    }
    for document in &documents {
        assert_eq!(one(&*store, &document.key).await.as_ref(), Some(document));
        let another = Document { write_id: Uuid::new_v4(), ..document.clone() };
        assert_eq!(store.commit(&[put(another, Expect::Absent)]).await, Err(LedgerError::Conflict));
    }
    let children = store.children("P", "H#").await.unwrap();
    assert_eq!(children.len(), odd.len());
    assert!(children.is_sorted_by_key(|document| document.key.sk.clone()));
    for text in odd {
        let children = store.children(&format!("EVENT#{text}"), "SEEN").await.unwrap();
        assert_eq!(children.len(), 1, "{text:?}");
    }
    counts(&*store, "pending", documents.len() as u64).await;
    let mut after = None;
    let mut seen = BTreeSet::new();
    loop {
        let page = store.by_outcome(&OutcomeQuery { after, ..query("pending", 5) }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(Cursor { updated_at: last.updated_at, key: last.key.clone() });
        seen.extend(page.into_iter().map(|document| document.key));
    }
    assert_eq!(seen.len(), documents.len(), "cursors hold such keys too");
}

async fn exactly_one_of_many_writers_wins(store: Arc<dyn Store>) {
    let key = Key::new("P", "S");
    for round in 0..10 {
        let expect = if round == 0 { Expect::Absent } else { Expect::Version(round) };
        let writers = (0..8).map(|_| {
            let (store, document) = (store.clone(), document(key.clone(), round + 1));
            tokio::spawn(async move {
                let result = store.commit(&[put(document.clone(), expect)]).await;
                (document.write_id, result)
            })
        });
        let results: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
        let won: Vec<Uuid> = results.iter().filter(|(_, result)| result.is_ok()).map(|(id, _)| *id).collect();
        assert_eq!(won.len(), 1, "round {round}");
        assert!(results.iter().all(|(_, result)| matches!(result, Ok(()) | Err(LedgerError::Conflict))));
        let there = one(&*store, &key).await.unwrap();
        assert_eq!((there.write_id, there.version), (won[0], round + 1));
    }
}

// The ledger

const LIMITS: Limits = Limits { max_rollbacks_per_day: 3, max_failure_percent: 20 };
const DAY: i64 = 24 * 60 * 60;

/// A clock that stands still until it is set.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn set(&self, second: i64) {
        self.0.store(second, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let hands = self.0.clone();
        Clock::from_fn(move || at(hands.load(Ordering::SeqCst)))
    }
}

fn tenant(n: u128) -> TenantId {
    Uuid::from_u128(n).to_string().parse().unwrap()
}

fn user(n: u128) -> UserId {
    Uuid::from_u128(0x1000 + n).to_string().parse().unwrap()
}

fn run() -> RunId {
    RunId(Uuid::from_u128(9))
}

async fn open(store: Arc<dyn Store>, hands: &Hands) -> Ledger {
    Ledger::open(store, tenant(1), hands.clock()).await.unwrap()
}

async fn pending(ledger: &Ledger, n: u128) -> Versioned<UserState> {
    let mut value = UserState::new(user(n), ledger.now());
    value.make_pending(ledger.now());
    let mut state = Versioned { value, version: 0 };
    state.version = ledger.save_user(&state, None).await.unwrap();
    state
}

async fn on_record(ledger: &Ledger, n: u128) -> Versioned<UserState> {
    let held = ledger.user(user(n)).await.unwrap();
    Versioned { value: held.value.unwrap(), version: held.version }
}

fn intent(at: Timestamp) -> Intent {
    Intent {
        id: Uuid::new_v4(),
        written_at: at,
        slot_at: at,
        salt: Uuid::new_v4(),
        methods: vec![IntendedMethod {
            kind: MethodKind::MicrosoftAuthenticator,
            id: MethodId("m".to_owned()),
            created: None,
            number_hash: None,
        }],
        kept: None,
        default_change: None,
    }
}

async fn intend(ledger: &Ledger, state: &mut Versioned<UserState>) -> Result<IntentWritten, LedgerError> {
    ledger.write_intent(state, intent(ledger.now()), false, LIMITS, run()).await
}

async fn slots(ledger: &Ledger) -> u32 {
    ledger.brake().await.unwrap().value.slots_taken(ledger.now())
}

async fn rate(ledger: &Ledger) -> (u32, u32) {
    ledger.brake().await.unwrap().value.rate(ledger.now())
}

fn concluded(ledger: &Ledger, outcome: Outcome) -> Concluded {
    Concluded {
        outcome,
        at: ledger.now(),
        run_id: run(),
        methods_deleted: Vec::new(),
        methods_left: Vec::new(),
        decision: None,
        request_ids: Vec::new(),
    }
}

async fn conclude(ledger: &Ledger, n: u128, outcome: Outcome) {
    let state = on_record(ledger, n).await;
    ledger.conclude(&state, &concluded(ledger, outcome), LIMITS).await.unwrap();
}

fn outcomes(history: &[HistoryEntry]) -> Vec<Outcome> {
    let outcome = |entry: &HistoryEntry| match entry {
        HistoryEntry::Outcome(concluded) => Some(concluded.outcome),
        _ => None,
    };
    history.iter().filter_map(outcome).collect()
}

async fn a_ledger_belongs_to_one_tenant(store: Arc<dyn Store>) {
    let clock = Hands::default().clock();
    let open = |n| Ledger::open(store.clone(), tenant(n), clock.clone());
    open(1).await.unwrap();
    open(1).await.unwrap();
    let Err(LedgerError::Unusable(why)) = open(2).await else { panic!("another tenant's id was taken") };
    assert!(why.contains(&tenant(1).to_string()) && why.contains(&tenant(2).to_string()), "{why}");
    open(1).await.unwrap();
}

async fn a_request_is_claimed_once(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    let until = at(30);
    let claim = || ledger.claim("arn:one", "key", &[b"a", b"b"], until);
    let claims = join_all((0..8).map(|_| claim())).await;
    let mut yours: Vec<_> =
        claims.into_iter().map(Result::unwrap).filter(|claim| matches!(claim, Claim::Yours(_))).collect();
    assert_eq!(yours.len(), 1, "claims of one request");
    assert!(matches!(claim().await.unwrap(), Claim::UnderWay { .. }));
    assert!(matches!(ledger.claim("arn:one", "key", &[b"ab"], until).await.unwrap(), Claim::Reused));
    for other in [("arn:two", "key"), ("arn:one", "keys")] {
        let claim = ledger.claim(other.0, other.1, &[b"a", b"b"], until).await.unwrap();
        assert!(matches!(claim, Claim::Yours(_)), "{other:?}");
    }
    let Some(Claim::Yours(claimed)) = yours.pop() else { panic!("nobody has it") };
    let answer = KeptAnswer { status: 202, body: "{\"accepted\":1}".to_owned() };
    ledger.answered(claimed, answer.clone()).await.unwrap();
    assert!(matches!(claim().await.unwrap(), Claim::Answered(kept) if kept == answer));
    let given_back = ledger.claim("arn:one", "not done", &[b"a"], until).await.unwrap();
    let Claim::Yours(given_back) = given_back else { panic!("not claimed") };
    ledger.not_done(given_back).await.unwrap();
    let again = ledger.claim("arn:one", "not done", &[b"a"], until).await.unwrap();
    assert!(matches!(again, Claim::Yours(_)), "what was not done is there to be done");
    // A claim whose owner died is taken again, and one that was answered long ago is forgotten.
    let claimed = ledger.claim("arn:one", "dies", &[b"a"], until).await.unwrap();
    hands.set(31);
    let again = ledger.claim("arn:one", "dies", &[b"a"], at(61)).await.unwrap();
    let (Claim::Yours(dead), Claim::Yours(alive)) = (claimed, again) else { panic!("not claimed again") };
    ledger.answered(alive, answer.clone()).await.unwrap();
    ledger.answered(dead, KeptAnswer { status: 500, ..answer.clone() }).await.unwrap();
    let kept = ledger.claim("arn:one", "dies", &[b"a"], until).await.unwrap();
    assert!(matches!(kept, Claim::Answered(kept) if kept == answer), "the later claim's answer stays");
    hands.set(DAY + 3600);
    assert!(matches!(claim().await.unwrap(), Claim::Yours(_)));
}

async fn an_intent_takes_exactly_one_slot(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    let mut state = pending(&ledger, 1).await;
    let IntentWritten::Durable(durable) = intend(&ledger, &mut state).await.unwrap() else {
        panic!("refused")
    };
    assert_eq!(slots(&ledger).await, 1);
    let there = on_record(&ledger, 1).await;
    assert_eq!(
        (&there.value, there.version),
        (&state.value, state.version),
        "the caller's copy goes with it"
    );
    assert_eq!(there.value.intent.as_ref(), Some(durable.intent()));
    assert_eq!(there.value.first_delete_at, Some(at(0)));
    assert_eq!(durable.deletion(0).unwrap().user(), user(1));
    assert!(durable.deletion(1).is_none());
    let history = ledger.history(user(1)).await.unwrap();
    assert!(matches!(&history[..], [HistoryEntry::Intent { intent, .. }] if intent == durable.intent()));
}

async fn an_intent_in_its_old_slot_takes_none(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    let mut state = pending(&ledger, 1).await;
    intend(&ledger, &mut state).await.unwrap();
    let again = ledger.write_intent(&mut state, intent(at(0)), true, LIMITS, run()).await.unwrap();
    assert!(matches!(again, IntentWritten::Durable(_)));
    assert_eq!(slots(&ledger).await, 1);
    intend(&ledger, &mut state).await.unwrap();
    assert_eq!(slots(&ledger).await, 2, "a new slot where it does not keep the old one");
}

async fn an_intent_is_refused_while_the_brake_is_open(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    let mut state = pending(&ledger, 1).await;
    ledger.move_brake(BrakeState::Open, "ops", "look").await.unwrap();
    for keeps_slot in [false, true] {
        let written =
            ledger.write_intent(&mut state, intent(at(0)), keeps_slot, LIMITS, run()).await.unwrap();
        assert!(matches!(written, IntentWritten::BrakeOpen));
    }
    assert_eq!(on_record(&ledger, 1).await.value, state.value);
    assert_eq!((state.value.intent.is_none(), slots(&ledger).await), (true, 0));
    ledger.move_brake(BrakeState::Released, "ops", "looked").await.unwrap();
    assert!(matches!(intend(&ledger, &mut state).await.unwrap(), IntentWritten::Durable(_)));
}

async fn an_intent_is_refused_without_a_slot(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    for n in 0..3 {
        let mut state = pending(&ledger, n).await;
        assert!(matches!(intend(&ledger, &mut state).await.unwrap(), IntentWritten::Durable(_)));
    }
    let mut state = pending(&ledger, 3).await;
    assert!(matches!(intend(&ledger, &mut state).await.unwrap(), IntentWritten::NoSlot));
    assert!(on_record(&ledger, 3).await.value.intent.is_none());
    assert!(ledger.history(user(3)).await.unwrap().is_empty());
    hands.set(DAY + 300);
    assert!(matches!(intend(&ledger, &mut state).await.unwrap(), IntentWritten::Durable(_)));
}

async fn an_intent_is_refused_when_the_user_was_changed(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    let mut state = pending(&ledger, 1).await;
    ledger.save_user(&state, None).await.unwrap();
    assert_eq!(intend(&ledger, &mut state).await.unwrap_err(), LedgerError::Conflict);
    assert!(on_record(&ledger, 1).await.value.intent.is_none());
    assert_eq!(slots(&ledger).await, 0, "a slot that nobody uses is not taken");
}

async fn concurrent_intents_never_exceed_the_cap(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(Double::of(store), &hands).await;
    let mut states = Vec::new();
    for n in 0..12 {
        states.push(pending(&ledger, n).await);
    }
    let writers = states.into_iter().map(|mut state| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                match intend(&ledger, &mut state).await {
                    Ok(written) => return matches!(written, IntentWritten::Durable(_)),
                    Err(LedgerError::Unavailable(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            panic!("no writer came through");
        })
    });
    let durable = join_all(writers).await.into_iter().map(Result::unwrap).filter(|durable| *durable).count();
    assert_eq!(durable, 3);
    assert_eq!(slots(&ledger).await, 3);
    let mut intents = 0;
    for n in 0..12 {
        intents += usize::from(on_record(&ledger, n).await.value.intent.is_some());
    }
    assert_eq!(intents, 3);
}

async fn a_user_counts_once_by_the_latest_outcome(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    pending(&ledger, 1).await;
    conclude(&ledger, 1, Outcome::Failed(Failed::Refused)).await;
    assert_eq!(rate(&ledger).await, (1, 1));
    hands.set(3600);
    conclude(&ledger, 1, Outcome::Partial(Partial::StillListed)).await;
    assert_eq!(rate(&ledger).await, (1, 1));
    hands.set(7200);
    conclude(&ledger, 1, Outcome::RolledBack).await;
    assert_eq!(rate(&ledger).await, (1, 0));
    pending(&ledger, 2).await;
    conclude(&ledger, 2, Outcome::Held(Held::Excluded)).await;
    assert_eq!(rate(&ledger).await, (1, 0), "who was not tried does not count");
    hands.set(7200 + DAY + 300);
    assert_eq!(rate(&ledger).await, (0, 0));
}

async fn throttled_users_count_apart(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    for (n, throttled) in
        [(1, Outcome::Failed(Failed::Throttled)), (2, Outcome::Partial(Partial::Failed(Failed::Throttled)))]
    {
        pending(&ledger, n).await;
        conclude(&ledger, n, throttled).await;
        assert_eq!(rate(&ledger).await, (0, 0));
        conclude(&ledger, n, Outcome::Failed(Failed::Refused)).await;
        assert_eq!(rate(&ledger).await, (1, 1));
        conclude(&ledger, n, throttled).await;
        assert_eq!(rate(&ledger).await, (0, 0));
    }
}

async fn too_many_failures_open_the_brake(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    let outcome = |n| {
        if n < 7 { Outcome::RolledBack } else { Outcome::Failed(Failed::Refused) }
    };
    for n in 0..10 {
        assert!(!ledger.brake().await.unwrap().value.is_open(), "{n} users");
        pending(&ledger, n).await;
        conclude(&ledger, n, outcome(n)).await;
    }
    assert!(ledger.brake().await.unwrap().value.is_open());
    let released = ledger.move_brake(BrakeState::Released, "ops", "fixed").await.unwrap();
    assert_eq!(released.rate(ledger.now()), (0, 0), "counted from the release on");
}

async fn an_outcome_on_a_changed_user_is_a_conflict(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    let state = pending(&ledger, 1).await;
    ledger.save_user(&state, None).await.unwrap();
    for outcome in [Outcome::RolledBack, Outcome::Held(Held::Excluded)] {
        let result = ledger.conclude(&state, &concluded(&ledger, outcome), LIMITS).await;
        assert_eq!(result.unwrap_err(), LedgerError::Conflict);
    }
    assert_eq!(on_record(&ledger, 1).await.value.outcome(), None);
    assert_eq!(rate(&ledger).await, (0, 0));
    assert!(ledger.history(user(1)).await.unwrap().is_empty());
}

async fn history_is_kept_in_order(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    pending(&ledger, 1).await;
    pending(&ledger, 10).await;
    let all = [Outcome::WouldRollBack, Outcome::Failed(Failed::Refused), Outcome::RolledBack];
    for (n, outcome) in (0..).zip(all) {
        hands.set(n * 7);
        conclude(&ledger, 1, outcome).await;
    }
    hands.set(100);
    conclude(&ledger, 1, Outcome::Held(Held::AccountDisabled)).await;
    let kept = ledger.history(user(1)).await.unwrap();
    assert_eq!(outcomes(&kept)[..3], all);
    assert_eq!(outcomes(&kept)[3], Outcome::Held(Held::AccountDisabled), "though it replaced nothing");
    assert_eq!(on_record(&ledger, 1).await.value.outcome(), Some(Outcome::RolledBack));
    assert!(ledger.history(user(10)).await.unwrap().is_empty());
}

async fn what_is_erased_is_gone_but_for_what_keeps_from_a_second_rollback(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    assert_eq!(ledger.erase(user(1), "dpo", "asked").await.unwrap(), Err(EraseRefused::NotOnRecord));
    let mut state = pending(&ledger, 1).await;
    assert_eq!(ledger.erase(user(1), "dpo", "asked").await.unwrap(), Err(EraseRefused::Pending));
    state.value.about.display_name = Some("Ada".to_owned());
    assert!(matches!(intend(&ledger, &mut state).await.unwrap(), IntentWritten::Durable(_)));
    conclude(&ledger, 1, Outcome::RolledBack).await;
    let before = on_record(&ledger, 1).await.value;
    hands.set(10);
    assert_eq!(ledger.erase(user(1), "dpo", "asked").await.unwrap(), Ok(2));
    let after = on_record(&ledger, 1).await.value;
    assert_eq!((after.first_delete_at, after.slot_at), (before.first_delete_at, before.slot_at));
    assert!(after.first_delete_at.is_some() && after.intent.is_none() && after.concluded.is_none());
    assert_eq!(after.about, shared::domain::account::About::default());
    let history = ledger.history(user(1)).await.unwrap();
    assert!(matches!(history.as_slice(), [HistoryEntry::Erased { who, .. }] if who == "dpo"), "{history:?}");
    assert_eq!(ledger.count("rolled_back").await.unwrap() + ledger.count("pending").await.unwrap(), 0);
    pending(&ledger, 2).await;
    conclude(&ledger, 2, Outcome::Held(Held::External)).await;
    assert_eq!(ledger.erase(user(2), "dpo", "asked").await.unwrap(), Ok(1));
    assert_eq!(ledger.count("held(external)").await.unwrap(), 0, "nothing looks at the user again");
}

// Lost answers

/// What becomes of the next commit.
enum Fault {
    /// It is done, and the answer is this error.
    LoseAnswer(LedgerError),
    /// It is done, somebody else writes the brake's item, and the answer is this error.
    LoseAnswerAndWriteBrake(LedgerError),
    /// It is not done.
    NotDone(LedgerError),
}

/// A store whose answers come late or get lost. Late answers let writers interleave.
struct Double {
    inner: Arc<dyn Store>,
    next: Mutex<Option<Fault>>,
}

impl Double {
    fn of(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, next: Mutex::new(None) })
    }

    fn next(&self, fault: Fault) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    fn take(&self) -> Option<Fault> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn somebody_writes_the_brake(&self) {
        let there = one(&*self.inner, &Key::brake()).await.unwrap();
        let version = there.version;
        let changed = Document { version: version + 1, write_id: Uuid::new_v4(), ..there };
        self.inner.commit(&[put(changed, Expect::Version(version))]).await.unwrap();
    }
}

#[async_trait]
impl Store for Double {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Document>>, LedgerError> {
        let found = self.inner.get(keys).await;
        tokio::task::yield_now().await;
        found
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), LedgerError> {
        tokio::task::yield_now().await;
        match self.take() {
            None => self.inner.commit(writes).await,
            Some(Fault::LoseAnswer(error)) => {
                self.inner.commit(writes).await.unwrap();
                Err(error)
            }
            Some(Fault::LoseAnswerAndWriteBrake(error)) => {
                self.inner.commit(writes).await.unwrap();
                self.somebody_writes_the_brake().await;
                Err(error)
            }
            Some(Fault::NotDone(error)) => Err(error),
        }
    }

    async fn commit_each(&self, writes: &[Write]) -> Result<Vec<Result<(), LedgerError>>, LedgerError> {
        self.inner.commit_each(writes).await
    }

    async fn by_outcome(&self, query: &OutcomeQuery) -> Result<Vec<Document>, LedgerError> {
        self.inner.by_outcome(query).await
    }

    async fn count(&self, outcome: &str) -> Result<u64, LedgerError> {
        self.inner.count(outcome).await
    }

    async fn children(&self, pk: &str, sk_prefix: &str) -> Result<Vec<Document>, LedgerError> {
        self.inner.children(pk, sk_prefix).await
    }
}

fn lost() -> [LedgerError; 2] {
    [LedgerError::Unavailable("timed out".to_owned()), LedgerError::Conflict]
}

async fn a_write_whose_answer_was_lost_is_a_success(store: Arc<dyn Store>) {
    let double = Double::of(store);
    let ledger = open(double.clone(), &Hands::default()).await;
    let mut state = pending(&ledger, 1).await;
    for error in lost() {
        double.next(Fault::LoseAnswer(error));
        state.version = ledger.save_user(&state, None).await.unwrap();
        assert_eq!(on_record(&ledger, 1).await.version, state.version);
    }
    for error in lost() {
        let before = on_record(&ledger, 1).await.value.attempts.count;
        double.next(Fault::LoseAnswer(error));
        let lease = Lease { owner: "o".to_owned(), token: Uuid::new_v4(), until: at(60) };
        let begin = |state: &mut Option<UserState>, now| {
            state.as_mut().unwrap().begin(lease.clone(), now);
            Ok::<_, std::convert::Infallible>(None)
        };
        ledger.change_user(user(1), begin).await.unwrap().unwrap();
        assert_eq!(on_record(&ledger, 1).await.value.attempts.count, before + 1, "done once");
    }
}

async fn an_intent_whose_answer_was_lost_is_a_success(store: Arc<dyn Store>) {
    let double = Double::of(store);
    let ledger = open(double.clone(), &Hands::default()).await;
    for (n, error) in (0..).zip(lost()) {
        let mut state = pending(&ledger, n).await;
        double.next(Fault::LoseAnswer(error.clone()));
        let written = intend(&ledger, &mut state).await;
        assert!(matches!(written, Ok(IntentWritten::Durable(_))), "{error:?} gave {written:?}");
        assert_eq!(on_record(&ledger, n).await.version, state.version);
        assert_eq!(slots(&ledger).await, u32::try_from(n).unwrap() + 1, "one slot");
        assert_eq!(ledger.history(user(n)).await.unwrap().len(), 1);
    }
    let mut state = pending(&ledger, 7).await;
    double.next(Fault::LoseAnswerAndWriteBrake(LedgerError::Conflict));
    let written = intend(&ledger, &mut state).await;
    assert!(matches!(written, Ok(IntentWritten::Durable(_))), "though the brake moved on: {written:?}");
}

async fn an_outcome_whose_answer_was_lost_is_a_success(store: Arc<dyn Store>) {
    let double = Double::of(store);
    let ledger = open(double.clone(), &Hands::default()).await;
    let outcomes = [Outcome::Failed(Failed::Refused), Outcome::Held(Held::Excluded), Outcome::WouldRollBack];
    let cases = outcomes.into_iter().flat_map(|outcome| lost().map(|error| (outcome, error)));
    for (n, (outcome, error)) in (0..).zip(cases) {
        let state = pending(&ledger, n).await;
        let before = rate(&ledger).await.0;
        double.next(Fault::LoseAnswer(error.clone()));
        let result = ledger.conclude(&state, &concluded(&ledger, outcome), LIMITS).await;
        assert!(result.is_ok(), "{outcome} with {error:?} gave {result:?}");
        assert_eq!(on_record(&ledger, n).await.value.outcome(), Some(outcome));
        let counts = u32::from(outcome == Outcome::Failed(Failed::Refused));
        assert_eq!(rate(&ledger).await.0, before + counts, "counted once");
        assert_eq!(ledger.history(user(n)).await.unwrap().len(), 1);
    }
}

async fn an_outcome_whose_answer_was_lost_is_a_success_though_the_brake_moved_on(store: Arc<dyn Store>) {
    let double = Double::of(store);
    let ledger = open(double.clone(), &Hands::default()).await;
    for (n, error) in (0..).zip(lost()) {
        let state = pending(&ledger, n).await;
        double.next(Fault::LoseAnswerAndWriteBrake(error.clone()));
        let result = ledger.conclude(&state, &concluded(&ledger, Outcome::RolledBack), LIMITS).await;
        assert!(result.is_ok(), "{error:?} gave {result:?}, and the outcome is in the ledger");
    }
}

async fn a_move_of_the_brake_whose_answer_was_lost_is_made_once(store: Arc<dyn Store>) {
    let double = Double::of(store);
    let ledger = open(double.clone(), &Hands::default()).await;
    for (n, error) in (0..).zip(lost()) {
        double.next(Fault::LoseAnswer(error));
        ledger.move_brake(BrakeState::Open, "ops", "look").await.unwrap();
        assert_eq!(ledger.brake().await.unwrap().value.moves.len(), n + 1);
    }
}

async fn a_binding_whose_answer_was_lost_is_a_success(store: Arc<dyn Store>) {
    let double = Double::of(store);
    double.next(Fault::LoseAnswer(LedgerError::Unavailable("timed out".to_owned())));
    open(double.clone(), &Hands::default()).await;
    assert!(Ledger::open(double, tenant(2), Hands::default().clock()).await.is_err());
}

async fn a_write_that_was_not_done_is_no_success(store: Arc<dyn Store>) {
    let double = Double::of(store);
    let ledger = open(double.clone(), &Hands::default()).await;
    let mut state = pending(&ledger, 1).await;
    let unavailable = LedgerError::Unavailable("timed out".to_owned());
    double.next(Fault::NotDone(unavailable.clone()));
    assert_eq!(ledger.save_user(&state, None).await.unwrap_err(), unavailable);
    double.next(Fault::NotDone(unavailable.clone()));
    assert_eq!(intend(&ledger, &mut state).await.unwrap_err(), unavailable);
    assert!(state.value.intent.is_none());
    double.next(Fault::NotDone(unavailable.clone()));
    let result = ledger.conclude(&state, &concluded(&ledger, Outcome::RolledBack), LIMITS).await;
    assert_eq!(result.unwrap_err(), unavailable);
    let unusable = LedgerError::Unusable("the disk is full".to_owned());
    double.next(Fault::NotDone(unusable.clone()));
    assert_eq!(ledger.save_user(&state, None).await.unwrap_err(), unusable);
    let there = on_record(&ledger, 1).await;
    assert_eq!((there.version, there.value.outcome(), slots(&ledger).await), (state.version, None, 0));
    double.next(Fault::NotDone(LedgerError::Conflict));
    let written = intend(&ledger, &mut state).await.unwrap();
    assert!(matches!(written, IntentWritten::Durable(_)), "a conflict over the brake alone is tried again");
    assert_eq!(slots(&ledger).await, 1);
}

// Versions and events

async fn an_item_of_a_newer_schema_is_refused_and_left_alone(store: Arc<dyn Store>) {
    let ledger = open(store.clone(), &Hands::default()).await;
    let state = pending(&ledger, 1).await;
    let there = one(&*store, &Key::user(user(1))).await.unwrap();
    let newer =
        Document { schema: SCHEMA + 1, version: there.version + 1, body: "{\"new\":1}".to_owned(), ..there };
    let brake = Document { schema: SCHEMA + 1, ..document(Key::brake(), 1) };
    write_all(&*store, &[newer.clone(), brake]).await;
    let errors = [
        ledger.user(user(1)).await.unwrap_err(),
        ledger.change_user(user(1), |_, _| Ok::<_, std::convert::Infallible>(None)).await.unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(&error, LedgerError::Newer(why) if why.contains("newer version of mfa-rollback")),
            "{error}"
        );
    }
    for error in [
        ledger.brake().await.unwrap_err(),
        ledger.move_brake(BrakeState::Open, "ops", "look").await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, LedgerError::Unusable(why) if why.contains("newer version of mfa-rollback")),
            "{error}"
        );
    }
    assert_eq!(ledger.save_user(&state, None).await.unwrap_err(), LedgerError::Conflict);
    assert_eq!(one(&*store, &newer.key).await, Some(newer));
}

async fn an_item_with_a_reason_of_newer_code_is_left_for_it(store: Arc<dyn Store>) {
    let ledger = open(store.clone(), &Hands::default()).await;
    pending(&ledger, 1).await;
    conclude(&ledger, 1, Outcome::Held(Held::External)).await;
    let there = one(&*store, &Key::user(user(1))).await.unwrap();
    let body = there.body.replace("held(external)", "held(moonstruck)");
    assert_ne!(body, there.body);
    let newer = Document { version: there.version + 1, body, ..there };
    write_all(&*store, std::slice::from_ref(&newer)).await;
    let error = ledger.user(user(1)).await.unwrap_err();
    assert!(matches!(error, LedgerError::Newer(_)), "{error}");
    assert_eq!(one(&*store, &newer.key).await, Some(newer));
}

async fn seen_events_are_remembered_for_45_days(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store, &hands).await;
    let mut events: Vec<EventId> = (0..250).map(|n| EventId(format!("Directory_{n} x'%\u{0}"))).collect();
    events.push(EventId("e".repeat(3000)));
    let odd: Vec<EventId> = events.iter().skip(1).step_by(2).cloned().collect();
    assert_eq!(ledger.seen(&events).await.unwrap(), vec![false; 251]);
    ledger.mark_seen(&odd).await.unwrap();
    ledger.mark_seen(&[]).await.unwrap();
    let expected: Vec<bool> = (0..251).map(|n| n % 2 == 1).collect();
    assert_eq!(ledger.seen(&events).await.unwrap(), expected);
    hands.set(45 * DAY - 1);
    assert_eq!(ledger.seen(&events).await.unwrap(), expected);
    hands.set(45 * DAY + 1);
    assert_eq!(ledger.seen(&events).await.unwrap(), vec![false; 251]);
    ledger.mark_seen(&odd).await.unwrap();
    assert_eq!(ledger.seen(&odd).await.unwrap(), vec![true; odd.len()], "an expired mark is no obstacle");
}

async fn ambiguous_events_are_listed_until_they_are_ended(store: Arc<dyn Store>) {
    let hands = Hands::default();
    let ledger = open(store.clone(), &hands).await;
    let event = AmbiguousEvent {
        event_id: EventId("e 1".to_owned()),
        registered_at: at(0),
        why: "actor and target differ".to_owned(),
        unread: false,
        users: vec![user(1)],
        first_seen_at: at(0),
        ended: None,
    };
    ledger.record_ambiguous(&event).await.unwrap();
    ledger.mark_seen(std::slice::from_ref(&event.event_id)).await.unwrap();
    let again = AmbiguousEvent { why: "something else".to_owned(), ..event.clone() };
    ledger.record_ambiguous(&again).await.unwrap();
    lists(&*store, &query("held(ambiguous_event)", 10), &["EVENT#e 1"]).await;
    let page = ledger.list(&query("held(ambiguous_event)", 10)).await.unwrap();
    assert!(
        matches!(&page.entries[..], [Entry::Event(there)] if *there == event),
        "a known one stays as it is"
    );
    let unread = AmbiguousEvent {
        event_id: EventId("e 3".to_owned()),
        unread: true,
        why: "the record cannot be read".to_owned(),
        ..event.clone()
    };
    assert!(ledger.record_ambiguous(&unread).await.unwrap());
    let read = AmbiguousEvent { unread: false, users: vec![user(2)], ..unread.clone() };
    assert!(ledger.record_ambiguous(&read).await.unwrap());
    let known = ledger.load::<AmbiguousEvent>(Key::ambiguous(&unread.event_id)).await.unwrap().value;
    assert_eq!(known, Some(read), "a record that is read at last takes the place of what was not read");
    ledger.end_ambiguous(&unread.event_id, "ops", "looked").await.unwrap();
    assert!(!ledger.record_ambiguous(&unread).await.unwrap(), "it was ended");
    hands.set(400 * DAY);
    lists(&*store, &query("held(ambiguous_event)", 10), &["EVENT#e 1"]).await;
    let ended = ledger.end_ambiguous(&event.event_id, "ops", "looked").await.unwrap().unwrap();
    assert_eq!(ended.ended, Some(("ops".to_owned(), "looked".to_owned())));
    lists(&*store, &query("held(ambiguous_event)", 10), &[]).await;
    let nobody = EventId("e 2".to_owned());
    assert_eq!(ledger.end_ambiguous(&nobody, "ops", "looked").await.unwrap(), None);
}
