//! What one record of the audit log means.

use jiff::Timestamp;

use super::{
    activity::{Activity, Status},
    made::made_key,
    reason::kinds_named,
    record::DirectoryAudit,
    service::Service,
    who::{AmbiguousWhy, who_registered},
};
use crate::domain::{
    ids::{EventId, UserId},
    method::MethodKind,
};

/// What one record means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A user registered security info.
    Registration(Registration),
    /// Somebody registered security info, but it is not clear who.
    Ambiguous(AmbiguousRegistration),
    /// Another event of the service, or a registration that failed.
    Other {
        /// Which activity it was, known to this program or not.
        activity: Activity,
        /// How it ended; a registration that failed is here, too.
        status: Status,
    },
    /// An event of another service.
    OtherService,
}

/// One successful registration of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The event's id; the portal's CSV has none.
    pub event_id: Option<EventId>,
    /// The user who registered, and whose methods they are.
    pub user_id: UserId,
    /// When the user registered (`activityDateTime`).
    pub registered_at: Timestamp,
    /// The kinds of method that the reason names; empty if it names none.
    pub methods: Vec<MethodKind>,
    /// The principal name at that time, if the record has it.
    pub user_principal_name: Option<String>,
    /// Which of the two registering activities it was.
    pub activity: Activity,
    /// The record's `resultReason`: free text that may name the methods.
    pub reason: String,
}

/// One successful registration that does not clearly name one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmbiguousRegistration {
    /// The event's id; the portal's CSV has none.
    pub event_id: Option<EventId>,
    /// When it happened (`activityDateTime`).
    pub registered_at: Timestamp,
    /// Why it is not clear who registered.
    pub why: AmbiguousWhy,
    /// Which of the two registering activities it was.
    pub activity: Activity,
    /// The record's `resultReason`: free text.
    pub reason: String,
    /// The ids that the record gives, the actor's first, as they are written.
    pub ids: Vec<String>,
}

impl Registration {
    /// The event's id, or one made from user, time, activity and reason. It is the same each time that the
    /// event is read from an export without ids.
    pub fn key(&self) -> EventId {
        let made = || made_key(&[self.user_id.to_string()], self.registered_at, &self.activity, &self.reason);
        self.event_id.clone().unwrap_or_else(made)
    }
}

impl AmbiguousRegistration {
    /// The users that it may be about.
    pub fn users(&self) -> Vec<UserId> {
        self.ids.iter().filter_map(|id| id.parse().ok()).collect()
    }

    /// Like [`Registration::key`], with all ids of the record in place of the user.
    pub fn key(&self) -> EventId {
        let made = || made_key(&self.ids, self.registered_at, &self.activity, &self.reason);
        self.event_id.clone().unwrap_or_else(made)
    }
}

/// Says what a record means.
///
/// A record that names no service (some exports lack the column) is judged by its activity: only these
/// services use the known names.
pub fn interpret(record: &DirectoryAudit) -> Event {
    let service_is_unknown = record.logged_by_service.is_empty();
    if !service_is_unknown && !Service::logs_registrations(&record.logged_by_service) {
        return Event::OtherService;
    }
    let activity = Activity::from_name(&record.activity_display_name);
    if service_is_unknown && matches!(activity, Activity::Unknown(_)) {
        return Event::OtherService;
    }
    let status = Status::from_result(&record.result);
    if !activity.registers() || status != Status::Success {
        return Event::Other { activity, status };
    }
    match who_registered(record) {
        Ok(who) => Event::Registration(Registration {
            event_id: record.id.clone(),
            user_id: who.user_id,
            registered_at: record.activity_date_time,
            methods: kinds_named(&record.result_reason),
            user_principal_name: who.user_principal_name,
            activity,
            reason: record.result_reason.clone(),
        }),
        Err(why) => Event::Ambiguous(AmbiguousRegistration {
            event_id: record.id.clone(),
            registered_at: record.activity_date_time,
            why,
            activity,
            reason: record.result_reason.clone(),
            ids: ids_of(record),
        }),
    }
}

fn ids_of(record: &DirectoryAudit) -> Vec<String> {
    let actor = record.initiated_by.user.iter().filter_map(|user| user.id.clone());
    actor.chain(record.target_resources.iter().filter_map(|target| target.id.clone())).collect()
}
