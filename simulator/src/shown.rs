//! Which truths about a person the directory's own "Update user" records show, read as a person would read them.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{standing::is_broken, tenant::Tenant, truth::Harm};

impl Tenant {
    /// Whether the records that Graph has listed since `by` show this harm plainly, for a window that starts then. What
    /// stands in a record that is late, missing or cut off is not shown.
    pub fn log_shows(&self, user: Uuid, harm: Harm, start: Timestamp, by: Timestamp) -> bool {
        let state = self.state();
        let from = start.max(by - state.options.retention);
        let is_broken_now = |record: &Value| state.options.faults.standing.is_some() && is_broken(record);
        let all: Vec<_> =
            state.audit.entries_since(from).filter(|(_, record)| is_update_of(record, user)).collect();
        let is_listed =
            |(visible_at, record): &(Timestamp, &Value)| *visible_at <= by && !is_broken_now(record);
        match harm {
            Harm::MfaWasMeant => all
                .iter()
                .filter(|entry| is_listed(entry))
                .any(|(_, record)| property(record, "StrongAuthenticationRequirement").is_some()),
            // What was there before the first change is what the window found.
            Harm::HadMfa => {
                ["StrongAuthenticationMethod", "StrongAuthenticationPhoneAppDetail"].into_iter().any(|name| {
                    let first = all.iter().find(|(_, record)| property(record, name).is_some());
                    first.filter(|entry| is_listed(entry)).is_some_and(|(_, record)| {
                        let old = property(record, name).and_then(|property| property["oldValue"].as_str());
                        let old: Option<Vec<Value>> = old.and_then(|text| serde_json::from_str(text).ok());
                        old.is_some_and(|list| !list.is_empty())
                    })
                })
            }
            _ => false,
        }
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
