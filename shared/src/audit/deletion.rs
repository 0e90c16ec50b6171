//! Who deleted a method of whom.

use jiff::Timestamp;

use super::{
    act::key,
    activity::{Activity, Status},
    reason::kinds_named,
    record::DirectoryAudit,
    who::{concerned, who_registered},
};
use crate::domain::{
    ids::{EventId, UserId},
    method::MethodKind,
};

/// Who deleted a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeletedBy {
    /// The app of this client id, in lower case.
    App(String),
    /// An app whose client id the record leaves out.
    AppWithoutId,
    /// A user or an administrator.
    Person,
}

/// One successful deletion of one method, of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodDeletion {
    /// The event's id, or one made from its content if it has none.
    pub event_id: EventId,
    /// When it was done (`activityDateTime`).
    pub at: Timestamp,
    /// Whose method it was; `None` if the record does not say.
    pub user_id: Option<UserId>,
    /// Who deleted it, by the initiator that the record names.
    pub by: DeletedBy,
    /// The kinds that the reason names; empty if it names none.
    pub methods: Vec<MethodKind>,
}

/// The activities that [`deletion`] reads, as Microsoft names them.
pub const DELETIONS: [&str; 2] = ["Admin deleted security info", "User deleted security info"];

/// Returns the deletion that a record tells of; `None` if it tells of something else, or of an attempt that failed.
pub fn deletion(record: &DirectoryAudit) -> Option<MethodDeletion> {
    let activity = Activity::from_name(&record.activity_display_name);
    let is_deletion = matches!(activity, Activity::AdminDeleted | Activity::Deleted);
    if !is_deletion || Status::from_result(&record.result) != Status::Success {
        return None;
    }
    // An event of a user's own act may name the user only as the actor.
    let actor = || match activity {
        Activity::Deleted => who_registered(record).ok().map(|who| who.user_id),
        _ => None,
    };
    let user_id = concerned(record).ok().or_else(actor);
    let whose = user_id.map(|id| id.to_string()).unwrap_or_default();
    let by = match &record.initiated_by.app_id {
        Some(id) => DeletedBy::App(id.to_lowercase()),
        None if record.initiated_by.app => DeletedBy::AppWithoutId,
        None => DeletedBy::Person,
    };
    Some(MethodDeletion {
        event_id: key(record, &whose),
        at: record.activity_date_time,
        user_id,
        by,
        methods: kinds_named(&record.result_reason),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "fd741069-6bb6-43de-a515-1c401dd377bf";

    fn told(activity: &str, result: &str, by: &str, targets: &str) -> Option<MethodDeletion> {
        let json = format!(
            r#"{{"id": "e", "activityDateTime": "2026-09-01T07:01:03Z", "activityDisplayName": "{activity}",
                "loggedByService": "Authentication Methods", "result": "{result}",
                "resultReason": "Admin deleted Fido2 method for user", "initiatedBy": {by}, "targetResources": {targets}}}"#
        );
        deletion(&DirectoryAudit::from_graph(&json).unwrap())
    }

    #[test]
    fn a_deletion_says_who_deleted_what_of_whom_whatever_the_kind() {
        let targets = format!(r#"[{{"id": "{USER}", "type": "User"}}]"#);
        let user = format!(r#"{{"user": {{"id": "{USER}"}}}}"#);
        for (activity, by, expected) in [
            ("Admin deleted security info", r#"{"app": {"appId": "AB"}}"#, DeletedBy::App("ab".to_owned())),
            ("Admin deleted security info", r#"{"app": {"displayName": "x"}}"#, DeletedBy::AppWithoutId),
            ("Admin deleted security info", r#"{"user": {"id": "x"}}"#, DeletedBy::Person),
            ("User deleted security info", &user, DeletedBy::Person),
        ] {
            let found = told(activity, "success", by, &targets).unwrap();
            assert_eq!(
                (found.by, found.user_id, found.methods),
                (expected, USER.parse().ok(), vec![MethodKind::Fido2])
            );
        }
    }

    #[test]
    fn a_deletion_of_nobody_by_name_counts_and_a_failed_one_does_not() {
        let app = r#"{"app": {"appId": "AB"}}"#;
        let nobody = told("Admin deleted security info", "success", app, "[]").unwrap();
        assert_eq!(nobody.user_id, None);
        assert_eq!(told("Admin deleted security info", "failure", app, "[]"), None);
        assert_eq!(told("Admin updated security info", "success", app, "[]"), None);
    }
}
