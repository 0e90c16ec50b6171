//! What must hold when a DELETE or a change of the default method leaves a process.

use std::{collections::BTreeSet, sync::atomic::Ordering::Relaxed};

use jiff::{SignedDuration, Timestamp};
use shared::{
    domain::{
        approval::RequireApproval,
        brake::Brake,
        facts::RecordedRegistration,
        state::{Release, UserState},
    },
    ledger::Key,
    poll::Position,
    settings::{MfaRequiredUsers, Mode},
};
use simulator::{Harm, MethodView, PerUserMfa, UserView};
use uuid::Uuid;

use crate::{
    about::{About, EXCLUSIONS, POLICIES, ROLES, SERVICES, STORY, WHAT_IF, log_of},
    judge,
    person::Person,
    plans::Word,
    steps::lock,
    watch::{SKEW, View, Watch, uuid},
};

/// How old a read may be at the first DELETE of a handling.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

/// How old the user's story and the tenant's lists may be at the first DELETE of a handling.
const STORY_FRESH: SignedDuration = SignedDuration::from_mins(2);

/// How old a read may be at a later DELETE of the same handling.
const STILL_FRESH: SignedDuration = SignedDuration::from_secs(10);

/// How long before a DELETE the brake may be read: the ledger's answer may be slow.
const BRAKE_SEEN: SignedDuration = SignedDuration::from_secs(15);

