//! A tenant that does something wrong for good: what can be read is read, what cannot is named, and status and exit
//! code say so.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use simulator::{NewEvent, Part, Standing};

use crate::support::{World, now, outcome, text};

fn world(seed: u64, standing: Standing) -> World {
    World::with(60, seed, |options| {
        options.audit_page_size = 20;
        options.faults.standing = Some(standing);
    })
}

fn unread(world: &World) -> Vec<String> {
    let status = world.json(0, &["status"]);
    status["unread"].as_array().unwrap().iter().map(|what| what.as_str().unwrap().to_owned()).collect()
}

/// The ids of the records of the window that break, of both services.
fn broken(world: &World) -> BTreeSet<String> {
    let broken = world.tenant.broken_events();
    let within = |name: &str| world.env[name].parse::<Timestamp>().unwrap();
    let (start, end) = (within("PREVIEW_ENABLED_AT"), within("REGISTERED_UNTIL"));
    let events = world.tenant.events();
    let of_window = events.iter().filter(|event| {
        let at: Timestamp = event["activityDateTime"].as_str().unwrap().parse().unwrap();
        start <= at && at <= end
    });
    of_window.map(|event| event["id"].as_str().unwrap().to_owned()).filter(|id| broken.contains(id)).collect()
}

#[test]
fn refused_links_lose_nothing_and_each_page_is_a_gain() {
    for (seed, standing) in [(31, Standing::LinksRefused), (32, Standing::LinksRefusedAtTimes)] {
        let world = world(seed, standing);
        let result = world.json(0, &["run", "--mode", "enforce", "--yes"]);
        assert_eq!(result["poll"]["complete"], true);
        world.assert_safe();
        world.assert_as_expected();
        assert_eq!(unread(&world), Vec::<String>::new());
        let journal = world.tenant.journal();
        let pages = journal.iter().filter(|entry| entry.path.contains("directoryAudits")).count();
        assert!(pages < 200, "{pages}");
    }
}

#[test]
fn a_refused_link_is_said_once_a_service() {
    let world = world(33, Standing::LinksRefused);
    let output = world.run(&["run"]);
    let said = text(&output.stderr).matches("link to the next page of the audit log refused").count();
    assert!((1..=3).contains(&said), "{said}: {}", text(&output.stderr));
}

#[test]
fn more_records_of_one_moment_than_a_page_holds_behind_refused_links_are_a_gap() {
    let world = world(34, Standing::LinksRefused);
    let at = now() - Duration::from_hours(100);
    for n in 0..40 {
        let service = if n % 2 == 0 { "Authentication Methods" } else { "Azure MFA" };
        let event = NewEvent::new("User reviewed security info", at).id(&format!("same-{n}"));
        world.tenant.add_event(event.service(service));
        let event = NewEvent::new("User reviewed security info", at).id(&format!("other-{n}"));
        world.tenant.add_event(event.service(service));
    }
    let result = world.json(1, &["run"]);
    assert_eq!(result["poll"]["complete"], true, "the rest of the log is read");
    let unread = unread(&world);
    for service in ["Authentication Methods", "Azure MFA"] {
        assert!(unread.iter().any(|gap| gap.starts_with(service)), "{unread:?}");
    }
}

#[test]
fn what_stands_around_broken_records_is_read_and_they_are_named() {
    is_read_around_what_is_broken(35, Standing::BrokenRecords);
}

#[test]
fn so_is_what_stands_around_records_where_pages_are_cut() {
    is_read_around_what_is_broken(36, Standing::CutPages);
}

fn is_read_around_what_is_broken(seed: u64, standing: Standing) {
    let world = world(seed, standing);
    // Both services have one at least.
    for (n, service) in (0..17).flat_map(|n| [(n, "Authentication Methods"), (n, "Azure MFA")]) {
        let at = now() - Duration::from_mins(6_000 + n);
        let event = NewEvent::new("User reviewed security info", at).id(&format!("{service}-{n}"));
        world.tenant.add_event(event.service(service));
    }
    let broken = broken(&world);
    let result = world.json(1, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(result["poll"]["complete"], true);
    world.assert_safe();
    let unread = unread(&world);
    let events = world.tenant.events();
    let mut services = BTreeSet::new();
    for event in events.iter().filter(|event| broken.contains(event["id"].as_str().unwrap())) {
        let service = event["loggedByService"].as_str().unwrap();
        assert!(unread.iter().any(|gap| gap.starts_with(service)), "{service}: {unread:?}");
        services.insert(service.to_owned());
    }
    let doctor = world.run(&["doctor"]);
    assert!(text(&doctor.stdout).contains("export this part"), "{}", text(&doctor.stdout));
    let held = world.json(0, &["report", "--held"]);
    let named: BTreeSet<String> = held
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| Some(line["event_id"].as_str()?.to_owned()))
        .collect();
    if standing == Standing::BrokenRecords {
        assert!(broken.is_subset(&named), "{broken:?} {named:?}");
    }
    // Users whose records are whole are handled as ever.
    let outcomes = world.outcomes();
    let is_hit = |id: &str| {
        events
            .iter()
            .any(|event| broken.contains(event["id"].as_str().unwrap()) && event.to_string().contains(id))
    };
    let whole = world.cast.residents.iter().filter(|who| !is_hit(&who.id.to_string()));
    let mut as_ever = 0;
    for resident in whole.filter(|who| who.part != Part::AmbiguousEvent) {
        let got = outcomes.get(&resident.id.to_string()).map_or("none", String::as_str);
        let is_right = got == resident.part.expected();
        assert!(is_right || standing == Standing::CutPages, "{got}: {:?}", resident.part);
        as_ever += usize::from(is_right);
    }
    assert!(as_ever > 20, "{as_ever}");
    // What stays broken is named by every run.
    world.json(1, &["run"]);
    assert_eq!(services.len(), 2, "both services have broken records");
}

