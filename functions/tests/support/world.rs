//! A simulated tenant on loopback, the stack, and the functions between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use simulator::{Budget, Cast, Options, Part, Population, Resident, Tenant};
use tokio::task::JoinHandle;

use super::{
    doubles::{Service, aws_env},
    lambda::Function,
    mapping::Mapping,
    now,
    proxy::Proxy,
    stack::Stack,
};

/// A tenant that is served, and all that a deployment has.
pub struct World {
    pub tenant: Tenant,
    pub cast: Cast,
    pub options: Options,
    pub stack: Stack,
    /// What the functions take for AWS.
    pub proxy: Proxy,
    /// The functions' settings.
    pub env: BTreeMap<String, String>,
    /// Methods whose loss would harm somebody, as the tenant itself knows.
    harmful: BTreeSet<(uuid::Uuid, String)>,
    serving: JoinHandle<()>,
}

impl World {
    /// A tenant full of people, with neither budget nor delays.
    pub async fn new(service: &Service, users: usize, seed: u64) -> Self {
        Self::with(service, users, seed, |_| ()).await
    }

    pub async fn with(service: &Service, users: usize, seed: u64, change: impl FnOnce(&mut Options)) -> Self {
        Self::make(service, users, seed, change, Tenant::populate).await
    }

    /// A tenant with just these people.
    pub async fn with_parts(service: &Service, parts: &[Part], seed: u64) -> Self {
        let populate = |tenant: &Tenant, population: &Population| tenant.populate_with(population, parts);
        Self::make(service, parts.len(), seed, |_| (), populate).await
    }

    async fn make(
        service: &Service,
        users: usize,
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
            users,
            window_start: at - Duration::from_hours(240),
            window_end: at - Duration::from_hours(48),
        };
        let tenant = Tenant::new(options.clone());
        let cast = populate(&tenant, &population);
        let harmful =
            tenant.harmful((population.window_start, population.window_end + Duration::from_hours(24)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let served = tenant.clone();
        let serving = tokio::spawn(async move { served.serve(listener).await.unwrap() });
        let stack = Stack::create(service).await;
        let proxy = Proxy::before(&stack.endpoint).await;
        let secret = stack.secret(&options.client_secret).await;
        let mut env = simulator::variables(&options, &population, &cast);
        env.remove("AZURE_CLIENT_SECRET");
        env.extend([
            ("AZURE_AUTHORITY_HOST", address.clone()),
            ("GRAPH_ENDPOINT", address),
            ("GRAPH_CREDENTIAL", "secret".to_owned()),
            ("GRAPH_CREDENTIAL_SECRET_ARN", secret),
            ("GRAPH_REQUESTS_PER_SECOND", "200".to_owned()),
            ("GRAPH_REPORTS_PER_10_SECONDS", "1000".to_owned()),
            ("MAX_ROLLBACKS_PER_DAY", "5000".to_owned()),
            ("QUEUE_URL", stack.queue_url.clone()),
            ("DEAD_LETTER_QUEUE_URL", stack.dead_letter_queue_url.clone()),
            ("LEDGER_TABLE", stack.table.clone()),
            ("DRAIN_CONCURRENCY", "2".to_owned()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
            ("AWS_LAMBDA_LOG_LEVEL", "DEBUG".to_owned()),
        ]);
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value));
        let env = env.chain(aws_env(&proxy.endpoint())).collect();
        Self { tenant, cast, options, stack, proxy, env, harmful, serving }
    }

    /// A function with this world's settings and those that are named.
    pub fn function(&self, name: &str, binary: impl AsRef<Path>, more: &[(&str, &str)]) -> Function {
        let mut env = self.env.clone();
        env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Function::new(name, binary, env)
    }

    /// What stands between the queue and the drains; it does not go through the proxy.
    pub fn mapping(&self) -> Mapping {
        Mapping::new(&self.stack)
    }

    pub fn of(&self, part: Part) -> &Resident {
        self.cast.residents.iter().find(|resident| resident.part == part).unwrap()
    }

    pub fn strong_methods(&self, resident: &Resident) -> usize {
        let methods = self.tenant.user(resident.id).map(|user| user.methods).unwrap_or_default();
        let is_strong = |kind: &str| ["phone", "microsoftAuthenticator", "softwareOath"].contains(&kind);
        methods.iter().filter(|method| is_strong(method.kind.as_str())).count()
    }

    /// What must hold whatever happened, as the tenant's journal shows it.
    pub fn assert_safe(&self) {
        testkit::safety::assert_safe(&self.tenant, &self.cast, &self.harmful);
    }

    /// Every user as the tenant's own script expects it, in the tenant and in these outcomes by user
    /// id (`outcome` or `outcome(reason)`).
    pub fn assert_as_expected(&self, outcomes: &BTreeMap<String, String>) {
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

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
