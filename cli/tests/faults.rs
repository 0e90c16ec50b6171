//! Poll and drain on the real code paths against the simulated tenant in process, in simulated time,
//! with single things that a network, a busy service and people do. All of them together: the fault schedules.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use mfa_rollback::{engine::Engine, sqlite::Database};
use shared::{
    clock::Clock,
    credentials::ClientSecret,
    domain::{
        brake::BrakeState,
        ids::{RunId, UserId},
        state::UserState,
    },
    graph::GraphError,
    ledger::{Expect, Key, Ledger, Store, Write},
    poll::{PollError, Polled, Position, ScanRequest},
    process::{LeaseTerm, Run},
    queue::Disposition,
    settings::{Mode, Settings},
};
use simulator::{Budget, Cast, Faults, Options, Part, Population, Tenant};
use tower::{ServiceExt, util::BoxCloneSyncService};
use uuid::Uuid;

const START: &str = "2026-03-20T12:00:00Z";

/// What becomes of a request on its way, by its address: the address that it reaches, or nothing where
/// it is never answered.
type Network = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// One simulated world with its own time.
struct World {
    tenant: Tenant,
    cast: Cast,
    vars: BTreeMap<&'static str, String>,
    clock: Clock,
    store: Arc<Database>,
    population: Population,
    network: Network,
}

impl World {
    fn new(seed: u64, users: usize, change: impl FnOnce(&mut Options)) -> Self {
        let begun = tokio::time::Instant::now();
        let start: Timestamp = START.parse().unwrap();
        let clock = Clock::from_fn(move || start + begun.elapsed());
        let time = clock.clone();
        let mut options = Options::new(seed, move || time.now());
        options.budget = Budget::Real;
        change(&mut options);
        let population = Population {
            users,
            window_start: start - SignedDuration::from_hours(10 * 24),
            window_end: start - SignedDuration::from_hours(2 * 24),
        };
        let tenant = Tenant::new(options.clone());
        let cast = tenant.populate(&population);
        let mut vars = simulator::variables(&options, &population, &cast);
        vars.extend([
            ("CANARY_GROUP_ID", cast.canary_group.to_string()),
            ("MAX_ROLLBACKS_PER_DAY", "1000".to_owned()),
            ("MAX_FAILURE_PERCENT", "100".to_owned()),
            ("MODE", "enforce".to_owned()),
        ]);
        let store = Arc::new(Database::in_memory(clock.clone()).unwrap());
        let network: Network = Arc::new(|address| Some(address.to_owned()));
        Self { tenant, cast, vars, clock, store, population, network }
    }

    /// A process that starts: new clients, the same ledger and queue.
    async fn engine(&self) -> Engine {
        let lookup = |name: &str| self.vars.get(name).cloned();
        let (settings, secret) = (Settings::read(lookup).unwrap(), ClientSecret::read(lookup).unwrap());
        let (tenant, network) = (self.tenant.service(), Arc::clone(&self.network));
        let transport = BoxCloneSyncService::new(tower::service_fn(move |mut request: http::Request<_>| {
            let (tenant, reaches) = (tenant.clone(), network(&request.uri().to_string()));
            async move {
                let Some(address) = reaches else { return std::future::pending().await };
                *request.uri_mut() = address.parse().unwrap();
                tenant.oneshot(request).await.map_err(Into::into)
            }
        }));
        Engine::with_transport(settings, secret, Arc::clone(&self.store), transport, self.clock.clone())
            .await
            .unwrap()
    }

    /// What a person does: run it again until the scan is complete and nothing waits.
    async fn run(&self) {
        for _ in 0..50 {
            let engine = self.engine().await;
            if !is_ready(&engine).await {
                continue;
            }
            match engine.run.poll(ScanRequest::Scheduled, &|_| ()).await {
                Ok(_) => {}
                Err(PollError::Graph(error)) if error.comes_back() => continue,
                Err(PollError::InProgress { .. }) => {
                    tokio::time::sleep(Duration::from_mins(5)).await;
                    continue;
                }
                Err(error) => panic!("{error}"),
            }
            engine.wake_pending().await.unwrap();
            let drained = engine.drain(None, |_| ()).await.unwrap();
            assert_eq!(drained.stop, None);
            return;
        }
        panic!("no run came to its end");
    }