#[test]
fn a_broken_record_that_an_export_has_is_held_no_longer() {
    let world = world(42, Standing::BrokenRecords);
    let broken = broken(&world);
    world.json(1, &["run"]);
    let held = || -> BTreeSet<String> {
        let held = world.json(0, &["report", "--held"]);
        let events = held.as_array().unwrap().iter().filter(|line| line["user_id"].is_null());
        events.map(|line| line["event_id"].as_str().unwrap().to_owned()).collect()
    };
    let before = held();
    assert!(!broken.is_empty() && broken.is_subset(&before), "{broken:?} {before:?}");
    let path = world.path("whole.json");
    std::fs::write(&path, serde_json::to_string(&world.tenant.events()).unwrap()).unwrap();
    world.run(&["rollback", "--audit-log", path.to_str().unwrap()]);
    // Registrations that are nobody's stay so, whoever reads them.
    let of_nobody = |id: &String| {
        let id = id.as_str();
        world.tenant.events().iter().any(|event| {
            event["id"] == id && event["targetResources"][0]["id"] != event["initiatedBy"]["user"]["id"]
        })
    };
    let left: BTreeSet<String> =
        held().into_iter().filter(|id| broken.contains(id) && !of_nobody(id)).collect();
    assert_eq!(left, BTreeSet::new());
}

#[test]
fn a_story_that_is_not_whole_holds_its_user() {
    let world = world(43, Standing::LinksRefused);
    let victim = world.of(Part::Phone).clone();
    let at = now() - Duration::from_hours(100);
    for n in 0..25 {
        let event = NewEvent::new("Update user", at).service("Account Provisioning").id(&format!("same-{n}"));
        world.tenant.add_event(event.target(victim.id, &victim.user_principal_name));
    }
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    world.assert_safe();
    assert_eq!(world.outcomes()[&victim.id.to_string()], "held(methods_of_window_unknown)");
    assert!(world.outcomes().values().any(|outcome| outcome == "rolled_back"), "others are rolled back");
}

#[test]
fn a_log_with_gaps_that_cannot_be_asked_by_user_holds_everybody() {
    let world = World::with(60, 35, |options| {
        options.audit_page_size = 20;
        options.audit_by_target = false;
        options.faults.standing = Some(Standing::BrokenRecords);
    });
    assert!(!broken(&world).is_empty());
    world.json(1, &["run", "--mode", "enforce", "--yes"]);
    assert!(world.tenant.journal().iter().all(|entry| entry.method != "DELETE"));
    assert!(world.outcomes().values().any(|outcome| outcome == "held(methods_of_window_unknown)"));
}

#[test]
fn a_filter_that_finds_nothing_is_not_a_log_without_events() {
    let world = world(37, Standing::BlindFilter);
    for _ in 0..2 {
        let output = world.run(&["run", "--mode", "enforce", "--yes"]);
        assert_eq!(output.status.code(), Some(3));
        let said = text(&output.stderr);
        assert!(said.contains("without that filter it has such events"), "{said}");
    }
    assert_eq!(unread(&world).len(), 1);
    let doctor = world.run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(3));
    assert!(text(&doctor.stdout).contains("not read since"), "{}", text(&doctor.stdout));
    assert!(world.tenant.journal().iter().all(|entry| entry.method != "DELETE"));
}

#[test]
fn a_log_without_events_is_not_a_filter_that_finds_nothing() {
    let mut world = World::with(60, 38, |options| options.audit_page_size = 20);
    let early = |days: u64| (now() - Duration::from_hours(24 * days)).to_string();
    // Nobody registered then, though the log is kept that long.
    world.env.insert("PREVIEW_ENABLED_AT".to_owned(), early(29));
    world.env.insert("PREVIEW_DISABLED_AT".to_owned(), early(29));
    world.env.insert("REGISTERED_UNTIL".to_owned(), early(28));
    world.json(0, &["run"]);
    assert_eq!(unread(&world), Vec::<String>::new());
}

#[test]
fn a_delete_that_leads_nowhere_deleted_nothing() {
    let mut world = world(39, Standing::NoDeleteRoute);
    world.env.insert("MAX_FAILURE_PERCENT".to_owned(), "100".to_owned());
    let result = world.json(1, &["run", "--mode", "enforce", "--yes"]);
    let users = result["users"].as_array().unwrap();
    let is_deleting = |part: Part| ["rolled_back", "partial(default_refused)"].contains(&part.expected());
    for resident in world.cast.residents.iter().filter(|who| is_deleting(who.part)) {
        let line = users.iter().find(|line| line["user_id"] == resident.id.to_string()).unwrap();
        assert_eq!(outcome(line), "failed(refused)", "{:?}", resident.part);
        assert_eq!(line["methods_deleted"], Value::Array(Vec::new()));
    }
    world.assert_safe();
}

#[test]
fn a_sign_in_that_a_proxy_answers_says_so_and_a_page_behind_it_hides_nothing() {
    for (seed, standing, says) in [
        (40, Standing::SignInPage, "something that is not Entra's (a proxy?)"),
        (41, Standing::SignInJsonThenPage, "AADSTS7000215: the client secret is wrong"),
    ] {
        let world = world(seed, standing);
        for args in [&["run"][..], &["doctor"]] {
            let output = world.run(args);
            assert_eq!(output.status.code(), Some(3));
            assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
        }
    }
}
