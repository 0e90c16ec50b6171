//! `GET /auditLogs/directoryAudits`.

use serde_json::{Value, json};

use crate::{
    answer::{Handled, Refusal, Success, context},
    audit::{
        Position, Stretch,
        filter::{Clause, parse},
    },
    call::Call,
    cursor,
    permissions::{DIRECTORY, Granted},
    state::State,
};

const MOST: usize = 1000;

const PROPERTIES: [&str; 12] = [
    "id",
    "category",
    "correlationId",
    "result",
    "resultReason",
    "activityDisplayName",
    "activityDateTime",
    "loggedByService",
    "operationType",
    "initiatedBy",
    "targetResources",
    "additionalDetails",
];

pub(super) fn list(state: &mut State, granted: &Granted, call: &Call) -> Handled {
    if !granted.has(DIRECTORY) {
        return Err(Refusal::graph(
            403,
            "Authentication_ApplicationHasNoDirectoryReadAccess",
            "Failed to do premium license check from ADGraph",
        ));
    }
    state.options.premium.require_reports()?;
    call.only(&["$filter", "$orderby", "$top", "$skiptoken", "$select"])?;
    let select = call.select("directoryAudit", &PROPERTIES)?;
    let clauses = clauses(call)?;
    if !state.options.audit_by_target && clauses.iter().any(Clause::is_of_target) {
        return Err(Refusal::bad("Property 'targetResources' cannot be filtered."));
    }
    let ascending = match call.option("$orderby") {
        None | Some("activityDateTime desc") => false,
        Some("activityDateTime" | "activityDateTime asc") => true,
        Some(other) => {
            return Err(Refusal::bad(format!("Ordering by '{other}' is not supported.")));
        }
    };
    let most = call.top(MOST)?.unwrap_or(MOST).min(state.options.audit_page_size);
    let now = state.now();
    let standing = state.options.faults.standing;
    if let (Some(standing), Some(_)) = (standing, call.option("$skiptoken")) {
        standing.refuses_link(&mut state.chance)?;
    }
    let after = match cursor::redeem(state, call, now)? {
        Some(key) => Some(position(&key).ok_or_else(|| Refusal::bad("Invalid skip token."))?),
        None => None,
    };
    let stretch =
        Stretch { clauses: &clauses, ascending, after, now, oldest: now - state.options.retention, most };
    let hides = standing.is_some_and(|standing| standing.hides(&clauses));
    let rows = if hides { Vec::new() } else { state.audit.page(&stretch) };
    let mut body = json!({
        "@odata.context": context("auditLogs/directoryAudits"),
        "@microsoft.graph.tips": "Use $select to choose only the properties your app needs, as this can lead to performance improvements. For example: GET auditLogs/directoryAudits?$select=activityDateTime,activityDisplayName",
        "value": rows.iter().map(|(_, record)| shown(record, select.as_deref())).collect::<Vec<_>>(),
    });
    if let Some(((at, arrival), _)) = rows.last().filter(|_| rows.len() == most) {
        let key = format!("{} {arrival}", at.as_nanosecond());
        body["@odata.nextLink"] = json!(call.next_link(&cursor::issue(state, call, &key, now)));
    }
    Ok(match standing {
        Some(standing) => standing.page(body),
        None => Success::Json(body),
    })
}

fn shown(record: &Value, select: Option<&[&str]>) -> Value {
    let mut record = record.clone();
    if let (Some(names), Some(properties)) = (select, record.as_object_mut()) {
        properties.retain(|name, _| names.contains(&name.as_str()));
    }
    record
}

fn clauses(call: &Call) -> Result<Vec<Clause>, Refusal> {
    call.option("$filter").map_or(Ok(Vec::new()), |text| {
        parse(text).map_err(|why| Refusal::bad(format!("Invalid filter clause: {why}")))
    })
}

