//! Whoever Graph shows enough of is found, and nobody else. `explained.rs` compares the situations with what a person says
//! of them; here are lives that are drawn by lot.

use jiff::Timestamp;
use simulator::{By, Part};

use crate::support::World;

#[test]
fn every_authenticator_without_a_date_is_proven_by_its_record() {
    let mut parts = vec![Part::Mixed; 900];
    parts.push(Part::BreakGlass);
    let world = World::of_parts(&parts, 61);
    world.json(0, &["run"]);
    let at = |name: &str| world.env[name].parse::<Timestamp>().unwrap();
    let (start, end) = (at("PREVIEW_ENABLED_AT"), at("REGISTERED_UNTIL"));
    let (mut in_log, mut in_no_log) = (0, 0);
    for user in world.tenant.users() {
        let apps: Vec<_> = user.methods.iter().filter(|it| it.kind == "microsoftAuthenticator").collect();
        let [app] = apps.as_slice() else { continue };
        let is_of_window = (start..=end).contains(&app.origin.came_at) && app.origin.by == By::User;
        if app.created.is_some() || !is_of_window {
            continue;
        }
        if !world.tenant.log_shows_that_app_came(user.id, &app.id, start) {
            in_no_log += 1;
            continue;
        }
        in_log += 1;
        let explained = world.json(0, &["explain", &user.id.to_string()]);
        let methods = explained["decision"]["methods"].as_array().unwrap();
        let told = methods.iter().find(|method| method["id"] == app.id).unwrap();
        assert_eq!(told["origin"], "of_window", "{}: {told}", user.id);
    }
    println!("{in_log} proven, {in_no_log} without a whole record");
    assert!(in_log >= 50 && in_no_log > 0);
}
