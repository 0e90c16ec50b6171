//! One simulated world: a tenant, a ledger and a queue, processes that come and go, and what its seed
//! has in store for them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use mfa_rollback::sqlite::Database;
use shared::{clock::Clock, ledger::Store, settings::Settings};
use simulator::{Budget, Cast, ConditionalAccess, Faults, Harm, Options, Part, Population, Standing, Tenant};
use uuid::Uuid;

use crate::{
    ledger::{Index, Weather},
    machine::Machine,
    person::Person,
    plans::{self, Read},
    steps::lock,
    watch::Watch,
};

const START: &str = "2026-03-20T12:00:00Z";

pub(crate) const HOUR: SignedDuration = SignedDuration::from_hours(1);

pub(crate) const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Situations whose outcome a later end of the window changes.
const AFTERWARDS: [Part; 2] = [Part::RegisteredAfter, Part::DatedAfter];

pub(crate) struct World {
    pub(crate) tenant: Tenant,
    pub(crate) cast: Cast,
    pub(crate) watch: Arc<Watch>,
    pub(crate) database: Arc<Database>,
    pub(crate) clock: Clock,
    pub(crate) rng: RefCell<Rng>,
    /// The settings of processes that start from now on.
    pub(crate) vars: RefCell<BTreeMap<&'static str, String>>,
    /// Why processes that start now may delete nothing; `None` if they may.
    /// The group that a policy demands MFA of, in half of the worlds.
    pub(crate) asked_group: Uuid,
    pub(crate) may_not_delete: Cell<Option<&'static str>>,
    /// Whether an event shows so late that only a sweep finds it.
    pub(crate) is_late: Cell<bool>,
    /// What `EXCLUDED_USER_IDS` is when nobody has mistyped it.
    pub(crate) excluded_users: RefCell<String>,
    /// What is wrong with the tenant for good, or until it is mended at the end.
    pub(crate) standing: Cell<Option<Standing>>,
    /// What was wrong for good until it was mended at the end.
    pub(crate) mended: Cell<Option<Standing>>,
    /// Whether security defaults are on.
    pub(crate) all_are_asked: Cell<bool>,
    /// How many messages name users that nobody knows.
    pub(crate) strangers: Cell<u64>,
    pub(crate) window: (Timestamp, Timestamp),
    pub(crate) index: Arc<Index>,
    pub(crate) weather: Weather,
    pub(crate) deaths: f64,
    pub(crate) machines: RefCell<Vec<Rc<Machine>>>,
    /// How often the settings changed.
    pub(crate) deployment: Cell<u32>,
    pub(crate) tally: RefCell<Tally>,
    /// What people draw who review.
    pub(crate) reviewers: RefCell<Rng>,
    /// The plans that people have read.
    pub(crate) plans: RefCell<Vec<Read>>,
}

/// What happened in a schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Invocations that ran to their end.
    pub ended: u64,
    /// Invocations that were killed or cut off, and all runs of the command line.
    pub killed: u64,
    /// Invocations that drew a freeze; one may have ended before it.
    pub frozen: u64,
    /// DELETEs that deleted a method, whether or not the answer arrived.
    pub deleted: u64,
    /// DELETEs that deleted a method and whose answer was lost.
    pub lost: u64,
    /// Requests to the tenant.
    pub requests: u64,
    /// DELETEs for users whose per-user MFA was on in the meantime. Like the next two, no log of
    /// registrations shows it.
    pub mfa_was_meant: u64,
    /// DELETEs for users who had MFA methods before the window.
    pub had_mfa: u64,
    /// DELETEs for users who got a temporary access pass before the window and never knew a password.
    pub had_pass: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.ended += other.ended;
        self.killed += other.killed;
        self.frozen += other.frozen;
        self.deleted += other.deleted;
        self.lost += other.lost;
        self.requests += other.requests;
        self.mfa_was_meant += other.mfa_was_meant;
        self.had_mfa += other.had_mfa;
        self.had_pass += other.had_pass;
    }
}