    async fn ledger(&self) -> Ledger {
        self.engine().await.run.process.ledger.clone()
    }

    /// What the function poll does, in the time that it has.
    async fn timed_poll(&self) -> Result<Polled, PollError> {
        let process = self.engine().await.run.process.clone();
        let term = LeaseTerm::Until(self.clock.now() + Duration::from_mins(4));
        let run_id = RunId(Uuid::new_v4());
        let run = Run::begin(&process, run_id, run_id.to_string(), term);
        let summary = run.poll(ScanRequest::Scheduled, &|_| ()).await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        summary
    }

    async fn position(&self) -> Position {
        self.ledger().await.load(Key::poll()).await.unwrap().value.unwrap()
    }

    fn id(&self, part: Part) -> UserId {
        self.cast.residents.iter().find(|r| r.part == part).unwrap().id.to_string().parse().unwrap()
    }

    /// As newer code would have written it.
    async fn make_newer(&self, user: UserId) {
        let mut document = self.store.get(&[Key::user(user)]).await.unwrap().pop().flatten().unwrap();
        let expect = Expect::Version(document.version);
        document.version += 1;
        document.schema += 1;
        self.store.commit(&[Write { document, expect }]).await.unwrap();
    }
}

/// Whether preflight could be read; a throttled or broken start is tried again.
async fn is_ready(engine: &Engine) -> bool {
    match engine.run.process.preflight().await {
        Ok(_) => true,
        Err(error) if error.comes_back() => false,
        Err(error) => panic!("{error}"),
    }
}

/// Runs a future on one thread in simulated time.
fn simulate<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn a_user_who_is_enabled_for_per_user_mfa_before_the_first_delete_is_left_alone() {
    simulate(async {
        let world = World::new(77, 40, |_| ());
        let victim = world.cast.residents.iter().find(|r| r.part == Part::AuthenticatorAndPhone).unwrap().id;
        let tenant = world.tenant.clone();
        // The administrator is quicker than the first look at the user.
        world.tenant.on_request(move |entry| {
            if entry.path.contains("directoryAudits") {
                tenant.set_per_user_mfa(victim, simulator::PerUserMfa::Enforced);
            }
        });
        world.run().await;
        assert!(world.tenant.journal().iter().all(|e| e.method != "DELETE" || e.user != Some(victim)));
        let state =
            world.ledger().await.user(victim.to_string().parse().unwrap()).await.unwrap().value.unwrap();
        assert_eq!(state.listed_as(), "not_eligible(per_user_mfa)");
    });
}

#[test]
fn a_user_who_registers_again_after_a_rollback_is_held_and_not_rolled_back_twice() {
    simulate(async {
        let mut world = World::new(78, 40, |_| ());
        world.vars.insert(
            "REGISTERED_UNTIL",
            (world.population.window_end + SignedDuration::from_hours(30 * 24)).to_string(),
        );
        let user = world.cast.residents.iter().find(|r| r.part == Part::Phone).unwrap().id;
        world.run().await;
        let method = simulator::NewMethod::phone(simulator::PhoneType::Mobile, "+1 2065550199");
        world.tenant.register(user, method);
        tokio::time::sleep(Duration::from_hours(1)).await;
        let deletes = |world: &World| {
            world.tenant.journal().iter().filter(|e| e.method == "DELETE" && e.user == Some(user)).count()
        };
        let before = deletes(&world);
        world.run().await;
        assert_eq!(deletes(&world), before, "invariant 5");
        let state =
            world.ledger().await.user(user.to_string().parse().unwrap()).await.unwrap().value.unwrap();
        assert_eq!(state.listed_as(), "held(re_registered)");
    });
}

#[test]
fn an_event_that_shows_up_late_is_found_by_the_next_scan_or_the_sweep() {
    simulate(async {
        let mut world = World::new(79, 40, |_| ());
        world.vars.insert(
            "REGISTERED_UNTIL",
            (world.population.window_end + SignedDuration::from_hours(30 * 24)).to_string(),
        );
        world.run().await;
        let now = world.clock.now();
        let mut late = Vec::new();
        for (number, shows_after) in [20 * 60, 26 * 3600].into_iter().enumerate() {
            let user =
                world.tenant.add_user(simulator::NewUser::named(&format!("late{number}@contoso.example")));
            let shows = now + SignedDuration::from_secs(shows_after);
            let phone = simulator::NewMethod::phone(simulator::PhoneType::Mobile, "+1 2065550142").dated(now);
            world.tenant.register_at(user, phone, now, shows);
            late.push(user);
        }
        for _ in 0..110 {
            tokio::time::sleep(Duration::from_mins(30)).await;
            world.run().await;
        }
        let ledger = world.ledger().await;
        for user in late {
            let state = ledger.user(user.to_string().parse().unwrap()).await.unwrap().value;
            assert_eq!(state.unwrap().listed_as(), "rolled_back", "invariant 6");
        }
    });
}

