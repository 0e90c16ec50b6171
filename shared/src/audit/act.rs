//! What somebody did to a user's methods, other than the user's own registrations. It may show that a method
//! is not what a registration of the window made it.

use jiff::Timestamp;

use super::{
    activity::{Activity, Status},
    event::Event,
    made::made_key,
    reason::kinds_named,
    record::DirectoryAudit,
    who::{AmbiguousWhy, concerned, who_registered},
};
use crate::domain::{
    facts::{Act, RecordedAct},
    ids::{EventId, UserId},
    method::MethodKind,
};

/// One act on one user's methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodAct {
    /// The event's id, or one made from its content if it has none.
    pub event_id: EventId,
    /// The user whose methods it concerns.
    pub user_id: UserId,
    /// When it was done (`activityDateTime`).
    pub at: Timestamp,
    /// What was done; a deletion is [`Act::Removed`] here, even if this program did it.
    pub act: Act,
    /// The client id of the app that did it, if an app did.
    pub app_id: Option<String>,
    /// The kinds of method that the reason names; empty if it names none.
    pub methods: Vec<MethodKind>,
}

impl MethodAct {
    /// The act as the ledger keeps it, and whose methods it concerns. A deletion by the app `client_id` is this
    /// program's own.
    pub fn recorded(self, client_id: &str) -> (UserId, RecordedAct) {
        let is_own = self.app_id.is_some_and(|id| id.eq_ignore_ascii_case(client_id));
        let act = match self.act {
            Act::Removed if is_own => Act::RolledBack,
            act => act,
        };
        (self.user_id, RecordedAct { event_id: self.event_id, at: self.at, act, methods: self.methods })
    }
}

/// Returns what a record says was done to methods, other than the registration that it may be itself.
pub fn acts(record: &DirectoryAudit, event: &Event) -> Vec<MethodAct> {
    match event {
        Event::Registration(_) | Event::Other { status: Status::Success, .. } => {
            method_act(record).into_iter().collect()
        }
        Event::Ambiguous(event) => acts_of_others(record, event.why, &event.users()),
        Event::Other { .. } | Event::OtherService => Vec::new(),
    }
}

/// Returns what a successful event did to the methods of the user whom it concerns; `None` if it names only
/// kinds that are never rolled back, or does not say whom it concerns.
fn method_act(record: &DirectoryAudit) -> Option<MethodAct> {
    let methods = kinds_named(&record.result_reason);
    let activity = Activity::from_name(&record.activity_display_name);
    let act = match &activity {
        Activity::AdminRegistered | Activity::Registered
            if methods.contains(&MethodKind::TemporaryAccessPass) =>
        {
            Act::AccessPass
        }
        Activity::AdminRegistered | Activity::AdminUpdated => Act::ByAdmin,
        Activity::Updated => Act::Changed,
        Activity::Deleted | Activity::AdminDeleted => Act::Removed,
        // Microsoft documents the reason, "Admin required re-registration of MFA authentication methods", but
        // no activity.
        _ if orders_anew(&record.result_reason) => Act::ByAdmin,
        _ => return None,
    };
    if act != Act::AccessPass && !methods.is_empty() && !methods.iter().any(MethodKind::is_strong) {
        return None;
    }
    let user_id = match activity {
        // An event of a user's own act may name the user only as the actor.
        Activity::Registered | Activity::Updated | Activity::Deleted => {
            concerned(record).or_else(|_| who_registered(record).map(|who| who.user_id)).ok()?
        }
        _ => concerned(record).ok()?,
    };
    Some(MethodAct {
        event_id: key(record, &user_id.to_string()),
        user_id,
        at: record.activity_date_time,
        act,
        app_id: record.initiated_by.app_id.clone(),
        methods,
    })
}

/// The event's id, or one made from its content, because CSV has none.
pub(super) fn key(record: &DirectoryAudit, user: &str) -> EventId {
    let activity = Activity::from_name(&record.activity_display_name);
    let made = || made_key(&[user.to_owned()], record.activity_date_time, &activity, &record.result_reason);
    record.id.clone().unwrap_or_else(made)
}

