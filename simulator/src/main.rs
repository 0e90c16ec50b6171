//! Serves a populated tenant on loopback, for trying the rollback out without a real one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use clap::{Parser, ValueEnum};
use jiff::{Timestamp, Unit};
use simulator::{Budget, Cast, Faults, Options, Population, Standing, Tenant, variables};
use tokio::net::TcpListener;

/// A simulated Microsoft Entra tenant behind Microsoft Graph and the login endpoint.
///
/// Prints the environment that the program under test needs, ready for a shell, and serves until
/// Ctrl-C. People registered from 10 days until 2 days before the start. What is really in the
/// tenant shows under /_simulator/users, and every request under /_simulator/journal.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How many users; from 46 on every situation occurs
    #[arg(long, default_value_t = 200)]
    users: usize,
    /// The same seed makes the same people and the same faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 8943)]
    port: u16,
    /// Whether to enforce Graph's request limits (5 report requests in 10 s, and so on)
    #[arg(long, value_enum, default_value_t = Limits::Real)]
    budget: Limits,
    /// How many seconds a deleted method still shows in lists
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    removal_delay: u64,
    /// Refuse to filter the audit log by target
    #[arg(long)]
    no_audit_by_target: bool,
    /// The share of requests that go wrong, from 0 to 1, spread evenly over throttling, server
    /// errors, lost connections and answers, late answers and broken pages
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    faults: f64,
    /// What is wrong for good
    #[arg(long, value_enum, value_name = "WHAT")]
    standing: Option<Standing>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Limits {
    Real,
    Off,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err("must lie between 0 and 1".to_owned()) }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await.with_context(|| {
        format!("cannot listen on port {}; --port 0 takes any that is free", arguments.port)
    })?;
    let address = format!("http://{}", listener.local_addr()?);
    let options = options(&arguments);
    // A person reads the window, so whole seconds are enough.
    let now = (options.clock)().round(Unit::Second)?;
    let population = Population {
        users: arguments.users,
        window_start: now - Duration::from_hours(10 * 24),
        window_end: now - Duration::from_hours(2 * 24),
    };
    let tenant = Tenant::new(options.clone());
    let cast = tenant.populate(&population);
    for (name, value) in environment(&options, &population, &cast, &address) {
        println!("export {name}={value}");
    }
    tokio::select! {
        served = tenant.serve(listener) => served.context("the listener failed"),
        stopped = tokio::signal::ctrl_c() => stopped.context("cannot wait for Ctrl-C"),
    }
}

fn options(arguments: &Arguments) -> Options {
    let mut options = Options::new(arguments.seed, system_time);
    options.budget = match arguments.budget {
        Limits::Real => Budget::Real,
        Limits::Off => Budget::Off,
    };
    options.removal_delay = Duration::from_secs(arguments.removal_delay);
    options.audit_by_target = !arguments.no_audit_by_target;
    let faults = Faults::spread(arguments.faults, Duration::from_secs(3));
    options.faults = Faults { standing: arguments.standing, ..faults };
    options.clock = Arc::new(system_time);
    options
}

#[expect(clippy::disallowed_methods, reason = "the one place where the simulator's time comes from")]
fn system_time() -> Timestamp {
    Timestamp::now()
}

fn environment(
    options: &Options,
    population: &Population,
    cast: &Cast,
    address: &str,
) -> BTreeMap<&'static str, String> {
    let mut variables = variables(options, population, cast);
    variables.extend([
        ("AZURE_AUTHORITY_HOST", address.to_owned()),
        ("GRAPH_ENDPOINT", address.to_owned()),
        ("CANARY_GROUP_ID", cast.canary_group.to_string()),
    ]);
    variables
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        assert!(rate("1.5").is_err() && rate("x").is_err());
    }
}
