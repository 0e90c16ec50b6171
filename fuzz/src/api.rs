//! What a caller of the API sends.

use jiff::Timestamp;
use shared::{
    api::{
        MAX_LIMIT, MAX_NAMED, MAX_REASON, Problem, RollbackRequest, ScanRange, UsersQuery, read_json,
        read_reason,
    },
    domain::window::Window,
    ids_file,
};

use super::is_clean;

/// Reads `data` as a body and as a query, for every route that takes one.
pub fn api_requests(data: &[u8]) {
    scan(data);
    rollback(data);
    match read_reason(data) {
        Ok(reason) => is_reason(&reason),
        Err(problem) => is_told(&problem),
    }
    query(data);
}

fn scan(data: &[u8]) {
    let at = |text: &str| -> Timestamp { text.parse().expect("a time") };
    let window = Window {
        start: at("2026-02-01T00:00:00Z"),
        preview_disabled_at: at("2026-03-01T00:00:00Z"),
        end: at("2026-03-31T00:00:00Z"),
    };
    match read_json::<ScanRange>(data).and_then(|asked| asked.range(&window)) {
        Ok(Some(range)) => assert!(range.from <= range.to),
        Ok(None) => {}
        Err(problem) => is_told(&problem),
    }
}

fn rollback(data: &[u8]) {
    let read = read_json::<RollbackRequest>(data);
    let checked = read.and_then(|request| request.check().map(|()| request));
    let request = match checked {
        Ok(request) => request,
        Err(problem) => return is_told(&problem),
    };
    if let Some(users) = &request.user_ids {
        let named = ids_file::named(users.iter().enumerate().map(|(n, user)| (n + 1, user.as_str())));
        let counted = named.users.len() + named.refused.len() + named.duplicates;
        assert!(counted == users.len() && counted <= MAX_NAMED, "every name is accounted for");
        named.refused.iter().for_each(|(_, cause)| is_clean(cause));
        is_reason(request.reason.as_deref().expect("users are named for a reason"));
    }
    for registration in request.registrations.into_iter().flatten() {
        let sent = registration.event_id.clone();
        let claim = registration.into_claim();
        assert!(claim.methods.is_empty(), "a caller dates no method");
        assert!(claim.event_id.is_some_and(|id| id.0.starts_with("named_") && Some(&id) != sent.as_ref()));
    }
}

fn query(data: &[u8]) {
    let pairs: Vec<_> = url::form_urlencoded::parse(data).collect();
    match UsersQuery::read(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))) {
        Ok(query) => {
            assert!((1..=MAX_LIMIT).contains(&query.limit) && !query.outcomes.is_empty());
            if let Some(after) = query.after {
                let (outcome, _) = after.into_parts();
                assert!(query.outcomes.contains(&outcome), "a page goes on in a list that was asked for");
            }
        }
        Err(problem) => is_told(&problem),
    }
}

fn is_reason(reason: &str) {
    assert!(!reason.trim().is_empty() && reason.chars().count() <= MAX_REASON);
    assert!(!reason.contains(|c: char| c.is_ascii_control()), "{reason:?}");
}

fn is_told(problem: &Problem) {
    assert!((400..500).contains(&problem.status));
    is_clean(problem.detail.as_deref().unwrap_or_default());
}
