//! The report as one self-contained page: no network, no script.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use shared::{
    domain::decision::Decision,
    domain::{brake::BrakeState, outcome::Outcome},
    view::{Line, Status, next_step},
};

use super::{
    chart::{Bar, Part, bars, columns},
    columns::{registrations, said},
    overview::{Group, Noticed, Overview},
};
use crate::{output::kinds, progress::clock_time};

const STYLE: &str = include_str!("page.css");

/// The page may load nothing from elsewhere, and no script runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

pub(super) fn page(overview: &Overview, status: &Status, now: Timestamp) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "mfa-rollback: report of " (clock_time(now)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (heading(overview, status, now))
                    (pictures(overview))
                    (by_reason(overview))
                    (to_look_at(overview))
                    (whom_to_tell(overview))
                }
            }
        }
    }
}

fn heading(overview: &Overview, status: &Status, now: Timestamp) -> Markup {
    html! {
        h1 { "Users registered for MFA by mistake" }
        p.quiet {
            "Tenant " span.id { (status.tenant_id) } ", " (clock_time(now))
            @if let Some(mode) = status.mode { ", mode " (mode) }
            @if let Some(window) = status.window { ", window " (clock_time(window.start)) " to " (clock_time(window.end)) }
            @match status.complete_to {
                Some(to) => { ", audit log scanned up to " (clock_time(to)) },
                None => ", audit log not scanned yet",
            }
        }
        @if status.brake.state == BrakeState::Open {
            p.alarm { "The brake is open: nothing is deleted until a person releases it (" code { "brake release" } ")." }
        }
        @if status.missed > 0 {
            p.alarm { (status.missed) " registrations were missed by scans and found by a sweep (docs/runbook.md, MissedEvents)." }
        }
        div.tiles {
            div.tile { b { (overview.all) } span { "found" } }
            @for group in Group::ALL {
                div class=(format!("tile {}", group.class())) { b { (overview.of(group)) } span { (group.title()) } }
            }
        }
    }
}

fn pictures(overview: &Overview) -> Markup {
    let registered = Part {
        name: "registrations",
        class: Group::Waits.class(),
        days: overview.registered.iter().map(|(day, count)| (*day, *count)).collect(),
    };
    let reached = Group::ALL.map(|group| Part {
        name: group.title(),
        class: group.class(),
        days: overview.reached.iter().map(|(day, counts)| (*day, counts[group as usize])).collect(),
    });
    let mut outcomes: Vec<Bar> = overview
        .outcomes
        .iter()
        .map(|((kind, reason), count)| (outcome(kind, reason.as_deref()), *count, Group::of(kind).class()))
        .collect();
    outcomes.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let more = outcomes.len().saturating_sub(12);
    outcomes.truncate(12);
    let deleted: Vec<Bar> =
        overview.deleted.iter().map(|(kind, count)| (kind.clone(), *count, Group::Done.class())).collect();
    html! {
        div.pictures {
            figure {
                figcaption { "What was found " span { "registrations by day" } }
                (columns("Registrations by day", &[registered]))
            }
            figure {
                figcaption { "What was decided and done " span { "latest outcomes by day" } }
                (columns("Outcomes by day", &reached))
            }
            figure {
                figcaption { "Outcomes by reason" @if more > 0 { span { " the twelve largest; all are below" } } }
                (bars("Outcomes by reason", &outcomes))
            }
            figure {
                figcaption { "What users notice " span { "of those who are or would be rolled back" } }
                (bars("What users notice", &noticed(&overview.noticed)))
                @if !deleted.is_empty() {
                    figcaption.next { "Methods deleted" }
                    (bars("Methods deleted", &deleted))
                }
            }
        }
    }
}

fn noticed(noticed: &Noticed) -> Vec<Bar> {
    let bar = |name: &str, count, group: Group| (name.to_owned(), count, group.class());
    vec![
        bar("password reset loses methods", noticed.sspr_loses, Group::Look),
        bar("password reset loses nothing", noticed.sspr_loses_nothing, Group::Done),
        bar("not known whether it does", noticed.sspr_not_known, Group::LeftAlone),
        bar("something can still do MFA", noticed.still_can_do_mfa, Group::Waits),
        bar("no method but a password left", noticed.no_method_left, Group::Waits),
    ]
}

fn by_reason(overview: &Overview) -> Markup {
    html! {
        h2 { "By outcome and reason" }
        div.scroll {
            table {
                thead { tr { th { "outcome" } th { "users" } th { "what to do next" } } }
                tbody {
                    @for ((kind, reason), count) in &overview.outcomes {
                        @let name = outcome(kind, reason.as_deref());
                        tr {
                            td { (name) }
                            td.count { (count) }
                            td { (name.parse::<Outcome>().map_or("run", |outcome| next_step(outcome, None))) }
                        }
                    }
                }
            }
        }
    }
}

fn to_look_at(overview: &Overview) -> Markup {
    let (all, shown) = (overview.of(Group::Look), overview.to_look_at.len() as u64);
    html! {
        h2 id="look" { "To look at" }
        @if all == 0 { p.none { "Nobody waits for a person." } }
        @if shown < all {
            p.quiet { (shown) " of " (all) " are shown; " code { "mfa-rollback report --held --format csv" } " has all." }
        }
        @for line in &overview.to_look_at { (record(line)) }
    }
}

fn whom_to_tell(overview: &Overview) -> Markup {
    let (all, shown) = (overview.of(Group::Done), overview.rolled_back.len() as u64);
    html! {
        h2 id="tell" { "Whom to tell" }
        @if all == 0 { p.none { "Nobody was rolled back yet." } }
        @else {
            p {
                "They sign in without MFA again. Self-service password reset has lost the phone, too, and nobody will ever "
                "ask them for a code. docs/tell-users.md is a text to send them."
            }
        }
        @if shown < all {
            p.quiet {
                "The latest " (shown) " of " (all) "; "
                code { "mfa-rollback report --outcome rolled_back --names --format csv" } " has all."
            }
        }
        @for line in overview.rolled_back.iter().rev() { (record(line)) }
    }
}

/// A user's line, which expands to the record of the decision.
fn record(line: &Line) -> Markup {
    let user = line.user_id.map(|user| user.to_string());
    let event = line.event_id.as_ref().map(|event| format!("event {event}"));
    html! {
        details class=(Group::of(&line.outcome).class()) {
            summary {
                span.id { (user.or(event).unwrap_or_default()) } " "
                @if let Some(name) = &line.display_name { (name) " " }
                @if let Some(name) = &line.user_principal_name { "(" (name) ") " }
                span.what { (outcome(&line.outcome, line.reason.as_deref())) }
                span.quiet { " " (line.next_step) }
            }
            dl {
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
        div.scroll {
            table {
                thead { tr { th { "rule" } th { "answer" } } }
                tbody {
                    @for result in &decision.rules {
                        tr { td { (result.rule) } td { (said(&result.answer)) } }
                    }
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

fn outcome(kind: &str, reason: Option<&str>) -> String {
    reason.map_or_else(|| kind.to_owned(), |reason| format!("{kind}({reason})"))
}
