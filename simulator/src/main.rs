//! Serves a populated tenant on loopback, for trying the rollback out without a real one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use clap::{Parser, ValueEnum};
use jiff::{Timestamp, Unit};
use simulator::{Budget, Cast, Faults, Limit, Options, Population, Standing, Tenant, variables};
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
    /// How many requests below users/…/authentication pass in how many seconds
    #[arg(long, value_name = "REQUESTS/SECONDS", default_value = "10/2", value_parser = limit)]
    authentication_limit: Limit,
    /// How many requests for the audit log and the reports pass in how many seconds
    #[arg(long, value_name = "REQUESTS/SECONDS", default_value = "5/10", value_parser = limit)]
    report_limit: Limit,
    /// How many records a page of the audit log has at most
    #[arg(long, value_name = "RECORDS", default_value_t = 1000)]
    audit_page_size: usize,
    /// How many milliseconds an answer is under way, drawn from this range
    #[arg(long, value_name = "FROM-TO", default_value = "0", value_parser = range)]
    latency: (u64, u64),
    /// How many seconds a deleted method still shows in lists, drawn from this range
    #[arg(long, value_name = "FROM-TO", default_value = "10", value_parser = range)]
    removal_delay: (u64, u64),
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

fn limit(text: &str) -> Result<Limit, String> {
    let parts = text.split_once('/').and_then(|(requests, seconds)| {
        Some((requests.parse::<usize>().ok()?, seconds.parse::<u64>().ok()?))
    });
    match parts {
        Some((requests @ 1.., seconds @ 1..)) => Ok(Limit { requests, period: Duration::from_secs(seconds) }),
        _ => Err("must be two whole numbers above 0, like 60/10".to_owned()),
    }
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) if from <= to => Ok((from, to)),
        _ => Err("must be a whole number, or two like 20-300".to_owned()),
    }
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
    options.authentication_limit = arguments.authentication_limit;
    options.report_limit = arguments.report_limit;
    options.audit_page_size = arguments.audit_page_size;
    let (least, most) = arguments.latency;
    options.latency = Duration::from_millis(least)..=Duration::from_millis(most);
    let (least, most) = arguments.removal_delay;
    options.removal_delay = Duration::from_secs(least);
    options.removal_spread = Duration::from_secs(most - least);
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
        assert!(limit("60").is_err() && limit("0/10").is_err() && limit("60/10").is_ok());
        assert!(range("9-3").is_err() && range("x").is_err() && range("3-9") == Ok((3, 9)));
    }
}
