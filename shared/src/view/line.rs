//! What is on record for one user, as reports list it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        decision::{Consequences, Decision},
        facts::RecordedRegistration,
        ids::{EventId, UserId},
        method::MethodName,
        outcome::{Deferred, Failed, Held, Outcome, Partial},
        state::UserState,
    },
    ledger::{AmbiguousEvent, Entry},
};

/// One user, or one registration without a clear user, as the ledger has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Line {
    /// The user; `None` for a registration without one clear user.
    pub user_id: Option<UserId>,
    /// The event of the latest registration, or of the registration without one clear user.
    pub event_id: Option<EventId>,
    /// Only if names were asked for, and the ledger kept this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// Only if names were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The outcome without its reason, or `pending`.
    pub outcome: String,
    /// The outcome's reason; `None` if it has none, or the user is pending.
    pub reason: Option<String>,
    /// When the latest outcome was reached, or the event was first seen; `None` before any outcome.
    pub at: Option<Timestamp>,
    /// All registrations on record, oldest first.
    pub registrations: Vec<RecordedRegistration>,
    /// Whether the account can sign in.
    pub enabled: Option<bool>,
    /// What makes the user external; `None` if nothing does, or it is not known.
    pub external: Option<String>,
    /// Whether the account is synchronized from on-premises.
    pub synced: Option<bool>,
    /// What makes the user an administrator, such as `active role`; `None` if nothing is known to.
    pub administrator: Option<String>,
    /// `disabled`, `enabled`, `enforced` or `unknown`; `None` if it could not be read.
    pub per_user_mfa: Option<String>,
    /// All methods before anything was deleted.
    pub methods_before: Vec<MethodName>,
    /// The intent's methods that were gone at the latest outcome.
    pub methods_deleted: Vec<MethodName>,
    /// The methods that were left at the latest outcome.
    pub methods_left: Vec<MethodName>,
    /// The decision behind it, with every rule.
    pub decision: Option<Decision>,
    /// Who named the user by hand.
    pub asked_by: Option<String>,
    /// What an operator should do next.
    pub next_step: String,
    /// The ids of the latest handling's requests in Graph's own logs.
    pub request_ids: Vec<String>,
}

impl Line {
    /// Makes an entry's line. If `names`, it has the display name, and the principal name if that was kept.
    pub fn of(entry: &Entry, names: bool) -> Self {
        match entry {
            Entry::User(state) => Self::of_user(state, names),
            Entry::Event(event) => Self::of_event(event),
        }
    }

    fn of_event(event: &AmbiguousEvent) -> Self {
        Self {
            event_id: Some(event.event_id.clone()),
            outcome: "held".to_owned(),
            reason: Some(Held::AmbiguousEvent.to_string()),
            at: Some(event.first_seen_at),
            next_step: format!("{}: {}", event.why, lifted_by(Held::AmbiguousEvent)),
            ..Self::default()
        }
    }

    fn of_user(state: &UserState, names: bool) -> Self {
        let about = state.about.clone();
        let concluded = state.concluded.as_ref();
        let outcome =
            state.outcome().filter(|_| !state.is_pending() || state.outcome() == Some(Outcome::RolledBack));
        Self {
            user_id: Some(state.user_id),
            event_id: state.registrations.last().map(|registration| registration.event_id.clone()),
            user_principal_name: about.user_principal_name.filter(|_| names),
            display_name: about.display_name.filter(|_| names),
            outcome: outcome.map_or("pending", Outcome::kind).to_owned(),
            reason: outcome.and_then(Outcome::reason),
            at: concluded.map(|concluded| concluded.at),
            registrations: state.registrations.clone(),
            enabled: about.enabled,
            external: about.external,
            synced: about.synced,
            administrator: about.administrator,
            per_user_mfa: about.per_user_mfa,
            methods_before: about.methods_before,
            methods_deleted: concluded.map(|concluded| concluded.methods_deleted.clone()).unwrap_or_default(),
            methods_left: concluded.map(|concluded| concluded.methods_left.clone()).unwrap_or_default(),
            decision: concluded.and_then(|concluded| concluded.decision.clone()),
            asked_by: state.by_hand.as_ref().map(|by_hand| by_hand.who.clone()),
            next_step: outcome.map_or("run", |outcome| next_step(outcome, state.consequences())).to_owned(),
            request_ids: concluded.map(|concluded| concluded.request_ids.clone()).unwrap_or_default(),
        }
    }
}

/// The name of an entry: the user's object id, or the event's id.
pub fn name(entry: &Entry) -> String {
    match entry {
        Entry::User(state) => state.user_id.to_string(),
        Entry::Event(event) => format!("event {}", event.event_id),
    }
}

