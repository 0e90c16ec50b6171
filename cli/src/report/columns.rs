//! The columns of a report.

use shared::{
    domain::{
        decision::{Consequences, RuleAnswer},
        method::MethodKind,
        rule::Rule,
    },
    view::Line,
};

use crate::output::{USER, kinds};

type Cell = Box<dyn Fn(&Line) -> String + Send + Sync>;

/// Column names, each with how to fill the cells below it.
pub(super) struct Columns(Vec<(&'static str, Cell)>);

impl Columns {
    /// The columns that a table has room for; the first one names the user, by id.
    pub(super) fn few() -> Self {
        let user: Cell = Box::new(|line| match (line.user_id, &line.event_id) {
            (Some(user), _) => user.to_string(),
            (None, Some(event)) => format!("event {event}"),
            (None, None) => String::new(),
        });
        let mut columns = vec![(USER, user)];
        columns.extend(outcome_and_reason());
        columns.push(("methods_deleted", Box::new(|line| kinds(&line.methods_deleted))));
        columns.push(("methods_left", Box::new(|line| kinds(&line.methods_left))));
        columns.push(("next_step", Box::new(|line| line.next_step.clone())));
        Self(columns)
    }

    /// All columns, for CSV.
    pub(super) fn all(names: bool) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut columns: Vec<(&'static str, Cell)> = vec![
            ("user_id", Box::new(|line| shown(line.user_id))),
            ("event_id", Box::new(|line| shown(line.event_id.as_ref()))),
        ];
        add_names(&mut columns, names);
        columns.extend(outcome_and_reason());
        columns.push(("at", Box::new(|line| shown(line.at))));
        columns.push(("next_step", Box::new(|line| line.next_step.clone())));
        columns.push(("asked_by", Box::new(move |line| text(&line.asked_by))));
        columns.push(("registrations", Box::new(registrations)));
        columns.push(("enabled", Box::new(|line| shown(line.enabled))));
        columns.push(("external", Box::new(move |line| text(&line.external))));
        columns.push(("synced", Box::new(|line| shown(line.synced))));
        columns.push(("administrator", Box::new(move |line| text(&line.administrator))));
        columns.push(("per_user_mfa", Box::new(move |line| text(&line.per_user_mfa))));
        columns.push(("methods_before", Box::new(|line| kinds(&line.methods_before))));
        columns.push(("methods_deleted", Box::new(|line| kinds(&line.methods_deleted))));
        columns.push(("methods_left", Box::new(|line| kinds(&line.methods_left))));
        columns.extend(consequences());
        columns.push(("verdict", Box::new(|line| shown(line.decision.as_ref().map(|it| it.verdict)))));
        columns.push(("decided_at", Box::new(|line| shown(line.decision.as_ref().map(|it| it.decided_at)))));
        columns.extend(Rule::ALL.iter().map(|&rule| {
            let cell: Cell = Box::new(move |line| answer(line, rule));
            (column(rule), cell)
        }));
        columns.push(("graph_request_ids", Box::new(|line| line.request_ids.join(" "))));
        Self(columns)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    pub(super) fn row(&self, line: &Line) -> Vec<String> {
        self.0.iter().map(|(_, cell)| cell(line)).collect()
    }
}

fn outcome_and_reason() -> [(&'static str, Cell); 2] {
    [
        ("outcome", Box::new(|line: &Line| line.outcome.clone())),
        ("reason", Box::new(|line: &Line| line.reason.clone().unwrap_or_default())),
    ]
}

fn consequences() -> [(&'static str, Cell); 3] {
    fn consequences(line: &Line) -> Option<&Consequences> {
        line.decision.as_ref()?.consequences.as_ref()
    }
    [
        (
            "sspr_loses",
            Box::new(|line: &Line| {
                let loses = consequences(line).and_then(|it| it.sspr_loses.as_deref());
                loses.map_or_else(|| "not known".to_owned(), words)
            }),
        ),
        (
            "still_can_do_mfa",
            Box::new(|line: &Line| {
                let kinds = consequences(line).map(|it| it.still_can_do_mfa.as_slice());
                words(kinds.unwrap_or_default())
            }),
        ),
        ("no_method_left", Box::new(|line: &Line| shown(consequences(line).map(|it| it.no_method_left)))),
    ]
}

fn add_names(columns: &mut Vec<(&'static str, Cell)>, names: bool) {
    if names {
        let name = |line: &Line| line.user_principal_name.clone().unwrap_or_default();
        columns.push(("user_principal_name", Box::new(name)));
        columns.push(("display_name", Box::new(|line| line.display_name.clone().unwrap_or_default())));
    }
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn words(kinds: &[MethodKind]) -> String {
    kinds.iter().map(MethodKind::as_str).collect::<Vec<_>>().join(" ")
}

/// Lists the registrations: when each was, and the kinds that its reason names.
pub(super) fn registrations(line: &Line) -> String {
    let each = line.registrations.iter().map(|registration| {
        let named = if registration.methods.is_empty() {
            "no kind named".to_owned()
        } else {
            words(&registration.methods)
        };
        format!("{} {named}", registration.registered_at)
    });
    each.collect::<Vec<_>>().join("; ")
}

fn answer(line: &Line, rule: Rule) -> String {
    let results = line.decision.as_ref().map(|decision| decision.rules.as_slice()).unwrap_or_default();
    results.iter().find(|result| result.rule == rule).map(|result| said(&result.answer)).unwrap_or_default()
}

/// An outcome with its reason, as the command line takes it.
pub(super) fn outcome(kind: &str, reason: Option<&str>) -> String {
    reason.map_or_else(|| kind.to_owned(), |reason| format!("{kind}({reason})"))
}

/// Puts a rule's answer into words.
pub(crate) fn said(answer: &RuleAnswer) -> String {
    match answer {
        RuleAnswer::Pass { note: None } => "pass".to_owned(),
        RuleAnswer::Pass { note: Some(note) } => format!("pass: {note}"),
        RuleAnswer::No { note, .. } => format!("no: {note}"),
        RuleAnswer::NotApplicable => "not applicable".to_owned(),
        RuleAnswer::Unknown { note } => format!("unknown: {note}"),
    }
}

/// Names a rule's column. The state of per-user MFA has a column of its own.
fn column(rule: Rule) -> &'static str {
    match rule {
        Rule::PerUserMfa => "per_user_mfa_disabled",
        rule => rule.into(),
    }
}
