//! `demo`: the whole job on a simulated tenant, and a look at the tenant afterwards.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Context;
use jiff::SignedDuration;
use serde_json::json;
use shared::{
    clock::Clock,
    credentials::ClientSecret,
    domain::{outcome::Outcome, state::UserState},
    poll::ScanRequest,
    settings::{Mode, Settings},
};
use simulator::{Budget, Cast, Options, Population, Tenant};

use super::{
    demo_check, results,
    run::{HONEST_LIMITS, check, confirmed_drain},
};
use crate::{
    args::{Format, How},
    engine::Engine,
    error::{CommandError, Exit},
    output,
    progress::Progress,
    sqlite::Database,
};

/// The result of one stage: the mode, and the users handled in it.
struct Stage {
    mode: Mode,
    users: BTreeMap<shared::domain::ids::UserId, UserState>,
}

pub(super) async fn demo(
    users: u32,
    seed: u64,
    ledger: Option<PathBuf>,
    format: Format,
) -> Result<Exit, CommandError> {
    let clock = Clock::system();
    let now = clock.now();
    let population = Population {
        users: users as usize,
        window_start: now - SignedDuration::from_hours(10 * 24),
        window_end: now - SignedDuration::from_hours(2 * 24),
    };
    let options = options(seed, &clock);
    let tenant = Tenant::new(options.clone());
    let cast = tenant.populate(&population);
    let listener =
        tokio::net::TcpListener::bind("127.0.0.1:0").await.context("no port on loopback is free")?;
    let address = format!("http://{}", listener.local_addr()?);
    let served = tenant.clone();
    tokio::spawn(async move { served.serve(listener).await });

    let say = |line: &str| {
        if format == Format::Table {
            output::say!("{line}");
        }
    };
    let registered = cast.residents.iter().filter(|resident| resident.registered).count();
    say(&format!(
        "A simulated tenant with {users} users at {address}. The preview was on from {} to {};\n{registered} of them registered meanwhile, among them administrators, guests and break-glass accounts.",
        population.window_start.strftime("%Y-%m-%d"),
        population.window_end.strftime("%Y-%m-%d"),
    ));

    let path = ledger.unwrap_or_else(|| {
        std::env::temp_dir().join(format!("mfa-rollback-demo-{}.ledger", options.tenant_id))
    });
    remove_old(&path)?;
    let vars = variables(&options, &population, &cast, &address);
    let database = Database::open(&path, clock.clone())?;
    let (first, secret) = settings(&vars, Mode::Report)?;
    let before = demo_check::Before::of(&tenant, &cast, first.policy.window);
    let mut engine = Engine::open(first, secret, database, clock).await?;
    let mut stages = Vec::new();
    for mode in [Mode::Report, Mode::Canary, Mode::Enforce] {
        engine = engine.in_mode(settings(&vars, mode)?.0);
        say(match mode {
            Mode::Report => "\n1. Mode report: decide on everybody, delete nothing.",
            Mode::Canary => "\n2. Mode canary: roll back the members of the canary group only.",
            Mode::Enforce => "\n3. Mode enforce: roll back everybody who is eligible.",
        });
        if mode == Mode::Enforce {
            say(HONEST_LIMITS);
        }
        let stage = stage(&engine, mode).await?;
        if format == Format::Table {
            output::say!("{}", output::table(&results::outcomes_table(stage.users.values())));
        }
        stages.push(stage);
    }

    if format == Format::Table {
        output::say!("\nWhat was left alone, and why:");
        output::say!("{}", output::table(&demo_check::left_alone(&engine, &cast).await?));
    }
    let checks = demo_check::check(&tenant, &cast, &before, &engine).await?;
    let good = checks.iter().all(|check| check.holds);
    if format == Format::Table {
        output::say!("\nThe tenant itself, and its journal of {} requests:", tenant.journal().len());
        for check in &checks {
            output::say!("  {} {}", if check.holds { "ok  " } else { "FAIL" }, check.what);
        }
        output::say!("\nLook further: mfa-rollback report --ledger {}", path.display());
    } else {
        output::write_json(
            format,
            &json!({
                "users": users,
                "registered": registered,
                "stages": stages.iter().map(summary).collect::<Vec<_>>(),
                "checks": checks,
            }),
        )?;
    }
    Ok(if good { Exit::Done } else { Exit::Incomplete })
}

fn options(seed: u64, clock: &Clock) -> Options {
    let clock = clock.clone();
    let mut options = Options::new(seed, move || clock.now());
    // A demo is short: no throttling, and deleted methods disappear at once.
    options.budget = Budget::Off;
    options.removal_delay = std::time::Duration::ZERO;
    options
}

fn variables(
    options: &Options,
    population: &Population,
    cast: &Cast,
    address: &str,
) -> BTreeMap<&'static str, String> {
    let mut variables = simulator::variables(options, population, cast);
    variables.extend([
        ("AZURE_AUTHORITY_HOST", address.to_owned()),
        ("GRAPH_ENDPOINT", address.to_owned()),
        ("CANARY_GROUP_ID", cast.canary_group.to_string()),
        ("MAX_ROLLBACKS_PER_DAY", population.users.to_string()),
        ("GRAPH_REQUESTS_PER_SECOND", "50".to_owned()),
        ("GRAPH_REPORTS_PER_10_SECONDS", "1000".to_owned()),
    ]);
    variables
}

fn settings(
    vars: &BTreeMap<&'static str, String>,
    mode: Mode,
) -> Result<(Settings, ClientSecret), CommandError> {
    let lookup = |name: &str| if name == "MODE" { Some(mode.to_string()) } else { vars.get(name).cloned() };
    Ok(super::read(lookup)?)
}

/// Removes an old ledger: each demo starts with an empty one.
fn remove_old(path: &std::path::Path) -> Result<(), CommandError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(CommandError::input(format!("{}: {error}", path.display())));
            }
            _ => {}
        }
    }
    Ok(())
}

async fn stage(engine: &Engine, mode: Mode) -> Result<Stage, CommandError> {
    check(engine).await?;
    let progress = Progress::start("reading the audit log");
    let seen = progress.clone();
    let summary = engine.run.poll(ScanRequest::Scheduled, &|summary| seen.scanned(summary)).await;
    progress.done();
    summary?;
    let drained = confirmed_drain(engine, None, &How { yes: true, ..How::default() }, &progress).await?;
    if let Some(stop) = drained.stop {
        return Err(stop.into());
    }
    Ok(Stage { mode, users: drained.users })
}

fn summary(stage: &Stage) -> serde_json::Value {
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for outcome in stage.users.values().filter_map(UserState::outcome) {
        *outcomes.entry(Outcome::to_string(&outcome)).or_default() += 1;
    }
    json!({ "mode": stage.mode, "outcomes": outcomes })
}
