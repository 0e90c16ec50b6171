//! A simulated tenant on loopback and the real binary against it.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its part of it")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

use jiff::Timestamp;
use simulator::{Budget, Cast, Options, Part, Population, Resident, Tenant};

/// A tenant that is served on loopback, and a folder for ledgers and files.
pub struct World {
    pub tenant: Tenant,
    pub cast: Cast,
    pub options: Options,
    pub folder: tempfile::TempDir,
    pub env: BTreeMap<String, String>,
    /// Methods whose loss would harm somebody, as the tenant itself knows.
    harmful: BTreeSet<(uuid::Uuid, String)>,
    _runtime: tokio::runtime::Runtime,
}

#[expect(clippy::disallowed_methods, reason = "the binary under test goes by the system's clock, too")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

impl World {
    /// A tenant full of people, with neither budget nor delays.
    pub fn new(users: usize, seed: u64) -> Self {
        Self::with(users, seed, |_| ())
    }

    pub fn with(users: usize, seed: u64, change: impl FnOnce(&mut Options)) -> Self {
        Self::populated(seed, change, |tenant, population| {
            tenant.populate(&Population { users, ..population.clone() })
        })
    }

    /// A tenant with one person in each of these situations.
    pub fn of_parts(parts: &[Part], seed: u64) -> Self {
        Self::populated(seed, |_| (), |tenant, population| tenant.populate_with(population, parts))
    }

    fn populated(
        seed: u64,
        change: impl FnOnce(&mut Options),
        populate: impl FnOnce(&Tenant, &Population) -> Cast,
    ) -> Self {
        let mut options = Options::new(seed, now);
        options.budget = Budget::Off;
        options.removal_delay = Duration::ZERO;
        change(&mut options);
        let at = now();
        let population = Population {
            users: 0,
            window_start: at - Duration::from_hours(240),
            window_end: at - Duration::from_hours(48),
        };
        let tenant = Tenant::new(options.clone());
        let cast = populate(&tenant, &population);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let served = tenant.clone();
        runtime.spawn(async move { served.serve(listener).await });
        let mut env = simulator::variables(&options, &population, &cast);
        env.extend([
            ("AZURE_AUTHORITY_HOST", address.clone()),
            ("GRAPH_ENDPOINT", address),
            ("GRAPH_REQUESTS_PER_SECOND", "200".to_owned()),
            ("GRAPH_REPORTS_PER_10_SECONDS", "1000".to_owned()),
            ("MAX_ROLLBACKS_PER_DAY", "5000".to_owned()),
        ]);
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let harmful =
            tenant.harmful((population.window_start, population.window_end + Duration::from_hours(24)));
        Self { tenant, cast, options, folder: tempfile::tempdir().unwrap(), env, harmful, _runtime: runtime }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary with this world's settings and ledger, and nothing else of the environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = binary();
        command.envs(&self.env).args(args).arg("--ledger").arg(self.path("ledger"));
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs it, expects this exit code, and reads its output as JSON.
    pub fn json(&self, exit: i32, args: &[&str]) -> serde_json::Value {
        let mut args = args.to_vec();
        args.extend(["--format", "json"]);
        let output = self.run(&args);
        assert_eq!(output.status.code(), Some(exit), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn of(&self, part: Part) -> &Resident {
        self.cast.residents.iter().find(|resident| resident.part == part).unwrap()
    }

    /// Outcomes by user id, as the ledger has them.
    pub fn outcomes(&self) -> BTreeMap<String, String> {
        let report = self.json(0, &["report"]);
        report
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|line| Some((line["user_id"].as_str()?.to_owned(), outcome(line))))
            .collect()
    }

    pub fn strong_methods(&self, resident: &Resident) -> usize {
        let methods = self.tenant.user(resident.id).map(|user| user.methods).unwrap_or_default();
        methods
            .iter()
            .filter(|method| {
                ["phone", "microsoftAuthenticator", "softwareOath"].contains(&method.kind.as_str())
            })
            .count()
    }

    /// What must hold whatever happened: design §7 as the tenant's journal shows it.
    pub fn assert_safe(&self) {
        testkit::safety::assert_safe(&self.tenant, &self.cast, &self.harmful);
    }

    /// Every user as the tenant's own script expects it, in tenant and ledger.
    pub fn assert_as_expected(&self) {
        let outcomes = self.outcomes();
        for resident in &self.cast.residents {
            let got = outcomes.get(&resident.id.to_string()).map_or("none", String::as_str);
            let expected = match resident.part {
                Part::AmbiguousEvent => "none",
                role => role.expected(),
            };
            assert_eq!(got, expected, "{:?}", resident.part);
            if got == "rolled_back" {
                assert_eq!(self.strong_methods(resident), 0, "{:?}", resident.part);
            }
        }
    }
}

/// The binary with an empty environment.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mfa-rollback"));
    command.env_clear().stdin(Stdio::null());
    command
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `outcome(reason)` of a line of JSON.
pub fn outcome(line: &serde_json::Value) -> String {
    let outcome = line["outcome"].as_str().unwrap();
    match line["reason"].as_str() {
        Some(reason) => format!("{outcome}({reason})"),
        None => outcome.to_owned(),
    }
}
