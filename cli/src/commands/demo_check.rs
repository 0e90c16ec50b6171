//! Checks the simulated tenant itself against what the ledger says.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use shared::{
    domain::{ids::UserId, outcome::Outcome, window::Window},
    ledger::HistoryEntry,
};
use simulator::{Cast, Resident, Tenant};
use uuid::Uuid;

use crate::{engine::Engine, error::CommandError, output::Rows};

/// One property that was checked, and whether it holds.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) what: String,
    pub(super) holds: bool,
}

/// The tenant before the first run.
pub(super) struct Before {
    /// The methods that each user has.
    methods: BTreeMap<Uuid, BTreeSet<String>>,
    /// Methods whose loss would harm somebody, as the tenant itself knows, whatever the program believes.
    harmful: BTreeSet<(Uuid, String)>,
}

impl Before {
    pub(super) fn of(tenant: &Tenant, cast: &Cast, window: Window) -> Self {
        let methods =
            cast.residents.iter().map(|resident| (resident.id, listed(tenant, resident, |_| true))).collect();
        Self { methods, harmful: tenant.harmful((window.start, window.end)) }
    }
}

fn listed(tenant: &Tenant, resident: &Resident, wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    tenant
        .user(resident.id)
        .into_iter()
        .flat_map(|user| user.methods)
        .filter(|method| wanted(&method.kind))
        .map(|method| method.id)
        .collect()
}

fn is_strong(kind: &str) -> bool {
    matches!(kind, "phone" | "microsoftAuthenticator" | "softwareOath")
}

fn user_id(resident: &Resident) -> Option<UserId> {
    resident.id.to_string().parse().ok()
}

/// Counts the users who were not rolled back, by outcome and situation.
pub(super) async fn left_alone(engine: &Engine, cast: &Cast) -> Result<Rows, CommandError> {
    let mut counts: BTreeMap<(String, &'static str), u64> = BTreeMap::new();
    for resident in &cast.residents {
        let Some(user) = user_id(resident) else { continue };
        let outcome = engine.run.process.ledger.user(user).await?.value.and_then(|state| state.outcome());
        if outcome != Some(Outcome::RolledBack) {
            let outcome =
                outcome.map_or("no registration of the window on record".to_owned(), |o| o.to_string());
            *counts.entry((outcome, resident.part.describes())).or_default() += 1;
        }
    }
    Ok(Rows {
        header: vec!["users", "outcome", "who they are"],
        rows: counts
            .into_iter()
            .map(|((outcome, who), count)| vec![count.to_string(), outcome, who.to_owned()])
            .collect(),
    })
}

/// Checks the tenant and its journal against the ledger.
pub(super) async fn check(
    tenant: &Tenant,
    cast: &Cast,
    before: &Before,
    engine: &Engine,
) -> Result<Vec<Check>, CommandError> {
    let (protected, affected): (Vec<&Resident>, Vec<&Resident>) =
        cast.residents.iter().partition(|resident| resident.part.must_keep_methods());
    let touched = protected
        .iter()
        .filter(|resident| listed(tenant, resident, |_| true) != before.methods[&resident.id])
        .count();
    let journal = tenant.journal();
    let deletes: Vec<_> = journal.iter().filter(|entry| entry.method == "DELETE").collect();
    let strayed = deletes
        .iter()
        .filter(|entry| {
            let segment = entry.segment.as_deref().unwrap_or_default();
            !["phoneMethods", "microsoftAuthenticatorMethods", "softwareOathMethods"].contains(&segment)
        })
        .count();
    let harmed = deletes
        .iter()
        .filter(|entry| entry.acted)
        .filter_map(|entry| Some((entry.user?, entry.method_id.clone()?)))
        .filter(|deleted| before.harmful.contains(deleted))
        .count();
    let protected_ids: BTreeSet<_> = protected.iter().map(|resident| resident.id).collect();
    let wrong =
        deletes.iter().filter(|entry| entry.user.is_none_or(|user| protected_ids.contains(&user))).count();
    let mut early = 0;
    for entry in &deletes {
        let user = entry.user.and_then(|user| user.to_string().parse().ok());
        let intended = match user {
            Some(user) => engine.run.process.ledger.history(user).await?.iter().any(
                |item| matches!(item, HistoryEntry::Intent { intent, .. } if intent.written_at <= entry.at),
            ),
            None => false,
        };
        early += usize::from(!intended);
    }
    let mut rolled_back = 0;
    let mut unlike = 0;
    for resident in &affected {
        let left = listed(tenant, resident, is_strong);
        let state = match user_id(resident) {
            Some(user) => engine.run.process.ledger.user(user).await?.value,
            None => None,
        };
        let outcome = state.and_then(|state| state.outcome());
        let as_expected = outcome.is_some_and(|outcome| outcome.to_string() == resident.part.expected());
        let as_recorded = (outcome == Some(Outcome::RolledBack)) == left.is_empty();
        rolled_back += usize::from(left.is_empty());
        unlike += usize::from(!as_expected || !as_recorded);
    }
    Ok(vec![
        Check {
            what: format!("all {} protected users still have every method they had", protected.len()),
            holds: touched == 0,
        },
        Check {
            what: format!("{rolled_back} users have no strong method left, as the ledger says"),
            holds: unlike == 0 && rolled_back > 0,
        },
        Check {
            what: format!("{} DELETE requests, none for a protected user", deletes.len()),
            holds: wrong == 0 && !deletes.is_empty(),
        },
        Check {
            what: format!(
                "none of the {} methods that came before or after the window, or from others, is gone",
                before.harmful.len()
            ),
            holds: harmed == 0,
        },
        Check { what: "none before its intent was in the ledger".to_owned(), holds: early == 0 },
        Check {
            what: "none for another type than phone, Authenticator and software OATH".to_owned(),
            holds: strayed == 0,
        },
    ])
}