#[test]
fn two_processes_at_once_roll_nobody_back_twice_and_keep_the_cap() {
    for seed in 0..8 {
        simulate(async {
            let mut world = World::new(seed, 40, |options| {
                options.faults = Faults::spread(0.05, Duration::from_secs(5));
            });
            world.vars.insert("MAX_ROLLBACKS_PER_DAY", "7".to_owned());
            let engines = [world.engine().await, world.engine().await];
            for engine in &engines {
                while !is_ready(engine).await {}
            }
            let once = async |engine: &Engine| {
                for _ in 0..20 {
                    if engine.run.poll(ScanRequest::Scheduled, &|_| ()).await.is_ok() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_secs(200)).await;
                }
                engine.drain(None, |_| ()).await.unwrap();
            };
            tokio::join!(once(&engines[0]), once(&engines[1]));
            let touched: BTreeSet<_> = world
                .tenant
                .journal()
                .iter()
                .filter(|entry| entry.method == "DELETE")
                .map(|entry| entry.user)
                .collect();
            assert!(touched.len() <= 7, "seed {seed}: invariant 7: {} users", touched.len());
            assert!(!touched.is_empty());
            let acted: Vec<_> = world
                .tenant
                .journal()
                .iter()
                .filter(|entry| entry.method == "DELETE" && entry.acted)
                .map(|entry| (entry.user, entry.method_id.clone()))
                .collect();
            let unique: BTreeSet<_> = acted.iter().cloned().collect();
            assert_eq!(acted.len(), unique.len(), "seed {seed}: deleted twice");
        });
    }
}

#[test]
fn a_phone_whose_number_graph_masks_is_rolled_back_in_the_handling_that_saw_it() {
    simulate(async {
        let world = World::new(80, 40, |_| ());
        let user = world.tenant.add_user(simulator::NewUser::named("masked@contoso.example"));
        let registered = world.population.window_start + SignedDuration::from_hours(3);
        let method =
            simulator::NewMethod::phone(simulator::PhoneType::Mobile, "+1 XXXXXXXX55").dated(registered);
        world.tenant.register_at(user, method, registered, registered);
        world.run().await;
        let state =
            world.ledger().await.user(user.to_string().parse().unwrap()).await.unwrap().value.unwrap();
        assert_eq!(state.listed_as(), "rolled_back");
        assert!(!world.tenant.user(user).unwrap().has_strong_methods());
    });
}

#[test]
fn a_default_that_blocks_gives_way_to_one_that_stays_or_goes_last() {
    simulate(async {
        let world = World::new(84, 40, |_| ());
        let at = world.population.window_start + SignedDuration::from_hours(3);
        let phone = |phone_type, number| simulator::NewMethod::phone(phone_type, number).dated(at);
        let mobile = || phone(simulator::PhoneType::Mobile, "+1 2065550161");
        let alternate = || phone(simulator::PhoneType::AlternateMobile, "+1 2065550162");
        let tokens = || simulator::NewMethod::new(simulator::MethodKind::HardwareOath).came_at(at);
        let add = |name: &str, methods: Vec<simulator::NewMethod>| {
            let user = world.tenant.add_user(simulator::NewUser::named(name));
            for (n, method) in methods.into_iter().enumerate() {
                let at = at + SignedDuration::from_mins(10 * i64::try_from(n).unwrap());
                world.tenant.register_at(user, method.dated(at), at, at);
            }
            user
        };
        let alone = add("each.waits@contoso.example", vec![alternate(), mobile()]);
        let beside = add("token.stays@contoso.example", vec![mobile()]);
        world.tenant.add_method(beside, tokens());
        world.run().await;
        let changes = |user| {
            let journal = world.tenant.journal();
            journal.iter().filter(|entry| entry.user == Some(user) && entry.method == "PATCH").count()
        };
        for (user, left) in [(alone, 1), (beside, 2)] {
            let state =
                world.ledger().await.user(user.to_string().parse().unwrap()).await.unwrap().value.unwrap();
            assert_eq!((state.listed_as().as_str(), changes(user)), ("rolled_back", 1));
            assert_eq!(world.tenant.user(user).unwrap().methods.len(), left);
        }
    });
}

