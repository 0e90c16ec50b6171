//! Bad settings, files and tenants: one clear error each, and nothing is lost.

use simulator::{Part, Premium};

use crate::support::{World, binary, text};

#[test]
fn all_faults_in_the_settings_are_said_at_once() {
    let output = binary()
        .args(["run"])
        .env("MODE", "destroy")
        .env("PREVIEW_DISABLED_AT", "tomorrow")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    for variable in
        ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "PREVIEW_DISABLED_AT", "MODE"]
    {
        assert!(message.lines().any(|line| line.starts_with(&format!("{variable}: "))), "{message}");
    }
}

#[test]
fn enforce_without_a_terminal_needs_yes() {
    let world = World::new(40, 31);
    let output = world.run(&["run", "--mode", "enforce"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--yes"));
    assert!(world.tenant.journal().is_empty());
}

#[test]
fn nobody_excluded_is_a_setting_to_mend_before_anything_is_deleted() {
    let mut world = World::new(40, 32);
    world.env.remove("EXCLUDED_GROUP_ID");
    let output = world.run(&["run", "--mode", "enforce", "--yes"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("NO_EXCLUSIONS=true"));
    assert!(world.tenant.journal().iter().all(|entry| entry.method != "DELETE"));
    assert_eq!(world.run(&["run"]).status.code(), Some(0), "mode report still decides");
}

#[test]
fn a_wrong_secret_ends_with_3_and_says_what_to_look_at() {
    let mut world = World::new(40, 33);
    world.env.insert("AZURE_CLIENT_SECRET".into(), "wrong".into());
    let output = world.run(&["run"]);
    assert_eq!(output.status.code(), Some(3));
    let message = text(&output.stderr);
    assert!(message.contains("AADSTS7000215") && message.contains("AZURE_CLIENT_SECRET"), "{message}");
}

#[test]
fn a_missing_permission_is_named_with_where_to_grant_it() {
    for missing in ["AuditLog.Read.All", "Policy.Read.All", "RoleManagement.Read.Directory"] {
        let world =
            World::with(40, 34, |options| options.permissions.retain(|permission| permission != missing));
        let output = world.run(&["run"]);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(message.contains(missing) && message.contains("admin consent"), "{message}");
    }
}

#[test]
fn without_permission_to_delete_report_works_and_enforce_does_not() {
    let world = World::with(40, 35, |options| {
        options.permissions.retain(|permission| permission != "UserAuthenticationMethod.ReadWrite.All");
        options.permissions.push("UserAuthenticationMethod.Read.All".to_owned());
    });
    assert_eq!(world.run(&["run"]).status.code(), Some(0));
    let output = world.run(&["run", "--mode", "enforce", "--yes"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("UserAuthenticationMethod.ReadWrite.All"));
    assert!(world.tenant.journal().iter().all(|entry| entry.method != "DELETE"));
}

#[test]
fn a_tenant_without_premium_is_told_so() {
    let world = World::with(40, 36, |options| options.premium = Premium::Free);
    let output = world.run(&["run"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("P1 or P2"), "{}", text(&output.stderr));
}

#[test]
fn a_tenant_out_of_reach_ends_with_3() {
    let mut world = World::new(40, 37);
    for name in ["GRAPH_ENDPOINT", "AZURE_AUTHORITY_HOST"] {
        world.env.insert(name.into(), "http://127.0.0.1:9".into());
    }
    let output = world.run(&["run"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}

#[test]
fn another_tenants_ledger_is_refused_and_stays_as_it_is() {
    let world = World::new(40, 38);
    world.json(0, &["run"]);
    let mut other = World::new(40, 39);
    other.env.remove("none");
    let output = other.command(&["run"]).arg("--ledger").arg(world.path("ledger")).output().unwrap();
    // The option given twice is refused by itself; give it once.
    assert_eq!(output.status.code(), Some(2));
    let mut command = binary();
    let output =
        command.envs(&other.env).args(["run", "--ledger"]).arg(world.path("ledger")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("belongs to tenant"));
    assert!(world.outcomes().len() > 20);
}

#[test]
fn a_file_of_ids_is_taken_as_far_as_it_goes() {
    let world = World::new(40, 40);
    let path = world.path("ids.txt");
    let id = world.of(simulator::Part::Phone).id;
    std::fs::write(&path, format!("{id}\nnobody\n\n{id}\nghost@contoso.example\nno one\n")).unwrap();
    let output = world.run(&["rollback", "--path", path.to_str().unwrap(), "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains(":2: neither an object id"), "{message}");
    assert!(message.contains("(and 1 more like it, the last on line 6)"), "{message}");
    assert!(message.contains(":5: nobody in this tenant"), "{message}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["users"].as_array().unwrap().len(), 1);
    for (name, bytes) in [("empty.txt", ""), ("none.txt", "# nobody\n")] {
        std::fs::write(world.path(name), bytes).unwrap();
        let output = world.run(&["rollback", "--path", world.path(name).to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("nobody"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_file_that_is_no_ledger_is_said_to_be_none() {
    let world = World::new(40, 41);
    std::fs::write(world.path("ledger"), "this is a letter, not a ledger").unwrap();
    let output = world.run(&["run"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("is not a ledger"), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(world.path("ledger")).unwrap(), "this is a letter, not a ledger");
}

#[test]
fn named_users_whose_item_cannot_be_used_are_said_and_the_others_are_handled() {
    let world = World::new(40, 42);
    let export = world.path("export.json");
    std::fs::write(&export, serde_json::to_vec(&world.tenant.events()).unwrap()).unwrap();
    let mut users = [Part::Phone, Part::Authenticator, Part::Guest].map(|part| world.of(part).id.to_string());
    users.sort();
    let ids = world.path("ids.txt");
    std::fs::write(&ids, users.join("\n")).unwrap();
    world.json(0, &["run"]);
    let ledger = rusqlite::Connection::open(world.path("ledger")).unwrap();
    for (user, change) in [(&users[0], "schema = schema + 1"), (&users[1], "body = '{'")] {
        let change = format!("UPDATE documents SET {change} WHERE pk = ?1 AND sk = 'STATE'");
        assert_eq!(ledger.execute(&change, [format!("USER#{user}")]).unwrap(), 1);
    }
    let rollback = |option: &str, file: &std::path::Path| {
        let output = world.run(&["rollback", option, file.to_str().unwrap(), "--format", "json"]);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{option}: {message}");
        for (user, why) in [(&users[0], "newer version"), (&users[1], "cannot be read")] {
            let said = format!("user {user} is passed over: ");
            let lines: Vec<&str> = message.lines().filter(|line| line.starts_with(&said)).collect();
            assert!(lines.len() == 1 && lines[0].contains(why), "{option}: {message}");
        }
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let handled = result["users"].as_array().unwrap().iter();
        handled.map(|user| user["user_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rollback("--audit-log", &export), [""; 0], "they were all decided on before");
    assert_eq!(rollback("--path", &ids), users[2..]);
}

#[test]
fn a_user_who_is_left_for_a_newer_version_is_in_the_log() {
    let world = World::new(40, 43);
    let log = world.path("log");
    world.json(0, &["run"]);
    let user = world.of(Part::Phone).id.to_string();
    let ledger = rusqlite::Connection::open(world.path("ledger")).unwrap();
    let newer = "UPDATE documents SET schema = schema + 1 WHERE pk = ?1 AND sk = 'STATE'";
    ledger.execute(newer, [format!("USER#{user}")]).unwrap();
    let message = serde_json::json!({
        "schema": 1,
        "user_id": user,
        "run_id": "11111111-1111-1111-1111-111111111111",
        "enqueued_at": "2026-03-01T00:00:00Z"
    });
    let send = "INSERT INTO messages (user_id, body, visible_at) VALUES (?1, ?2, '')";
    ledger.execute(send, [&user, &message.to_string()]).unwrap();
    world.json(1, &["run", "--log", log.to_str().unwrap()]);
    let log = std::fs::read_to_string(log).unwrap();
    let line = log.lines().find(|line| line.contains("left for a newer version")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["level"], &line["user.id"]), (&"WARN".into(), &user.into()), "{line}");
}
