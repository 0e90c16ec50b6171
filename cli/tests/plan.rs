//! What was reviewed is what happens: plans made, read, approved and kept to, by the real binary.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::collections::BTreeSet;

use serde_json::Value;
use simulator::{NewMethod, Part};

use crate::support::{World, text};

fn users(plan: &Value) -> Vec<String> {
    let users = plan["users"].as_array().unwrap().iter();
    users.map(|user| user["user_id"].as_str().unwrap().to_owned()).collect()
}

fn deleted(world: &World) -> BTreeSet<String> {
    let journal = world.tenant.journal();
    let deletes = journal.iter().filter(|entry| entry.method == "DELETE" && entry.acted);
    deletes.filter_map(|entry| Some(entry.user?.to_string())).collect()
}

#[test]
fn nothing_goes_that_the_approved_plan_does_not_name_and_what_changed_is_held_for_the_next_one() {
    let mut world = World::new(60, 21);
    world.env.insert("REQUIRE_APPROVAL".into(), "always".into());
    let report = world.run(&["run"]);
    let said = text(&report.stdout);
    assert!(said.contains("would be rolled back; `plan show` lists them"), "{said}");
    let shown = world.json(0, &["plan", "show"]);
    let hash = shown["plan"]["hash"].as_str().unwrap().to_owned();
    assert!(said.contains(&hash), "{said}");
    assert!(!shown.to_string().contains("salt") && !shown.to_string().contains("number_hash"));
    let planned = users(&shown);
    assert_eq!(planned.len(), usize::try_from(shown["plan"]["users"].as_u64().unwrap()).unwrap());

    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(deleted(&world), BTreeSet::new(), "nobody approved anything");
    assert_eq!(world.outcomes()[&planned[0]], "deferred(not_approved)");

    // Behind the plan's back somebody registers another app.
    let changed = world.of(Part::Phone).id;
    world.tenant.add_method(changed, NewMethod::authenticator());
    let (changed, spared) =
        (changed.to_string(), planned.iter().find(|id| **id != changed.to_string()).unwrap());
    let wrong = world.run(&["plan", "approve", "0123456789abcdef0123456789abcdef", "--reason", "x"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("there is no plan"), "{}", text(&wrong.stderr));
    let approved = world.json(0, &["plan", "approve", &hash, "--reason", "read by two", "--except", spared]);
    assert_eq!(approved["left_out"], 1);
    assert_eq!(approved["approved"].as_u64().unwrap() + 1, planned.len() as u64);

    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    let outcomes = world.outcomes();
    let gone = deleted(&world);
    assert!(gone.iter().all(|user| planned.contains(user)), "{gone:?}");
    assert!(!gone.contains(&changed) && !gone.contains(spared));
    assert_eq!(outcomes[spared], "deferred(not_approved)");
    assert_ne!(outcomes[&changed], "rolled_back");
    for user in planned.iter().filter(|user| *user != spared && **user != changed) {
        assert_eq!(outcomes[user], "rolled_back");
    }
    world.assert_safe();
    let history =
        world.json(0, &["explain", &planned.iter().find(|user| gone.contains(*user)).unwrap().clone()]);
    let approved =
        history["history"].as_array().unwrap().iter().find(|past| past["what"] == "approved").unwrap();
    assert_eq!(
        (&approved["why"], &approved["plan"]),
        (&Value::from("read by two"), &Value::from(hash.clone()))
    );

    let next = world.json(0, &["plan", "make"]);
    let diff = world.json(0, &["plan", "diff", &hash]);
    assert_ne!(next["hash"].as_str().unwrap(), hash);
    assert!(diff["removed"].as_array().unwrap().len() >= gone.len(), "{diff}");
}

#[test]
fn the_first_plan_is_the_backlog_and_whoever_registers_later_goes_by_themselves() {
    let mut world = World::new(60, 22);
    world.env.insert("REQUIRE_APPROVAL".into(), "first".into());
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(deleted(&world), BTreeSet::new());
    let hash = world.json(0, &["plan", "make"])["hash"].as_str().unwrap().to_owned();
    world.json(0, &["plan", "approve", &hash, "--reason", "the backlog", "--first", "1"]);
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    assert_eq!(deleted(&world).len(), 1, "only the slice");
    world.assert_safe();

    let fingerprint = world.run(&["plan", "approve", &hash, "--reason", "all of it"]);
    assert_eq!(fingerprint.status.code(), Some(1), "one was rolled back meanwhile");
    assert!(text(&fingerprint.stdout).contains("1 were decided otherwise"), "{}", text(&fingerprint.stdout));
    world.json(0, &["run", "--mode", "enforce", "--yes"]);
    world.assert_safe();
    world.assert_as_expected();
}
