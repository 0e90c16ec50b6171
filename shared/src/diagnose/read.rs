//! Reads what a diagnosis is made from. What cannot be read becomes an unknown with its reason: a missing permission, and
//! a throttle or deadline too, since a person waits for the answer. Only a refused sign-in, and an account that cannot be
//! read now, interrupt.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use super::{
    Question,
    facts::{Decided, Facts, Group, PolicyChange, Sspr},
    finding::{AskedMethod, Symptom},
    policy_change::LOOKS_BACK,
    told::ToldEvent,
};
use crate::{
    audit::{DirectoryAudit, is_about},
    domain::{
        facts::Reading,
        ids::{GroupId, UserId},
        methods_policy::MethodsPolicy,
        policies::{Policies, SignIn},
        story::{Story, worth_keeping},
        user_ref::UserRef,
        window::shift,
    },
    drain::{self, Interrupted, StopCause},
    graph::{GraphError, HIDDEN_MEMBERS, Urgency},
    process::{Process, Scope},
    text::same_name,
};

/// How many groups are looked at concurrently, and at most.
const AT_ONCE: usize = 8;
const MOST_GROUPS: usize = 40;

/// The activities by which policies change, of whatever service: of methods, of what demands MFA, and of SSPR for
/// administrators. Each is one request.
/// Source: <https://learn.microsoft.com/en-us/entra/identity/monitoring-health/reference-audit-activities>.
const METHODS_CHANGE: &str = "Authentication Methods Policy Update";
const DEMAND_CHANGES: [&str; 2] = ["Update security defaults", "Update conditional access policy"];
const AUTHORIZATION_CHANGE: &str = "Update authorization policy";

/// What a request came to.
fn settled<T>(answer: Result<T, GraphError>) -> Result<Reading<T>, Interrupted> {
    match answer {
        Ok(known) => Ok(Reading::Known(known)),
        Err(error) if error.is_no_sign_in() => Err(error.into()),
        Err(error) => Ok(Reading::Unknown(error.to_string())),
    }
}

fn not_asked<T>() -> Reading<T> {
    Reading::Unknown("it was not asked".to_owned())
}

/// Reads everything that the question needs. Returns `None` if the directory does not know the user.
pub(super) async fn read(
    scope: &Scope,
    user_id: UserId,
    question: Question,
) -> Result<Option<Facts>, Interrupted> {
    let process = &scope.process;
    let graph = &process.graph;
    let by_id = UserRef::Id(user_id);
    let (user, per_user_mfa, methods) = tokio::join!(
        graph.user(&by_id),
        graph.per_user_mfa(user_id, Urgency::Begun),
        graph.methods(user_id, Urgency::Begun)
    );
    let user = match user {
        Err(GraphError::NotFound) => return Ok(None),
        Err(error) if error.comes_back() => return Err(error.into()),
        answer => settled(answer.map(|answer| answer.body))?,
    };
    let preflight = process.preflight().await?;
    let now = process.clock.now();
    let is_prompt = question.is_about(Symptom::UnexpectedPrompt);
    let is_missing = question.is_about(Symptom::MissingMethods);
    let registers = is_missing || question.is_about(Symptom::CannotAdd);
    let role = match &preflight.belts.administrators {
        Reading::Known(list) => Reading::Known(list.get(&user_id).cloned()),
        Reading::Unknown(why) => Reading::Unknown(why.clone()),
    };
    let is_administrator = matches!(role, Reading::Known(Some(_)));
    let policies = preflight.belts.policies.clone();
    let mut activities = vec![METHODS_CHANGE];
    activities.extend(is_missing.then_some(DEMAND_CHANGES).into_iter().flatten());
    activities.extend((is_missing && is_administrator).then_some(AUTHORIZATION_CHANGE));
    let methods_policy = if registers { settled(graph.methods_policy().await)? } else { not_asked() };
    let groups = match &methods_policy {
        Reading::Known(policy) => groups(process, user_id, policy, preflight.granted.as_deref()).await?,
        Reading::Unknown(_) => BTreeMap::new(),
    };
    let (events, missing, story) = story(process, user_id).await?;
    Ok(Some(Facts {
        user_id,
        user,
        now,
        window: process.settings.policy.window,
        per_user_mfa: settled(per_user_mfa.map(|answer| answer.body))?,
        methods: settled(methods.map(|answer| answer.body))?,
        administrators_may_reset: if is_missing && is_administrator {
            settled(graph.administrators_may_reset().await)?
        } else {
            not_asked()
        },
        role,
        sspr: if is_missing || question.method.is_some_and(AskedMethod::serves_sspr_alone) {
            sspr(process, user_id).await?
        } else {
            not_asked()
        },
        demands: if is_missing || is_prompt {
            demands(process, user_id, &policies).await?
        } else {
            Vec::new()
        },
        policies,
        changes: if registers { changes(process, &activities).await? } else { not_asked() },
        methods_policy,
        groups,
        events,
        missing,
        story,
        decision: if is_prompt { decision(scope, user_id).await? } else { not_asked() },
    }))
}