/// Whether the reason is an order to register MFA methods anew, under any activity.
fn orders_anew(reason: &str) -> bool {
    reason.to_lowercase().contains("re-registration")
}

/// Treats a registration that somebody else made, or may have made, as an act on each user it may concern.
fn acts_of_others(record: &DirectoryAudit, why: AmbiguousWhy, users: &[UserId]) -> Vec<MethodAct> {
    let by_others = matches!(why, AmbiguousWhy::ActorAndTargetDiffer | AmbiguousWhy::ActorIsAnApp);
    let act = |user_id: &UserId| MethodAct {
        event_id: key(record, &user_id.to_string()),
        user_id: *user_id,
        at: record.activity_date_time,
        act: Act::ByAdmin,
        app_id: record.initiated_by.app_id.clone(),
        methods: kinds_named(&record.result_reason),
    };
    if by_others { users.iter().map(act).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "fd741069-6bb6-43de-a515-1c401dd377bf";

    fn act(activity: &str, reason: &str) -> Option<Act> {
        let json = format!(
            r#"{{"id": "e", "activityDateTime": "2026-09-01T07:01:03Z", "activityDisplayName": "{activity}",
                "loggedByService": "Authentication Methods", "result": "success", "resultReason": "{reason}",
                "initiatedBy": {{"app": {{"appId": "a"}}, "user": null}},
                "targetResources": [{{"id": "{USER}", "type": "User"}}]}}"#
        );
        let found = method_act(&DirectoryAudit::from_graph(&json).unwrap())?;
        assert_eq!((found.user_id.to_string().as_str(), found.app_id.as_deref()), (USER, Some("a")));
        Some(found.act)
    }

    #[test]
    fn what_was_done_to_methods_that_are_rolled_back_is_told() {
        for (activity, reason, expected) in [
            ("Admin registered security info", "Admin registered phone method for user", Act::ByAdmin),
            ("Admin updated security info", "Admin changed phone method for user", Act::ByAdmin),
            ("Admin updated security info", "", Act::ByAdmin),
            ("User updated security info", "User updated Mobile Phone SMS", Act::Changed),
            ("User deleted security info", "User deleted Mobile Phone Call and SMS", Act::Removed),
            ("Admin deleted security info", "Admin deleted authentication method for user", Act::Removed),
            (
                "Admin registered security info",
                "Admin registered temporary access pass method for user",
                Act::AccessPass,
            ),
            (
                "User registered security info",
                "User registered temporary access pass method",
                Act::AccessPass,
            ),
            (
                "Require re-register MFA",
                "Admin required re-registration of MFA authentication methods",
                Act::ByAdmin,
            ),
        ] {
            assert_eq!(act(activity, reason), Some(expected), "{activity}, {reason}");
        }
    }

    #[test]
    fn an_act_counts_without_an_id_and_with_its_actor_alone() {
        let json = format!(
            r#"{{"activityDateTime": "2026-09-01T07:01:03Z", "activityDisplayName": "User updated security info",
                "loggedByService": "Authentication Methods", "result": "success",
                "resultReason": "User updated Mobile Phone SMS",
                "initiatedBy": {{"user": {{"id": "{USER}"}}}}, "targetResources": []}}"#
        );
        let found = method_act(&DirectoryAudit::from_graph(&json).unwrap()).unwrap();
        assert_eq!((found.user_id.to_string().as_str(), found.act), (USER, Act::Changed));
        assert!(found.event_id.0.starts_with("made_"), "{}", found.event_id);
    }

    #[test]
    fn other_kinds_and_other_activities_are_no_matter() {
        for (activity, reason) in [
            ("User deleted security info", "User deleted Email"),
            ("Admin deleted security info", "Admin deleted Fido2 method for user"),
            ("User updated security info", "User updated Email"),
            ("User registered security info", "User registered Mobile Phone SMS"),
            ("User changed default security info", "User changed the default security info"),
        ] {
            assert_eq!(act(activity, reason), None, "{activity}, {reason}");
        }
    }
}
