//! What `doctor` says about settings, permissions and the tenant, the same on the command line and on AWS.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    audit::{DirectoryAudit, Event, PREVIEW_SWITCHES, interpret},
    domain::{
        facts::Reading,
        method::MethodKind,
        window::{Window, shift},
    },
    graph::{AuditQuery, Graph},
    poll::Position,
    preflight::{Fault, NEEDED, OPTIONAL, Preflight},
    settings::Settings,
};

/// The result of a check.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Finding {
    /// As it must be.
    Ok,
    /// Something is missing that the program needs to work, or to delete.
    Missing,
    /// An operator should know it; it stops nothing.
    Note,
}

impl Finding {
    /// Its name in results, the same as in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Check {
    /// What was checked, such as `sign-in`, or a permission by its name.
    pub what: String,
    /// How the check turned out.
    pub result: Finding,
    /// What was found, and what to do if something is missing. It may contain names that other people chose.
    pub detail: String,
}

impl Check {
    /// A check that found everything as it must be.
    pub fn ok(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), result: Finding::Ok, detail: detail.into() }
    }

    /// A check that found something missing.
    pub fn missing(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), result: Finding::Missing, detail: detail.into() }
    }

    /// A check that found something an operator should know.
    pub fn note(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), result: Finding::Note, detail: detail.into() }
    }
}

/// Sums up mode and window in one line.
pub fn settings(settings: &Settings) -> Check {
    let window = settings.policy.window;
    Check::ok("settings", format!("mode {}, window {} to {}", settings.mode, window.start, window.end))
}

/// The audit log's time is to a tenth of a microsecond: what was at the switch itself is not after it.
const NEXT_MOMENT: SignedDuration = SignedDuration::from_micros(1);

/// How far a switch may be from the moment that a setting names.
const SAME_SWITCH: SignedDuration = SignedDuration::from_hours(1);

/// When the preview was switched since `from`, and by which activity, as the audit log has it; or what is missing of that.
pub async fn switches(graph: &Graph, from: Timestamp) -> Result<Vec<(Timestamp, &'static str)>, String> {
    let mut switched = Vec::new();
    for activity in PREVIEW_SWITCHES {
        let found = graph.audit_records_named(activity, from).await.map_err(|error| error.to_string())?;
        if let Some(missing) = found.missing {
            return Err(missing);
        }
        let records = found.records.iter().filter_map(|json| DirectoryAudit::from_graph(json.get()).ok());
        switched.extend(records.map(|record| (record.activity_date_time, activity)));
    }
    Ok(switched)
}

/// Compares the window with what the audit log still keeps, and with its records of the preview's switch.
pub async fn window(settings: &Settings, graph: &Graph, now: Timestamp) -> Vec<Check> {
    let window = settings.policy.window;
    let mut checks = Vec::new();
    let kept_from = shift(now, -settings.retention);
    if window.start < kept_from {
        checks.push(Check::note(
            "window",
            format!(
                "it began at {}, and the audit log keeps events from {kept_from} on: whoever registered before that is \
                 not found, and their methods are unproven unless proof is on record",
                window.start
            ),
        ));
    }
    let from = shift(window.start, -SAME_SWITCH).max(kept_from);
    let switched = match switches(graph, from).await {
        Ok(switched) => switched,
        Err(missing) => {
            checks.push(Check::note("preview switch", format!("cannot be read from the log: {missing}")));
            checks.extend(after_the_switch(&window, graph, now, kept_from).await);
            return checks;
        }
    };
    for (setting, at) in
        [("PREVIEW_ENABLED_AT", window.start), ("PREVIEW_DISABLED_AT", window.preview_disabled_at)]
    {
        let away = |(switch, _): &&(Timestamp, &str)| switch.duration_since(at).abs();
        let check = match switched.iter().min_by_key(away) {
            _ if at < from => continue,
            None => Check::note(
                "preview switch",
                format!("the log shows no switch since {from}: check {setting} ({at}) yourself"),
            ),
            Some(nearest) if away(&nearest) <= SAME_SWITCH => {
                Check::ok("preview switch", format!("{} at {}, near {setting} ({at})", nearest.1, nearest.0))
            }
            Some((switch, activity)) => Check::note(
                "preview switch",
                format!(
                    "none within an hour of {setting} ({at}); the nearest: {activity} at {switch}: does the window fit?"
                ),
            ),
        };
        checks.push(check);
    }
    checks.extend(after_the_switch(&window, graph, now, kept_from).await);
    checks
}

/// What an operator takes for a failed switch, and is not one.
const NO_FAULT: &str = "combined registration is everybody's default today, so a registration after the switch is no fault by itself";

