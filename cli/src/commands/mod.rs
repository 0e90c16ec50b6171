//! The commands, one file each.

mod brake;
mod demo;
mod demo_check;
mod diagnose;
mod doctor;
mod erase;
mod evidence;
mod explain;
mod manual;
mod names;
mod plan;
mod release;
mod report;
mod results;
mod rollback;
mod run;
mod scan;
mod second_look;
mod stack;
mod stack_plans;
mod status;
mod verify;
mod wake;

use std::path::PathBuf;

use shared::{
    clock::Clock,
    credentials::ClientSecret,
    diagnose::Question,
    domain::ids::TenantId,
    ledger::Ledger,
    settings::{Lookup, Settings, SettingsError, Vars, environment},
};

use crate::{
    args::{Args, Command, Format, How},
    engine::Engine,
    error::{CommandError, Exit},
    sqlite::Database,
};

/// Carries a command out, on this machine or on a deployed stack.
pub async fn carry_out(args: Args) -> Result<Exit, CommandError> {
    let Args { command, ledger, stack, format, log: _ } = args;
    if matches!(format, Format::Html | Format::Mail) && !matches!(command, Command::Report { .. }) {
        return Err(CommandError::usage("--format html and mail: only `report` writes pages and mails"));
    }
    match command {
        Command::Schema { of } => return manual::schema(of),
        Command::Completions { shell } => return manual::completions(shell),
        Command::Man { command } => return manual::page(command.as_deref()),
        _ => {}
    }
    if let Some(url) = stack {
        return stack::carry_out(&url, command, format).await;
    }
    match command {
        Command::Demo { users, seed } => demo::demo(users, seed, ledger, format).await,
        Command::Scan { audit_log, stamped } => scan::scan(&audit_log, stamped, format),
        Command::Run { how } => run::run(&open(&how, ledger).await?, &how, format).await,
        Command::Rollback { path, audit_log, vouch, reason, how } => {
            let input = match path {
                Some(path) => rollback::Input::Ids(path),
                None => rollback::Input::AuditLogs(audit_log, vouch),
            };
            rollback::rollback(&open(&how, ledger).await?, input, &reason, &how, format).await
        }
        Command::Explain { user } => {
            explain::explain(&open(&How::default(), ledger).await?, &user, format).await
        }
        Command::Diagnose { user, symptom, method } => {
            let question = Question { symptom, method };
            diagnose::diagnose(&open(&How::default(), ledger).await?, &user, question, format).await
        }
        Command::Release { user, event, reason } => {
            let ledger = opened(ledger).await?;
            release::release(&ledger, user, event, &reason, format).await
        }
        Command::Erase { user, reason } => erase::erase(&opened(ledger).await?, &user, &reason, format).await,
        Command::Brake { turn, reason } => brake::brake(&opened(ledger).await?, turn, &reason, format).await,
        Command::Plan(command) => plan::carry_out(&opened(ledger).await?, command, format).await,
        Command::Report { wanted, evidence: Some(file) } => {
            evidence::evidence(ledger, &file, wanted.names.unwrap_or(false), format).await
        }
        Command::Report { wanted, evidence: None } => report::report(ledger, &wanted, format).await,
        Command::Verify { file: Some(file), head } => verify::file(&file, head.as_ref(), format),
        Command::Verify { file: None, .. } => {
            existing(ledger.as_ref())?;
            verify::verify(&open(&How::default(), ledger).await?, format).await
        }
        Command::Status => status::status(ledger, format).await,
        Command::Doctor => doctor::doctor(ledger, format).await,
        Command::Redrive => Err(CommandError::usage(
            "redrive: only a deployed stack has dead letters that come back: add --stack URL",
        )),
        Command::Schema { .. } | Command::Completions { .. } | Command::Man { .. } => {
            unreachable!("these are carried out before anything is opened")
        }
    }
}

/// Opens settings, ledger and Graph client. `--mode` overrides `MODE`.
async fn open(how: &How, path: Option<PathBuf>) -> Result<Engine, CommandError> {
    let (settings, secret) = settings(how)?;
    let path = ledger_path(path, settings.tenant)?;
    let clock = Clock::system();
    let database = Database::open(&path, clock.clone())?;
    Ok(Engine::open(settings, secret, database, clock).await?)
}

fn settings(how: &How) -> Result<(Settings, ClientSecret), CommandError> {
    let mode = how.mode.map(|mode| mode.to_string());
    let lookup = |name: &str| {
        let named = (name == "MODE").then(|| mode.clone()).flatten();
        named.or_else(|| environment(name))
    };
    Ok(read(lookup)?)
}

/// Reads all settings of one machine, or returns everything that is wrong with them.
fn read(lookup: impl Lookup) -> Result<(Settings, ClientSecret), SettingsError> {
    let mut vars = Vars::new(lookup);
    let (settings, secret) = (Settings::from_vars(&mut vars), ClientSecret::from_vars(&mut vars));
    vars.finish(settings.zip(secret))
}

/// Opens the ledger alone, for commands that ask the tenant nothing.
async fn opened(path: Option<PathBuf>) -> Result<Ledger, CommandError> {
    let (database, tenant) = existing(path.as_ref())?;
    Ok(Ledger::open(std::sync::Arc::new(database), tenant, Clock::system()).await?)
}

/// Opens a ledger that already exists, and tells which tenant it belongs to.
fn existing(path: Option<&PathBuf>) -> Result<(Database, TenantId), CommandError> {
    let named = Settings::read_tenant(environment)?;
    let path = match (path, named) {
        (Some(path), _) => path.clone(),
        (None, Some(tenant)) => ledger_path(None, tenant)?,
        (None, None) => {
            return Err(CommandError::usage("name the ledger with --ledger FILE, or set AZURE_TENANT_ID"));
        }
    };
    if !path.is_file() {
        return Err(CommandError::usage(format!(
            "there is no ledger at {}: `mfa-rollback run` makes one",
            path.display()
        )));
    }
    let database = Database::open(&path, Clock::system())?;
    let bound = database.tenant()?;
    match named.or(bound) {
        Some(tenant) => Ok((database, tenant)),
        None => Err(CommandError::usage(format!("the ledger {} is empty", path.display()))),
    }
}

fn ledger_path(named: Option<PathBuf>, tenant: TenantId) -> Result<PathBuf, CommandError> {
    if let Some(path) = named {
        return Ok(path);
    }
    let folders = directories::ProjectDirs::from("", "", "mfa-rollback").ok_or_else(|| {
        CommandError::usage("this user has no data folder: name the ledger with --ledger FILE")
    })?;
    Ok(folders.data_dir().join(format!("{tenant}.ledger")))
}

/// Returns who is at the keyboard, for the record.
fn who() -> String {
    let name = ["USER", "USERNAME", "LOGNAME"].iter().find_map(|name| environment(name));
    format!("{} (command line)", name.unwrap_or_else(|| "somebody".to_owned()))
}
