//! Wires the program together, in this one place. [`Process`] holds what lives as long as a process, [`Run`]
//! what lives as long as an invocation or a command. Lambda, the CLI and the fault schedules each bring their
//! own ledger, queue, transport, clock and lease term, and from there on run the same code: [`Run::poll`],
//! [`Run::drain`], [`Run::explain`] and [`Run::intake`].

mod run;
mod scope;

pub use self::{
    run::Run,
    scope::{LeaseTerm, Process, Scope},
};