/// Tells what was registered after the preview was switched off, by the kinds that the window is about. Reads one page:
/// a sample is enough to see whether the switch took effect.
async fn after_the_switch(
    window: &Window,
    graph: &Graph,
    now: Timestamp,
    kept_from: Timestamp,
) -> Option<Check> {
    const WHAT: &str = "after the switch";
    let from = window.preview_disabled_at.max(kept_from);
    if now <= from {
        return None;
    }
    let asked = AuditQuery::Named("User registered security info", shift(from, NEXT_MOMENT));
    let page = match graph.audit_page(&asked).await {
        Ok(page) => page,
        Err(error) => {
            return Some(Check::note(WHAT, format!("registrations cannot be read from the log: {error}")));
        }
    };
    let mut kinds: BTreeMap<MethodKind, usize> = BTreeMap::new();
    let (mut all, mut in_window, mut users) = (0, 0, BTreeSet::new());
    for json in &page.records {
        let Ok(record) = DirectoryAudit::from_graph(json.get()) else { continue };
        let Event::Registration(registration) = interpret(&record) else { continue };
        let strong = registration.methods.iter().filter(|kind| kind.is_strong());
        let Some(kind) = strong.min() else { continue };
        *kinds.entry(kind.clone()).or_default() += 1;
        all += 1;
        in_window += usize::from(window.contains(registration.registered_at));
        users.insert(registration.user_id);
    }
    let at_least = if page.next.is_some() || page.cut.is_some() { "at least " } else { "" };
    let detail = match (all, at_least) {
        (0, "") => return Some(Check::ok(WHAT, format!("nobody registered a phone or an app since {from}"))),
        (0, _) => format!("a page of the log has no registration of a phone or an app since {from}"),
        _ => {
            let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            format!(
                "{at_least}{all} registrations of a phone or an app by {} users since {from} ({}), {in_window} of them in \
                 the window: {NO_FAULT}",
                users.len(),
                kinds.join(", ")
            )
        }
    };
    Some(Check::note(WHAT, detail))
}

/// Reports sign-in, permissions, other preflight faults, exclusions, administrators and policies.
pub fn tenant(settings: &Settings, preflight: &Preflight) -> Vec<Check> {
    let mut checks = vec![Check::ok("sign-in", format!("tenant {}", settings.tenant))];
    permissions(preflight, settings.needs_to_delete(), &mut checks);
    for fault in &preflight.faults {
        if !matches!(fault, Fault::Permission { .. }) {
            checks.push(Check::missing("preflight", fault.to_string()));
        }
    }
    people(preflight, &mut checks);
    policies(preflight, &mut checks);
    optional(preflight, &mut checks);
    checks
}

/// Reports what of the audit log could not be read.
pub fn audit_log(position: &Position) -> Vec<Check> {
    let what = "audit log";
    let trouble = position
        .trouble
        .iter()
        .map(|trouble| Check::missing(what, format!("not read since {}: {}", trouble.since, trouble.what)));
    let gaps = position.gaps.iter().map(|gap| {
        Check::note(what, format!("not read: {gap}; export this part and use rollback --audit-log"))
    });
    let mut checks: Vec<Check> = trouble.chain(gaps).collect();
    if let (true, Some(to)) = (checks.is_empty(), position.complete_to) {
        checks.push(Check::ok(what, format!("read up to {to}")));
    }
    checks
}

fn permissions(preflight: &Preflight, to_delete: bool, checks: &mut Vec<Check>) {
    let Some(granted) = &preflight.granted else { return };
    for needed in NEEDED {
        let check = match (needed.is_granted(granted), needed.to_delete && !to_delete) {
            (true, _) => Check::ok,
            (false, true) => Check::note,
            (false, false) => Check::missing,
        };
        checks.push(check(needed.permission, needed.needed_for));
    }
}

/// Reports the permissions that nothing but `diagnose` asks for.
fn optional(preflight: &Preflight, checks: &mut Vec<Check>) {
    let Some(granted) = &preflight.granted else { return };
    for needed in OPTIONAL {
        let check = if needed.is_granted(granted) { Check::ok } else { Check::note };
        checks.push(check(format!("optional: {}", needed.permission), needed.needed_for));
    }
}

fn people(preflight: &Preflight, checks: &mut Vec<Check>) {
    if let Reading::Known(excluded) = &preflight.belts.excluded {
        checks.push(Check::ok("exclusions", format!("{} users are excluded", excluded.len())));
    }
    if let Reading::Known(administrators) = &preflight.belts.administrators {
        let detail = format!("{} users hold a role or may take one", administrators.len());
        checks.push(Check::ok("administrators", detail));
    }
    if preflight.no_pim_licence {
        checks.push(Check::note("administrators", "no P2 licence: nobody can be PIM-eligible"));
    }
}

fn policies(preflight: &Preflight, checks: &mut Vec<Check>) {
    let mut note = |what: &str, detail: String| checks.push(Check::note(what, detail));
    let policies = match &preflight.belts.policies {
        Reading::Known(policies) => policies,
        Reading::Unknown(why) => return note("policies", format!("cannot be read: {why}")),
    };
    if policies.security_defaults {
        note(
            "security defaults",
            "on: MFA is demanded of everybody, so nobody is rolled back unless MFA_REQUIRED_USERS=roll_back"
                .to_owned(),
        );
    }
    if policies.registration_campaign {
        note("registration campaign", "on: rolled-back users are nudged to register again".to_owned());
    }
    for policy in &policies.conditional_access {
        let name = &policy.name;
        if policy.demands_mfa {
            note(
                "Conditional Access",
                format!("{name}: demands MFA: whom it is for by What If is held (mfa_required)"),
            );
        }
        if policy.guards_registration {
            note("Conditional Access", format!("{name}: guards who may register security information"));
        }
    }
    if !policies.conditional_access.iter().any(|policy| policy.guards_registration) {
        note(
            "Conditional Access",
            "no policy guards \"register security information\": whoever knows a password can register in a rolled-back user's place".to_owned(),
        );
    }
}
