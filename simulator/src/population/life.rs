//! A life drawn by lot: what the person, the helpdesk and the directory did to the person's methods before,
//! in and after the window, and what the audit log shows of it. The result is judged by its truth alone.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::cast::{DAY, HOUR, Population};
use crate::{
    account::PerUserMfa,
    audit::{
        NewEvent, Told,
        update_user::{Details, Telling, requirement},
    },
    directory::ConditionalAccess,
    ids::random_uuid,
    method::{Method, MethodKind, NewMethod, PhoneType},
    origin::By,
    state::State,
};

/// How the directory records a change, the same for all changes of one person.
#[derive(Clone, Copy)]
enum Record {
    Told(Telling),
    Late,
    Missing,
}

struct Life<'a> {
    state: &'a mut State,
    id: Uuid,
    name: &'a str,
    at: Timestamp,
    service: &'static str,
    record: Record,
    /// Whether the user registered something in the window.
    registered: bool,
    window: (Timestamp, Timestamp),
}

/// Lives one life. Returns whether a registration of the window names the user.
pub(super) fn live(state: &mut State, population: &Population, id: Uuid, name: &str) -> bool {
    let (start, end, now) = (population.window_start, population.window_end, state.now());
    let service = if state.rng.u8(..4) == 0 { "Azure MFA" } else { "Authentication Methods" };
    let record = match state.rng.u8(..8) {
        0 => Record::Missing,
        1 => Record::Late,
        2 => Record::Told(Telling::CutOff),
        3 => Record::Told(Telling::OtherIds),
        _ => Record::Told(Telling::Whole),
    };
    let mut life = Life {
        state,
        id,
        name,
        at: start - 400 * DAY,
        service,
        record,
        registered: false,
        window: (start, end),
    };
    life.is_new_perhaps();
    for (from, to, most, acts) in [
        (start - 200 * DAY, start - HOUR, 3, BEFORE),
        (start, end - HOUR, 4, WITHIN),
        (end, (end + 18 * HOUR).min(now - HOUR), 2, STRAGGLING),
        (end + 25 * HOUR, now - HOUR, 2, AFTERWARDS),
    ] {
        if from < to {
            life.stretch((from, to), most, acts);
        }
    }
    life.is_asked_for_mfa_perhaps();
    life.registered
}

