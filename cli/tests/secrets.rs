//! Invariant 9: nothing that is written tells the client secret, a token, a phone number or a principal name,
//! with as much logged as anybody can ask for.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::process::Output;

use simulator::{Faults, Part, Secrets};

use crate::support::World;

/// Runs everything there is, with the log at trace level, and gathers whatever was written anywhere.
fn everything(world: &World) -> Vec<(String, Vec<u8>)> {
    let log = world.path("log");
    let log = log.to_str().unwrap();
    let mut written = Vec::new();
    let mut run = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = world.command(args);
        let Output { stdout, stderr, .. } =
            command.args(["--log", log]).env("RUST_LOG", "trace").envs(env.iter().copied()).output().unwrap();
        written.extend([(format!("{}: output", args[0]), stdout), (format!("{}: errors", args[0]), stderr)]);
    };
    let id = world.of(Part::Administrator).id.to_string();
    let number = world.of(Part::Phone).id.to_string();
    run(&["doctor"], &[]);
    run(&["run"], &[]);
    run(&["rollback", "--path", world.path("ids.txt").to_str().unwrap(), "--reason", "asked"], &[]);
    run(&["run", "--mode", "enforce", "--yes", "--format", "json"], &[]);
    run(&["explain", &id], &[]);
    run(&["explain", &number], &[]);
    run(&["diagnose", &number], &[]);
    run(&["report"], &[]);
    run(&["report", "--held"], &[]);
    run(&["status"], &[]);
    run(&["verify"], &[]);
    run(&["report", "--evidence", world.path("evidence.json").to_str().unwrap()], &[]);
    // A secret that is wrong is no less secret.
    run(&["run"], &[("AZURE_CLIENT_SECRET", "wr0ng~secret-of.the-app")]);
    run(
        &["explain", &world.of(Part::Phone).user_principal_name],
        &[("GRAPH_ENDPOINT", "http://127.0.0.1:9")],
    );
    for entry in std::fs::read_dir(world.folder.path()).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() && entry.file_name() != "ids.txt" {
            written.push((
                entry.file_name().to_string_lossy().into_owned(),
                std::fs::read(entry.path()).unwrap(),
            ));
        }
    }
    written
}

fn world(seed: u64) -> (World, Secrets) {
    let world = World::with(60, seed, |options| "s3cret~of.the-app".clone_into(&mut options.client_secret));
    // By name and by id, some of them unknown.
    let named: Vec<&str> =
        world.cast.residents.iter().map(|resident| resident.user_principal_name.as_str()).take(20).collect();
    std::fs::write(world.path("ids.txt"), named.join("\n")).unwrap();
    let secrets = world.tenant.secrets();
    (world, secrets)
}

#[test]
fn nothing_that_is_written_tells_a_secret() {
    let (world, secrets) = world(81);
    world.tenant.set_faults(Faults::spread(0.02, std::time::Duration::from_millis(5)));
    let written = everything(&world);
    let secrets = secrets.and(world.tenant.secrets());
    for (what, least) in
        [("the client secret", 4), ("an access token", 1), ("a phone number", 20), ("a principal name", 60)]
    {
        assert!(secrets.count(what) >= least, "{what}: {}", secrets.count(what));
    }
    let log = written.iter().find(|(place, _)| place == "log").unwrap();
    assert!(
        String::from_utf8_lossy(&log.1).contains("\"level\":\"DEBUG\""),
        "the log is not at its most verbose"
    );
    assert!(world.tenant.journal().iter().any(|entry| entry.method == "DELETE" && entry.acted));
    // Whoever asks about one user is told the name.
    let but_names = secrets.clone().but("a principal name");
    for (place, bytes) in &written {
        let is_explained = ["explain: output", "diagnose: output"].contains(&place.as_str());
        let secrets = if is_explained { &but_names } else { &secrets };
        assert_eq!(secrets.told_in(bytes), None, "{place}");
        let text = String::from_utf8_lossy(bytes);
        for form in ["eyJ", "Bearer ", "client_secret=", "wr0ng~"] {
            assert!(!text.contains(form), "{place}: {form}");
        }
    }
}

#[test]
fn principal_names_are_told_where_they_are_asked_for_and_then_found() {
    let (mut world, secrets) = world(82);
    world.env.insert("LOG_USER_PRINCIPAL_NAMES".into(), "true".into());
    let written = everything(&world);
    let told = |(_, bytes): &&(String, Vec<u8>)| secrets.told_in(bytes).is_some();
    let found: Vec<_> = written.iter().filter(told).collect();
    assert!(!found.is_empty(), "this test could not fail");
    let others = secrets.but("a principal name");
    for (place, bytes) in &written {
        assert_eq!(others.told_in(bytes), None, "{place}");
    }
}
