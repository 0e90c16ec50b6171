//! What people and the world do while the program works.

use std::{collections::BTreeSet, rc::Rc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use shared::{
    audit::{Activity, Registration},
    domain::{
        brake::BrakeState,
        ids::{EventId, RunId, TenantId},
        method::MethodKind,
        state::ByHand,
        window::Range,
    },
    ledger::{Key, Ledger},
    poll::{Position, ScanRequest},
    queue::{Message, Queue, SCHEMA},
};
use simulator::{NewEvent, NewMethod, NewUser, Part, PerUserMfa, PhoneType, RoleKind};
use uuid::Uuid;

use crate::{person::Person, steps::lock, watch::user_id, world::World};

const REGISTERED: &str = "User registered security info";

impl World {
    /// Does one deed, drawn from the seed. Processes that it starts run on their own.
    pub(crate) async fn deed(self: &Rc<Self>) {
        let deed = self.rng.borrow_mut().u32(..127);
        match deed {
            0..30 => self.begin(async |world| _ = world.poll(ScanRequest::Scheduled).await),
            30..60 => self.begin(async |world| _ = world.drain().await),
            60..63 => self.begin(async |world| world.run().await),
            63..65 => {
                let range = Range { from: self.window().0, to: self.clock.now() };
                self.begin(async move |world| _ = world.poll(ScanRequest::Range(range)).await);
            }
            65..69 => self.enable_per_user_mfa(self.somebody()),
            69..76 => self.register_again(self.somebody()),
            76..81 => self.event_shows_late(),
            81..84 => self.repeat_an_event(),
            84..88 => self.delete_or_restore(self.somebody()),
            88..91 => self.move_the_window(),
            91..94 => self.change_mode(),
            94..97 => self.open_the_brake().await,
            97..100 => self.release_the_brake().await,
            100..104 => self.release(self.somebody()).await,
            104..107 => self.name_by_hand(self.somebody()).await,
            107..109 => self.lose_messages(),
            109..111 => self.change_the_cap(),
            111..113 => self.another_tenant().await,
            113..114 => self.tenant.revoke_tokens(),
            114..115 => self.claim(self.somebody()).await,
            115..116 => self.tenant.expire_cursors(),
            116..117 => self.stranger().await,
            117..118 if self.chance(2) => self.make_administrator(self.somebody()),
            117..118 => self.exclude(self.somebody()),
            118..119 => self.lose_the_exclusions(),
            119..121 => self.erase(self.somebody()).await,
            121..124 => self.register_by_the_helpdesk(self.somebody()),
            124..125 => self.delete_own(self.somebody()),
            125..126 if self.chance(2) => self.delete_own(self.somebody()),
            125..126 => self.ask_for_mfa(self.somebody()),
            _ => self.ambush().await,
        }
    }

    /// Draws the time until the next deed.
    pub(crate) fn gap(&self) -> Duration {
        let mut rng = self.rng.borrow_mut();
        let longest = *rng.choice(&[2, 2, 60, 60, 900, 7_200]).expect("some");
        Duration::from_millis(rng.u64(..longest * 1000))
    }

    fn begin(self: &Rc<Self>, work: impl AsyncFnOnce(Rc<Self>) + 'static) {
        let world = Rc::clone(self);
        tokio::task::spawn_local(async move { work(world).await });
    }

    pub(crate) fn somebody(&self) -> Uuid {
        let people = lock(&self.watch.people);
        let nth = self.rng.borrow_mut().usize(..people.len());
        *people.keys().nth(nth).expect("somebody lives here")
    }

    /// Changes a person. From then on no outcome is expected of them.
    pub(crate) fn change(&self, user: Uuid, change: impl FnOnce(&mut Person)) {
        if let Some(person) = lock(&self.watch.people).get_mut(&user) {
            person.expected = None;
            change(person);
        }
    }

    fn enable_per_user_mfa(&self, user: Uuid) {
        let is_new = self.tenant.user(user).is_some_and(|user| user.per_user_mfa == PerUserMfa::Disabled);
        if is_new {
            let state = if self.chance(2) { PerUserMfa::Enabled } else { PerUserMfa::Enforced };
            self.tenant.set_per_user_mfa(user, state);
            self.change(user, |person| person.mfa_since = Some(self.clock.now()));
        }
    }

    fn register_again(&self, user: Uuid) {
        let now = self.clock.now();
        let method = match self.rng.borrow_mut().u8(..4) {
            0 => NewMethod::authenticator(),
            1 => NewMethod::software_oath(),
            2 => NewMethod::phone(PhoneType::Mobile, "+1 2065550199"),
            _ => NewMethod::phone(PhoneType::Mobile, "+1 2065550199").dated(now),
        };
        let lag = SignedDuration::from_secs(self.rng.borrow_mut().i64(0..3000));
        let id = self.tenant.register_at(user, method, now, now + lag);
        let is_new = self.came_now(user, &id);
        self.change(user, |person| {
            if is_new {
                person.registered.insert(id, now);
            }
            person.registrations.push(now);
        });
    }

    /// Whether a method is not the number that was there already.
    fn came_now(&self, user: Uuid, id: &str) -> bool {
        let methods = self.tenant.user(user).map(|user| user.methods).unwrap_or_default();
        methods.iter().any(|method| method.id == id && method.origin.came_at == self.clock.now())
    }

    /// The helpdesk registers a number for somebody; nothing else is in the log.
    fn register_by_the_helpdesk(&self, user: Uuid) {
        let now = self.clock.now();
        let phone = NewMethod::phone(PhoneType::Mobile, "+1 2065550177");
        let phone = if self.chance(2) { phone.dated(now) } else { phone };
        let lag = SignedDuration::from_secs(self.rng.borrow_mut().i64(0..3000));
        let id = self.tenant.register_by_admin(user, phone, now + lag);
        let is_new = self.came_now(user, &id);
        self.change(user, |person| {
            if is_new {
                person.registered.insert(id, now);
            }
        });
    }

    /// Somebody deletes a strong method of their own.
    fn delete_own(&self, user: Uuid) {
        let Some(there) = self.tenant.user(user) else { return };
        if let Some(method) = there.methods.iter().find(|method| method.kind != "password") {
            self.tenant.remove_method(user, &method.id);
            self.change(user, |_| ());
        }
    }

    /// Adds a past registration that shows only now or later: of a new user, or of one who may be rolled back
    /// already.
    fn event_shows_late(&self) {
        let now = self.clock.now();
        let (start, end) = self.window();
        let span = u64::try_from(end.duration_since(start).as_secs()).unwrap_or_default();
        let at = start + Duration::from_secs(self.rng.borrow_mut().u64(..span));
        let shows = now + SignedDuration::from_mins(self.rng.borrow_mut().i64(0..300));
        self.is_late.set(true);
        if self.chance(2) {
            let name = format!("late{}@contoso.example", lock(&self.watch.people).len());
            let user = self.tenant.add_user(NewUser::named(&name));
            let is_phone = self.chance(2);
            let (part, method) = if is_phone {
                (Part::Phone, NewMethod::phone(PhoneType::Mobile, "+1 2065550188").dated(at))
            } else {
                (Part::Authenticator, NewMethod::authenticator())
            };
            self.tenant.register_at(user, method, at, shows);
            let mut person = self.newcomer(part);
            person.registrations.push(at);
            lock(&self.watch.people).insert(user, person);
        } else {
            let user = self.somebody();
            let Some(there) = self.tenant.user(user) else { return };
            let event = NewEvent::by_user(REGISTERED, at, user, &there.user_principal_name);
            let event = event.reason("User registered Mobile Phone SMS").visible_at(shows);
            self.tenant.add_event(event);
            self.change(user, |person| {
                person.registrations.push(at);
            });
        }
    }

    fn repeat_an_event(&self) {
        let events = self.tenant.events();
        let nth = self.rng.borrow_mut().usize(..events.len());
        let at: Option<Timestamp> = events[nth]["activityDateTime"].as_str().and_then(|at| at.parse().ok());
        if let Some(at) = at {
            self.tenant.add_event(NewEvent::raw(events[nth].clone(), at));
        }
    }

    fn delete_or_restore(&self, user: Uuid) {
        let Some(there) = self.tenant.user(user) else { return };
        if lock(&self.watch.people).get(&user).is_some_and(Person::is_excluded) {
            // An exclusion that names nobody would forbid everything, for good.
            return;
        }
        if there.deleted {
            self.tenant.restore_user(user);
        } else {
            self.tenant.delete_user(user);
        }
        self.change(user, |_| ());
    }

    /// Narrows the window, or widens it again.
    fn move_the_window(&self) {
        let (start, end) = self.window();
        let later = SignedDuration::from_hours(self.rng.borrow_mut().i64(0..9) * 20);
        self.set("PREVIEW_ENABLED_AT", (start + later).min(end).to_string());
        // An account created when the window began is outside a narrower window.
        for person in lock(&self.watch.people).values_mut().filter(|person| person.part == Part::NewAccount) {
            person.expected = None;
        }
    }

    fn change_mode(&self) {
        let mode = ["report", "canary", "enforce", "enforce"][self.rng.borrow_mut().usize(..4)];
        self.set("MODE", mode.to_owned());
    }

    fn change_the_cap(&self) {
        let cap = self.rng.borrow_mut().u32(1..6);
        let mut most = lock(&self.watch.cap);
        *most = cap.max(*most);
        drop(most);
        self.set("MAX_ROLLBACKS_PER_DAY", cap.to_string());
    }

    /// Opens the ledger as a person's tool does, without faults.
    pub(crate) async fn ledger(&self) -> Ledger {
        let tenant = self.settings().tenant;
        Ledger::open(self.watch.store.clone(), tenant, self.clock.clone())
            .await
            .expect("the tenant's own ledger")
    }

    async fn open_the_brake(&self) {
        if self.ledger().await.move_brake(BrakeState::Open, "ops", "look").await.is_ok() {
            lock(&self.watch.brake_opened).get_or_insert(self.clock.now());
        }
    }

    pub(crate) async fn release_the_brake(&self) {
        // From here on a DELETE may have seen it released.
        *lock(&self.watch.brake_opened) = None;
        let _ = self.ledger().await.move_brake(BrakeState::Released, "ops", "looked").await;
    }

    async fn release(self: &Rc<Self>, user: Uuid) {
        let ledger = self.ledger().await;
        if self.watch.state(user).is_none() {
            return;
        }
        let released = ledger.change_user(user_id(user), |state, now| {
            let listed = BTreeSet::from([user_id(user)]);
            state.as_mut().map_or(Ok(()), |state| state.release("ops", "known", &listed, now)).map(|()| None)
        });
        if let Ok(Ok(_)) = released.await {
            let now = self.clock.now();
            self.change(user, |person| person.released = Some(now));
            if self.chance(3) {
                // The person who released does not know of this registration.
                self.register_again(user);
                self.begin(async |world| _ = world.poll(ScanRequest::Scheduled).await);
            } else {
                self.wake(user).await;
            }
        }
    }

    /// Erases a user's record, and may let the user register again: that must not lead to a second rollback.
    async fn erase(self: &Rc<Self>, user: Uuid) {
        if let Ok(Ok(_)) = self.ledger().await.erase(user_id(user), "ops", "asked").await {
            let now = self.clock.now();
            self.change(user, |person| person.erased = Some(now));
            if self.chance(2) {
                self.register_again(user);
                self.begin(async |world| _ = world.poll(ScanRequest::Scheduled).await);
            }
        }
    }

    async fn name_by_hand(&self, user: Uuid) {
        // As with the API and the command line, the log must have been read before.
        let position: Option<Position> = self.watch.load(Key::poll());
        if !position.is_some_and(|position| position.knows_people(self.clock.now())) {
            return;
        }
        self.change(user, |person| person.by_hand = true);
        let Ok(machine) = self.machine().await else { return };
        let by_hand = ByHand { who: "ops".to_owned(), why: "asked".to_owned(), at: self.clock.now() };
        machine.is_busy.set(true);
        machine.name_by_hand(user_id(user), &by_hand).await;
        machine.is_busy.set(false);
    }

    /// Somebody uploads an export in which an event was made up: that the user registered what they have, or something,
    /// in the window.
    async fn claim(&self, user: Uuid) {
        let Some(there) = self.tenant.user(user) else { return };
        let (start, end) = self.window();
        let mut created = there.methods.iter().filter_map(|method| method.created);
        let dated = created.rfind(|at| (start..=end).contains(at));
        let span = u64::try_from(end.duration_since(start).as_secs()).unwrap_or_default();
        let within = start + Duration::from_secs(self.rng.borrow_mut().u64(..=span));
        let events = self.tenant.events();
        let other = self.rng.borrow_mut().usize(..events.len());
        let other = events[other]["id"].as_str().map(|id| EventId(id.to_owned()));
        let registration = Registration {
            event_id: other.filter(|_| self.chance(2)),
            user_id: user_id(user),
            registered_at: dated.unwrap_or(within),
            methods: vec![MethodKind::Phone, MethodKind::MicrosoftAuthenticator, MethodKind::SoftwareOath],
            user_principal_name: None,
            activity: Activity::Registered,
            reason: String::new(),
        };
        // Whoever is named in a file is named by hand: that finds them, and shows nothing.
        self.change(user, |person| person.by_hand = true);
        let Ok(machine) = self.machine().await else { return };
        machine.claim(registration).await;
    }

    pub(crate) async fn wake(&self, user: Uuid) {
        let message = Message {
            schema: SCHEMA,
            user_id: user_id(user),
            run_id: RunId(Uuid::new_v4()),
            enqueued_at: self.clock.now(),
        };
        self.database.send(&[message]).await.expect("the queue is in memory");
    }

    /// Receives messages and loses them.
    fn lose_messages(&self) {
        for received in self.database.receive(3, None).expect("the queue is in memory") {
            let lost = shared::queue::Disposition::Acknowledge;
            self.database.dispose(&received, &lost).expect("the queue is in memory");
        }
    }

    async fn another_tenant(&self) {
        let other: TenantId = Uuid::from_u128(7).to_string().parse().expect("an id");
        let store = self.watch.store.clone();
        if Ledger::open(store, other, self.clock.clone()).await.is_ok() {
            self.watch.violation(11, "another tenant takes this tenant's ledger");
        }
    }

    async fn stranger(&self) {
        let id = self.rng.borrow_mut().u128(..);
        self.wake(Uuid::from_u128(id)).await;
        self.strangers.set(self.strangers.get() + 1);
    }

    fn make_administrator(&self, user: Uuid) {
        self.tenant.assign_role(user, RoleKind::Eligible, "/");
        let now = self.clock.now();
        self.change(user, |person| person.administrator_since = Some(now));
    }

    fn exclude(&self, user: Uuid) {
        self.tenant.add_member(self.cast.excluded_group, user);
        let now = self.clock.now();
        self.change(user, |person| person.excluded_since = Some(now));
    }

    /// Puts somebody into the group that a policy demands MFA of.
    fn ask_for_mfa(&self, user: Uuid) {
        self.tenant.add_member(self.asked_group, user);
        let now = self.clock.now();
        self.change(user, |person| {
            person.asked_since.get_or_insert(now);
        });
    }

    /// Sets an exclusion to a group that does not exist or has no members, or to a user who does not exist,
    /// until somebody fixes it.
    fn lose_the_exclusions(&self) {
        self.may_not_delete.set(Some("a DELETE though the exclusions name nobody"));
        if self.chance(3) {
            return self.set("EXCLUDED_USER_IDS", Uuid::from_u128(10).to_string());
        }
        let group = if self.chance(2) { Uuid::from_u128(9) } else { self.tenant.add_group("Nobody") };
        self.set("EXCLUDED_GROUP_ID", group.to_string());
    }

    pub(crate) fn mend_the_exclusions(&self) {
        self.may_not_delete.set(None);
        self.vars.borrow_mut().insert("EXCLUDED_USER_IDS", self.excluded_users.borrow().clone());
        self.set("EXCLUDED_GROUP_ID", self.cast.excluded_group.to_string());
    }
}
