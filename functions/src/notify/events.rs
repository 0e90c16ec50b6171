//! Outcomes as events, for ticketing and the like. Each is sent once, or not at all if the invocation dies:
//! who must not miss any reads `GET /users`.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::{
    Client,
    primitives::DateTime,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use serde::Serialize;
use shared::{
    domain::{
        ids::{RunId, TenantId, UserId},
        method::MethodName,
        state::UserState,
    },
    notices::is_new,
    settings::Mode,
    view::next_step,
};

use crate::{aws, settings::Settings};

/// Entries in one request (EventBridge's quota of `PutEvents`).
const BATCH: usize = 10;

/// How often an entry is sent at most if EventBridge does not take it.
const TRIES: usize = 3;

const SOURCE: &str = "mfa-rollback";
const DETAIL_TYPE: &str = "User Outcome";

/// The version of an event's detail.
const SCHEMA: u32 = 1;

/// What an event says.
#[derive(Debug, Serialize)]
struct Detail<'a> {
    schema: u32,
    tenant_id: TenantId,
    user_id: UserId,
    outcome: &'static str,
    reason: Option<String>,
    /// Whether the outcome differs from the one before.
    changed: bool,
    /// When a DELETE was first sent for the user.
    first_delete_at: Option<jiff::Timestamp>,
    by_hand: bool,
    methods_deleted: &'a [MethodName],
    methods_left: &'a [MethodName],
    next_step: &'static str,
    mode: Mode,
    run_id: RunId,
}

/// Sends outcomes to the event bus.
pub(super) struct Events {
    client: Client,
    /// `EVENT_BUS_NAME`; if `None`, no event is sent.
    bus: Option<String>,
    tenant: TenantId,
    mode: Mode,
}

impl Events {
    pub(super) fn new(settings: &Settings, config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
            bus: settings.event_bus_name.clone(),
            tenant: settings.tenant,
            mode: settings.mode,
        }
    }

    /// Sends the outcomes of these users.
    pub(super) async fn put(&self, handled: &[UserState]) {
        let Some(bus) = &self.bus else { return };
        let entries: Vec<PutEventsRequestEntry> =
            handled.iter().filter_map(|state| self.entry(bus, state)).collect();
        let mut lost = 0;
        for batch in entries.chunks(BATCH) {
            lost += self.put_batch(batch.to_vec()).await;
        }
        if lost > 0 {
            tracing::error!(count = lost, "outcome events not sent");
        }
    }

    /// Sends entries, and refused ones again. Returns how many were not taken.
    async fn put_batch(&self, mut left: Vec<PutEventsRequestEntry>) -> usize {
        for attempt in 1..=TRIES {
            let answer = match self.client.put_events().set_entries(Some(left.clone())).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::warn!(error = %aws::cause(&error), "outcome events refused");
                    return left.len();
                }
            };
            let refused = |answer: &PutEventsResultEntry| answer.error_code.is_some();
            let sent = left.into_iter().zip(answer.entries.unwrap_or_default());
            left = sent.filter(|(_, answer)| refused(answer)).map(|(entry, _)| entry).collect();
            if left.is_empty() || attempt == TRIES {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        left.len()
    }

    fn entry(&self, bus: &str, state: &UserState) -> Option<PutEventsRequestEntry> {
        let concluded = state.concluded.as_ref()?;
        let detail = Detail {
            schema: SCHEMA,
            tenant_id: self.tenant,
            user_id: state.user_id,
            outcome: concluded.outcome.kind(),
            reason: concluded.outcome.reason(),
            changed: is_new(state),
            first_delete_at: state.first_delete_at,
            by_hand: state.by_hand.is_some(),
            methods_deleted: &concluded.methods_deleted,
            methods_left: &concluded.methods_left,
            next_step: next_step(concluded.outcome, concluded.consequences()),
            mode: self.mode,
            run_id: concluded.run_id,
        };
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(bus)
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .time(DateTime::from_millis(concluded.at.as_millisecond()))
            .detail(serde_json::to_string(&detail).expect("an event is plain data"));
        Some(entry.build())
    }
}