/// Somebody whose phone is the default beside a hardware token. Returns the user and the phone's id.
fn stuck(world: &World) -> (Uuid, String) {
    let at = world.population.window_start + SignedDuration::from_hours(3);
    let user = world.tenant.add_user(simulator::NewUser::named("stuck@contoso.example"));
    let phone = simulator::NewMethod::phone(simulator::PhoneType::Mobile, "+1 2065550171");
    let id = world.tenant.register_at(user, phone.dated(at), at, at);
    let token = simulator::NewMethod::new(simulator::MethodKind::HardwareOath);
    world.tenant.add_method(user, token.came_at(at));
    (user, id)
}

impl World {
    async fn state_of(&self, user: Uuid) -> UserState {
        self.ledger().await.user(user.to_string().parse().unwrap()).await.unwrap().value.unwrap()
    }
}

#[test]
fn a_refused_change_of_the_default_says_so_and_leaves_no_intent() {
    simulate(async {
        let world = World::new(85, 40, |options| options.faults.refuse_preferences = true);
        let (user, _) = stuck(&world);
        world.run().await;
        let state = world.state_of(user).await;
        assert_eq!((state.listed_as().as_str(), &state.intent), ("failed(default_refused)", &None));
    });
}

#[test]
fn a_default_that_was_changed_is_put_back_once_the_brake_is_released_and_a_rule_says_no() {
    simulate(async {
        let world = World::new(85, 40, |_| ());
        let (user, phone) = stuck(&world);
        let ledger = world.ledger().await;
        world.tenant.on_request(move |entry| {
            if entry.user == Some(user) && entry.method == "PATCH" && entry.acted {
                let _ = ledger.move_brake(BrakeState::Open, "ops", "look").now_or_never();
            }
        });
        world.run().await;
        let is_default = || {
            let user = world.tenant.user(user).unwrap();
            user.methods.into_iter().any(|method| method.id == phone && method.is_default)
        };
        assert_eq!(world.state_of(user).await.listed_as(), "deferred(brake_open)");
        assert!(!is_default(), "an open brake stops every change");
        world.tenant.set_per_user_mfa(user, simulator::PerUserMfa::Enabled);
        world.ledger().await.move_brake(BrakeState::Released, "ops", "looked").await.unwrap();
        world.run().await;
        assert_eq!(world.state_of(user).await.listed_as(), "not_eligible(per_user_mfa)");
        assert!(is_default());
    });
}

#[test]
fn what_is_older_stays_where_a_setting_says_so_and_is_no_second_rollback() {
    simulate(async {
        let mut world = World::new(83, 40, |_| ());
        world.vars.insert("PREEXISTING_METHODS", "keep".to_owned());
        let user = world.tenant.add_user(simulator::NewUser::named("both@contoso.example"));
        let before = world.population.window_start - SignedDuration::from_hours(24 * 40);
        let registered = world.population.window_start + SignedDuration::from_hours(3);
        world.tenant.add_method(user, simulator::NewMethod::software_oath().came_at(before).dated(before));
        let phone = simulator::NewMethod::phone(simulator::PhoneType::Mobile, "+1 2065550155");
        world.tenant.register_at(user, phone.dated(registered), registered, registered);
        let id = user.to_string().parse().unwrap();
        for round in 0..2 {
            world.run().await;
            let state = world.ledger().await.user(id).await.unwrap().value.unwrap();
            assert_eq!((state.listed_as().as_str(), state.is_pending()), ("rolled_back", false), "{round}");
            let left: Vec<String> =
                world.tenant.user(user).unwrap().methods.into_iter().map(|method| method.kind).collect();
            assert_eq!(left, ["password", "softwareOath"]);
            // Whatever makes the user a candidate again, what was kept is no reason to hold.
            let event = simulator::NewEvent::by_user(
                "User registered security info",
                registered + SignedDuration::from_hours(1),
                user,
                "both@contoso.example",
            );
            world.tenant.add_event(event.reason("User registered Fido2 Authentication Method"));
        }
    });
}