/// Something that may happen to a person.
type Act = fn(&mut Life<'_>);

const BEFORE: &[Act] = &[
    |life| life.register_app(),
    |life| life.register_phone(),
    |life| life.number_for_reset(),
    |life| life.register_codes(),
    |life| life.number_of_the_directory(),
    |life| life.switch_per_user_mfa(),
];
const WITHIN: &[Act] = &[
    |life| life.register_app(),
    |life| life.register_app(),
    |life| life.register_phone(),
    |life| life.register_phone(),
    |life| life.register_codes(),
    |life| life.register_app_with_codes(),
    |life| life.change_number(),
    |life| life.delete_one(),
    |life| life.number_of_the_helpdesk(),
    |life| life.number_of_the_directory(),
    |life| life.upgrade_app(),
    |life| life.switch_per_user_mfa(),
    |life| life.take_access_pass(),
    |life| life.set_password(),
    |life| life.use_app(),
];
const STRAGGLING: &[Act] = &[
    |life| life.register_app(),
    |life| life.register_phone(),
    |life| life.lose_all_to_another_ledger(),
    |life| life.number_of_the_helpdesk(),
];
const AFTERWARDS: &[Act] = &[
    |life| life.register_app(),
    |life| life.register_phone(),
    |life| life.register_codes(),
    |life| life.change_number(),
    |life| life.number_of_the_helpdesk(),
    |life| life.delete_one(),
    |life| life.set_password(),
    |life| life.use_app(),
];

impl Life<'_> {
    fn stretch(&mut self, (from, to): (Timestamp, Timestamp), most: usize, acts: &[Act]) {
        let seconds = u64::try_from(to.duration_since(from).as_secs()).unwrap_or_default().max(1);
        let mut times: Vec<u64> =
            (0..self.state.rng.usize(..=most)).map(|_| self.state.rng.u64(..seconds)).collect();
        times.sort_unstable();
        for time in times {
            self.at = (from + Duration::from_secs(time)).max(self.at + Duration::from_mins(1));
            let act = acts[self.state.rng.usize(..acts.len())];
            self.act(act);
        }
    }

    /// Lets something happen, and adds the directory's own record of it.
    fn act(&mut self, act: Act) {
        let telling = match self.record {
            Record::Told(telling) => telling,
            Record::Late | Record::Missing => Telling::Whole,
        };
        let details = |life: &mut Self| Details::of(life.state.account(life.id), telling);
        let before = details(self);
        act(self);
        let after = details(self);
        let offset = Duration::from_millis(self.state.rng.u64(..5_000));
        // The two records of one change come in either order.
        let at = if self.state.rng.bool() { self.at - offset } else { self.at + offset };
        if let Some(event) = before.changed_to(&after, telling, at, (self.id, self.name)) {
            self.log_of_the_directory(event);
        }
    }

    fn log_of_the_directory(&mut self, event: NewEvent) {
        let event = event.by_mfa_service();
        let visible_at = match self.record {
            Record::Missing => return,
            Record::Late => self.state.now() + Duration::from_mins(self.state.rng.u64(1..300)),
            Record::Told(_) => self.at,
        };
        self.state.add_event(event.visible_at(visible_at));
    }

    /// When Graph lists what the service logs now: at once, or late.
    fn shows_at(&mut self) -> Timestamp {
        let is_late = self.state.rng.u8(..8) == 0;
        if is_late { self.at + Duration::from_mins(self.state.rng.u64(1..20)) } else { self.at }
    }

    fn register(&mut self, method: NewMethod) {
        let told = Told { at: self.at, visible_at: self.shows_at(), service: self.service, recorded: false };
        self.state.register(self.id, method, told);
        self.registered |= self.window.0 <= self.at && self.at <= self.window.1;
    }

    fn log(&mut self, event: NewEvent) -> Option<String> {
        let event = event.service(self.service).visible_at(self.shows_at());
        self.state.add_event(event)
    }

    fn of_user(&self, activity: &str) -> NewEvent {
        NewEvent::by_user(activity, self.at, self.id, self.name)
    }

    fn of_admin(&mut self, activity: &str) -> NewEvent {
        let admin = random_uuid(&mut self.state.rng);
        NewEvent::new(activity, self.at).actor(admin, "helpdesk@contoso.example").target(self.id, self.name)
    }

    /// Graph shows the date of about half of the phones and codes.
    fn perhaps_dated(&mut self, method: NewMethod) -> NewMethod {
        if self.state.rng.bool() { method.dated(self.at) } else { method }
    }

    fn some_number(&mut self) -> NewMethod {
        let number = format!("+1 206555{:04}", self.state.rng.u16(..3) + 100);
        let kind = if self.state.rng.u8(..4) == 0 { PhoneType::AlternateMobile } else { PhoneType::Mobile };
        let phone = NewMethod::phone(kind, &number);
        self.perhaps_dated(phone)
    }

    fn register_app(&mut self) {
        self.register(NewMethod::authenticator());
    }

    fn register_app_with_codes(&mut self) {
        self.register(NewMethod::authenticator_with_code());
    }

    fn register_codes(&mut self) {
        let codes = self.perhaps_dated(NewMethod::software_oath());
        self.register(codes);
    }

    fn register_phone(&mut self) {
        let phone = self.some_number();
        self.register(phone);
    }

    /// Adds a number for self-service password reset, which only the directory records.
    fn number_for_reset(&mut self) {
        let phone = self.some_number();
        let came_at = self.at;
        self.state.add_method(self.id, phone.came_at(came_at), None);
    }

    fn number_of_the_directory(&mut self) {
        let office = NewMethod::phone(PhoneType::Office, "+1 4255550100").by(By::Directory).came_at(self.at);
        let office = self.perhaps_dated(office);
        self.state.add_method(self.id, office, None);
    }

    fn number_of_the_helpdesk(&mut self) {
        let phone = self.some_number().by(By::Admin).came_at(self.at);
        let event = self.of_admin("Admin registered security info");
        let event_id = self.log(event.reason("Admin registered phone method for user"));
        self.state.add_method(self.id, phone, event_id);
    }

    /// Replaces the mobile number by another one.
    fn change_number(&mut self) {
        let number = format!("+1 425555{:04}", self.state.rng.u16(..1000));
        let phone = NewMethod::phone(PhoneType::Mobile, &number).came_at(self.at);
        let phone = self.perhaps_dated(phone);
        let event = self.of_user("User updated security info").reason("User updated Mobile Phone SMS");
        let event_id = self.log(event);
        self.state.add_method(self.id, phone, event_id);
    }

    fn delete_one(&mut self) {
        let account = self.state.account(self.id);
        let strong: Vec<Method> =
            account.methods.iter().filter(|method| method.kind().is_strong()).cloned().collect();
        if strong.is_empty() {
            return;
        }
        let gone = &strong[self.state.rng.usize(..strong.len())];
        let at = self.at;
        self.state.account(self.id).remove(&gone.id, at, Duration::ZERO);
        let reason = gone.kind().reason().replacen("registered", "deleted", 1);
        let event = self.of_user("User deleted security info").reason(&reason);
        self.log(event);
    }

    /// Makes the Authenticator what the user signs in with. It has a date from then on, but for a few whom only the
    /// registration report tells of: Graph says that dates are optional.
    fn upgrade_app(&mut self) {
        let at = self.at;
        let has_date =
            !self.id.as_u128().is_multiple_of(4) || self.state.options.premium.require_reports().is_err();
        let account = self.state.account(self.id);
        let app =
            account.methods.iter_mut().find(|method| *method.kind() == MethodKind::MicrosoftAuthenticator);
        let Some(app) = app else { return };
        app.what.created = has_date.then_some(at);
        app.what.primary_sign_in = true;
        let event = self.of_user("User registered security info");
        self.log(event.reason("User registered passwordless phone sign-in"));
    }

    fn use_app(&mut self) {
        let (at, noise) = (self.at, self.state.rng.u8(..3));
        let account = self.state.account(self.id);
        for method in &mut account.methods {
            method.last_used = Some(at);
        }
        let before = Details::of(account, Telling::Whole);
        let after = match noise {
            0 => before.with_other_apps("LastAuthenticatedTimestamp", &at.to_string()),
            1 => before.with_other_apps("DeviceName", "Phone 2"),
            _ => before.with_other_apps("DeviceToken", "apns-restored"),
        };
        if let Some(event) = before.changed_to(&after, Telling::Whole, at, (self.id, self.name)) {
            self.log_of_the_directory(event);
        }
    }

    /// Switches per-user MFA on, and mostly off again within half an hour.
    fn switch_per_user_mfa(&mut self) {
        self.state.set_per_user_mfa(self.id, PerUserMfa::Enabled, self.at);
        self.log_of_the_directory(requirement(true, self.at, (self.id, self.name)));
        if self.state.rng.u8(..4) == 0 {
            return;
        }
        self.at += Duration::from_mins(self.state.rng.u64(1..30));
        self.state.set_per_user_mfa(self.id, PerUserMfa::Disabled, self.at);
        self.log_of_the_directory(requirement(false, self.at, (self.id, self.name)));
    }

    /// Issues a temporary access pass to somebody who never knew a password. For half of them it has expired
    /// and no longer shows.
    fn take_access_pass(&mut self) {
        let event = self.of_admin("Admin registered security info");
        let event_id = self.log(event.reason("Admin registered temporary access pass method for user"));
        let pass = NewMethod::new(MethodKind::TemporaryAccessPass).by(By::Admin).came_at(self.at);
        let id = self.state.add_method(self.id, pass, event_id);
        let (at, is_over) = (self.at, self.state.rng.bool());
        let account = self.state.account(self.id);
        account.user.knows_password = false;
        account.access_pass_at = Some(at);
        if is_over {
            account.remove(&id, at, Duration::ZERO);
        }
    }

    fn set_password(&mut self) {
        let at = self.at;
        let user = &mut self.state.account(self.id).user;
        user.knows_password = true;
        user.last_password_change_at = Some(at);
    }

    fn lose_all_to_another_ledger(&mut self) {
        let client_id = self.state.options.client_id;
        let account = self.state.account(self.id);
        let strong: Vec<String> =
            account.methods.iter().filter(|m| m.kind().is_strong()).map(|m| m.id.clone()).collect();
        for id in &strong {
            let at = self.at;
            self.state.account(self.id).remove(id, at, Duration::ZERO);
            let event = NewEvent::new("Admin deleted security info", self.at)
                .reason("Admin deleted authentication method for user")
                .app_actor(client_id, "Rollback")
                .target(self.id, self.name);
            self.state.add_event(event);
        }
        if !strong.is_empty() {
            self.state.account(self.id).rolled_back_elsewhere_at = Some(self.at);
        }
    }

    fn is_new_perhaps(&mut self) {
        if self.state.rng.u8(..10) == 0 {
            let (start, end) = self.window;
            let span = u64::try_from(end.duration_since(start).as_secs()).unwrap_or_default().max(1);
            let created_at = start + Duration::from_secs(self.state.rng.u64(..span));
            self.at = created_at;
            self.state.account(self.id).user.created_at = created_at;
        }
    }

    fn is_asked_for_mfa_perhaps(&mut self) {
        if self.state.rng.u8(..10) == 0 {
            let policy = ConditionalAccess::demanding_mfa("MFA for some", vec![self.id]);
            self.state.policies.conditional_access.push(policy);
        }
    }
}
