//! Reads about one user.

use jiff::{SignedDuration, Timestamp};

use crate::{
    decide::external_of,
    domain::{
        account::About,
        facts::{Account, Facts, LogReading, Reading, RegistrationReport, Told},
        ids::UserId,
        method::{PerUserMfa, names},
        policies::WhatIf,
        story::Story,
        user_ref::UserRef,
    },
    graph::{Answer, GraphError, Urgency},
    process::Scope,
};

use super::interrupted::Interrupted;

/// How old account and methods may be at a user's first DELETE.
pub(super) const FRESH_FOR: SignedDuration = SignedDuration::from_secs(5);

/// Reads per-user MFA and methods, the account, and what poll put on record.
pub(super) async fn read(scope: &Scope, user: UserId, urgency: Urgency) -> Result<Facts, Interrupted> {
    let began = scope.process.clock.now();
    let by_id = UserRef::Id(user);
    let graph = &scope.process.graph;
    // The account is not read before the others had their turn, so that it is no older.
    let (per_user_mfa, methods) =
        tokio::join!(graph.per_user_mfa(user, urgency), graph.methods(user, urgency));
    let account = graph.user(&by_id).await;
    let sent = |answer: Option<Timestamp>| answer.unwrap_or(began);
    let read_at = sent(per_user_mfa.as_ref().ok().map(|answer| answer.sent))
        .min(sent(methods.as_ref().ok().map(|answer| answer.sent)))
        .min(sent(account.as_ref().ok().map(|answer| answer.sent)));
    let mut request_ids = Vec::new();
    let account = match account {
        Err(GraphError::NotFound) => Reading::Known(Account::NotFound),
        answer => match reading(answer, &mut request_ids)? {
            Reading::Known(found) if found.id != user => {
                Reading::Unknown("Graph answered with another account".to_owned())
            }
            Reading::Known(found) => Reading::Known(Account::Found(Box::new(found))),
            Reading::Unknown(why) => Reading::Unknown(why),
        },
    };
    if matches!(account, Reading::Known(Account::NotFound)) {
        let gone = || "the account is not found".to_owned();
        return Ok(Facts {
            read_at,
            account,
            per_user_mfa: Reading::Unknown(gone()),
            methods: Reading::Unknown(gone()),
            report: RegistrationReport::default(),
            acts: Vec::new(),
            story: Story::default(),
            log: LogReading::Never,
            told: Told::NotAsked,
            what_if: WhatIf::NotAsked,
            request_ids,
        });
    }
    // In this order: a scan that has finished by now has put its acts on record.
    let (report, log) = scope.process.ledger.report(user, scope.process.settings.policy.window.start).await?;
    Ok(Facts {
        read_at,
        account,
        per_user_mfa: reading(per_user_mfa, &mut request_ids)?,
        methods: reading(methods, &mut request_ids)?,
        report,
        acts: scope.process.ledger.acts(user).await?,
        story: scope.process.ledger.story(user).await?,
        log,
        told: Told::NotAsked,
        what_if: WhatIf::NotAsked,
        request_ids,
    })
}

/// Turns a lasting refusal for this one user into an unknown. Any other error interrupts the handling.
fn reading<T>(
    answer: Result<Answer<T>, GraphError>,
    request_ids: &mut Vec<String>,
) -> Result<Reading<T>, Interrupted> {
    match answer {
        Ok(answer) => {
            request_ids.extend(answer.request_id);
            Ok(Reading::Known(answer.body))
        }
        Err(error) if error.comes_back() || error.stops_everything() => Err(error.into()),
        Err(error) => {
            request_ids.extend(error.request_id().map(str::to_owned));
            Ok(Reading::Unknown(error.to_string()))
        }
    }
}

/// What reports tell about the user.
pub(super) fn about(facts: &Facts, administrator: Option<&String>, with_names: bool) -> About {
    let user = match facts.account.known() {
        Some(Account::Found(user)) => Some(user),
        _ => None,
    };
    About {
        enabled: user.and_then(|user| user.account_enabled),
        external: user.and_then(|user| external_of(user).ok().flatten()).map(str::to_owned),
        synced: user.and_then(|user| user.on_premises_sync_enabled),
        administrator: administrator.cloned(),
        display_name: user.and_then(|user| user.display_name.clone()),
        user_principal_name: user.and_then(|user| user.user_principal_name.clone()).filter(|_| with_names),
        per_user_mfa: facts.per_user_mfa.known().map(|state| {
            match state {
                PerUserMfa::Disabled => "disabled",
                PerUserMfa::Enabled => "enabled",
                PerUserMfa::Enforced => "enforced",
                PerUserMfa::Unknown => "unknown",
            }
            .to_owned()
        }),
        methods_before: facts.methods.known().map(|methods| names(methods)).unwrap_or_default(),
    }
}