#[test]
fn per_user_mfa_that_is_enabled_while_a_delete_is_throttled_stops_the_rollback() {
    simulate(async {
        let mut world = World::new(81, 40, |_| ());
        let victim = world.cast.residents.iter().find(|r| r.part == Part::Phone).unwrap().id;
        // The first DELETE meets a 429, and so does everything for longer than what was read may be used; meanwhile an
        // administrator acts.
        let (armed, sprung) = (AtomicBool::new(false), Arc::new(AtomicBool::new(false)));
        let tenant = world.tenant.clone();
        world.network = Arc::new(move |address| {
            let is_delete = address.contains(&victim.to_string()) && address.contains("/phoneMethods/");
            if is_delete && !armed.swap(true, SeqCst) {
                tenant.set_faults(Faults { throttle: 1.0, ..Faults::default() });
            }
            Some(address.to_owned())
        });
        let (tenant, seen) = (world.tenant.clone(), Arc::clone(&sprung));
        let throttled_at = std::sync::Mutex::new(None);
        world.tenant.on_request(move |entry| {
            let is_delete = entry.user == Some(victim) && entry.method == "DELETE";
            let mut throttled_at = throttled_at.lock().unwrap();
            if is_delete && entry.throttled && !sprung.swap(true, SeqCst) {
                tenant.set_per_user_mfa(victim, simulator::PerUserMfa::Enabled);
                *throttled_at = Some(entry.at);
            }
            if throttled_at.is_some_and(|at| entry.at.duration_since(at) > SignedDuration::from_secs(6)) {
                tenant.set_faults(Faults::default());
            }
        });
        world.run().await;
        assert!(
            world.tenant.journal().iter().all(|e| e.method != "DELETE" || e.user != Some(victim) || !e.acted),
            "invariant 2"
        );
        let state =
            world.ledger().await.user(victim.to_string().parse().unwrap()).await.unwrap().value.unwrap();
        assert!(seen.load(SeqCst), "the DELETE was never throttled");
        assert_eq!(state.listed_as(), "not_eligible(per_user_mfa)");
    });
}

#[test]
fn a_brake_opened_in_the_middle_stops_before_the_next_delete_and_what_it_stopped_goes_on_afterwards() {
    simulate(async {
        let world = World::new(82, 40, |_| ());
        let engine = world.engine().await;
        engine.run.poll(ScanRequest::Scheduled, &|_| ()).await.unwrap();
        let deletes = || world.tenant.journal().iter().filter(|e| e.method == "DELETE").count();
        let watch = async {
            while deletes() < 5 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            engine.run.process.ledger.move_brake(BrakeState::Open, "ops", "look").await.unwrap();
            deletes()
        };
        let (at_the_brake, drained) = tokio::join!(watch, engine.drain(None, |_| ()));
        drained.unwrap();
        // Those whose brake was read just before may still be under way, one for each at work.
        assert!(deletes() <= at_the_brake + 3, "{} DELETEs after the brake", deletes() - at_the_brake);
        engine.run.process.ledger.move_brake(BrakeState::Released, "ops", "looked").await.unwrap();
        tokio::time::sleep(Duration::from_mins(10)).await;
        world.run().await;
        for resident in world.cast.residents.iter().filter(|r| r.part.expected() == "rolled_back") {
            let left = world.tenant.user(resident.id).is_some_and(|user| user.has_strong_methods());
            assert!(!left, "{:?}", resident.part);
        }
    });
}

/// Pages of so many items, and those requests never answered that are named.
fn pages(size: usize, hangs: impl Fn(&str) -> bool + Send + Sync + 'static) -> Network {
    Arc::new(move |address| (!hangs(address)).then(|| address.replace("top=999", &format!("top={size}"))))
}

fn is_link_of(address: &str, list: &str) -> bool {
    address.contains(list) && address.contains("skiptoken")
}

const AUDITS: &str = "directoryAudits";
const REPORT: &str = "userRegistrationDetails";

