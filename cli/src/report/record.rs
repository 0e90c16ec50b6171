//! One user on the page: a line, which expands to the record of the decision.

use maud::{Markup, html};
use shared::{
    domain::{decision::Decision, origin::MethodOrigin},
    view::Line,
};

use super::{
    columns::{outcome, registrations, said},
    overview::Group,
};
use crate::{output::kinds, progress::clock_time};

/// A user's line, which expands to the record of the decision.
pub(super) fn record(line: &Line) -> Markup {
    let user = line.user_id.map(|user| user.to_string());
    let event = line.event_id.as_ref().map(|event| format!("event {event}"));
    html! {
        details class=(Group::of(&line.outcome).class()) {
            summary {
                @if let Some(name) = line.user_principal_name.as_ref().or(line.display_name.as_ref()) { b { (name) } " " }
                span.id { (user.or(event).unwrap_or_default()) } " "
                span.what { (outcome(&line.outcome, line.reason.as_deref())) }
                span.quiet { " " (line.next_step) }
            }
            dl {
                (fact("display name", line.display_name.clone()))
                (fact("registered", Some(registrations(line)).filter(|text| !text.is_empty())))
                (fact("since", line.at.map(clock_time)))
                (fact("methods before", some(kinds(&line.methods_before))))
                (fact("methods deleted", some(kinds(&line.methods_deleted))))
                (fact("methods left", some(kinds(&line.methods_left))))
                (fact("external", line.external.clone()))
                (fact("administrator", line.administrator.clone()))
                (fact("per-user MFA", line.per_user_mfa.clone()))
                (fact("enabled", line.enabled.map(|it| it.to_string())))
                (fact("from on premises", line.synced.map(|it| it.to_string())))
                (fact("named by", line.asked_by.clone()))
                (fact("Graph's request ids", some(line.request_ids.join(" "))))
            }
            @if let Some(decision) = &line.decision { (decided(decision)) }
        }
    }
}

fn decided(decision: &Decision) -> Markup {
    html! {
        p.quiet { "Decided " (clock_time(decision.decided_at)) ": " b { (decision.verdict) } }
        @if !decision.methods.is_empty() {
            table {
                caption { "Where each method comes from" }
                thead { tr { th scope="col" { "method" } th scope="col" { "origin" } th scope="col" { "evidence" } th scope="col" { "what follows" } } }
                tbody {
                    @for found in &decision.methods {
                        tr { td { (found.method.kind) } td { (found.origin) } td { (found.evidence) } td { (follows(found)) } }
                    }
                }
            }
        }
            table {
                caption { "What each rule saw" }
                thead { tr { th scope="col" { "rule" } th scope="col" { "answer" } } }
                tbody {
                    @for result in &decision.rules {
                        tr { td { (result.rule) } td { (said(&result.answer)) } }
                    }
                }
            }
    }
}

fn fact(name: &str, value: Option<String>) -> Markup {
    html! { @if let Some(value) = value { dt { (name) } dd { (value) } } }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// What becomes of a method, in a word.
pub(crate) fn follows(found: &MethodOrigin) -> String {
    match found.held {
        Some(reason) => format!("held({reason})"),
        None if found.kept => "stays".to_owned(),
        None => "goes".to_owned(),
    }
}
