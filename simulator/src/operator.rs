//! `/_simulator/…`: what tests outside the process want to know. These requests are not in the journal.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::State,
    routing::{MethodRouter, any},
};
use serde_json::{Value, json};

use crate::{
    answer::{Handled, Outcome, Refusal, Success},
    call::Call,
    tenant::Tenant,
};

/// Routes that neither faults nor limits touch.
pub(crate) fn router() -> Router<Tenant> {
    Router::new()
        .route("/_simulator/health", shows(|_| Ok(Success::Json(json!({ "status": "ok" })))))
        .route("/_simulator/journal", shows(|tenant| Ok(Success::Json(json!(tenant.journal())))))
        .route("/_simulator/users", shows(|tenant| Ok(Success::Json(users(tenant)))))
        .route("/_simulator", shows(|_| Err(Refusal::no_resource())))
        .route("/_simulator/{*rest}", shows(|_| Err(Refusal::no_resource())))
}

fn shows(what: fn(&Tenant) -> Handled) -> MethodRouter<Tenant> {
    any(move |State(tenant): State<Tenant>, Extension(call): Extension<Arc<Call>>| async move {
        let handled = call.must_be_get().and_then(|()| what(&tenant));
        Extension::<Outcome>(Ok(tenant.state().answer(&handled)))
    })
}

fn users(tenant: &Tenant) -> Value {
    let state = tenant.state();
    let users = state.accounts.values().map(|account| {
        let part = state.parts.get(&account.id);
        let mut body = json!(account.view());
        body["part"] = json!(part.map(|part| part.describes()));
        body["expected"] = json!(part.map(|part| part.expected()));
        body["mustKeepMethods"] = json!(part.map(|part| part.must_keep_methods()));
        body
    });
    users.collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        Population,
        testing::{client, options},
    };

    #[tokio::test(start_paused = true)]
    async fn the_truth_is_shown_and_asking_leaves_no_trace() {
        let client = client(options()).await;
        let now = (client.options.clock)();
        let day = std::time::Duration::from_hours(24);
        client.tenant.populate(&Population {
            users: 40,
            window_start: now - 10 * day,
            window_end: now - 2 * day,
        });
        let users = client.get("/_simulator/users").await.json();
        let users = users.as_array().unwrap();
        assert_eq!(users.len(), 40);
        assert!(users.iter().all(|user| user["part"].is_string() && user["expected"].is_string()));
        assert!(users.iter().any(|user| user["methods"][1]["kind"] == "phone"));
        assert_eq!(client.get("/_simulator/health").await.status, 200);
        assert_eq!(client.get("/_simulator/nothing").await.status, 404);
        assert_eq!(client.delete("/_simulator/users").await.status, 405);
        let journal = client.get("/_simulator/journal").await.json();
        assert_eq!(journal.as_array().unwrap().len(), 1);
        assert_eq!(journal[0]["status"], 200);
    }
}