#[test]
fn nobody_loses_a_method_while_a_scan_of_the_log_is_under_way() {
    simulate(async {
        let mut world = World::new(97, 46, |_| ());
        let whole = Arc::clone(&world.network);
        // The rest of the log may tell what others did to the methods of whom its beginning names.
        let registrations_begin = AtomicBool::new(false);
        world.network = Arc::new(move |address| {
            registrations_begin.fetch_or(address.contains("Authentication"), SeqCst);
            let hangs = registrations_begin.load(SeqCst) && is_link_of(address, AUDITS);
            (!hangs).then(|| address.replace("top=999", "top=60"))
        });
        assert!(world.timed_poll().await.is_err());
        assert!(world.position().await.scan.is_some());
        let drain = async |world: &World| {
            let engine = world.engine().await;
            // Whoever waits for the scan comes back again and again.
            let _ = tokio::time::timeout(Duration::from_mins(20), engine.drain(None, |_| ())).await;
        };
        drain(&world).await;
        assert!(world.ledger().await.count("pending").await.unwrap() > 0);
        let deletes = world.tenant.journal().iter().filter(|entry| entry.method == "DELETE").count();
        assert_eq!(deletes, 0);
        world.network = whole;
        while !world.timed_poll().await.unwrap().complete {}
        drain(&world).await;
        assert!(world.tenant.journal().iter().any(|entry| entry.method == "DELETE"));
    });
}

#[test]
fn a_link_of_the_audit_log_that_hangs_is_given_up() {
    simulate(async {
        let mut world = World::new(90, 40, |_| ());
        let hangs = OnceLock::new();
        world.network =
            pages(50, move |at| is_link_of(at, AUDITS) && hangs.get_or_init(|| at.to_owned()) == at);
        let first = world.timed_poll().await;
        assert!(matches!(first, Err(PollError::Graph(GraphError::Unavailable { .. }))), "{first:?}");
        assert_eq!(world.position().await.scan.unwrap().next, None);
        assert!(world.timed_poll().await.unwrap().complete);
        assert!(world.position().await.complete_to.is_some());
    });
}

#[test]
fn a_report_that_hangs_keeps_nothing_from_being_scanned() {
    simulate(async {
        let mut world = World::new(91, 40, |_| ());
        world.network = pages(999, |at| at.contains(REPORT));
        let never_read = world.timed_poll().await.unwrap();
        assert!(never_read.complete && never_read.candidates > 0, "{never_read:?}");
        world.network = pages(999, |_| false);
        world.timed_poll().await.unwrap();
        assert!(world.position().await.report.read_at.is_some());
        tokio::time::sleep(Duration::from_hours(25)).await;
        world.network = pages(999, |at| at.contains(REPORT));
        assert!(world.timed_poll().await.unwrap().complete);
    });
}

#[test]
fn a_long_report_is_read_on_by_the_next_polls_and_begun_once() {
    simulate(async {
        let mut world = World::new(92, 100, |_| ());
        let begun = Arc::new(Mutex::new(0));
        let count = Arc::clone(&begun);
        world.network = pages(1, move |at| {
            *count.lock().unwrap() += u32::from(at.contains(REPORT) && !is_link_of(at, REPORT));
            false
        });
        world.network = {
            let small = Arc::clone(&world.network);
            // The audit log comes in one piece.
            Arc::new(move |at| if at.contains(REPORT) { small(at) } else { Some(at.to_owned()) })
        };
        let first = world.timed_poll().await.unwrap();
        assert!(first.complete && first.candidates > 0, "{first:?}");
        assert!(world.position().await.report.next.is_some());
        for _ in 0..10 {
            world.timed_poll().await.unwrap();
        }
        assert!(world.position().await.report.read_at.is_some());
        assert_eq!(*begun.lock().unwrap(), 1);
    });
}

#[test]
fn a_page_of_the_report_that_fails_is_left_for_tomorrow() {
    simulate(async {
        for refused in [false, true] {
            let mut world = World::new(93, 60, |_| ());
            let (begun, asked) = (Arc::new(Mutex::new(0)), Mutex::new(BTreeMap::new()));
            let count = Arc::clone(&begun);
            world.network = Arc::new(move |at| {
                if !at.contains(REPORT) {
                    return Some(at.to_owned());
                }
                let mut asked = asked.lock().unwrap();
                if !is_link_of(at, REPORT) {
                    *count.lock().unwrap() += 1;
                    asked.clear();
                }
                let pages = asked.len();
                let page = *asked.entry(at.to_owned()).or_insert(pages);
                match page {
                    5 if refused => Some(format!("{}x", at.replace("top=999", "top=2"))),
                    5 => None,
                    _ => Some(at.replace("top=999", "top=2")),
                }
            });
            for _ in 0..20 {
                assert!(world.timed_poll().await.unwrap().complete);
            }
            let begun = *begun.lock().unwrap();
            assert!(begun <= 6, "begun {begun} times");
            let report = world.position().await.report;
            assert!(report.given_up_at.is_some() && report.next.is_none(), "{report:?}");
        }
    });
}