/// What is wrong for good in the world of a seed: something in one of four.
fn standing(seed: u64) -> Option<Standing> {
    let nth = usize::try_from(seed / 4).unwrap_or_default() % Standing::ALL.len();
    (seed % 4 == 1).then(|| Standing::ALL[nth])
}

/// Draws the situations of the people of one world.
fn parts(rng: &mut Rng, ends_later: bool) -> Vec<Part> {
    let count = rng.usize(5..13);
    let some = |rng: &mut Rng| match rng.u8(..10) {
        0..4 => Part::ORDINARY[rng.usize(..6)],
        4..8 => Part::Mixed,
        _ => Part::SPECIAL[rng.usize(..Part::SPECIAL.len())],
    };
    // The excluded group must not be empty.
    let mut parts = vec![Part::BreakGlass];
    while parts.len() < count {
        let part = some(rng);
        parts.push(if ends_later && AFTERWARDS.contains(&part) { Part::Phone } else { part });
    }
    rng.shuffle(&mut parts);
    parts
}

impl World {
    pub(crate) fn new(seed: u64, store: impl FnOnce(&Clock, &Arc<Database>) -> Arc<dyn Store>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let begun = tokio::time::Instant::now();
        let start: Timestamp = START.parse().expect("a time");
        let clock = Clock::from_fn(move || start + begun.elapsed());
        let database = Arc::new(Database::in_memory(clock.clone()).expect("a ledger in memory"));
        let store = store(&clock, &database);

        let time = clock.clone();
        let mut options = Options::new(seed, move || time.now());
        options.budget = if rng.bool() { Budget::Real } else { Budget::Off };
        options.page_size = rng.usize(1..8);
        options.audit_page_size = rng.usize(2..30);
        // Some of these have something wrong for good, too.
        options.audit_by_target = !seed.is_multiple_of(8) && seed % 44 != 1;
        if !options.audit_by_target {
            // The log of all users is read, as far as that takes no more than 24 pages.
            options.audit_page_size = options.audit_page_size.max(10);
        }
        options.removal_delay = Duration::from_secs(*rng.choice(&[0, 3, 10, 11]).expect("some"));
        options.cursor_lifetime = Duration::from_mins(rng.u64(1..90));
        options.token_lifetime = Duration::from_mins(rng.u64(6..60));
        let rate = *rng.choice(&[0.0, 0.03, 0.1, 0.25]).expect("some");
        let standing = standing(seed);
        if matches!(standing, Some(Standing::LinksRefused | Standing::LinksRefusedAtTimes)) {
            // A user's own changes of one moment fit into a page, as they do into Graph's.
            options.audit_page_size = options.audit_page_size.max(8);
        }
        let faults = Faults { standing, ..Faults::spread(rate, Duration::from_secs(rng.u64(1..25))) };
        let window = (start - DAY * 10, start - DAY * 2);
        let ends_later = rng.bool();
        let tenant = Tenant::new(options.clone());
        let population = Population { users: 0, window_start: window.0, window_end: window.1 };
        let cast = tenant.populate_with(&population, &parts(&mut rng, ends_later));
        tenant.set_faults(faults);

        let end = window.1 + if ends_later { DAY * 30 } else { HOUR * 20 };
        let mut vars = simulator::variables(&options, &population, &cast);
        vars.extend([
            ("REGISTERED_UNTIL", end.to_string()),
            ("CANARY_GROUP_ID", cast.canary_group.to_string()),
            ("MAX_ROLLBACKS_PER_DAY", "1000".to_owned()),
            ("MAX_FAILURE_PERCENT", "100".to_owned()),
            ("MODE", "enforce".to_owned()),
        ]);
        vars.extend(plans::settings(seed).map(|(name, value)| (name, value.to_owned())));
        let asked_group = tenant.add_group("MFA for a group");
        let watch = Watch::new(tenant.clone(), store, clock.clone());
        let often = |rng: &mut Rng| *rng.choice(&[0.0, 0.0, 0.02, 0.08]).expect("some");
        let weather = Weather {
            refuses: often(&mut rng),
            loses_answers: often(&mut rng),
            conflicts: often(&mut rng),
            slow: often(&mut rng) * 2.0,
        };
        let lag = SignedDuration::from_secs(*rng.choice(&[0, 1, 30]).expect("some"));
        let index = Arc::new(Index::new(lag, clock.clone()));
        let deaths = *rng.choice(&[0.0, 0.2, 0.5]).expect("some");
        let world = Self {
            tenant,
            cast,
            watch,
            database,
            clock,
            rng: RefCell::new(rng),
            vars: RefCell::new(vars),
            asked_group,
            may_not_delete: Cell::default(),
            is_late: Cell::default(),
            excluded_users: RefCell::default(),
            standing: Cell::new(standing),
            mended: Cell::default(),
            all_are_asked: Cell::default(),
            strangers: Cell::default(),
            window,
            index,
            weather,
            deaths,
            machines: RefCell::default(),
            deployment: Cell::default(),
            tally: RefCell::default(),
            reviewers: RefCell::new(Rng::with_seed(seed ^ 0x0e71)),
            plans: RefCell::default(),
        };
        world.meet();
        if world.chance(2) {
            let policy = ConditionalAccess::demanding_mfa_of("MFA for a group", world.asked_group);
            world.tenant.add_policy(policy);
            world.watch.asks_a_group.store(true, Relaxed);
        }
        world.vary();
        world
    }

