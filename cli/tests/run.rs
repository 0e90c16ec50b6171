//! Whole runs of the real binary against a simulated tenant on loopback.

use std::time::Duration;

use shared::domain::rule::Rule;
use simulator::{ConditionalAccess, NewEvent, Part};

use crate::support::{World, now, outcome, text};

#[test]
fn report_then_canary_then_enforce_needs_one_scan_and_touches_nobody_it_should_not() {
    let mut world = World::new(60, 11);
    let report = world.json(0, &["run"]);
    assert_eq!(report["mode"], "report");
    assert_eq!(report["poll"]["complete"], true);
    assert!(report["users"].as_array().unwrap().iter().any(|user| outcome(user) == "would_roll_back"));
    assert!(
        world.tenant.journal().iter().all(|entry| entry.method != "DELETE"),
        "mode report deletes nothing"
    );

    world.env.insert("CANARY_GROUP_ID".into(), world.cast.canary_group.to_string());
    let canary = world.json(0, &["run", "--mode", "canary"]);
    let rolled_back: Vec<_> = canary["users"].as_array().unwrap().iter().map(outcome).collect();
    assert_eq!(rolled_back, vec!["rolled_back"; 5]);

    let enforce = world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(enforce["poll"]["candidates"], 0, "nothing is found anew");
    world.assert_safe();
    world.assert_as_expected();

    let again = world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(again["users"], serde_json::json!([]), "there is nothing left to do");
    world.assert_safe();
}

#[test]
fn the_daily_cap_lets_the_rest_wait_and_releasing_the_brake_frees_no_slot() {
    let mut world = World::new(60, 12);
    world.env.insert("MAX_ROLLBACKS_PER_DAY".into(), "3".into());
    let first = world.json(0, &["run", "--mode", "enforce", "--yes"]);
    let users = first["users"].as_array().unwrap();
    assert_eq!(users.iter().filter(|user| outcome(user) == "rolled_back").count(), 3);
    assert!(users.iter().filter(|user| outcome(user) == "deferred(daily_cap)").count() > 5);
    world.json(0, &["brake", "open", "--reason", "look"]);
    world.json(0, &["brake", "release", "--reason", "looked"]);
    let second = world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(second["users"], serde_json::json!([]));
    world.assert_safe();
}

#[test]
fn an_open_brake_stops_everything_until_it_is_released() {
    let world = World::new(60, 13);
    world.json(0, &["run"]);
    world.json(0, &["brake", "open", "--reason", "wait"]);
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert!(world.tenant.journal().iter().all(|entry| entry.method != "DELETE"));
    world.json(0, &["brake", "release", "--reason", "go on"]);
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    world.assert_safe();
    world.assert_as_expected();
}

