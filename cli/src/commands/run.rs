//! `run`: poll and drain the tenant.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, IsTerminal, Write},
};

use shared::{
    cloud::Cloud,
    domain::ids::UserId,
    graph::GraphError,
    poll::{PollError, ScanRequest},
    preflight::Fault,
    settings::Mode,
};

use super::{results, second_look::second_look};
use crate::{
    args::{Format, How},
    engine::{Drained, Engine},
    error::{CommandError, Exit, preflight_failed},
    progress::Progress,
};

/// What the program cannot do, said before anything is deleted.
pub(super) const HONEST_LIMITS: &str = "\
Before you go on:
- Graph cannot clear MFA and keep self-service password reset: deleting a phone takes it from both.
- Deleted Authenticator and OATH registrations cannot be given back.
- Deleting methods ends no session.";

pub(super) async fn run(engine: &Engine, how: &How, format: Format) -> Result<Exit, CommandError> {
    may_ask(engine, how.yes)?;
    if engine.run.process.settings.endpoints.cloud == Cloud::China {
        return Err(CommandError::usage(
            "AZURE_CLOUD: this cloud offers no audit log through Graph: export it and use rollback --audit-log",
        ));
    }
    check(engine).await?;
    let progress = Progress::start("reading the audit log");
    let seen = progress.clone();
    let summary = engine.run.poll(ScanRequest::Scheduled, &|summary| seen.scanned(summary)).await;
    let summary = match summary {
        Err(error @ (PollError::Graph(GraphError::Unauthorized { .. }) | PollError::Ledger(_))) => {
            progress.done();
            return Err(error.into());
        }
        other => other,
    };
    // Users on record are handled even if the audit log cannot be read.
    engine.wake_pending().await?;
    let drained = confirmed_drain(engine, None, how, &progress).await?;
    let exit = results::write(engine, summary.as_ref().ok(), drained, format).await?;
    summary?;
    Ok(exit)
}

/// Returns a usage error if mode enforce has neither `--yes` nor a terminal to ask on.
pub(super) fn may_ask(engine: &Engine, yes: bool) -> Result<(), CommandError> {
    if engine.run.process.settings.mode == Mode::Enforce && !yes && !io::stdin().is_terminal() {
        return Err(CommandError::usage(
            "mode enforce asks before it deletes, and there is no terminal to ask on: add --yes",
        ));
    }
    Ok(())
}

/// Reads preflight. It must pass if the mode deletes; a missing permission is an error in every mode.
pub(super) async fn check(engine: &Engine) -> Result<(), CommandError> {
    let preflight = engine.run.process.preflight().await?;
    if engine.run.process.deletes() && !preflight.passes() {
        return Err(preflight_failed(&preflight.faults));
    }
    let unreadable: Vec<Fault> =
        preflight.faults.iter().filter(|fault| matches!(fault, Fault::Permission { .. })).cloned().collect();
    if !unreadable.is_empty() {
        return Err(preflight_failed(&unreadable));
    }
    Ok(())
}

/// Asks for confirmation if mode enforce needs it, then drains the queue.
pub(super) async fn confirmed_drain(
    engine: &Engine,
    only: Option<&BTreeSet<UserId>>,
    how: &How,
    progress: &Progress,
) -> Result<Drained, CommandError> {
    let pending = match only {
        Some(only) => only.len() as u64,
        None => engine.run.process.ledger.count("pending").await?,
    };
    if engine.run.process.settings.mode == Mode::Enforce && !how.yes && pending > 0 {
        progress.done();
        ask(engine, pending).await?;
    }
    let progress = Progress::start("");
    progress.handling(pending);
    let drained = engine.drain(only, |step| progress.handled(step)).await;
    progress.done();
    second_look(engine, drained?, only, how.wait).await
}

async fn ask(engine: &Engine, pending: u64) -> Result<(), CommandError> {
    let brake = engine.run.process.ledger.brake().await?.value;
    let free = brake.slots_free(engine.run.process.settings.limits, engine.run.process.clock.now());
    eprintln!("{pending} users are decided on now; at most {free} of them are rolled back (daily cap).");
    eprintln!("{HONEST_LIMITS}");
    eprint!("Roll back? Type yes: ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if answer.trim().eq_ignore_ascii_case("yes") {
        Ok(())
    } else {
        Err(CommandError::usage("nothing was deleted; the candidates stay on record"))
    }
}
