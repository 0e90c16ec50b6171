//! The command line of `mfa-rollback`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mfa_rollback::main()
}