    /// Learns the truth about everybody.
    fn meet(&self) {
        let mut people = lock(&self.watch.people);
        for resident in &self.cast.residents {
            people.insert(resident.id, Person::new(resident.part));
        }
        for event in self.tenant.events() {
            let is_registration =
                ["User registered security info", "User registered all required security info"]
                    .contains(&event["activityDisplayName"].as_str().unwrap_or_default())
                    && event["result"] == "success";
            let user = event["initiatedBy"]["user"]["id"].as_str().and_then(|id| id.parse::<Uuid>().ok());
            let at = event["activityDateTime"].as_str().and_then(|at| at.parse().ok());
            if let (true, Some(user), Some(at)) = (is_registration, user, at)
                && let Some(person) = people.get_mut(&user)
            {
                person.registrations.push(at);
            }
        }
    }

    /// Settings that differ from world to world.
    fn vary(&self) {
        let mut rng = self.rng.borrow_mut();
        let mut vars = self.vars.borrow_mut();
        let mut people = lock(&self.watch.people);
        let mut seldom = || rng.u8(..8) == 0;
        if seldom() {
            self.tenant.set_security_defaults(true);
            self.all_are_asked.set(true);
        }
        for (name, value) in [
            ("PREEXISTING_METHODS", "roll_back"),
            ("PREEXISTING_METHODS", "keep"),
            ("UNPROVEN_METHODS", "count"),
            ("UNPROVEN_METHODS", "roll_back"),
            ("INCLUDE_ADMINISTRATORS", "true"),
            ("INCLUDE_EXTERNAL_USERS", "true"),
            ("INCLUDE_NEW_ACCOUNTS", "true"),
            ("MFA_REQUIRED_USERS", "roll_back"),
        ] {
            if seldom() {
                vars.insert(name, value.to_owned());
            }
        }
        for person in people.values_mut() {
            person.expected = self.expected(&vars, person.part);
        }
        if rng.u8(..3) == 0 {
            let by_name = rng.choice(&self.cast.residents).expect("somebody lives here");
            vars.insert("EXCLUDED_USER_IDS", by_name.user_principal_name.to_uppercase());
            if by_name.part == Part::DeletedUser {
                // A name that nobody has would forbid everything.
                vars.remove("EXCLUDED_USER_IDS");
            } else if let Some(person) = people.get_mut(&by_name.id) {
                person.excluded = true;
                // Other rules may speak first.
                person.expected = None;
            }
        }
        self.excluded_users.replace(vars.get("EXCLUDED_USER_IDS").cloned().unwrap_or_default());
        let cap = if rng.u8(..3) == 0 { rng.u32(1..4) } else { 1000 };
        vars.insert("MAX_ROLLBACKS_PER_DAY", cap.to_string());
        *lock(&self.watch.cap) = cap;
        // Where every DELETE fails, the brake would open again and again.
        if rng.u8(..4) == 0 && self.standing.get() != Some(Standing::NoDeleteRoute) {
            vars.insert("MAX_FAILURE_PERCENT", "20".to_owned());
        }
        vars.insert("SECOND_LOOK_MINUTES", ["0", "5", "30", "90"][rng.usize(..4)].to_owned());
        let mode = ["report", "canary", "enforce", "enforce", "enforce"][rng.usize(..5)];
        vars.insert("MODE", mode.to_owned());
    }

