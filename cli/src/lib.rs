//! `mfa-rollback` on one machine: the use cases of the common crate over an embedded ledger and
//! queue, and the commands that a person gives.

pub mod args;
pub mod commands;
pub mod engine;
pub mod error;
mod exports;
mod logging;
mod output;
mod progress;
mod report;
pub mod sqlite;
mod stack;

use std::process::ExitCode;

use clap::Parser;

/// The program: reads the command line, carries the command out, and ends with its exit code.
pub fn main() -> ExitCode {
    let args = args::Args::parse();
    let exit = match run(args) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("{}", error.message);
            error.exit
        }
    };
    ExitCode::from(exit as u8)
}

fn run(args: args::Args) -> Result<error::Exit, error::CommandError> {
    logging::start(args.log.as_deref()).map_err(|error| error::CommandError::usage(error.to_string()))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(commands::carry_out(args))
}
