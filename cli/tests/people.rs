//! People by name: on the operator's own page and mails, and nowhere else unless asked for. `.ci/readme.py` looks at a
//! terminal.

use simulator::Part;

use crate::support::{World, text};

fn printed(world: &World, args: &[&str]) -> String {
    let output = world.run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn what_a_person_looks_at_has_principal_names_and_files_have_none() {
    let world = World::new(46, 31);
    world.json(0, &["run"]);
    let held = world.of(Part::Administrator);
    let (id, name) = (held.id.to_string(), world.tenant.user(held.id).unwrap().user_principal_name);
    for args in
        [&["report", "--names"][..], &["report", "--held", "--names"], &["report", "--format", "html"]]
    {
        let shown = printed(&world, args);
        assert!(shown.contains(&name) && shown.contains(&id), "{args:?}");
    }
    let explained = printed(&world, &["explain", &id]);
    assert!(explained.contains(&name) && explained.contains("read: exclusions, roles and policies "));
    for args in [
        &["report"][..],
        &["report", "--format", "html", "--names=false"],
        &["report", "--format", "json"],
        &["report", "--format", "ndjson"],
        &["report", "--format", "csv"],
        &["report", "--format", "csv", "--names"],
    ] {
        let shown = printed(&world, args);
        assert!(
            !shown.contains(&name) && shown.contains(&id),
            "{args:?}: the ledger keeps no principal name"
        );
    }
}

#[test]
fn without_a_tenant_the_display_name_stands_there() {
    let mut world = World::new(46, 31);
    world.json(0, &["run"]);
    let held = world.of(Part::Administrator).id;
    let user = world.tenant.user(held).unwrap();
    let lines = world.json(0, &["report", "--held", "--names"]);
    let line = lines.as_array().unwrap().iter().find(|line| line["user_id"] == held.to_string()).unwrap();
    let display_name = line["display_name"].as_str().unwrap();
    world.env.remove("AZURE_CLIENT_SECRET");
    let shown = printed(&world, &["report", "--held", "--names"]);
    assert!(shown.contains(display_name) && !shown.contains(&user.user_principal_name), "{shown}");
}

#[test]
fn mails_go_to_each_user_once_by_name() {
    let world = World::new(60, 33);
    world.json(0, &["run"]);
    let mails = printed(&world, &["report", "--format", "mail", "--outcome", "would_roll_back"]);
    let eligible = world.outcomes().values().filter(|outcome| *outcome == "would_roll_back").count();
    assert!(eligible > 3);
    let to: std::collections::BTreeSet<&str> =
        mails.lines().filter(|line| line.starts_with("To: ")).collect();
    assert_eq!((to.len(), mails.matches("Subject: ").count()), (eligible, eligible));
    assert!(to.iter().all(|line| line.contains('@') && line.contains('(')), "{to:?}");
}

#[test]
fn the_page_groups_by_what_to_do_and_shows_window_forecast_and_evidence() {
    let world = World::new(60, 33);
    world.json(0, &["run"]);
    let page = printed(&world, &["report", "--format", "html"]);
    for shown in [
        "id=\"forecast\"",
        "class=\"band\"",
        "Where each method comes from",
        "INCLUDE_ADMINISTRATORS for all",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    let steps = page.matches("<h3>").count();
    let people = page.matches("<details").count();
    assert!(steps > 3 && steps < people, "{steps} steps for {people} people");
}