#[test]
fn what_a_sweep_found_before_it_failed_is_counted_as_missed() {
    simulate(async {
        let mut world = World::new(94, 40, |_| ());
        let until = world.population.window_end + SignedDuration::from_hours(30 * 24);
        world.vars.insert("REGISTERED_UNTIL", until.to_string());
        world.timed_poll().await.unwrap();
        let user = world.tenant.add_user(simulator::NewUser::named("late@contoso.example"));
        let registered = world.population.window_start + SignedDuration::from_mins(1);
        let shows = world.clock.now() + SignedDuration::from_hours(1);
        world.tenant.register_at(user, simulator::NewMethod::authenticator(), registered, shows);
        tokio::time::sleep(Duration::from_hours(25)).await;
        world.network = pages(50, |at| is_link_of(at, AUDITS));
        assert!(world.timed_poll().await.is_err());
        assert_eq!(world.position().await.missed, 1);
        world.network = pages(50, |_| false);
        world.timed_poll().await.unwrap();
        let position = world.position().await;
        assert!(position.sweep.is_none() && position.missed == 1, "{position:?}");
    });
}

#[test]
fn users_whom_the_writers_preflight_stops_are_looked_at_again_by_the_hour() {
    simulate(async {
        for mode in [Mode::Canary, Mode::Enforce] {
            let world = World::new(95, 40, |options| {
                options
                    .permissions
                    .retain(|permission| permission != "UserAuthenticationMethod.ReadWrite.All");
                options.permissions.push("UserAuthenticationMethod.Read.All".to_owned());
            });
            let writer = world.engine().await;
            let settings = Settings { mode, ..(*writer.run.process.settings).clone() };
            let writer = writer.in_mode(settings.clone());
            let reader = writer.in_mode(Settings { another_deletes: true, ..settings });
            let (mut after, mut promoted) = (Vec::new(), Vec::new());
            for minutes in [0, 5, 10, 30, 20] {
                tokio::time::sleep(Duration::from_mins(minutes)).await;
                let preflight = reader.run.process.preflight().await.unwrap();
                assert!(preflight.passes());
                let summary = reader.run.poll(ScanRequest::Scheduled, &|_| ()).await.unwrap();
                writer.drain(None, |_| ()).await.unwrap();
                after.push(writer.run.process.ledger.count("deferred(preflight_failed)").await.unwrap());
                promoted.push(summary.promoted);
            }
            assert!(after.iter().all(|count| *count == after[0] && *count > 0), "{mode}: {after:?}");
            assert_eq!(promoted[..4], [0; 4], "{mode}");
            assert!(promoted[4] > 0, "{mode}");
        }
    });
}

#[test]
fn a_drain_waits_for_everybody_but_those_who_are_left_for_newer_code() {
    simulate(async {
        let world = World::new(96, 40, |_| ());
        let engine = world.engine().await;
        engine.run.poll(ScanRequest::Scheduled, &|_| ()).await.unwrap();
        let (newer, later) = (world.id(Part::Phone), world.id(Part::Authenticator));
        world.make_newer(newer).await;
        let begun = world.clock.now();
        let drained = engine.drain(Some(&[newer].into()), |_| ()).await.unwrap();
        assert_eq!(drained.newer.len(), 1);
        assert!(world.clock.now() < begun + Duration::from_mins(1), "nobody else is waited for");
        let received = world.store.receive(1, Some(&[later].into())).unwrap();
        world.store.dispose(&received[0], &Disposition::ComeBack(Duration::from_mins(50))).unwrap();
        let drained = engine.drain(None, |_| ()).await.unwrap();
        assert_eq!(drained.newer.len(), 1, "however often it comes back");
        assert!(drained.users.contains_key(&later));
    });
}
