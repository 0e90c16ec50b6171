//! `report --evidence`: everything on record as one file for auditors.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use serde::Serialize;
use shared::{
    clock::Clock,
    ledger::Ledger,
    verify::evidence::{self, EvidenceError, Written},
};

use super::{existing, who};
use crate::{
    args::Format,
    error::{CommandError, Exit},
    output,
};

#[derive(Serialize)]
struct Made<'a> {
    file: &'a str,
    #[serde(flatten)]
    written: &'a Written,
}

/// Writes a new file; one that is there already stays as it is.
pub(super) async fn evidence(
    ledger: Option<PathBuf>,
    path: &Path,
    names: bool,
    format: Format,
) -> Result<Exit, CommandError> {
    if !matches!(format, Format::Table | Format::Json | Format::Ndjson) {
        return Err(CommandError::usage(
            "report --evidence writes JSON: --format table or json says what it wrote",
        ));
    }
    let (database, tenant) = existing(ledger.as_ref())?;
    let ledger = Ledger::open(std::sync::Arc::new(database), tenant, Clock::system()).await?;
    let name = output::file(path);
    let refused = |error: &io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::usage(format!(
            "{name} exists, and evidence is never written over: name another file"
        )),
        _ => CommandError::usage(format!("{name}: {error}")),
    };
    let file = new_file(path).map_err(|error| refused(&error))?;
    let written = evidence::write(&ledger, tenant, &who(), names, BufWriter::new(file)).await;
    let written = written.map_err(|error| {
        // Half of the evidence is none.
        let _ = std::fs::remove_file(path);
        match error {
            EvidenceError::Ledger(error) => error.into(),
            EvidenceError::Io(error) => refused(&error),
            EvidenceError::Damaged(..) => CommandError::usage(error.to_string()),
        }
    })?;
    let Written { on_record, history, plans, head } = &written;
    match format {
        Format::Json | Format::Ndjson => {
            output::write_json(format, &Made { file: &name, written: &written })?;
        }
        _ => {
            output::say!(
                "{name}: {on_record} users and events, {history} entries of their history, {plans} plans"
            );
            output::say!("head: {head}");
            output::say!(
                "Note the head where nobody who can change the file can change it. `verify FILE --head HEAD` compares."
            );
        }
    }
    Ok(Exit::Done)
}

/// Creates a file that only its owner may read: it says who is an administrator, and who approved what.
fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
