//! `explain`: one user's live decision, with every rule, and the history.

use jiff::Timestamp;
use shared::{
    domain::{
        decision::{RuleAnswer, RuleResult},
        ids::UserId,
        method::MethodKind,
        origin::MethodOrigin,
        outcome::Verdict,
        user_ref::UserRef,
    },
    drain::{Explanation, Interrupted, ReadAt},
    graph::GraphError,
    settings::Mode,
    view::Past,
};

use crate::{
    args::Format,
    engine::Engine,
    error::{CommandError, Exit},
    output::{self, Rows},
    progress::clock_time,
    report::{follows, said},
};

pub(super) async fn explain(engine: &Engine, user: &UserRef, format: Format) -> Result<Exit, CommandError> {
    let id = named(engine, user).await?;
    let explanation = engine.run.explain(id).await.map_err(interrupted)?;
    show(&explanation, Some(engine.run.process.settings.mode), format)
}

/// Returns the id of a user who is named by id or principal name.
pub(super) async fn named(engine: &Engine, user: &UserRef) -> Result<UserId, CommandError> {
    if let UserRef::Id(id) = user {
        return Ok(*id);
    }
    match engine.run.process.graph.user(user).await {
        Ok(found) => Ok(found.body.id),
        Err(GraphError::NotFound) => Err(CommandError::input(
            "nobody in this tenant has this principal name; deleted users are found by object id only",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Turns what kept a user from being read into an error with its exit code.
pub(super) fn interrupted(interrupted: Interrupted) -> CommandError {
    match interrupted {
        Interrupted::Stop(cause) => cause.into(),
        Interrupted::Item(why) | Interrupted::Newer(why) => CommandError::usage(why),
        Interrupted::ComeBack { cause, .. } => CommandError { exit: Exit::Tenant, message: cause },
    }
}

/// Writes an explanation. `mode` is `None` for a stack, whose mode is not known here.
pub(super) fn show(
    explanation: &Explanation,
    mode: Option<Mode>,
    format: Format,
) -> Result<Exit, CommandError> {
    match format {
        Format::Json | Format::Ndjson => output::write_json(format, explanation)?,
        Format::Csv => output::write(format, &rules(&explanation.decision.rules), &())?,
        Format::Table | Format::Html | Format::Mail => write_table(mode, explanation),
    }
    Ok(Exit::Done)
}

fn rules(rules: &[RuleResult]) -> Rows {
    let row = |result: &RuleResult| {
        let (answer, note) = match &result.answer {
            RuleAnswer::Pass { note } => ("pass", note.clone().unwrap_or_default()),
            RuleAnswer::No { note, .. } => ("no", note.clone()),
            RuleAnswer::NotApplicable => ("not applicable", String::new()),
            RuleAnswer::Unknown { note } => ("unknown", note.clone()),
        };
        vec![result.rule.to_string(), answer.to_owned(), note]
    };
    Rows { header: vec!["rule", "answer", "why"], rows: rules.iter().map(row).collect() }
}

fn methods(methods: &[MethodOrigin]) -> Rows {
    let row = |found: &MethodOrigin| {
        vec![found.method.kind.to_string(), found.origin.to_string(), found.evidence.clone(), follows(found)]
    };
    let header = vec!["method", "origin", "evidence", "what follows"];
    Rows { header, rows: methods.iter().map(row).collect() }
}

/// Answer and note in one column, which leaves more room for what was seen.
fn in_words(rules: &[RuleResult]) -> Rows {
    let row = |result: &RuleResult| vec![result.rule.to_string(), said(&result.answer)];
    Rows { header: vec!["rule", "answer"], rows: rules.iter().map(row).collect() }
}

/// How old each reading was.
fn ages(read_at: &ReadAt) -> Option<String> {
    let decided = read_at.decided?;
    let age = |what: &str, at: Option<Timestamp>| {
        Some(format!("{what} {} s ago", decided.duration_since(at?).as_secs().max(0)))
    };
    let all = [
        age("exclusions, roles and policies", read_at.tenant),
        age("account, per-user MFA and methods", read_at.user),
        age("the audit log", read_at.audit_log),
    ];
    let told: Vec<String> = all.into_iter().flatten().collect();
    Some(told.join("; "))
}

fn write_table(mode: Option<Mode>, explanation: &Explanation) {
    let now = mode.map_or("now".to_owned(), |mode| format!("mode {mode}"));
    let about = &explanation.about;
    let name = |name: &Option<String>| name.as_deref().map(output::plain).unwrap_or_default();
    output::say!(
        "{} {} {}",
        explanation.user_id,
        name(&about.user_principal_name),
        name(&about.display_name)
    );
    output::say!("{}", output::table(&in_words(&explanation.decision.rules)));
    if let Some(ages) = ages(&explanation.read_at) {
        output::say!("read: {ages}");
    }
    output::say!("decision now: {}", explanation.decision.verdict);
    match (explanation.decision.verdict, explanation.stops_at) {
        (Verdict::RollBack, Some(outcome)) => output::say!("{now}: {outcome}"),
        (Verdict::RollBack, None) => {
            output::say!("{now}: the next run rolls this user back");
        }
        _ => {}
    }
    output::say!("methods now: {}", output::kinds(&about.methods_before));
    if !explanation.decision.methods.is_empty() {
        output::say!("{}", output::table(&methods(&explanation.decision.methods)));
    }
    if let Some(consequences) = &explanation.decision.consequences {
        let names = |kinds: &[MethodKind]| {
            let names: Vec<&str> = kinds.iter().map(MethodKind::as_str).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        };
        let sspr = match &consequences.sspr_loses {
            Some(kinds) => format!("self-service password reset loses {}", names(kinds)),
            None => "what self-service password reset loses is not known".to_owned(),
        };
        let still = names(&consequences.still_can_do_mfa);
        output::say!("what the user will notice: {sspr}; what stays that can do MFA: {still}");
    }
    match &explanation.on_record {
        None => output::say!("the ledger does not know this user"),
        Some(line) => {
            let reason = line.reason.as_ref().map(|reason| format!("({reason})")).unwrap_or_default();
            output::say!("on record: {}{reason}", line.outcome);
            for registration in &line.registrations {
                output::say!(
                    "  registered {} ({})",
                    clock_time(registration.registered_at),
                    registration.event_id
                );
            }
        }
    }
    for entry in &explanation.history {
        output::say!("  {}", line(entry));
    }
}

fn line(entry: &Past) -> String {
    match entry {
        Past::Outcome(concluded) => format!(
            "{} {} (deleted: {}; left: {})",
            clock_time(concluded.at),
            concluded.outcome,
            output::kinds(&concluded.methods_deleted),
            output::kinds(&concluded.methods_left)
        ),
        Past::Intent { at, methods } => format!("{} intent: {}", clock_time(*at), output::kinds(methods)),
        Past::Release { who, why, at } => {
            format!("{} released by {}: {}", clock_time(*at), output::plain(who), output::plain(why))
        }
        Past::Approved { who, why, plan, at } => {
            let (who, why) = (output::plain(who), output::plain(why));
            format!("{} plan {plan} approved by {who}: {why}", clock_time(*at))
        }
        Past::Erased { who, why, at } => {
            format!("{} erased by {}: {}", clock_time(*at), output::plain(who), output::plain(why))
        }
        Past::ByHand { who, why, at } => {
            format!("{} named by {}: {}", clock_time(*at), output::plain(who), output::plain(why))
        }
    }
}
