//! `doctor`: settings, sign-in, permissions, preflight, and what makes people register again.

use std::path::PathBuf;

use shared::{
    clock::Clock,
    doctor::{self, Check, Finding},
    ledger::Key,
    poll::Position,
    preflight::Fault,
};

use super::{How, ledger_path, settings};
use crate::{
    args::Format,
    engine::Engine,
    error::{CommandError, Exit},
    output::{self, Rows},
    sqlite::Database,
};

pub(super) async fn doctor(ledger: Option<PathBuf>, format: Format) -> Result<Exit, CommandError> {
    let (settings, secret) = settings(&How::default())?;
    let path = ledger_path(ledger, settings.tenant)?;
    let clock = Clock::system();
    let store = Database::open(&path, clock.clone())?;
    let mut checks = vec![doctor::settings(&settings), Check::ok("ledger", path.display().to_string())];
    let engine = Engine::open(settings, secret, store, clock).await?;
    let preflight = engine.run.process.preflight().await?;
    checks.extend(doctor::tenant(&engine.run.process.settings, &preflight));
    let process = &engine.run.process;
    checks.extend(doctor::window(&process.settings, &process.graph, process.clock.now()).await);
    let position = process.ledger.load::<Position>(Key::poll()).await?;
    checks.extend(doctor::audit_log(&position.value.unwrap_or_default()));
    let shown = show(&checks, format)?;
    Ok(preflight.faults.iter().fold(shown, |exit, fault| match (fault, exit) {
        (Fault::Settings { .. }, _) | (_, Exit::Usage) => Exit::Usage,
        _ => Exit::Tenant,
    }))
}

/// Writes the checks. Returns [`Exit::Done`] if nothing is missing, and [`Exit::Tenant`] otherwise.
pub(super) fn show(checks: &[Check], format: Format) -> Result<Exit, CommandError> {
    let rows = Rows {
        header: vec!["what", "result", "detail"],
        rows: checks
            .iter()
            .map(|check| {
                vec![check.what.clone(), check.result.as_str().to_owned(), output::plain(&check.detail)]
            })
            .collect(),
    };
    output::write(format, &rows, &checks)?;
    let is_missing = checks.iter().any(|check| check.result == Finding::Missing);
    Ok(if is_missing { Exit::Tenant } else { Exit::Done })
}