/// What an operator should do next about an outcome.
pub fn next_step(outcome: Outcome, consequences: Option<&Consequences>) -> &'static str {
    match outcome {
        Outcome::RolledBack => match consequences.map(|it| it.sspr_loses.as_deref()) {
            Some(Some([])) => "tell them",
            Some(Some(_)) => "tell them: password reset lost these methods, too",
            Some(None) => "tell them: password reset may have lost these methods, too",
            None => "tell them; report says of each what password reset lost",
        },
        Outcome::Partial(Partial::DefaultRefused) | Outcome::Failed(Failed::DefaultRefused) => {
            "change the user's default method in the portal, or grant UserAuthenticationMethod.ReadWrite.All"
        }
        Outcome::Partial(_) => "goes on by itself after 1, 6 and 24 h; then explain USER_ID",
        Outcome::Failed(_) => "tried again after 1, 6 and 24 h; then explain USER_ID",
        Outcome::WouldRollBack => "run --mode canary or --mode enforce",
        Outcome::Deferred(Deferred::Canary) => "run --mode enforce, once the canaries are well",
        Outcome::Deferred(Deferred::DailyCap) => "goes on by itself when slots free up: run again",
        Outcome::Deferred(Deferred::BrakeOpen) => "look why, then brake release --reason …",
        Outcome::Deferred(Deferred::PreviewNotDisabled) => "run again after PREVIEW_DISABLED_AT",
        Outcome::Deferred(Deferred::PreflightFailed) => "doctor says what is missing",
        Outcome::Deferred(Deferred::SecondLook) => {
            "looked at again after SECOND_LOOK_MINUTES: run again, or run --wait"
        }
        Outcome::Deferred(Deferred::NotApproved) => "plan make, then plan approve HASH --reason …",
        Outcome::NotEligible(_) => "none",
        Outcome::Held(reason) => lifted_by(reason),
    }
}

/// What an operator can do to let a held user continue.
fn lifted_by(reason: Held) -> &'static str {
    match reason {
        Held::ReRegistered => "release USER_ID --reason …, if this was not meant either",
        Held::MfaWasMeant => "release USER_ID --reason …, if nobody meant per-user MFA either",
        Held::Excluded => "no release: EXCLUDED_USER_IDS or EXCLUDED_GROUP_ID names the user",
        Held::Administrator => {
            "release USER_ID --reason …, if RELEASABLE_USER_IDS lists the user; or INCLUDE_ADMINISTRATORS for all"
        }
        Held::External => "release USER_ID --reason …, or INCLUDE_EXTERNAL_USERS for all",
        Held::AccountDisabled => "release USER_ID --reason …, or enable the account: looked at daily",
        Held::RegisteredBefore => {
            "release USER_ID --reason …, or PREEXISTING_METHODS=keep or =roll_back for all"
        }
        Held::RegisteredAfter => "release USER_ID --reason …, if the later method was not meant either",
        Held::RegisteredByAdmin => {
            "release USER_ID --reason …, if the window's own methods are to go all the same"
        }
        Held::UnprovenMethod | Held::UndatedMethod => {
            "release USER_ID --reason …, or UNPROVEN_METHODS=count or roll_back for all"
        }
        Held::NewAccount => "release USER_ID --reason …, or INCLUDE_NEW_ACCOUNTS for all",
        Held::MfaRequired => "release USER_ID --reason …, or MFA_REQUIRED_USERS=roll_back for all",
        Held::LastCredential => {
            "give the user a password or key: looked at daily; or release, if RELEASABLE_USER_IDS lists the user"
        }
        Held::PrimarySignIn => "let the user sign in by something else; or release USER_ID --reason …",
        Held::ChangedSinceReview => {
            "plan make and plan diff show what changed; then plan approve HASH --reason …"
        }
        Held::AmbiguousEvent => "release --event ID --reason …, or name the user by hand",
        Held::Unknown(_) => "no release: looked at hourly; explain USER_ID says what cannot be read",
    }
}

/// The names under which entries are listed: all of them, those of one outcome, or the one of an outcome with
/// its reason. `None` if there is no such outcome.
pub fn listed(outcome: Option<&str>) -> Option<Vec<String>> {
    let mut all: Vec<String> = Outcome::all().into_iter().map(|outcome| outcome.to_string()).collect();
    all.insert(0, "pending".to_owned());
    if let Some(outcome) = outcome {
        let kind = format!("{outcome}(");
        all.retain(|name| name == outcome || name.starts_with(&kind));
    }
    (!all.is_empty()).then_some(all)
}
