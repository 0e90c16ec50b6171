//! Errors of commands, each with its exit code.

use std::io;

use shared::{
    drain::StopCause, graph::GraphError, ledger::LedgerError, poll::PollError, preflight::Fault,
    settings::SettingsError,
};

use crate::sqlite::OpenError;

/// The exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked for was done.
    Done = 0,
    /// A user failed or is partial, or some input was refused.
    Incomplete = 1,
    /// A setting, the command line or the ledger cannot be used.
    Usage = 2,
    /// The tenant refused or could not be reached.
    Tenant = 3,
}

/// Why a command ended early.
#[derive(Debug)]
pub struct CommandError {
    /// The code that the process exits with.
    pub exit: Exit,
    /// The text that `main` writes to standard error.
    pub message: String,
}

impl CommandError {
    /// Makes an error that a person fixes in the settings or on the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// Makes an error for input that was refused.
    pub fn input(message: impl Into<String>) -> Self {
        Self { exit: Exit::Incomplete, message: message.into() }
    }
}

impl From<anyhow::Error> for CommandError {
    fn from(error: anyhow::Error) -> Self {
        if let Some(error) = error.downcast_ref::<LedgerError>() {
            return error.clone().into();
        }
        Self { exit: Exit::Incomplete, message: format!("{error:#}") }
    }
}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        Self::usage(format!("{error}"))
    }
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<LedgerError> for CommandError {
    fn from(error: LedgerError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<GraphError> for CommandError {
    fn from(error: GraphError) -> Self {
        Self { exit: Exit::Tenant, message: error.to_string() }
    }
}

impl From<PollError> for CommandError {
    fn from(error: PollError) -> Self {
        match error {
            PollError::Graph(error) => error.into(),
            PollError::Ledger(error) => error.into(),
            PollError::FilterHidesEvents { .. } => Self { exit: Exit::Tenant, message: error.to_string() },
            other => Self { exit: Exit::Incomplete, message: other.to_string() },
        }
    }
}

impl From<StopCause> for CommandError {
    fn from(cause: StopCause) -> Self {
        match cause {
            StopCause::Tenant(error) => error.into(),
            StopCause::Ledger(error) => error.into(),
        }
    }
}

/// Ends the process with code 0 if nobody reads standard output any more, as after `| head`.
pub(crate) fn stop_if_nobody_reads(error: &io::Error) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        stop_if_nobody_reads(&error);
        Self { exit: Exit::Incomplete, message: error.to_string() }
    }
}

impl From<serde_json::Error> for CommandError {
    fn from(error: serde_json::Error) -> Self {
        if error.io_error_kind() == Some(io::ErrorKind::BrokenPipe) {
            stop_if_nobody_reads(&io::ErrorKind::BrokenPipe.into());
        }
        Self { exit: Exit::Incomplete, message: error.to_string() }
    }
}

impl From<csv::Error> for CommandError {
    fn from(error: csv::Error) -> Self {
        if let csv::ErrorKind::Io(error) = error.kind() {
            stop_if_nobody_reads(error);
        }
        Self { exit: Exit::Incomplete, message: error.to_string() }
    }
}

/// Turns the faults of preflight into one error. A wrong setting decides the exit code: it is quicker to fix.
pub fn preflight_failed(faults: &[Fault]) -> CommandError {
    let settings = faults.iter().any(|fault| matches!(fault, Fault::Settings { .. }));
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    CommandError {
        exit: if settings { Exit::Usage } else { Exit::Tenant },
        message: format!("nothing may be deleted yet:\n{}", lines.join("\n")),
    }
}