    /// Returns how somebody in this situation ends if nothing interferes, or `None` if the settings may
    /// change it.
    fn expected(&self, vars: &BTreeMap<&'static str, String>, part: Part) -> Option<&'static str> {
        let usual = part.expected();
        let may_change = |(name, outcome): &(&str, &str)| vars.contains_key(name) && usual == *outcome;
        let otherwise = [
            ("PREEXISTING_METHODS", "held(registered_before)"),
            ("UNPROVEN_METHODS", "held(unproven_method)"),
            ("INCLUDE_ADMINISTRATORS", "held(administrator)"),
            ("INCLUDE_EXTERNAL_USERS", "held(external)"),
            ("INCLUDE_NEW_ACCOUNTS", "held(new_account)"),
            ("MFA_REQUIRED_USERS", "held(mfa_required)"),
        ];
        if part == Part::Mixed || otherwise.iter().any(may_change) {
            return None;
        }
        // A rule that says no goes before one that could not be answered.
        let is_last = ["rolled_back", "held(per_user_mfa_unknown)"].contains(&usual);
        let are_held = self.all_are_asked.get() && !vars.contains_key("MFA_REQUIRED_USERS");
        let has_no_route = self.standing.get() == Some(Standing::NoDeleteRoute);
        Some(match usual {
            _ if is_last && are_held => "held(mfa_required)",
            "rolled_back" | "partial(default_refused)" if has_no_route => "failed(refused)",
            usual => usual,
        })
    }

    /// Makes a person who comes later.
    pub(crate) fn newcomer(&self, part: Part) -> Person {
        Person { expected: self.expected(&self.vars.borrow(), part), ..Person::new(part) }
    }

    pub(crate) fn window(&self) -> (Timestamp, Timestamp) {
        self.window
    }

    pub(crate) fn chance(&self, one_in: u32) -> bool {
        self.rng.borrow_mut().u32(..one_in) == 0
    }

    /// Changes a setting for processes that start from now on. Running ones are replaced, as a deployment
    /// does.
    pub(crate) fn set(&self, name: &'static str, value: String) {
        self.vars.borrow_mut().insert(name, value);
        self.deployment.set(self.deployment.get() + 1);
        self.machines.borrow_mut().clear();
    }

    pub(crate) fn settings(&self) -> Settings {
        let vars = self.vars.borrow();
        let settings = Settings::read(|name: &str| vars.get(name).cloned()).expect("settings that are right");
        // Only the functions read it, but drain keeps to it.
        let plan_approvers = vars.get("PLAN_APPROVERS").and_then(|text| text.parse().ok()).unwrap_or(1);
        Settings { plan_approvers, ..settings }
    }

    pub(crate) fn tally(&self) -> Tally {
        let journal = self.tenant.journal();
        let acted = journal.iter().filter(|entry| entry.method == "DELETE" && entry.acted);
        let mut tally = *self.tally.borrow();
        for entry in acted {
            tally.deleted += 1;
            tally.lost += u64::from(entry.status == 0);
        }
        tally.requests = journal.len() as u64;
        tally.mfa_was_meant = self.watch.unseen(Harm::MfaWasMeant);
        tally.had_mfa = self.watch.unseen(Harm::HadMfa);
        tally.had_pass = self.watch.unseen(Harm::LockedOutSinceBefore);
        tally
    }
}
