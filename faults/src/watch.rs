//! Sees what every process does, and holds it from outside against the tenant's truth, the ledger as it is, and what
//! the process was told. The numbers are those of the invariants in `docs/invariants.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use futures::FutureExt;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use shared::{
    clock::Clock,
    domain::{brake::Brake, ids::UserId, state::UserState, window::Window},
    ledger::{Document, Key, Store},
    notices::Notice,
    settings::Settings,
};
use simulator::{Harm, Tenant};
use uuid::Uuid;

use crate::{about::About, person::Person, plans::Word, steps::lock};

/// Clocks of processes are off by this at most, to either side.
pub(crate) const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What one process was told, and what it has read.
pub(crate) struct View {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    /// In whose name it holds leases now.
    pub(crate) owner: Mutex<String>,
    /// Why it may delete nothing at all; `None` if it may.
    pub(crate) may_not_delete: Option<&'static str>,
    pub(crate) reads: Mutex<BTreeMap<(Uuid, String), Timestamp>>,
    pub(crate) handlings: Mutex<BTreeSet<Uuid>>,
    /// How often it has read that the brake is released, and that figure at each user's latest DELETE.
    pub(crate) released_brakes: Mutex<(u32, BTreeMap<Uuid, u32>)>,
    /// Users with a method that was gone when a DELETE of this process came to its end.
    pub(crate) touched: Mutex<BTreeSet<Uuid>>,
}

impl View {
    pub(crate) fn new(settings: Settings, clock: Clock, may_not_delete: Option<&'static str>) -> Self {
        let (owner, reads, handlings, released_brakes, touched) = Default::default();
        Self { settings, clock, owner, may_not_delete, reads, handlings, released_brakes, touched }
    }

    /// The window that the process goes by.
    pub(crate) fn window(&self) -> &Window {
        &self.settings.policy.window
    }

    /// Notes documents that the ledger returned to the process.
    pub(crate) fn has_read(&self, documents: &[Option<Document>]) {
        let brakes = documents.iter().flatten().filter(|document| document.key == Key::brake());
        let is_released = |document: &Document| {
            serde_json::from_str::<Brake>(&document.body).is_ok_and(|brake| !brake.is_open())
        };
        if brakes.into_iter().any(is_released) {
            lock(&self.released_brakes).0 += 1;
        }
    }
}

/// Sees every request of every process.
pub(crate) struct Watch {
    pub(crate) tenant: Tenant,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) people: Mutex<BTreeMap<Uuid, Person>>,
    /// When a person opened the brake, while it is open.
    pub(crate) brake_opened: Mutex<Option<Timestamp>>,
    /// The largest daily cap that was ever set.
    pub(crate) cap: Mutex<u32>,
    pub(crate) slots: Mutex<BTreeSet<(Timestamp, Uuid)>>,
    /// When any process has read somebody's methods.
    pub(crate) looks: Mutex<BTreeMap<Uuid, Vec<Timestamp>>>,
    /// Whether a policy demands MFA of a group, so that it may be for anybody.
    pub(crate) asks_a_group: AtomicBool,
    calm: AtomicBool,
    violations: Mutex<Vec<String>>,
    /// Who approved the deletion of which method.
    pub(crate) words: Mutex<BTreeMap<(Uuid, String), Vec<Word>>>,
    /// When the first plan was made that enough people approved.
    pub(crate) first_approved: Mutex<Option<Timestamp>>,
    /// Counts DELETEs by harms that are in no log of registrations.
    pub(crate) unseen: Mutex<BTreeMap<Harm, u64>>,
}

impl Watch {
    pub(crate) fn new(tenant: Tenant, store: Arc<dyn Store>, clock: Clock) -> Arc<Self> {
        let (people, brake_opened, cap, slots, looks) = Default::default();
        let (asks_a_group, calm, violations, unseen) = Default::default();
        let watch = Self {
            tenant,
            store,
            clock,
            people,
            brake_opened,
            cap,
            slots,
            looks,
            asks_a_group,
            calm,
            violations,
            words: Mutex::default(),
            first_approved: Mutex::default(),
            unseen,
        };
        let watch = Arc::new(watch);
        let seen = Arc::downgrade(&watch);
        watch.tenant.on_request(move |entry| {
            if let (Some(watch), Some(user), true) =
                (seen.upgrade(), entry.user, entry.method == "DELETE" && entry.acted)
                && let Some(person) = lock(&watch.people).get_mut(&user)
            {
                person.first_deleted.get_or_insert(watch.clock.now());
            }
        });
        watch
    }