/// How long after the intent an undated phone is taken for the one intended.
const UNDATED_PHONE: SignedDuration = SignedDuration::from_mins(15);

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Watch {
    pub(crate) fn delete(&self, view: &View, about: &About, method_id: &str) {
        let user = about.user;
        let Some(person) = lock(&self.people).get(&user).cloned() else {
            return self.violation(3, format!("DELETE for a stranger {user}"));
        };
        let part = person.part;
        let broken = |invariant: u8, what: &str| {
            self.violation(invariant, format!("{what}: {part:?} {user} {} {method_id}", about.segment));
        };
        self.is_allowed_to(view, &person, &broken);
        self.is_not_braked(&broken);
        let (seen, at_the_last) = &mut *lock(&view.released_brakes);
        if at_the_last.insert(user, *seen) == Some(*seen) {
            broken(7, "a DELETE without a look at the brake since the one before");
        }
        if !["phoneMethods", "microsoftAuthenticatorMethods", "softwareOathMethods"]
            .contains(&about.segment.as_str())
        {
            broken(3, "a DELETE of another kind of method");
        }
        let Some(state) = self.state(user) else { return broken(4, "a DELETE without a state item") };
        self.is_durable(view, &state, method_id, &broken);
        self.is_fresh(view, &state, user, &broken);
        let is_older = |release: &Release| state.registrations.iter().any(|r| r.registered_at >= release.at);
        if state.release.as_ref().is_some_and(is_older) {
            broken(5, "a DELETE by a release that is older than a registration on record");
        }
        if let Some(there) = self.tenant.user(user) {
            self.is_no_per_user_mfa(&person, &there, &broken);
            self.has_a_whole_story(view, user, &broken);
            let found = there.methods.iter().find(|method| method.id == method_id);
            if !person.by_hand && !person.registrations.iter().any(|at| view.window().contains(*at)) {
                broken(3, "a DELETE though no registration lies in the window");
            }
            // Nobody can know what is registered between the last look and the DELETE.
            let is_known =
                |method: &&MethodView| self.clock.now().duration_since(method.origin.came_at) > STILL_FRESH;
            if let Some(method) = found.filter(is_known)
                && !self.is_taken_for_the_intended(&person, &state, method)
            {
                let of_kind = |other: &&MethodView| other.kind == method.kind && is_known(other);
                let alone = there.methods.iter().filter(of_kind).count() == 1;
                self.judge(view, &person, user, (method, alone), &broken);
                self.was_seen_before(view, user, method, &broken);
                self.is_approved(view, &state, method, &broken);
                self.is_no_second_rollback(&person, &state, method, &broken);
            }
        }
    }

    /// A change of the default method keeps the rules of a DELETE; a way back needs no decision.
    pub(crate) fn change_default(&self, view: &View, about: &About, preferred: &str) {
        let user = about.user;
        let Some(person) = lock(&self.people).get(&user).cloned() else {
            return self.violation(3, format!("a change of a stranger's default {user}"));
        };
        let part = person.part;
        let broken = |invariant: u8, what: &str| {
            self.violation(invariant, format!("{what}, for a default: {part:?} {user} {preferred}"));
        };
        let Some(state) = self.state(user) else { return broken(4, "no state item") };
        let change = state.intent.as_ref().and_then(|intent| intent.default_change);
        let Some(change) = change else { return broken(4, "no intent that says so") };
        let is_way_back = change.from.to_string() == preferred;
        if !is_way_back && change.to.to_string() != preferred {
            broken(4, "an intent that says otherwise");
        }
        Self::is_leased(view, &state, &broken);
        if view.settings.mode == Mode::Report {
            broken(1, "mode report");
        }
        self.is_not_braked(&broken);
        if !is_way_back {
            self.is_allowed_to(view, &person, &broken);
            self.is_fresh_at_all(view, user, &broken);
            if let Some(there) = self.tenant.user(user) {
                self.is_no_per_user_mfa(&person, &there, &broken);
            }
        }
    }

    /// The log is asked about a user at most 2 min before a DELETE, by the process's clock. Where it cannot be asked
    /// by user, all of it must be read: while pages are broken, nobody can.
    fn has_a_whole_story(&self, view: &View, user: Uuid, broken: &dyn Fn(u8, &str)) {
        let by = self.clock.now() - STORY_FRESH - SKEW;
        if self.tenant.filters_audits_by_target() {
            if self.tenant.breaks_records_of(user, view.window().start, by) {
                broken(12, "a DELETE though a record of the user cannot be read");
            }
        } else if self.tenant.breaks_pages()
            && let Some(position) = self.load::<Position>(Key::poll())
            && position.gaps.iter().any(|gap| gap.met_at < by)
        {
            broken(12, "a DELETE though parts of the log could not be read");
        }
    }

    /// Somebody has read the methods long enough ago, when this one was already there.
    fn was_seen_before(&self, view: &View, user: Uuid, method: &MethodView, broken: &dyn Fn(u8, &str)) {
        // Each look goes by its own process's clock.
        let latest = self.clock.now() - view.settings.second_look + SKEW * 2;
        // A number that is registered again looks as it did.
        let was_there = |at: Timestamp| method.kind == "phone" || method.origin.came_at <= at;
        let is_look = |at: &&Timestamp| was_there(**at) && **at <= latest;
        if !lock(&self.looks).get(&user).is_some_and(|looks| looks.iter().any(|at| is_look(&at))) {
            broken(1, "a DELETE without a second look");
        }
    }

    /// Enough people have read that this very method would go, where the settings ask for that.
    fn is_approved(&self, view: &View, state: &UserState, method: &MethodView, broken: &dyn Fn(u8, &str)) {
        let first = *lock(&self.first_approved);
        let is_straggler = first.is_some_and(|made_at| state.first_seen_at > made_at);
        match view.settings.require_approval {
            RequireApproval::Off => return,
            RequireApproval::First if is_straggler && state.by_hand.is_none() => return,
            RequireApproval::First | RequireApproval::Always => {}
        }
        // Without a date, a number that is registered again looks as it did.
        let looks_the_same = method.kind == "phone" && method.created.is_none();
        let names_it = |word: &&Word| looks_the_same || method.origin.came_at <= word.of;
        let words = lock(&self.words);
        let words = words.get(&(uuid(state.user_id), method.id.clone()));
        let who: BTreeSet<&str> = words.into_iter().flatten().filter(names_it).map(|word| word.who).collect();
        if who.len() < usize::try_from(view.settings.plan_approvers).unwrap_or(usize::MAX) {
            broken(1, "a DELETE that not enough people approved");
        }
    }

    /// Checks the DELETE of a method against the truth.
    fn judge(
        &self,
        view: &View,
        person: &Person,
        user: Uuid,
        (method, alone): (&MethodView, bool),
        broken: &dyn Fn(u8, &str),
    ) {
        let window = (view.window().start, view.window().end);
        let mut harms = self.tenant.harms(user, &method.id, window);
        let asked_just_now = person.is_asked_just_now(self.clock.now());
        harms.retain(|harm| *harm != Harm::MfaDemanded || !asked_just_now);
        for harm in judge::unanswered(harms, (method, alone), person.released, &view.settings.policy) {
            let by = self.clock.now() - STORY_FRESH - SKEW;
            let is_shown = match harm {
                Harm::MfaWasMeant => self.tenant.log_shows_per_user_mfa(user, window.0, by),
                Harm::HadMfa => self.tenant.log_shows_older_methods(user, window.0, by),
                _ => false,
            };
            if harm.is_in_no_registration_log() && !is_shown {
                *lock(&self.unseen).entry(harm).or_default() += 1;
            } else {
                let (came_at, created) = (method.origin.came_at, method.created);
                broken(3, &format!("harm, {}: came at {came_at}, dated {created:?}", harm.as_str()));
            }
        }
    }

    /// Mode, preflight and the rules about the account allow a change.
    fn is_allowed_to(&self, view: &View, person: &Person, broken: &dyn Fn(u8, &str)) {
        if view.settings.mode == Mode::Report {
            broken(1, "a DELETE in mode report");
        }
        if view.clock.now() < view.settings.policy.window.preview_disabled_at {
            broken(1, "a DELETE before the preview was disabled");
        }
        if let Some(why) = view.may_not_delete {
            broken(2, why);
        }
        if !person.may_lose_methods(&view.settings, self.clock.now()) {
            broken(3, "a DELETE that no rule lets pass");
        }
    }

    fn is_not_braked(&self, broken: &dyn Fn(u8, &str)) {
        let now = self.clock.now();
        if let Some(opened) = *lock(&self.brake_opened)
            && now.duration_since(opened) > BRAKE_SEEN
        {
            broken(7, "a DELETE behind an open brake");
        }
        let brake: Option<Brake> = self.load(Key::brake());
        if let Some(last) = brake.filter(Brake::is_open).and_then(|brake| brake.moves.last().cloned())
            && now.duration_since(last.at) > BRAKE_SEEN + SKEW
        {
            broken(7, "a DELETE behind a brake that opened by itself");
        }
    }

    fn is_leased(view: &View, state: &UserState, broken: &dyn Fn(u8, &str)) {
        match &state.lease {
            None => broken(4, "a DELETE without a lease"),
            Some(lease) if lease.owner != *lock(&view.owner) => broken(4, "a DELETE under another's lease"),
            Some(lease) if lease.until <= view.clock.now() => broken(4, "a DELETE after the lease's end"),
            Some(_) => {}
        }
    }

    /// Lease, slot and intent are in the ledger.
    fn is_durable(&self, view: &View, state: &UserState, method_id: &str, broken: &dyn Fn(u8, &str)) {
        let now = view.clock.now();
        Self::is_leased(view, state, broken);
        match &state.intent {
            None => broken(4, "a DELETE without an intent"),
            Some(intent) if !intent.methods.iter().any(|method| method.id.0 == method_id) => {
                broken(4, "a DELETE of a method that the intent does not list");
            }
            Some(_) => {}
        }
        let Some(slot_at) = state.slot_at else { return broken(7, "a DELETE without a slot") };
        if now.duration_since(slot_at) > DAY + SKEW {
            broken(7, "a DELETE in a slot that is over");
        }
        let mut slots = lock(&self.slots);
        slots.insert((slot_at, uuid(state.user_id)));
        let since = slot_at.checked_sub(DAY - SKEW * 2).unwrap_or(slot_at);
        let taken: BTreeSet<Uuid> = slots.range((since, Uuid::nil())..).map(|(_, user)| *user).collect();
        if taken.len() > *lock(&self.cap) as usize {
            broken(7, "more users than the daily cap");
        }
    }

    /// Account, per-user MFA and methods were read just before, by this process.
    fn is_fresh(&self, view: &View, state: &UserState, user: Uuid, broken: &dyn Fn(u8, &str)) {
        let Some(lease) = &state.lease else { return };
        let is_first = lock(&view.handlings).insert(lease.token);
        let allowed = if is_first { FRESH } else { STILL_FRESH };
        self.is_read(view, user, allowed, is_first, broken);
    }

    fn is_fresh_at_all(&self, view: &View, user: Uuid, broken: &dyn Fn(u8, &str)) {
        self.is_read(view, user, STILL_FRESH, true, broken);
    }

    fn is_read(
        &self,
        view: &View,
        user: Uuid,
        allowed: SignedDuration,
        is_first: bool,
        broken: &dyn Fn(u8, &str),
    ) {
        let reads = lock(&view.reads);
        let is_read_within = |of: Uuid, segment: &str, allowed: SignedDuration| {
            let read = reads.get(&(of, segment.to_owned()));
            if read.is_none_or(|at| self.clock.now().duration_since(*at) > allowed) {
                let what = if segment.is_empty() { "the account" } else { segment };
                broken(1, &format!("{what} not read within {allowed:#}"));
            }
        };
        for segment in ["", "requirements", "methods"] {
            is_read_within(user, segment, allowed);
        }
        if !is_first {
            return;
        }
        for list in [ROLES, EXCLUSIONS, POLICIES] {
            is_read_within(Uuid::nil(), list, STORY_FRESH);
        }
        let start = view.window().start.to_string();
        let is_recent = |service: &&str| {
            let read = reads.get(&(Uuid::nil(), log_of(service, &start)));
            read.is_some_and(|at| self.clock.now().duration_since(*at) <= STORY_FRESH)
        };
        // Everybody's records tell this user's story, too.
        if !SERVICES.iter().all(is_recent) {
            is_read_within(user, STORY, STORY_FRESH);
        }
        if self.asks_a_group.load(Relaxed)
            && view.settings.policy.mfa_required_users == MfaRequiredUsers::Hold
        {
            is_read_within(user, WHAT_IF, STORY_FRESH);
        }
    }

    fn is_no_per_user_mfa(&self, person: &Person, there: &UserView, broken: &dyn Fn(u8, &str)) {
        let meant = there.per_user_mfa != PerUserMfa::Disabled;
        let known = person.mfa_since.is_none_or(|at| self.clock.now().duration_since(at) > STILL_FRESH);
        if meant && known {
            broken(2, "a DELETE for a user enabled for per-user MFA");
        }
    }

    /// An undated phone that came soon after the intent is taken for the one intended: nothing tells them apart.
    fn is_taken_for_the_intended(&self, person: &Person, state: &UserState, method: &MethodView) -> bool {
        let is_recent = state
            .intent
            .as_ref()
            .is_some_and(|intent| self.clock.now().duration_since(intent.written_at) < UNDATED_PHONE + SKEW);
        person.first_deleted.is_some() && method.kind == "phone" && method.created.is_none() && is_recent
    }

    fn is_no_second_rollback(
        &self,
        person: &Person,
        state: &UserState,
        method: &MethodView,
        broken: &dyn Fn(u8, &str),
    ) {
        let Some(first) = person.first_deleted else { return };
        let is_new = |at: Timestamp| at > first && person.released.is_none_or(|released| released < at);
        if person.registered.get(&method.id).is_some_and(|at| is_new(*at)) {
            broken(5, "a DELETE of what was registered after the rollback began");
        }
        let now = self.clock.now();
        let is_known = |on_record: &&RecordedRegistration| {
            now.duration_since(on_record.first_seen_at) > STILL_FRESH + SKEW
        };
        let known = state.registrations.iter().filter(is_known).map(|on_record| on_record.registered_at);
        let told = known.filter(|at| person.registrations.contains(at));
        if told.filter_map(|at| at.checked_sub(SKEW).ok()).any(is_new) {
            broken(5, "a DELETE though the log showed a registration after the rollback began");
        }
    }
}