fn position(key: &str) -> Option<Position> {
    let (nanos, arrival) = key.split_once(' ')?;
    let at = jiff::Timestamp::from_nanosecond(nanos.parse().ok()?).ok()?;
    Some((at, arrival.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use crate::{
        NewEvent, Premium, Tenant,
        testing::{START, client, options, wait},
    };

    const LIST: &str = "/v1.0/auditLogs/directoryAudits";

    fn ago(minutes: u64) -> Timestamp {
        START.parse::<Timestamp>().unwrap() - Duration::from_mins(minutes)
    }

    fn add(tenant: &Tenant, id: &str, at: Timestamp) {
        tenant.add_event(NewEvent::new("User reviewed security info", at).id(id));
    }

    #[tokio::test(start_paused = true)]
    async fn records_come_newest_first_unless_asked_otherwise() {
        let client = client(options()).await;
        for (id, minutes) in [("b", 20), ("a", 30), ("c", 10)] {
            add(&client.tenant, id, ago(minutes));
        }
        let ids = |items: Vec<serde_json::Value>| -> Vec<String> {
            items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(client.get(LIST).await.items()), ["c", "b", "a"]);
        let sorted = format!("{LIST}?$orderby=activityDateTime asc&$top=2");
        assert_eq!(ids(client.all(&sorted).await), ["a", "b", "c"]);
        let filter = format!(
            "{LIST}?$filter=activityDateTime ge {} and loggedByService eq 'Authentication Methods'",
            ago(20)
        );
        assert_eq!(ids(client.get(&filter).await.items()), ["c", "b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn bad_queries_are_refused() {
        let client = client(options()).await;
        for query in [
            "$filter=activityDateTime lt 2026-01-01T00:00:00Z",
            "$filter=result eq 'success'",
            "$filter=",
            "$filter=activityDateTime ge 2026-01-01T00:00:00+00:00",
            "$orderby=activityDisplayName",
            "$orderby=activityDateTime ascending",
            "$top=0",
            "$top=1001",
            "$skip=5",
            "$count=true",
            "$search=x",
            "$skiptoken=garbled",
        ] {
            let reply = client.get(&format!("{LIST}?{query}")).await;
            assert_eq!((reply.status, reply.code().as_str()), (400, "BadRequest"), "{query}");
        }
        let encoded = format!("{LIST}?$filter=activityDateTime ge 2026-01-01T00:00:00%2B00:00");
        assert_eq!(client.get(&encoded).await.status, 200);
        assert_eq!(client.ask("POST", LIST).await.unwrap().status, 405);
    }

    #[tokio::test(start_paused = true)]
    async fn only_selected_properties_are_there() {
        let client = client(options()).await;
        add(&client.tenant, "a", ago(1));
        let record = client.get(&format!("{LIST}?$select=id,activityDateTime")).await.items().remove(0);
        assert_eq!(record.as_object().unwrap().len(), 2);
        assert_eq!(client.get(&format!("{LIST}?$select=shoeSize")).await.status, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn late_records_show_when_they_are_due_and_shift_no_page() {
        let client = client(options()).await;
        for n in 0..6 {
            add(&client.tenant, &format!("e{n}"), ago(60 - n));
        }
        let early = NewEvent::new("User reviewed security info", ago(90)).id("early");
        client.tenant.add_event(early.visible_at(ago(0) + Duration::from_secs(5)));
        let late = NewEvent::new("User reviewed security info", ago(1)).id("late");
        client.tenant.add_event(late.visible_at(ago(0) + Duration::from_secs(5)));
        let mut seen = Vec::new();
        let mut next = Some(format!("{LIST}?$orderby=activityDateTime asc&$top=2"));
        while let Some(path) = next {
            let reply = client.get(&path).await;
            seen.extend(reply.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            next = reply.next();
            wait(5).await;
        }
        assert_eq!(seen, ["e0", "e1", "e2", "e3", "e4", "e5", "late"]);
        assert_eq!(client.get(LIST).await.items().len(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_next_link_is_bound_to_its_query_and_does_not_live_for_ever() {
        let mut client = client(options()).await;
        for n in 0..3 {
            add(&client.tenant, &format!("e{n}"), ago(n));
        }
        let next = client.get(&format!("{LIST}?$top=2")).await.next().unwrap();
        assert_eq!(client.get(&next).await.status, 200);
        assert_eq!(client.get(&next.replace("$top=2", "$top=3")).await.status, 400);
        client.tenant.expire_cursors();
        assert_eq!(client.get(&next).await.status, 400);
        let next = client.get(&format!("{LIST}?$top=2")).await.next().unwrap();
        wait(3600).await;
        client.sign_in().await;
        assert_eq!(client.get(&next).await.status, 400);
    }

    #[tokio::test(start_paused = true)]
    async fn records_beyond_retention_are_gone() {
        let client = client(options()).await;
        add(&client.tenant, "old", ago(31 * 24 * 60));
        add(&client.tenant, "kept", ago(29 * 24 * 60));
        assert_eq!(client.get(LIST).await.items().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn missing_permissions_and_licences_are_told_apart() {
        for (missing, code) in [
            ("AuditLog.Read.All", "Authorization_RequestDenied"),
            ("Directory.Read.All", "Authentication_ApplicationHasNoDirectoryReadAccess"),
        ] {
            let mut options = options();
            options.permissions.retain(|permission| permission != missing);
            let reply = client(options).await.get(LIST).await;
            assert_eq!((reply.status, reply.code().as_str()), (403, code));
        }
        let mut options = options();
        options.premium = Premium::Free;
        let reply = client(options).await.get(LIST).await;
        assert_eq!(reply.code(), "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
        assert_eq!(reply.status, 403);
    }
}
