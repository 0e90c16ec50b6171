//! All tests of the command line in one binary, which is linked once.

mod bad_input;
mod completeness;
mod diagnose;
mod documents;
mod explained;
mod faults;
mod forms;
mod hostile;
mod kill;
mod people;
mod picture;
mod plan;
mod run;
mod scan;
mod schema;
mod secrets;
mod sqlite_ledger;
mod standing;
mod support;
mod verify;
