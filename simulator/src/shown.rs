//! What the directory's own "Update user" records show of a person, read as a person would read them.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{standing::is_broken, tenant::Tenant};

/// A record, and since when Graph lists it; never, if it cannot be read.
type Shown = (Option<Timestamp>, Value);

impl Tenant {
    /// Whether a record since `start` that Graph has listed since `by` shows per-user MFA being switched.
    pub fn log_shows_per_user_mfa(&self, user: Uuid, start: Timestamp, by: Timestamp) -> bool {
        let is_switch = |(listed_at, record): &Shown| {
            listed_at.is_some_and(|at| at <= by)
                && property(record, "StrongAuthenticationRequirement").is_some()
        };
        self.updates_of(user, start, by).iter().any(is_switch)
    }

    /// Whether the first record since `start` of the flags or of the apps shows some before it, and has been listed since
    /// `by`. What stands in a record that is late, missing or cut off is not shown.
    pub fn log_shows_older_methods(&self, user: Uuid, start: Timestamp, by: Timestamp) -> bool {
        let all = self.updates_of(user, start, by);
        ["StrongAuthenticationMethod", "StrongAuthenticationPhoneAppDetail"].into_iter().any(|name| {
            let first = all.iter().find(|(_, record)| property(record, name).is_some());
            first.filter(|(listed_at, _)| listed_at.is_some_and(|at| at <= by)).is_some_and(|(_, record)| {
                let old = property(record, name).and_then(|property| property["oldValue"].as_str());
                let old: Option<Vec<Value>> = old.and_then(|text| serde_json::from_str(text).ok());
                old.is_some_and(|list| !list.is_empty())
            })
        })
    }

    /// Whether a whole record since `start`, listed by now, shows that the user did not have this app before, and had it
    /// after.
    pub fn log_shows_that_app_came(&self, user: Uuid, app: &str, start: Timestamp) -> bool {
        let now = self.state().now();
        self.updates_of(user, start, now).iter().any(|(listed_at, record)| {
            let property = property(record, "StrongAuthenticationPhoneAppDetail");
            let has = |side: &str| {
                let text = property.and_then(|property| property[side].as_str())?;
                let apps: Vec<Value> = serde_json::from_str(text).ok()?;
                Some(apps.iter().any(|it| it["Id"] == app))
            };
            listed_at.is_some_and(|at| at <= now)
                && (has("oldValue"), has("newValue")) == (Some(false), Some(true))
        })
    }

    fn updates_of(&self, user: Uuid, start: Timestamp, by: Timestamp) -> Vec<Shown> {
        let state = self.state();
        let from = start.max(by - state.options.retention);
        let breaks = state.options.faults.standing.is_some();
        let of_user = state.audit.entries_since(from).filter(|(_, record)| is_update_of(record, user));
        let shown = |(at, record): (Timestamp, &Value)| {
            ((!breaks || !is_broken(record)).then_some(at), record.clone())
        };
        of_user.map(shown).collect()
    }
}

fn is_update_of(record: &Value, user: Uuid) -> bool {
    record["activityDisplayName"] == "Update user"
        && record["result"] == "success"
        && record["targetResources"][0]["id"].as_str().and_then(|id| id.parse().ok()) == Some(user)
}

fn property<'a>(record: &'a Value, name: &str) -> Option<&'a Value> {
    let properties = record["targetResources"][0]["modifiedProperties"].as_array()?;
    properties.iter().find(|property| property["displayName"] == name)
}
