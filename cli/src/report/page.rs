//! The report as one self-contained page: no network, no script.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use shared::{
    domain::{brake::BrakeState, outcome::Outcome},
    view::{Status, next_step},
};

use super::{
    Switch,
    chart::{Bar, Marks, Part, bars, columns},
    columns::outcome,
    forecast::Forecast,
    overview::{Group, Noticed, Overview, day},
    record::record,
};
use crate::progress::clock_time;

const STYLE: &str = include_str!("page.css");

/// The page may load nothing from elsewhere, and no script runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

pub(super) fn page(overview: &Overview, status: &Status, switches: &[Switch], now: Timestamp) -> Markup {
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
                nav {
                    a href="#look" { "To look at" } " "
                    a href="#outcomes" { "By outcome" } " "
                    a href="#tell" { "Whom to tell" }
                }
                main {
                    (heading(overview, status, now))
                    (forecast(status, now))
                    (pictures(overview, status, switches))
                    (to_look_at(overview))
                    (by_reason(overview))
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

/// When everybody who waits will be done: people plan by it.
fn forecast(status: &Status, now: Timestamp) -> Markup {
    let Some(forecast) = Forecast::of(status, now) else { return html! {} };
    let on = |at: Timestamp| at.strftime("%A, %Y-%m-%d").to_string();
    html! {
        p id="forecast" {
            (forecast.waiting) " users wait. At " (forecast.cap) " in 24 h (" code { "MAX_ROLLBACKS_PER_DAY" } ") the last is done "
            @if forecast.at_the_cap == now { "today" } @else { "on " b { (on(forecast.at_the_cap)) } }
            ", if mode, brake and preflight let them"
            @if let Some(at) = forecast.at_this_pace {
                "; at the pace of the last 24 h (" (status.slots_taken) " users) on " b { (on(at)) }
            }
            "."
        }
    }
}

fn marks(status: &Status, switches: &[Switch]) -> Marks {
    let band = status.window.map(|window| (day(window.start), day(window.end), "window"));
    let lines =
        switches.iter().map(|(at, what)| (day(*at), format!("{what}: {}", clock_time(*at)))).collect();
    Marks { band, lines }
}

fn pictures(overview: &Overview, status: &Status, switches: &[Switch]) -> Markup {
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
                figcaption { "What was found " span { "registrations by day" @if status.window.is_some() { "; the window is shaded" } } }
                (columns("Registrations by day", &[registered], &marks(status, switches)))
                @if !switches.is_empty() {
                    ul.quiet { @for (at, what) in switches { li { (clock_time(*at)) ": " (what) } } }
                }
            }
            figure {
                figcaption { "What was decided and done " span { "latest outcomes by day" } }
                (columns("Outcomes by day", &reached, &Marks::default()))
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
        h2 id="outcomes" { "By outcome and reason" }
        div.scroll tabindex="0" role="region" aria-label="By outcome and reason" {
            table {
                thead { tr { th scope="col" { "outcome" } th scope="col" { "users" } th scope="col" { "what to do next" } } }
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
        @for (step, lines) in overview.to_do() {
            h3 { (step) span.quiet { " " (lines.len()) } }
            @for line in lines { (record(line)) }
        }
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
                "ask them for a code. " code { "mfa-rollback report --format mail" } " writes to each of them."
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