    /// Notes that nothing goes wrong by itself from now on.
    pub(crate) fn calm_down(&self) {
        self.calm.store(true, Relaxed);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Relaxed)
    }

    pub(crate) fn violation(&self, invariant: u8, what: impl std::fmt::Display) {
        let at = self.clock.now();
        lock(&self.violations).push(format!("invariant {invariant} at {at:.0}: {what}"));
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }

    /// Returns how many DELETEs did a harm that is in no log of registrations.
    pub(crate) fn unseen(&self, harm: Harm) -> u64 {
        lock(&self.unseen).get(&harm).copied().unwrap_or_default()
    }

    /// Loads a document as it is in the ledger now, whatever processes see of it.
    pub(crate) fn load<T: DeserializeOwned>(&self, key: Key) -> Option<T> {
        let document = self.store.get(&[key]).now_or_never()?.ok()?.pop()??;
        serde_json::from_str(&document.body).ok()
    }

    pub(crate) fn state(&self, user: Uuid) -> Option<UserState> {
        self.load(Key::user(user_id(user)))
    }

    /// Called when a request leaves a process.
    pub(crate) fn sent(&self, view: &View, about: &About, method: &Method) {
        match (method, &about.method_id) {
            (&Method::DELETE, Some(method_id)) => self.delete(view, about, method_id),
            (&Method::PATCH, Some(preferred)) => self.change_default(view, about, preferred),
            _ => {}
        }
    }

    /// Called when a DELETE was answered, or its answer was lost.
    pub(crate) fn ended(&self, view: &View, about: &About) {
        let is_gone = |person: &Person| {
            person.first_deleted.is_some() && person.registered.is_empty() && person.released.is_none()
        };
        if lock(&self.people).get(&about.user).is_some_and(is_gone) {
            lock(&view.touched).insert(about.user);
        }
    }

    /// Called when a process has put a document on record.
    pub(crate) fn recorded(&self, view: &View, document: &Document) {
        if !document.key.sk.starts_with("H#") || !document.body.contains("\"failed(") {
            return;
        }
        let user = document.key.pk.trim_start_matches("USER#").parse().unwrap_or_default();
        let is_same = |person: &Person| person.registered.is_empty() && person.released.is_none();
        if lock(&view.touched).contains(&user) && lock(&self.people).get(&user).is_some_and(is_same) {
            self.violation(4, format!("failed, and this process has deleted a method: {user}"));
        }
    }

    /// Called when a read that left a process at `sent_at` was answered.
    pub(crate) fn answered(&self, view: &View, about: About, sent_at: Timestamp) {
        if about.until.is_some_and(|until| until < sent_at) {
            return;
        }
        if about.segment == "methods" {
            lock(&self.looks).entry(about.user).or_default().push(sent_at);
        }
        lock(&view.reads).insert((about.user, about.segment), sent_at);
    }

    /// Called when a process acknowledges a message that it received at `began`.
    pub(crate) fn acknowledged(&self, user: UserId, began: Timestamp) {
        let Some(state) = self.state(uuid(user)) else { return };
        if state.pending_since.is_some_and(|since| since < began.checked_sub(SKEW * 3).unwrap_or(began)) {
            self.violation(4, format!("a message acknowledged before an outcome: {user}"));
        }
    }

    /// Called when people are told something.
    pub(crate) fn told(&self, notice: &Notice) {
        if notice.subject.contains('@') || notice.text.contains('@') {
            self.violation(9, format!("a notice names somebody: {}", notice.text));
        }
    }
}

pub(crate) fn user_id(user: Uuid) -> UserId {
    user.to_string().parse().expect("an object id")
}

pub(crate) fn uuid(user: UserId) -> Uuid {
    user.to_string().parse().expect("an object id")
}
