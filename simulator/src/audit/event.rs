//! Records of the audit log.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ids::random_uuid;

/// A record to add to the audit log. As made by [`NewEvent::new`] it is a successful one of the
/// service "Authentication Methods".
#[derive(Debug, Clone)]
pub struct NewEvent {
    at: Timestamp,
    visible_at: Timestamp,
    record: Value,
    made_up: bool,
}

impl NewEvent {
    /// A record in the shape that the service writes, without actor and target.
    pub fn new(activity: &str, at: Timestamp) -> Self {
        let record = json!({
            "category": "UserManagement",
            "result": "success",
            "resultReason": "",
            "activityDisplayName": activity,
            "loggedByService": "Authentication Methods",
            "operationType": "ServiceApi",
            "initiatedBy": { "app": null, "user": null },
            "targetResources": [],
            "additionalDetails": [],
        });
        Self { at, visible_at: at, record, made_up: true }
    }

    /// Takes any record as it is; `at` is its place in the log.
    pub fn raw(record: Value, at: Timestamp) -> Self {
        Self { at, visible_at: at, record, made_up: false }
    }

    /// A user's own action: the user is actor and target.
    pub fn by_user(activity: &str, at: Timestamp, id: Uuid, user_principal_name: &str) -> Self {
        Self::new(activity, at).actor(id, user_principal_name).target(id, user_principal_name)
    }

    /// Sets the time from which Graph lists the record.
    #[must_use]
    pub fn visible_at(mut self, at: Timestamp) -> Self {
        self.visible_at = at;
        self
    }

    /// Sets `id`; without it the record gets one of the usual shape.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        self.with("id", json!(id))
    }

    /// Sets `loggedByService`, which is "Authentication Methods" by default.
    #[must_use]
    pub fn service(self, service: &str) -> Self {
        self.with("loggedByService", json!(service))
    }

    /// Sets `category`, which is `UserManagement` by default.
    #[must_use]
    pub fn category(self, category: &str) -> Self {
        self.with("category", json!(category))
    }

    /// Sets `result`: `success`, which is the default, or `failure`.
    #[must_use]
    pub fn result(self, result: &str) -> Self {
        self.with("result", json!(result))
    }

    /// Sets `resultReason`, which is empty by default.
    #[must_use]
    pub fn reason(self, reason: &str) -> Self {
        self.with("resultReason", json!(reason))
    }

    /// Sets any property of the record.
    #[must_use]
    pub fn with(mut self, property: &str, value: Value) -> Self {
        self.record[property] = value;
        self
    }

    /// Sets the user that acted.
    #[must_use]
    pub fn actor(self, id: Uuid, user_principal_name: &str) -> Self {
        let user = json!({
            "id": id,
            "displayName": null,
            "userPrincipalName": user_principal_name,
            "ipAddress": "198.51.100.7",
        });
        self.with("initiatedBy", json!({ "app": null, "user": user }))
    }

    /// Sets the application that acted.
    #[must_use]
    pub fn app_actor(self, id: Uuid, name: &str) -> Self {
        let app = json!({
            "appId": id,
            "displayName": name,
            "servicePrincipalId": null,
            "servicePrincipalName": null,
        });
        self.with("initiatedBy", json!({ "app": app, "user": null }))
    }

    /// Sets the app in whose name the service keeps the details of users who register.
    pub(crate) fn by_mfa_service(self) -> Self {
        let app = json!({ "appId": null, "displayName": "Azure MFA StrongAuthenticationService" });
        self.with("initiatedBy", json!({ "app": app, "user": null }))
    }

    /// Sets the user that the record is about.
    #[must_use]
    pub fn target(self, id: Uuid, user_principal_name: &str) -> Self {
        let target = json!({
            "id": id,
            "displayName": "Some One",
            "type": "User",
            "userPrincipalName": user_principal_name,
            "groupType": null,
            "modifiedProperties": [],
        });
        self.with("targetResources", json!([target]))
    }

    /// Sets what was changed about the target, one entry for each property.
    pub(crate) fn modified(mut self, properties: &[Value]) -> Self {
        self.record["targetResources"][0]["modifiedProperties"] = json!(properties);
        self
    }

    /// Fills in what was left open. Returns the record's time, when it shows, and the record.
    pub(crate) fn complete(mut self, rng: &mut fastrand::Rng) -> (Timestamp, Timestamp, Value) {
        if !self.made_up {
            return (self.at, self.visible_at, self.record);
        }
        let micros = rng.u8(..8) == 0;
        let step = if micros { 1_000 } else { 100 };
        let at = truncated(self.at, step);
        let correlation = random_uuid(rng);
        if self.record.get("id").is_none() {
            let service = self.record["loggedByService"].as_str().unwrap_or_default();
            let suffix = if rng.bool() { "MCDC4" } else { "AUMVX" };
            let number = rng.u32(1_000_000..100_000_000);
            self.record["id"] = json!(format!("{service}_{correlation}_{suffix}_{number}"));
        }
        if self.record.get("correlationId").is_none() {
            self.record["correlationId"] = json!(correlation);
        }
        self.record["activityDateTime"] = json!(written(at, micros));
        (at, self.visible_at, self.record)
    }
}

/// When something happened, and how the audit log shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    /// The event's own time, `activityDateTime`.
    pub(crate) at: Timestamp,
    /// When Graph begins to list the record.
    pub(crate) visible_at: Timestamp,
    /// The service that logs it.
    pub(crate) service: &'a str,
    /// Whether the directory records what it changed, completely and together with the event.
    pub(crate) recorded: bool,
}

impl Told<'static> {
    /// Shows at once, logged by the service that logs most.
    pub(crate) fn at(at: Timestamp) -> Self {
        Self { at, visible_at: at, service: "Authentication Methods", recorded: true }
    }
}

fn truncated(at: Timestamp, step: i128) -> Timestamp {
    let nanos = at.as_nanosecond();
    Timestamp::from_nanosecond(nanos - nanos.rem_euclid(step)).unwrap_or(at)
}

/// Formats a time as `…Z` with seven decimals, or as `+00:00` with six.
fn written(at: Timestamp, micros: bool) -> String {
    let nanos = at.as_nanosecond().rem_euclid(1_000_000_000);
    let seconds = at.strftime("%Y-%m-%dT%H:%M:%S");
    if micros {
        format!("{seconds}.{:06}+00:00", nanos / 1_000)
    } else {
        format!("{seconds}.{:07}Z", nanos / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_documented_shape() {
        let at: Timestamp = "2026-10-02T03:04:05.123456789Z".parse().unwrap();
        let mut rng = fastrand::Rng::with_seed(1);
        let mut seen = [false; 2];
        for _ in 0..60 {
            let (time, visible, record) =
                NewEvent::new("User registered security info", at).complete(&mut rng);
            let text = record["activityDateTime"].as_str().unwrap();
            assert!(text == "2026-10-02T03:04:05.1234567Z" || text == "2026-10-02T03:04:05.123456+00:00");
            seen[usize::from(text.ends_with('Z'))] = true;
            assert_eq!(text.parse::<Timestamp>().unwrap(), time);
            assert_eq!(visible, at);
            assert!(record["id"].as_str().unwrap().starts_with("Authentication Methods_"));
        }
        assert_eq!(seen, [true, true]);
    }

    #[test]
    fn raw_records_stay_as_they_are() {
        let at = Timestamp::UNIX_EPOCH;
        let record = json!({ "id": "x", "activityDateTime": "2024-12-16 16:32:16.087554000" });
        assert_eq!(NewEvent::raw(record.clone(), at).complete(&mut fastrand::Rng::with_seed(1)).2, record);
    }
}