/// Whether the user is in each group that the policy names.
async fn groups(
    process: &Process,
    user: UserId,
    policy: &MethodsPolicy,
    granted: Option<&[String]>,
) -> Result<BTreeMap<GroupId, Group>, Interrupted> {
    let named: BTreeSet<GroupId> = policy.groups().collect();
    let asked: BTreeSet<GroupId> = named.into_iter().take(MOST_GROUPS).collect();
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let holding = settled(process.graph.groups_of(user, &asked).await)?;
    let sees_hidden = granted.is_some_and(|granted| granted.iter().any(|held| held == HIDDEN_MEMBERS));
    let views = stream::iter(&asked).map(|id| async move { (*id, process.graph.group(*id).await) });
    let mut groups = BTreeMap::new();
    for (id, view) in views.buffered(AT_ONCE).collect::<Vec<_>>().await {
        let (name, is_hidden) = match settled(view)? {
            Reading::Known(view) => (view.name, view.is_hidden),
            Reading::Unknown(_) => (id.to_string(), false),
        };
        let holds = match &holding {
            Reading::Unknown(why) => Reading::Unknown(format!("the user's groups: {why}")),
            Reading::Known(holding) if holding.contains(&id) => Reading::Known(true),
            Reading::Known(_) if is_hidden && !sees_hidden => Reading::Unknown(format!(
                "group {name} hides its members: grant {HIDDEN_MEMBERS} to see whether the user is in it"
            )),
            Reading::Known(_) => Reading::Known(false),
        };
        groups.insert(id, Group { name, holds });
    }
    Ok(groups)
}

async fn sspr(process: &Process, user: UserId) -> Result<Reading<Sspr>, Interrupted> {
    Ok(match settled(process.graph.registration_details_of(user).await)? {
        Reading::Known(line) if line.id.parse() != Ok(user) => {
            Reading::Unknown("the report answers with another user's line".to_owned())
        }
        Reading::Known(line) => {
            Reading::Known(Sspr { enabled: line.is_sspr_enabled, registered: line.is_sspr_registered })
        }
        Reading::Unknown(why) if why == GraphError::NotFound.to_string() => Reading::Unknown(
            "the registration report has no line of the user yet: it is hours old".to_owned(),
        ),
        Reading::Unknown(why) => Reading::Unknown(why),
    })
}

/// What Conditional Access demands in each sign-in in which a policy could demand anything.
async fn demands(
    process: &Process,
    user: UserId,
    policies: &Reading<Policies>,
) -> Result<Vec<(SignIn, Reading<Option<String>>)>, Interrupted> {
    let mut demands = Vec::new();
    for sign_in in policies.known().map(|policies| policies.questions(user)).unwrap_or_default() {
        demands.push((sign_in, settled(process.graph.what_if(user, sign_in).await)?));
    }
    Ok(demands)
}

/// The changes of policies that the log shows of late, oldest first.
async fn changes(
    process: &Process,
    activities: &[&'static str],
) -> Result<Reading<Vec<PolicyChange>>, Interrupted> {
    let from = shift(process.clock.now(), -LOOKS_BACK);
    let mut changes = Vec::new();
    for &activity in activities {
        let found = match settled(process.graph.audit_records_named(activity, from).await)? {
            Reading::Known(found) => found,
            Reading::Unknown(why) => return Ok(Reading::Unknown(why)),
        };
        if let Some(missing) = found.missing {
            return Ok(Reading::Unknown(missing));
        }
        let records = found.records.iter().filter_map(|json| DirectoryAudit::from_graph(json.get()).ok());
        changes.extend(
            records
                .filter(|record| same_name(&record.activity_display_name, activity))
                .map(|record| PolicyChange { at: record.activity_date_time, activity: activity.to_owned() }),
        );
    }
    changes.sort_by_key(|change| change.at);
    Ok(Reading::Known(changes))
}

/// What the log and the ledger tell of the user's security info, and what is missing from it.
async fn story(
    process: &Process,
    user: UserId,
) -> Result<(Vec<ToldEvent>, Option<String>, Story), Interrupted> {
    let kept = process.ledger.story(user).await?;
    let from = shift(process.clock.now(), -process.settings.retention);
    let found = match settled(process.graph.audit_records_of(user, from).await)? {
        Reading::Known(found) => found,
        Reading::Unknown(why) => {
            let events = kept.changes().iter().map(ToldEvent::of_directory).collect();
            return Ok((events, Some(format!("the audit log cannot be asked about the user: {why}")), kept));
        }
    };
    let (mut events, mut changes, mut missing) = (Vec::new(), Vec::new(), found.missing);
    for record in &found.records {
        let json = record.get();
        match is_about(json, user) {
            Ok(true) => {}
            Ok(false) => {
                missing.get_or_insert_with(|| "the audit log answers with the records of others".to_owned());
                continue;
            }
            Err(error) => {
                missing.get_or_insert_with(|| format!("a record cannot be read: {error}"));
                continue;
            }
        }
        match DirectoryAudit::from_graph(json) {
            Ok(record) => {
                events.extend(ToldEvent::of(&record));
                let change = record.change().ok().flatten().filter(|(whose, _)| *whose == user);
                changes.extend(change.map(|(_, change)| change));
            }
            Err(error) => _ = missing.get_or_insert_with(|| format!("a record cannot be read: {error}")),
        }
    }
    let story = kept.with(&worth_keeping(changes));
    events.extend(story.changes().iter().map(ToldEvent::of_directory));
    events.sort_by_key(|event| event.at);
    Ok((events, missing, story))
}

/// What `explain` decides, or why it cannot.
async fn decision(scope: &Scope, user: UserId) -> Result<Reading<Decided>, Interrupted> {
    match drain::explain(scope, user).await {
        Ok(explanation) => Ok(Reading::Known(Decided {
            decision: explanation.decision,
            stops_at: explanation.stops_at,
            is_on_record: explanation.on_record.is_some(),
        })),
        Err(Interrupted::Stop(StopCause::Tenant(error))) if !error.is_no_sign_in() => {
            Ok(Reading::Unknown(error.to_string()))
        }
        Err(Interrupted::Item(why) | Interrupted::Newer(why) | Interrupted::ComeBack { cause: why, .. }) => {
            Ok(Reading::Unknown(why))
        }
        Err(other) => Err(other),
    }
}