#[test]
fn a_released_administrator_is_rolled_back_and_an_excluded_user_cannot_be_released() {
    let mut world = World::new(60, 14);
    world.json(0, &["run"]);
    let administrator = world.of(Part::Administrator).id;
    let refused = world.run(&["release", &administrator.to_string(), "--reason", "agreed with her"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("RELEASABLE_USER_IDS"), "{}", text(&refused.stderr));
    world.env.insert("RELEASABLE_USER_IDS".to_owned(), administrator.to_string());
    let lifted = world.json(0, &["release", &administrator.to_string(), "--reason", "agreed with her"]);
    assert_eq!(lifted["lifted"], serde_json::json!(["administrator"]));
    let refused = world.run(&["release", &world.of(Part::BreakGlass).id.to_string(), "--reason", "x"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("held(excluded) cannot be released"), "{}", text(&refused.stderr));
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(world.outcomes()[&administrator.to_string()], "rolled_back");
}

#[test]
fn the_log_is_asked_about_a_user_before_anything_is_deleted() {
    let world = World::new(60, 21);
    world.json(0, &["run"]);
    let user = world.of(Part::Phone);
    // Poll does not read what comes after the window.
    let told = NewEvent::new("Admin updated security info", now() - Duration::from_mins(5))
        .reason("Admin changed phone method for user")
        .actor(uuid::Uuid::from_u128(5), "helpdesk@contoso.example")
        .target(user.id, &user.user_principal_name);
    world.tenant.add_event(told);
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(world.outcomes()[&user.id.to_string()], "held(registered_by_admin)");
    assert_eq!(world.strong_methods(user), 1);
    world.assert_safe();
    let explained = world.json(0, &["explain", &user.id.to_string()]);
    assert_eq!(explained["decision"]["verdict"], "held(registered_by_admin)");
    assert_eq!(explained["decision"]["methods"][0]["origin"], "by_admin");
}

#[test]
fn a_tenant_that_cannot_be_asked_by_user_is_rolled_back_by_a_reading_for_all() {
    let world = World::with(60, 22, |options| options.audit_by_target = false);
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    world.assert_safe();
    world.assert_as_expected();
}

#[test]
fn nobody_is_rolled_back_before_a_second_look_and_wait_waits_for_it() {
    let mut world = World::new(60, 23);
    world.env.insert("SECOND_LOOK_MINUTES".to_owned(), "1".to_owned());
    let user = world.of(Part::Phone).clone();
    let output = world.run(&["run", "--mode", "enforce", "--yes"]);
    assert_eq!(world.outcomes()[&user.id.to_string()], "deferred(second_look)");
    assert!(text(&output.stderr).contains("wait for a second look, until"), "{}", text(&output.stderr));
    assert_eq!(world.strong_methods(&user), 1);
    world.env.insert("MODE".to_owned(), "enforce".to_owned());
    let explained = world.json(0, &["explain", &user.id.to_string()]);
    assert_eq!(explained["stops_at"], "deferred(second_look)");
    let waited = world.json(0, &["run", "--mode", "enforce", "--yes", "--wait"]);
    assert!(waited["users"].as_array().unwrap().iter().any(|line| line["user_id"] == user.id.to_string()));
    world.assert_safe();
    world.assert_as_expected();
}

#[test]
fn a_policy_for_a_group_holds_its_members_and_one_that_depends_on_the_place_holds_everybody() {
    let world = World::new(60, 27);
    let (member, other) = (world.of(Part::Phone).id, world.of(Part::AuthenticatorAndPhone).id);
    let group = world.tenant.add_group("Pilot");
    world.tenant.add_member(group, member);
    world.tenant.add_policy(ConditionalAccess::demanding_mfa_of("Pilot", group));
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    let outcomes = world.outcomes();
    assert_eq!(outcomes[&member.to_string()], "held(mfa_required)");
    assert_eq!(outcomes[&other.to_string()], "rolled_back");
    world.assert_safe();
    let explained = world.json(0, &["explain", &member.to_string()]);
    assert!(
        explained.to_string().contains("What If: the Conditional Access policy \\\"Pilot\\\" demands MFA")
    );

    let world = World::new(60, 27);
    let everywhere_else = ConditionalAccess {
        depends_on_place: true,
        ..ConditionalAccess::demanding_mfa("Outside the office", Vec::new())
    };
    world.tenant.add_policy(everywhere_else);
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert!(world.outcomes().values().all(|outcome| outcome != "rolled_back"));
}

#[test]
fn doctor_compares_the_window_with_what_the_log_keeps_and_with_the_previews_switches() {
    let mut world = World::new(60, 26);
    let about = |world: &World, what: &str| {
        let checks = world.json(0, &["doctor"]);
        let is_it = |check: &&serde_json::Value| check["what"] == what;
        let line = |check: &serde_json::Value| format!("{} {}", check["result"], check["detail"]);
        checks.as_array().unwrap().iter().filter(is_it).map(line).collect::<Vec<_>>()
    };
    let found = about(&world, "preview switch");
    assert!(found.len() == 2 && found.iter().all(|line| line.contains("does the window fit?")), "{found:?}");
    for (setting, off_by) in [("PREVIEW_ENABLED_AT", 0), ("PREVIEW_DISABLED_AT", 180)] {
        let at: jiff::Timestamp = world.env[setting].parse().unwrap();
        let event = NewEvent::new("Updated ConvergedUXV2 feature value", at - Duration::from_mins(off_by));
        world.tenant.add_event(event.service("Core Directory"));
    }
    let found = about(&world, "preview switch");
    assert!(found[0].starts_with("\"ok\"") && found[0].contains("PREVIEW_ENABLED_AT"), "{found:?}");
    assert!(found[1].starts_with("\"note\"") && found[1].contains("does the window fit?"), "{found:?}");
    assert_eq!(about(&world, "window"), [""; 0]);
    world.env.insert("AUDIT_RETENTION_DAYS".to_owned(), "1".to_owned());
    assert!(about(&world, "window")[0].contains("unproven unless proof is on record"));
}

#[test]
fn an_erased_user_is_not_rolled_back_twice() {
    let world = World::new(60, 19);
    let user = world.of(Part::Phone).id;
    let pending = world.run(&["erase", &user.to_string(), "--reason", "too early"]);
    assert_eq!(pending.status.code(), Some(2), "there is no ledger yet");
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(world.outcomes()[&user.to_string()], "rolled_back");
    let erased = world.json(0, &["erase", &user.to_string(), "--reason", "request 4711"]);
    assert!(erased["entries"].as_u64().unwrap() >= 2, "{erased}");
    assert!(!world.outcomes().contains_key(&user.to_string()));
    let told = world.json(0, &["explain", &user.to_string()]);
    let history = told["history"].as_array().unwrap();
    assert_eq!((history.len(), &history[0]["what"]), (1, &serde_json::json!("erased")));
    world.tenant.add_method(user, simulator::NewMethod::authenticator());
    let path = world.path("ids.txt");
    std::fs::write(&path, user.to_string()).unwrap();
    let again = world.json(0, &["rollback", "--path", path.to_str().unwrap(), "--mode", "enforce", "--yes"]);
    assert_eq!(outcome(&again["users"][0]), "held(re_registered)");
    world.assert_safe();
}

#[test]
fn users_named_by_hand_go_through_the_same_rules_and_nobody_else_is_handled() {
    let world = World::new(60, 15);
    let ordinary = world.of(Part::Phone).id;
    let administrator = world.of(Part::Administrator);
    let path = world.path("ids.txt");
    let text_file = format!(
        "\u{feff}# from the help desk\r\n\"{}\"\r\n{}\r\n",
        ordinary.to_string().to_uppercase(),
        administrator.user_principal_name
    );
    std::fs::write(&path, text_file).unwrap();
    let result = world.json(0, &["rollback", "--path", path.to_str().unwrap(), "--mode", "enforce", "--yes"]);
    assert_eq!(result["poll"], serde_json::Value::Null);
    let users = result["users"].as_array().unwrap();
    assert_eq!(users.len(), 2);
    let of = |id: &str| users.iter().find(|user| user["user_id"] == id).map(outcome).unwrap();
    assert_eq!(of(&administrator.id.to_string()), "held(administrator)");
    // The audit log is read first: a registration vouches for the phone.
    assert_eq!(of(&ordinary.to_string()), "rolled_back");
    world.assert_safe();
}

#[test]
fn an_export_past_retention_makes_candidates_like_any_other() {
    let world = World::new(60, 16);
    let path = world.path("export.json");
    std::fs::write(&path, serde_json::to_vec(&world.tenant.events()).unwrap()).unwrap();
    let result =
        world.json(1, &["rollback", "--audit-log", path.to_str().unwrap(), "--mode", "enforce", "--yes"]);
    assert!(result["users"].as_array().unwrap().len() > 30);
    world.assert_safe();
    world.assert_as_expected();
    assert!(
        world.tenant.journal().iter().any(|entry| entry.path.contains("directoryAudits")),
        "what others did to the methods is asked of the tenant's audit log"
    );
}

#[test]
fn an_export_shows_nothing_that_the_log_no_longer_holds_unless_a_person_vouches_for_it() {
    let mut world = World::with(60, 28, |options| options.retention = Duration::from_mins(1));
    world.env.insert("AUDIT_RETENTION_DAYS".to_owned(), "1".to_owned());
    let path = world.path("export.json");
    std::fs::write(&path, serde_json::to_vec(&world.tenant.events()).unwrap()).unwrap();
    let file = path.to_str().unwrap();
    let user = world.of(Part::Phone).id.to_string();
    world.json(1, &["rollback", "--audit-log", file, "--mode", "enforce", "--yes"]);
    assert_eq!(world.outcomes()[&user], "held(unproven_method)");
    world.json(1, &["rollback", "--audit-log", file, "--vouch", "--mode", "enforce", "--yes"]);
    assert_eq!(world.outcomes()[&user], "rolled_back");
    let explained = world.json(0, &["explain", &user]);
    let vouched = &explained["on_record"]["registrations"][0]["claim"]["vouched"];
    assert_eq!(vouched["sha256"].as_str().unwrap().len(), 64);
    world.assert_safe();
}

#[test]
fn what_an_export_tells_against_a_method_counts_too() {
    let world = World::new(60, 20);
    let user = world.of(Part::Phone).id;
    let mut events = world.tenant.events();
    let own = events.iter().find(|event| event["targetResources"][0]["id"] == user.to_string().as_str());
    let mut changed = own.unwrap().clone();
    changed["id"] = "changed-by-an-administrator".into();
    changed["activityDisplayName"] = "Admin updated security info".into();
    changed["resultReason"] = "Admin changed phone method for user".into();
    events.push(changed);
    let path = world.path("export.json");
    std::fs::write(&path, serde_json::to_vec(&events).unwrap()).unwrap();
    let file = path.to_str().unwrap();
    let result = world.json(1, &["rollback", "--audit-log", file, "--mode", "enforce", "--yes"]);
    let users = result["users"].as_array().unwrap();
    let found = users.iter().find(|found| found["user_id"] == user.to_string().as_str()).unwrap();
    assert_eq!(outcome(found), "held(registered_by_admin)");
    world.assert_safe();
}

#[test]
fn explain_shows_every_rule_and_deletes_nothing_in_any_mode() {
    let mut world = World::new(60, 17);
    world.env.insert("MODE".into(), "enforce".into());
    let explained = world.json(0, &["explain", &world.of(Part::Guest).id.to_string()]);
    assert_eq!(explained["decision"]["verdict"], "held(external)");
    assert_eq!(explained["decision"]["rules"].as_array().unwrap().len(), Rule::ALL.len());
    let by_name = world.json(0, &["explain", &world.of(Part::Phone).user_principal_name]);
    assert_eq!(by_name["decision"]["rules"].as_array().unwrap().len(), Rule::ALL.len());
    assert!(world.tenant.journal().iter().all(|entry| entry.method != "DELETE"));
}

#[test]
fn the_log_has_one_decision_and_one_outcome_a_handling() {
    let world = World::new(60, 18);
    let log = world.path("log");
    let output = world
        .command(&["run", "--mode", "enforce", "--yes", "--log", log.to_str().unwrap(), "--format", "json"])
        .env("RUST_LOG", "trace")
        .output()
        .unwrap();
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let lines: Vec<serde_json::Value> = std::fs::read_to_string(&log)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let count = |message: &str| lines.iter().filter(|line| line["message"] == message).count();
    let users = result["users"].as_array().unwrap().len();
    assert_eq!((count("user decided"), count("user outcome"), count("poll finished")), (users, users, 1));
}

#[test]
fn a_registration_that_was_nobodys_is_ended_by_an_export_that_names_its_user() {
    let world = World::new(60, 21);
    world.json(0, &["run"]);
    let of_nobody = |report: serde_json::Value| -> Vec<String> {
        let lines = report.as_array().unwrap().iter().filter(|line| line["user_id"].is_null());
        lines.map(|line| line["event_id"].as_str().unwrap().to_owned()).collect()
    };
    let held = of_nobody(world.json(0, &["report", "--held"]));
    assert_eq!(held.len(), 1);
    let events = serde_json::to_value(world.tenant.events()).unwrap();
    let event = events.as_array().unwrap().iter().find(|event| event["id"] == held[0].as_str());
    let mut event = event.unwrap().clone();
    event["targetResources"][0]["id"] = event["initiatedBy"]["user"]["id"].clone();
    let path = world.path("clear.json");
    std::fs::write(&path, format!("[{event}]")).unwrap();
    world.json(0, &["rollback", "--audit-log", path.to_str().unwrap()]);
    assert_eq!(of_nobody(world.json(0, &["report", "--held"])), [""; 0]);
}

#[test]
fn an_export_decided_on_in_mode_report_is_rolled_back_by_the_same_command_in_mode_enforce() {
    let world = World::new(60, 19);
    let path = world.path("export.json");
    std::fs::write(&path, serde_json::to_vec(&world.tenant.events()).unwrap()).unwrap();
    let file = path.to_str().unwrap();
    // One registration is nobody's, so that it is never 0.
    world.json(1, &["rollback", "--audit-log", file]);
    assert!(world.tenant.journal().iter().all(|entry| entry.method != "DELETE"));
    world.json(1, &["rollback", "--audit-log", file, "--mode", "enforce", "--yes"]);
    world.assert_safe();
    world.assert_as_expected();
}
