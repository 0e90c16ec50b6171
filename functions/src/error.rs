//! Why an invocation failed.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use lambda_runtime::Diagnostic;
use shared::{ledger::LedgerError, poll::PollError};

/// The error that Lambda is told. It is already in the log.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The function does not take such an event.
    #[error("{0}")]
    Event(&'static str),
    /// The poll failed; the next one continues where it ended.
    #[error("{0}")]
    Poll(#[from] PollError),
    /// It panicked; the log says where.
    #[error("it panicked")]
    Panicked,
    /// The ledger did not answer, or cannot be used.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
}

impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        let error_type = match error {
            InvocationError::Event(_) => "UnknownEvent",
            InvocationError::Poll(_) => "PollFailed",
            InvocationError::Panicked => "Panicked",
            InvocationError::Ledger(_) => "LedgerFailed",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}

/// Runs `done`, and turns a panic into an error without its text, which may quote what it was about.
pub async fn caught<T>(done: impl Future<Output = Result<T, InvocationError>>) -> Result<T, InvocationError> {
    AssertUnwindSafe(done).catch_unwind().await.unwrap_or(Err(InvocationError::Panicked))
}
